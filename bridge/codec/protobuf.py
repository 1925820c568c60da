"""Protobuf's wire format, as far as the engine's hashed and signed bytes need it: writing, in ascending field order.

Written by hand because these bytes are hashed: a generated encoder promises no particular bytes. Fields of zero are
left out, as proto3 does; nested messages are always written, since CometBFT writes the ones of ours even when empty.
Format: https://protobuf.dev/programming-guides/encoding/.
"""

_VARINT, _FIXED64, _BYTES = 0, 1, 2
_NANOSECONDS_PER_SECOND = 1_000_000_000


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as its 64-bit two's complement (not zig-zag)."""
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError(f"{value} does not fit in 64 bits")
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def varint_field(number: int, value: int) -> bytes:
    """An int32, int64, uint32, uint64 or enumeration."""
    return _tag(number, _VARINT) + varint(value) if value else b""


def sfixed64_field(number: int, value: int) -> bytes:
    """A signed number in eight bytes, the lowest first."""
    return _tag(number, _FIXED64) + value.to_bytes(8, "little", signed=True) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """Bytes."""
    return message_field(number, value) if value else b""


def string_field(number: int, value: str) -> bytes:
    """Text as UTF-8."""
    return bytes_field(number, value.encode())


def message_field(number: int, message: bytes) -> bytes:
    """A nested message, written also when it is empty."""
    return _tag(number, _BYTES) + delimited(message)


def delimited(message: bytes) -> bytes:
    """A message with its length before it, as CometBFT frames and signs it."""
    return varint(len(message)) + message


def timestamp(time_ns: int) -> bytes:
    """A google.protobuf.Timestamp of nanoseconds since 1970; before 1970 the seconds are negative, the rest is not."""
    seconds, nanoseconds = divmod(time_ns, _NANOSECONDS_PER_SECOND)
    return varint_field(1, seconds) + varint_field(2, nanoseconds)


def _tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)
