"""Solidity's contract ABI, over eth-abi: addresses are bytes in and out, and only canonical encodings are decoded.

Types are written as Solidity's JSON ABI writes them ("uint256", "bytes32[]", "(address,uint256)[]"); tuples and
arrays come back as tuples.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from eth_abi import grammar
from eth_abi.abi import decode, encode
from eth_abi.exceptions import ABITypeError, DecodingError, EncodingError, ParseError

from bridge.codec.errors import AbiError
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Address, Hash32

_SELECTOR_BYTES = 4


@lru_cache(maxsize=1024)
def selector(signature: str) -> bytes:
    """The first four bytes of call data for a function such as "transfer(address,uint256)"."""
    return keccak256(signature.encode())[:_SELECTOR_BYTES]


@lru_cache(maxsize=1024)
def event_topic(signature: str) -> Hash32:
    """topic0 of an event such as "Transfer(address,address,uint256)"."""
    return keccak256(signature.encode())


def encode_call(signature: str, *arguments: object) -> bytes:
    """Call data: the selector and the encoded arguments. Raises AbiError if they do not fit."""
    return selector(signature) + encode_values(_argument_types(signature), arguments)


def encode_values(types: Sequence[str], values: Sequence[object]) -> bytes:
    """The encoding of `values` as a tuple of `types`. Raises AbiError if they do not fit."""
    try:
        return encode(types, _map_leaves(_parse_tuple(types), values, _checked_for_encoding))
    except (EncodingError, ABITypeError, TypeError, ValueError) as error:
        raise AbiError(f"values do not fit ({','.join(types)}): {error}") from error


def decode_values(types: Sequence[str], data: bytes) -> tuple[object, ...]:
    """The values that `data` encodes canonically.

    Raises AbiError for data of the wrong length, padded with other than zeros, or laid out as no compiler does.
    """
    try:
        values = decode(types, data)
        is_canonical = encode(types, values) == data
    except (DecodingError, EncodingError, ABITypeError, OverflowError, ValueError) as error:
        raise AbiError(f"data is not an encoding of ({','.join(types)}): {error}") from error
    if not is_canonical:
        raise AbiError(f"data is not the canonical encoding of ({','.join(types)})")
    return _map_leaves(_parse_tuple(types), values, _address_as_bytes)


def _checked_for_encoding(leaf_type: grammar.BasicType, value: object) -> object:
    """Refuse what eth-abi would take and pad or convert: short bytesN, and addresses as text."""
    length = 20 if leaf_type.base == "address" else leaf_type.sub if leaf_type.base == "bytes" else None
    if length is not None and not (isinstance(value, bytes) and len(value) == length):
        raise AbiError(f"expected {length} bytes for an ABI {leaf_type.base}, got {value!r}")
    return value


def _address_as_bytes(leaf_type: grammar.BasicType, value: object) -> object:
    return Address(from_hex(value, 20)) if leaf_type.base == "address" else value


def _map_leaves(
    types: Sequence[grammar.ABIType], values: object, convert: Callable[[grammar.BasicType, object], object]
) -> tuple[object, ...]:
    """The values of a tuple, with `convert` applied to every one that is neither tuple nor array."""
    if not isinstance(values, (tuple, list)) or len(values) != len(types):
        raise AbiError(f"expected {len(types)} values, got {values!r}")
    return tuple(_map_value(abi_type, value, convert) for abi_type, value in zip(types, values, strict=True))


def _map_value(
    abi_type: grammar.ABIType, value: object, convert: Callable[[grammar.BasicType, object], object]
) -> object:
    if abi_type.is_array:
        if not isinstance(value, (tuple, list)):
            raise AbiError(f"expected a list for an ABI array, got {value!r}")
        return _map_leaves([abi_type.item_type] * len(value), value, convert)
    if isinstance(abi_type, grammar.TupleType):
        return _map_leaves(abi_type.components, value, convert)
    if not isinstance(abi_type, grammar.BasicType):
        raise AssertionError("an ABI type is an array, a tuple or basic")
    return convert(abi_type, value)


def _parse_tuple(types: Sequence[str]) -> tuple[grammar.ABIType, ...]:
    return tuple(_parse(type_text) for type_text in types)


@lru_cache(maxsize=1024)
def _parse(type_text: str) -> grammar.ABIType:
    try:
        parsed: grammar.ABIType = grammar.parse(type_text)
    except (ParseError, ValueError) as error:
        raise AbiError(f"not an ABI type: {type_text}") from error
    return parsed


@lru_cache(maxsize=1024)
def _argument_types(signature: str) -> tuple[str, ...]:
    arguments_text = signature[signature.find("(") :]
    if arguments_text == "()":
        return ()
    arguments = _parse(arguments_text)
    if not isinstance(arguments, grammar.TupleType):
        raise AbiError(f"not a function signature: {signature}")
    return tuple(component.to_type_str() for component in arguments.components)
