"""One canonical encoding for every value that is hashed or signed, derived from the types of its fields.

A dataclass is the RLP list of its fields in the order of their declaration, so that order is part of the format.
Fixed-length byte types have exactly their length, integers are minimal and bounded, an optional value is a list of none
or one, a tuple a list. decode(encode(x)) = x and encode(decode(b)) = b.
"""

import dataclasses
import types
from collections.abc import Callable
from enum import Enum, IntEnum, StrEnum
from functools import cache
from typing import Annotated, Any, Generic, NewType, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.rlp import RlpItem
from bridge.codec.types import Address, Hash32, PublicKey, Signature, Wei
from node.app.errors import EncodingError

Priority = NewType("Priority", int)
"""A proposer priority: a signed 64-bit integer."""

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Bits:
    """How many bits an unsigned integer may have, where it is not 64."""

    count: int


Power: TypeAlias = Annotated[int, Bits(256)]
"""Whole tokens of stake, of one or of all: L1 may log any stake of 256 bits, and no block may fail for it."""


class _Memo:
    """Encodings of the frozen values met last, found by identity: most of a state is the same from block to block.

    Two generations of bounded size; values are held, so that an identity means one value as long as it is known.
    """

    GENERATION_MAX = 8_192
    BYTES_MAX = 2_048
    """Longer encodings are put together again from their parts."""

    def __init__(self) -> None:
        self._young: dict[int, tuple[object, bytes]] = {}
        self._old: dict[int, tuple[object, bytes]] = {}

    def find(self, value: object) -> bytes | None:
        key = id(value)
        found = self._young.get(key) or self._old.get(key)
        return None if found is None else found[1]

    def keep(self, value: object, encoded: bytes) -> None:
        if len(encoded) > self.BYTES_MAX:
            return
        if len(self._young) >= self.GENERATION_MAX:
            self._old, self._young = self._young, {}
        self._young[id(value)] = (value, encoded)


_FIXED_BYTES: dict[object, int] = {Hash32: 32, Address: 20, PublicKey: 64, Signature: 65}
_EMPTY_LIST = rlp.encode(())
_MEMO = _Memo()
_CODECS: dict[object, "Codec[Any]"] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How values of one type become RLP bytes, and come back from an RLP item."""

    encode: Callable[[T], bytes]
    decode: Callable[[RlpItem], T]


def encode(value: object) -> bytes:
    """The encoding of a dataclass value."""
    return codec_of(type(value)).encode(value)


def encode_fields(value: object) -> list[bytes]:
    """The encodings of a dataclass value's fields, for a list that starts with something else."""
    kind: type = type(value)
    return [codec.encode(getattr(value, name)) for name, codec in _fields(kind)]


def decode(kind: type[T], data: bytes) -> T:
    """The value of type `kind` that `data` encodes. Raises EncodingError for anything but its one encoding."""
    try:
        return from_item(kind, rlp.decode(data))
    except RlpError as error:
        raise EncodingError(f"{kind.__name__}: {error}") from error


def from_item(kind: type[T], item: RlpItem) -> T:
    """The value of type `kind` of an RLP item. Raises EncodingError."""
    try:
        value: T = codec_of(kind).decode(item)
    except RlpError as error:
        raise EncodingError(f"{kind.__name__}: {error}") from error
    return value


def fixed_length(kind: object) -> int | None:
    """How many bytes every value of a type has; None if that is not fixed."""
    return _FIXED_BYTES.get(kind)


def codec_of(kind: object) -> Codec[Any]:
    """The codec of a type, built once from its annotations. Raises TypeError for a type that has no canonical form."""
    codec = _CODECS.get(kind)
    if codec is None:
        codec = _CODECS[kind] = _build(kind)
    return codec


def _build(kind: object) -> Codec[Any]:
    if kind in _FIXED_BYTES:
        return _fixed_bytes(_FIXED_BYTES[kind])
    if kind is Wei:
        return _unsigned(256)
    if kind is Priority:
        return _signed()
    if isinstance(kind, NewType):
        return codec_of(kind.__supertype__)
    origin = get_origin(kind)
    if origin is Annotated:
        (bits,) = get_args(kind)[1:]
        return _unsigned(bits.count)
    if origin is tuple:
        return _sequence(codec_of(get_args(kind)[0]))
    if origin in (types.UnionType, Union):
        (inner,) = (argument for argument in get_args(kind) if argument is not type(None))
        return _optional(codec_of(inner))
    if isinstance(kind, type):
        return _codec_of_class(kind)
    raise TypeError(f"no canonical form for {kind}")


