"""Transactions of the kind that we send: EIP-1559 (type 2), with an empty access list.

A chain without a base fee takes legacy ones (EIP-155) instead; they only ever deploy contracts on a side chain.
"""

from dataclasses import dataclass

from bridge.codec import rlp
from bridge.codec.errors import RlpError, SignatureError, TransactionError
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import Address, ChainId, Hash32, Signature, Wei

DYNAMIC_FEE_TYPE = 2
RAW_BYTES_MAX = 128 * 1024
"""Longest transaction that geth's pool takes."""

_TYPE_BYTE = bytes((DYNAMIC_FEE_TYPE,))
_V_OFFSET = 27
_EIP155_OFFSET = 35


@dataclass(frozen=True, slots=True)
class DynamicFeeTransaction:
    """An unsigned transaction; `to` is None for one that creates a contract."""

    chain_id: ChainId
    nonce: int
    max_priority_fee_per_gas_wei: Wei
    max_fee_per_gas_wei: Wei
    gas_limit: int
    to: Address | None
    value_wei: Wei
    data: bytes

    def signing_hash(self) -> Hash32:
        """What the sender signs."""
        return keccak256(_TYPE_BYTE + rlp.encode(self._items()))

    def raw(self, signature: Signature) -> bytes:
        """The signed transaction, as eth_sendRawTransaction takes it."""
        r = int.from_bytes(signature[:32])
        s = int.from_bytes(signature[32:64])
        parity = signature[64] - _V_OFFSET
        return _TYPE_BYTE + rlp.encode((*self._items(), rlp.uint(parity), rlp.uint(r), rlp.uint(s)))

    def _items(self) -> tuple[rlp.RlpItem, ...]:
        return (
            rlp.uint(self.chain_id),
            rlp.uint(self.nonce),
            rlp.uint(self.max_priority_fee_per_gas_wei),
            rlp.uint(self.max_fee_per_gas_wei),
            rlp.uint(self.gas_limit),
            self.to or b"",
            rlp.uint(self.value_wei),
            self.data,
            (),
        )


@dataclass(frozen=True, slots=True)
class LegacyTransaction:
    """An unsigned transaction bound to its chain by EIP-155; `to` is None for one that creates a contract."""

    chain_id: ChainId
    nonce: int
    gas_price_wei: Wei
    gas_limit: int
    to: Address | None
    value_wei: Wei
    data: bytes

    def signing_hash(self) -> Hash32:
        """What the sender signs."""
        return keccak256(rlp.encode((*self._items(), rlp.uint(self.chain_id), b"", b"")))

    def raw(self, signature: Signature) -> bytes:
        """The signed transaction, as eth_sendRawTransaction takes it."""
        r = int.from_bytes(signature[:32])
        s = int.from_bytes(signature[32:64])
        v = 2 * self.chain_id + _EIP155_OFFSET + signature[64] - _V_OFFSET
        return rlp.encode((*self._items(), rlp.uint(v), rlp.uint(r), rlp.uint(s)))

    def _items(self) -> tuple[rlp.RlpItem, ...]:
        return (
            rlp.uint(self.nonce),
            rlp.uint(self.gas_price_wei),
            rlp.uint(self.gas_limit),
            self.to or b"",
            rlp.uint(self.value_wei),
            self.data,
        )


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction with its signature and the sender that this recovers to."""

    transaction: DynamicFeeTransaction
    signature: Signature
    sender: Address


def transaction_hash(raw: bytes) -> Hash32:
    """The hash by which chains know a signed transaction of any type."""
    return keccak256(raw)


def decode_raw(raw: bytes) -> SignedTransaction:
    """The transaction of its raw bytes. Raises TransactionError for any other kind, encoding or signature than ours."""
    if len(raw) > RAW_BYTES_MAX:
        raise TransactionError(f"transaction of {len(raw)} bytes is over the limit of {RAW_BYTES_MAX}")
    if raw[:1] != _TYPE_BYTE:
        raise TransactionError("not an EIP-1559 transaction (type 2)")
    try:
        items = rlp.as_list(rlp.decode(raw[1:]), 12, "transaction")
        transaction = _decode_fields(items)
        parity = rlp.as_uint(items[9], 1, "signature parity")
        r = rlp.as_uint(items[10], 256, "signature r")
        s = rlp.as_uint(items[11], 256, "signature s")
        signature = Signature(r.to_bytes(32) + s.to_bytes(32) + bytes((parity + _V_OFFSET,)))
        return SignedTransaction(transaction, signature, recover_address(transaction.signing_hash(), signature))
    except (RlpError, SignatureError) as error:
        raise TransactionError(f"transaction: {error}") from error


def _decode_fields(items: tuple[rlp.RlpItem, ...]) -> DynamicFeeTransaction:
    to = rlp.as_bytes(items[5], None, "to")
    if len(to) not in (0, 20):
        raise TransactionError(f"transaction: to has {len(to)} bytes, not 20 or none")
    if rlp.as_list(items[8], None, "access list"):
        raise TransactionError("transaction: its access list is not empty")
    return DynamicFeeTransaction(
        chain_id=ChainId(rlp.as_uint(items[0], 64, "chain id")),
        nonce=rlp.as_uint(items[1], 64, "nonce"),
        max_priority_fee_per_gas_wei=Wei(rlp.as_uint(items[2], 256, "priority fee")),
        max_fee_per_gas_wei=Wei(rlp.as_uint(items[3], 256, "fee cap")),
        gas_limit=rlp.as_uint(items[4], 64, "gas limit"),
        to=Address(to) if to else None,
        value_wei=Wei(rlp.as_uint(items[6], 256, "value")),
        data=rlp.as_bytes(items[7], None, "data"),
    )
