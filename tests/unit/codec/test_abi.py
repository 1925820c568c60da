"""The ABI layer: addresses as bytes, canonical encodings only."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import abi
from bridge.codec.errors import AbiError
from bridge.codec.types import Address
from tests.unit.codec.strategies import addresses, law

ALICE = Address(b"\x11" * 20)


def test_selector_and_topic__known_signatures__have_their_known_values() -> None:
    assert abi.selector("submitCheckpoint(bytes,uint256[3][])").hex() == "4e43e495"
    assert abi.selector("exit(bytes)").hex() == "3805550f"
    assert abi.selector("processedExits(bytes32)").hex() == "607f2d42"
    topic = abi.event_topic("Transfer(address,address,uint256)")
    assert topic.hex() == "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def test_encode_call__without_and_with_arguments__is_selector_and_words() -> None:
    assert abi.encode_call("currentHeaderBlock()") == abi.selector("currentHeaderBlock()")
    data = abi.encode_call("transfer(address,uint256)", ALICE, 5)
    assert data.hex() == "a9059cbb" + "00" * 12 + "11" * 20 + "00" * 31 + "05"


@law
@given(addresses, st.integers(0, 2**256 - 1), st.binary(max_size=70), st.lists(st.tuples(addresses, st.booleans())))
def test_values__nested_and_dynamic__round_trip(
    address: Address, number: int, data: bytes, pairs: list[tuple[Address, bool]]
) -> None:
    types = ("address", "uint256", "bytes", "(address,bool)[]", "address[2]", "string")
    values = (address, number, data, tuple(pairs), (address, ALICE), "grüße")
    encoded = abi.encode_values(types, values)
    assert abi.decode_values(types, encoded) == values
    assert abi.encode_call("f(address,uint256,bytes,(address,bool)[],address[2],string)", *values)[4:] == encoded
    with pytest.raises(AbiError):
        abi.decode_values(types, encoded + bytes(32))
    with pytest.raises(AbiError):
        abi.decode_values(types, encoded[:-1])


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: abi.encode_values(("address",), ("0x" + "11" * 20,)),
        lambda: abi.encode_values(("address",), (b"\x11" * 19,)),
        lambda: abi.encode_values(("bytes32",), (b"short",)),
        lambda: abi.encode_values(("uint8",), (256,)),
        lambda: abi.encode_values(("uint256",), (-1,)),
        lambda: abi.encode_values(("uint256",), ("1",)),
        lambda: abi.encode_values(("uint256[]",), (5,)),
        lambda: abi.encode_values(("uint256[2]",), ((1,),)),
        lambda: abi.encode_values(("uint256",), ()),
        lambda: abi.encode_values(("word",), (1,)),
        lambda: abi.encode_call("noParentheses", 1),
        lambda: abi.encode_call("f(uint256", 1),
        lambda: abi.encode_call("f(uint256)"),
    ],
)
def test_encode__values_that_do_not_fit__are_refused(attempt: Callable[[], bytes]) -> None:
    with pytest.raises(AbiError):
        attempt()


@pytest.mark.parametrize(
    ("types", "data"),
    [
        (("uint256",), b""),
        (("uint256",), bytes(33)),
        (("uint8",), b"\x01" * 32),
        (("bool",), bytes(31) + b"\x02"),
        (("address",), b"\x01" * 32),
        (("bytes",), (2**256 - 1).to_bytes(32)),
        (("bytes",), (32).to_bytes(32) + (2**64).to_bytes(32)),
        (("bytes",), (64).to_bytes(32) + bytes(32) + bytes(32)),
        (("bytes",), (32).to_bytes(32) + (1).to_bytes(32) + b"a" + bytes(30) + b"\x01"),
        (("string",), (32).to_bytes(32) + (1).to_bytes(32) + b"\xff" + bytes(31)),
        (("uint256[][]",), (32).to_bytes(32) + (2**40).to_bytes(32)),
        (("uint256[]",), (32).to_bytes(32) + (2**40).to_bytes(32)),
        (("bool[]",), (32).to_bytes(32) + (2**256 - 1).to_bytes(32)),
        (("nonsense",), bytes(32)),
    ],
)
def test_decode_values__not_the_canonical_encoding__is_refused(types: tuple[str, ...], data: bytes) -> None:
    with pytest.raises(AbiError):
        abi.decode_values(types, data)
