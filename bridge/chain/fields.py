"""Fields of JSON-RPC answers, each checked for type and size: the only way from parsed JSON to typed values.

Every function takes the value and the name to put into the error, and raises BadAnswer.
"""

from collections.abc import Mapping

from bridge.chain.errors import BadAnswer
from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex, from_quantity
from bridge.codec.types import Hash32


def as_object(value: object, what: str) -> Mapping[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise BadAnswer(f"{what}: expected an object, got {type(value).__name__}")
    return value


def as_items(value: object, what: str, length_max: int) -> list[object]:
    """A JSON list of at most `length_max` items."""
    if not isinstance(value, list):
        raise BadAnswer(f"{what}: expected a list, got {type(value).__name__}")
    if len(value) > length_max:
        raise BadAnswer(f"{what}: {len(value)} items, the limit is {length_max}")
    return value


def as_data(value: object, what: str, length: int | None = None) -> bytes:
    """Bytes of 0x-prefixed hex, of exactly `length` bytes if given."""
    try:
        return from_hex(value, length)
    except HexError as error:
        raise BadAnswer(f"{what}: {error}") from error


def as_hash(value: object, what: str) -> Hash32:
    """32 bytes."""
    return Hash32(as_data(value, what, 32))


def as_quantity(value: object, what: str, limit_bits: int = 64) -> int:
    """A quantity below 2^limit_bits."""
    try:
        return from_quantity(value, limit_bits)
    except HexError as error:
        raise BadAnswer(f"{what}: {error}") from error
