"""Solidity's contract ABI, over eth-abi: addresses are bytes in and out, and decoding takes the canonical encoding only.

Types are written as Solidity's JSON ABI writes them ("uint256", "bytes32[]", "(address,uint256)[]"); tuples and arrays come back as tuples.
"""

from collections.abc import Sequence
from functools import lru_cache

from eth_abi import codec, decoding, encoding, grammar, registry
from eth_abi.exceptions import ABITypeError, DecodingError, EncodingError, ParseError

from bridge.codec.errors import AbiError
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, Hash32


class _AddressDecoder(decoding.AddressDecoder):
    """Gives the 20 bytes, not hex text."""

    decoder_fn = staticmethod(Address)


class _ExactBytesEncoder(encoding.BytesEncoder):
    """Refuses values shorter than bytesN, which eth-abi would pad in silence."""

    def validate_value(self, value: object) -> None:
        """Check type and exact length."""
        super().validate_value(value)
        if isinstance(value, bytes) and len(value) * 8 != self.value_bit_size:
            self.invalidate_value(value, msg=f"{len(value)} bytes for a type of {self.value_bit_size // 8}")


def _strict_registry() -> registry.ABIRegistry:
    strict = registry.registry.copy()
    strict.unregister("address")
    strict.register(registry.BaseEquals("address"), encoding.AddressEncoder, _AddressDecoder, label="address")
    strict.unregister("bytes<M>")
    strict.register(
        registry.BaseEquals("bytes", with_sub=True), _ExactBytesEncoder, decoding.BytesDecoder, label="bytes<M>"
    )
    return strict


_CODEC = codec.ABICodec(_strict_registry())
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
        return _CODEC.encode(types, values)
    except (EncodingError, ABITypeError, ParseError, OverflowError, TypeError, ValueError) as error:
        raise AbiError(f"values do not fit ({','.join(types)}): {error}") from error


def decode_values(types: Sequence[str], data: bytes) -> tuple[object, ...]:
    """The values that `data` encodes canonically.

    Raises AbiError for data that is too short, too long, padded with other than zeros, or laid out as no compiler would.
    """
    try:
        values = _CODEC.decode(types, data)
    except (DecodingError, ABITypeError, ParseError, OverflowError, ValueError) as error:
        raise AbiError(f"data is not an encoding of ({','.join(types)}): {error}") from error
    if _CODEC.encode(types, values) != data:
        raise AbiError(f"data is not the canonical encoding of ({','.join(types)})")
    return values


@lru_cache(maxsize=1024)
def _argument_types(signature: str) -> tuple[str, ...]:
    opening = signature.find("(")
    try:
        arguments = grammar.parse(signature[opening:])
    except ParseError as error:
        raise AbiError(f"not a function signature: {signature}") from error
    return tuple(component.to_type_str() for component in arguments.components)
