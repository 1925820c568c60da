"""RLP (Ethereum yellow paper, appendix B): a quick encoder and a strict decoder.

An item is bytes or a list of items. Decoding takes canonical encodings only, so decode(encode(x)) = x and
encode(decode(b)) = b; whatever is hashed or signed by us has exactly one encoding.
"""

from typing import TypeAlias

from bridge.codec.errors import RlpError

RlpItem: TypeAlias = "bytes | tuple[RlpItem, ...] | list[RlpItem]"

BYTES_MAX = 16 * 1024 * 1024
"""Longest input of `decode`; above the largest receipt that a block's gas can pay for."""
DEPTH_MAX = 16
"""Deepest nesting of lists that `decode` follows."""

_SHORT_STRING = tuple(bytes((0x80 + length,)) for length in range(56))
_SHORT_LIST = tuple(bytes((0xC0 + length,)) for length in range(56))


def encode(item: RlpItem) -> bytes:
    """The encoding of bytes, or of a list or tuple of items."""
    if isinstance(item, bytes):
        length = len(item)
        if length == 1 and item < b"\x80":
            return item
        return _SHORT_STRING[length] + item if length < 56 else _long_prefix(0xB7, length) + item
    if isinstance(item, (tuple, list)):
        return encode_list([encode(child) for child in item])
    raise TypeError(f"RLP encodes bytes, lists and tuples, not {type(item).__name__}")


def encode_list(encoded_items: list[bytes]) -> bytes:
    """The list of items that are encoded already."""
    payload = b"".join(encoded_items)
    length = len(payload)
    return _SHORT_LIST[length] + payload if length < 56 else _long_prefix(0xF7, length) + payload


def decode(data: bytes) -> RlpItem:
    """The item that `data` encodes: bytes, or a tuple of items.

    Raises RlpError for a length or single byte that is not minimal, for missing or trailing bytes, for input over
    BYTES_MAX and for lists nested deeper than DEPTH_MAX.
    """
    if len(data) > BYTES_MAX:
        raise RlpError(f"input of {len(data)} bytes is over the limit of {BYTES_MAX}")
    items = _decode_items(data, 0, len(data), 0)
    if len(items) != 1:
        raise RlpError("no bytes" if not items else "trailing bytes after the item")
    return items[0]


def uint(value: int) -> bytes:
    """An integer as RLP carries it: big-endian without leading zeros, zero as the empty string."""
    if value < 0:
        raise RlpError(f"a negative integer has no encoding: {value}")
    return value.to_bytes((value.bit_length() + 7) // 8)


def from_uint(data: bytes, limit_bits: int = 64) -> int:
    """The integer of its minimal big-endian bytes, below 2^limit_bits."""
    if data[:1] == b"\x00":
        raise RlpError("integer has leading zeros")
    if len(data) * 8 > limit_bits + 7:
        raise RlpError(f"integer of {len(data)} bytes does not fit in {limit_bits} bits")
    value = int.from_bytes(data)
    if value >> limit_bits:
        raise RlpError(f"integer {value} does not fit in {limit_bits} bits")
    return value


def as_list(item: RlpItem, length: int | None = None, place: str = "item") -> tuple[RlpItem, ...]:
    """The item as a list, of exactly `length` items if given; RlpError names the place."""
    if isinstance(item, bytes):
        raise RlpError(f"{place}: expected a list, got bytes")
    if length is not None and len(item) != length:
        raise RlpError(f"{place}: expected a list of {length} items, got {len(item)}")
    return tuple(item)


def as_bytes(item: RlpItem, length: int | None = None, place: str = "item") -> bytes:
    """The item as bytes, of exactly `length` bytes if given; RlpError names the place."""
    if not isinstance(item, bytes):
        raise RlpError(f"{place}: expected bytes, got a list")
    if length is not None and len(item) != length:
        raise RlpError(f"{place}: expected {length} bytes, got {len(item)}")
    return item


def as_uint(item: RlpItem, limit_bits: int = 64, place: str = "item") -> int:
    """The item as an integer below 2^limit_bits; RlpError names the place."""
    data = as_bytes(item, None, place)
    try:
        return from_uint(data, limit_bits)
    except RlpError as error:
        raise RlpError(f"{place}: {error}") from error


def _long_prefix(base: int, length: int) -> bytes:
    length_bytes = uint(length)
    return bytes((base + len(length_bytes),)) + length_bytes


def _decode_items(data: bytes, position: int, end: int, depth: int) -> tuple[RlpItem, ...]:
    """All items of a list's payload, which fills data[position:end]."""
    if depth > DEPTH_MAX:
        raise RlpError(f"lists are nested deeper than {DEPTH_MAX}")
    items: list[RlpItem] = []
    while position < end:
        prefix = data[position]
        position += 1
        if prefix < 0x80:
            items.append(data[position - 1 : position])
            continue
        is_list = prefix >= 0xC0
        length = prefix - (0xC0 if is_list else 0x80)
        if length >= 56:
            length_size = length - 55
            length = _long_length(data[position : position + length_size], length_size)
            position += length_size
        item_end = position + length
        if item_end > end:
            raise RlpError(f"item of {length} bytes at byte {position} goes beyond the end at {end}")
        if is_list:
            items.append(_decode_items(data, position, item_end, depth + 1))
        else:
            if length == 1 and data[position] < 0x80:
                raise RlpError(f"single byte at byte {position} is not in its shortest form")
            items.append(data[position:item_end])
        position = item_end
    return tuple(items)


def _long_length(length_bytes: bytes, length_size: int) -> int:
    if len(length_bytes) != length_size:
        raise RlpError("length goes beyond the end")
    length = int.from_bytes(length_bytes)
    if length < 56 or length_bytes[0] == 0:
        raise RlpError("length is not in its shortest form")
    return length
