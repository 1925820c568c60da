"""Hashes, addresses and payloads as people have them: bytes, or hex text."""

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Address, Hash32


def as_hash(value: str | bytes, what: str) -> Hash32:
    """32 bytes. Raises ValueError."""
    return Hash32(as_bytes(value, what, 32))


def as_address(value: str | bytes, what: str) -> Address:
    """20 bytes. Raises ValueError."""
    return Address(as_bytes(value, what, 20))


def as_bytes(value: str | bytes, what: str, length: int | None = None) -> bytes:
    """Bytes, of exactly `length` if given. Raises ValueError."""
    try:
        data = from_hex(value) if isinstance(value, str) else value
    except HexError as error:
        raise ValueError(f"{what}: {error}") from None
    if length is not None and len(data) != length:
        raise ValueError(f"{what}: {len(data)} bytes, not {length}")
    return data
