"""Hex text and quantities as JSON-RPC has them."""

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import checksum_address, from_hex, from_quantity, quantity, to_hex
from bridge.codec.types import Address
from tests.unit.codec.strategies import addresses, law


@law
@given(st.binary(max_size=64))
def test_hex__any_bytes__round_trip(data: bytes) -> None:
    assert from_hex(to_hex(data), len(data)) == data
    assert from_hex("0x" + data.hex().upper()) == data


@law
@given(st.integers(0, 2**256 - 1))
def test_quantity__any_256_bit_integer__round_trips(value: int) -> None:
    assert from_quantity(quantity(value)) == value


@pytest.mark.parametrize("text", ["", "00", "0x0", "0xzz", "0x 00", "0x0g", "0X00", "0xé0", 12, None, b"0x00"])
def test_from_hex__not_hex_text__is_refused(text: object) -> None:
    with pytest.raises(HexError):
        from_hex(text)


def test_from_hex__wrong_length__names_both_lengths() -> None:
    with pytest.raises(HexError, match="expected 20 bytes of hex, got 2"):
        from_hex("0x0102", 20)


@pytest.mark.parametrize("text", ["0x", "0x00", "0x01", "1", "0x1_0", "0x-1", "-0x1", " 0x1", "0x1\n", 1, True, None])
def test_from_quantity__not_minimal_or_not_text__is_refused(text: object) -> None:
    with pytest.raises(HexError):
        from_quantity(text)


def test_from_quantity__at_the_limit__is_taken_and_one_more_refused() -> None:
    assert from_quantity(hex(2**64 - 1), 64) == 2**64 - 1
    with pytest.raises(HexError, match="does not fit in 64 bits"):
        from_quantity(hex(2**64), 64)
    with pytest.raises(HexError):
        from_quantity(hex(2**256))


def test_from_hex__long_bad_text__message_stays_short() -> None:
    with pytest.raises(HexError) as caught:
        from_hex("0x" + "z" * 100_000)
    assert len(str(caught.value)) < 120


def test_quantity__negative__is_refused() -> None:
    with pytest.raises(HexError):
        quantity(-1)


@law
@given(addresses)
def test_checksum_address__any_address__agrees_with_eth_utils(address: Address) -> None:
    assert checksum_address(address) == to_checksum_address(address)