def _codec_of_class(kind: type) -> Codec[Any]:
    if kind is bool:
        return Codec(lambda value: rlp.encode(rlp.uint(value)), lambda item: rlp.as_uint(item, 1) == 1)
    if kind is int:
        return _unsigned(64)
    if kind is bytes:
        return Codec(rlp.encode, rlp.as_bytes)
    if kind is str or issubclass(kind, StrEnum):
        return _text(kind)
    if issubclass(kind, IntEnum):
        return _enumeration(kind)
    if dataclasses.is_dataclass(kind):
        return _record(kind)
    raise TypeError(f"no canonical form for {kind.__name__}")


def _fixed_bytes(length: int) -> Codec[bytes]:
    def encode_fixed(value: bytes) -> bytes:
        if len(value) != length:
            raise EncodingError(f"expected {length} bytes, got {len(value)}")
        return rlp.encode(value)

    return Codec(encode_fixed, lambda item: rlp.as_bytes(item, length))


def _unsigned(bits: int) -> Codec[int]:
    def encode_unsigned(value: int) -> bytes:
        if value < 0 or value >> bits:
            raise EncodingError(f"{value} is not an unsigned integer of {bits} bits")
        return rlp.encode(rlp.uint(value))

    return Codec(encode_unsigned, lambda item: rlp.as_uint(item, bits))


def _signed() -> Codec[int]:
    """0, −1, 1, −2, … are 0, 1, 2, 3, …"""

    def encode_signed(value: int) -> bytes:
        return rlp.encode(rlp.uint(2 * value if value >= 0 else -2 * value - 1))

    def decode_signed(item: RlpItem) -> int:
        folded = rlp.as_uint(item, 64)
        return -(folded + 1 >> 1) if folded & 1 else folded >> 1

    return Codec(encode_signed, decode_signed)


def _text(kind: type[str]) -> Codec[str]:
    def decode_text(item: RlpItem) -> str:
        try:
            return kind(rlp.as_bytes(item).decode())
        except ValueError as error:
            raise EncodingError(f"{kind.__name__}: {error}") from error

    return Codec(lambda value: rlp.encode(value.encode()), decode_text)


def _enumeration(kind: type[Enum]) -> Codec[Enum]:
    def decode_enumeration(item: RlpItem) -> Enum:
        try:
            return kind(rlp.as_uint(item, 8))
        except ValueError as error:
            raise EncodingError(f"{kind.__name__}: {error}") from error

    return Codec(lambda value: rlp.encode(rlp.uint(value.value)), decode_enumeration)


def _sequence(inner: Codec[Any]) -> Codec[tuple[Any, ...]]:
    return Codec(
        lambda values: rlp.encode_list([inner.encode(value) for value in values]),
        lambda item: tuple(inner.decode(child) for child in rlp.as_list(item)),
    )


def _optional(inner: Codec[Any]) -> Codec[Any]:
    def decode_optional(item: RlpItem) -> object:
        children = rlp.as_list(item)
        if len(children) > 1:
            raise EncodingError(f"an optional value is a list of none or one, got {len(children)}")
        return inner.decode(children[0]) if children else None

    return Codec(
        lambda value: _EMPTY_LIST if value is None else rlp.encode_list([inner.encode(value)]), decode_optional
    )


@cache
def _fields(kind: type) -> tuple[tuple[str, Codec[Any]], ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple((field.name, codec_of(hints[field.name])) for field in dataclasses.fields(kind))


def _record(kind: type) -> Codec[Any]:
    fields = _fields(kind)
    decoders = [codec.decode for _, codec in fields]

    def encode_record(value: object) -> bytes:
        encoded = _MEMO.find(value)
        if encoded is None:
            encoded = rlp.encode_list([codec.encode(getattr(value, name)) for name, codec in fields])
            _MEMO.keep(value, encoded)
        return encoded

    def decode_record(item: RlpItem) -> object:
        children = rlp.as_list(item, len(decoders), kind.__name__)
        return kind(*[decode_field(child) for decode_field, child in zip(decoders, children, strict=True)])

    return Codec(encode_record, decode_record)
