"""RLP against the `rlp` library, and strictness."""

import pytest
import rlp as oracle  # type: ignore[import-untyped]  # ships no type stubs
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.rlp import RlpItem
from tests.unit.codec.strategies import law, rlp_items


def as_tuples(item: object) -> object:
    return tuple(as_tuples(child) for child in item) if isinstance(item, list) else item


@law
@given(rlp_items)
def test_encode__any_item__agrees_with_the_oracle_and_round_trips(item: RlpItem) -> None:
    encoded = rlp.encode(item)
    assert encoded == oracle.encode(item)
    assert rlp.decode(encoded) == item


@law
@given(st.binary(max_size=80))
def test_decode__any_bytes__takes_exactly_what_the_strict_oracle_takes(data: bytes) -> None:
    try:
        expected = as_tuples(oracle.decode(data, strict=True))
    except oracle.DecodingError:
        with pytest.raises(RlpError):
            rlp.decode(data)
        return
    decoded = rlp.decode(data)
    assert decoded == expected
    assert rlp.encode(decoded) == data


@law
@given(rlp_items, st.data())
def test_decode__one_changed_byte__is_refused_or_canonical_itself(item: RlpItem, data: st.DataObject) -> None:
    encoded = bytearray(rlp.encode(item))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = rlp.decode(bytes(encoded))
    except RlpError:
        return
    assert rlp.encode(decoded) == encoded


@pytest.mark.parametrize("length", [0, 1, 55, 56, 255, 256, 65_535, 65_536])
def test_encode__lengths_at_the_prefix_boundaries__agree_with_the_oracle(length: int) -> None:
    string = b"\xff" * length
    assert rlp.encode(string) == oracle.encode(string)
    assert rlp.decode(rlp.encode(string)) == string
    many = (b"",) * length
    assert rlp.encode(many) == oracle.encode(many)
    assert rlp.decode(rlp.encode(many)) == many


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "no bytes"),
        ("8100", "not in its shortest form"),
        ("817f", "not in its shortest form"),
        ("b80100", "not in its shortest form"),
        ("b802ffff", "not in its shortest form"),
        ("f80180", "not in its shortest form"),
        ("b90038" + "00" * 56, "not in its shortest form"),
        ("f800", "not in its shortest form"),
        ("83ffff", "beyond the end"),
        ("c3ffff", "beyond the end"),
        ("c28300", "beyond the end"),
        ("b9ff", "beyond the end"),
        ("bfffffffffffffffff", "beyond the end"),
        ("8080", "trailing"),
        ("c080", "trailing"),
    ],
)
def test_decode__not_canonical__is_refused_with_the_reason(data: str, why: str) -> None:
    with pytest.raises(RlpError, match=why):
        rlp.decode(bytes.fromhex(data))


def test_decode__nesting_at_the_limit__is_taken_and_one_more_refused() -> None:
    item: RlpItem = b""
    for _ in range(rlp.DEPTH_MAX):
        item = (item,)
    assert rlp.decode(rlp.encode(item)) == item
    with pytest.raises(RlpError, match="nested deeper"):
        rlp.decode(rlp.encode((item,)))


def test_decode__input_over_the_size_limit__is_refused_unread() -> None:
    with pytest.raises(RlpError, match="over the limit"):
        rlp.decode(bytes(rlp.BYTES_MAX + 1))


@law
@given(st.integers(0, 2**256 - 1))
def test_uint__any_integer__round_trips_minimally(value: int) -> None:
    encoded = rlp.uint(value)
    assert rlp.from_uint(encoded, 256) == value
    assert not encoded.startswith(b"\x00")


@pytest.mark.parametrize("bits", [1, 8, 24, 64, 256])
def test_from_uint__at_the_limit__is_taken_and_one_more_refused(bits: int) -> None:
    assert rlp.from_uint(rlp.uint(2**bits - 1), bits) == 2**bits - 1
    with pytest.raises(RlpError, match="does not fit"):
        rlp.from_uint(rlp.uint(2**bits), bits)


def test_uint__leading_zero_or_negative__is_refused() -> None:
    with pytest.raises(RlpError, match="leading zeros"):
        rlp.from_uint(b"\x00")
    with pytest.raises(RlpError, match="negative"):
        rlp.uint(-1)


def test_shape_helpers__wrong_shape__name_the_place() -> None:
    with pytest.raises(RlpError, match="body: expected a list, got bytes"):
        rlp.as_list(b"", place="body")
    with pytest.raises(RlpError, match="body: expected a list of 2 items, got 1"):
        rlp.as_list((b"",), 2, "body")
    with pytest.raises(RlpError, match="root: expected bytes, got a list"):
        rlp.as_bytes((), place="root")
    with pytest.raises(RlpError, match="root: expected 32 bytes, got 1"):
        rlp.as_bytes(b"1", 32, "root")
    with pytest.raises(RlpError, match=r"^nonce: integer has leading zeros"):
        rlp.as_uint(b"\x00\x01", place="nonce")
    with pytest.raises(RlpError, match=r"^nonce: expected bytes, got a list"):
        rlp.as_uint((), place="nonce")


def test_encode__a_type_that_rlp_lacks__is_a_bug() -> None:
    with pytest.raises(TypeError):
        rlp.encode("text")  # type: ignore[arg-type]  # the mistake under test
