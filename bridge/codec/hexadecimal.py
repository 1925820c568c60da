"""Hex text as Ethereum's JSON-RPC writes it: `0x`-prefixed data, minimal quantities, checksummed addresses (EIP-55)."""

import re
from binascii import unhexlify

from bridge.codec.errors import HexError
from bridge.codec.hash import keccak256
from bridge.codec.types import Address

_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
_SHOWN_CHARACTERS_MAX = 40


def to_hex(data: bytes) -> str:
    """Lower-case hex with the 0x prefix."""
    return "0x" + data.hex()


def from_hex(text: object, length: int | None = None) -> bytes:
    """Bytes of 0x-prefixed hex text, of exactly `length` bytes if that is given.

    Takes any object, since it comes from JSON. Raises HexError.
    """
    if not isinstance(text, str) or text[:2] != "0x":
        raise HexError(f"expected 0x-prefixed hex text, got {_shown(text)}")
    try:
        data = unhexlify(text[2:])
    except ValueError as error:
        raise HexError(f"not hex, or an odd number of digits: {_shown(text)}") from error
    if length is not None and len(data) != length:
        raise HexError(f"expected {length} bytes of hex, got {len(data)}: {_shown(text)}")
    return data


def quantity(value: int) -> str:
    """A JSON-RPC quantity: hex without leading zeros."""
    if value < 0:
        raise HexError(f"a quantity is not negative: {value}")
    return hex(value)


def from_quantity(text: object, limit_bits: int = 256) -> int:
    """The integer of a JSON-RPC quantity, below 2^limit_bits. Raises HexError, also for leading zeros or a sign."""
    if not isinstance(text, str) or _QUANTITY.fullmatch(text) is None:
        raise HexError(f"expected a 0x-prefixed quantity without leading zeros, got {_shown(text)}")
    value = int(text, 16)
    if value >> limit_bits:
        raise HexError(f"quantity does not fit in {limit_bits} bits: {_shown(text)}")
    return value


def checksum_address(address: Address) -> str:
    """The address in EIP-55's mixed case."""
    digits = address.hex()
    case = keccak256(digits.encode()).hex()
    return "0x" + "".join(d.upper() if c >= "8" else d for d, c in zip(digits, case, strict=False))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}…"
