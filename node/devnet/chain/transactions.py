"""Signed transactions as the chain takes them: legacy with replay protection (0), access list (1), dynamic fee (2).

Wordings of refusals are geth's, as of its 1.15 series.
"""

from dataclasses import dataclass, field
from typing import cast

from eth.abc import SignedTransactionAPI
from eth.exceptions import PyEVMError
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.transactions import PragueLegacyTransaction
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]  # the rlp package ships no types

from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.hash import keccak256
from bridge.codec.transaction import RAW_BYTES_MAX
from bridge.codec.types import Address, ChainId, Hash32, Wei
from node.devnet.chain.errors import TransactionRefused

LEGACY_TYPE = 0
KNOWN_TYPES = (LEGACY_TYPE, 1, 2)
INITCODE_BYTES_MAX = 2 * 24_576
"""EIP-3860."""
FLOOR_GAS_PER_TOKEN = 10
TOKENS_PER_NONZERO_BYTE = 4
TRANSACTION_GAS = 21_000
"""EIP-7623: the least that calldata costs is 10 gas per token, beside the 21,000 of any transaction."""
INITCODE_WORD_GAS = 2

_FIRST_LIST_BYTE = 0xC0
_FIRST_PROTECTED_V = 35
_HALF_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2


@dataclass(frozen=True, slots=True)
class AccessListEntry:
    """An account and its storage keys that a transaction names beforehand (EIP-2930)."""

    address: Address
    storage_keys: tuple[Hash32, ...]


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed transaction. In a legacy one and one with an access list both fees are the gas price."""

    hash: Hash32
    raw: bytes = field(repr=False)
    type: int
    sender: Address
    nonce: int
    to: Address | None
    """None: it creates a contract."""
    value_wei: Wei
    gas_limit: int
    max_fee_per_gas_wei: Wei
    max_priority_fee_per_gas_wei: Wei
    data: bytes = field(repr=False)
    access_list: tuple[AccessListEntry, ...]
    v: int
    r: int
    s: int
    evm: SignedTransactionAPI = field(repr=False, compare=False)
    """py-evm's form of it."""

    @property
    def most_it_costs_wei(self) -> int:
        """What the sender must have for the pool to take it."""
        return self.gas_limit * self.max_fee_per_gas_wei + self.value_wei

    def tip_wei(self, base_fee_wei: int) -> int:
        """What the block's maker gets per gas at this base fee; negative where the fee cap is below it."""
        return min(self.max_priority_fee_per_gas_wei, self.max_fee_per_gas_wei - base_fee_wei)


def decode_transaction(raw: bytes) -> Transaction:
    """The transaction of its raw bytes. Raises TransactionRefused for what is no transaction of a known type."""
    if len(raw) > RAW_BYTES_MAX:
        raise TransactionRefused(f"oversized data: transaction size {len(raw)}, limit {RAW_BYTES_MAX}")
    transaction_type = raw[0] if raw and raw[0] < _FIRST_LIST_BYTE else LEGACY_TYPE
    if not raw or transaction_type not in KNOWN_TYPES or raw[0] == LEGACY_TYPE:
        raise TransactionRefused("transaction type not supported")
    try:
        rlp.decode(raw if transaction_type == LEGACY_TYPE else raw[1:])  # strict, and bounded where py-evm's is not
        decoded = PragueVM.get_transaction_builder().decode(raw)
        return _transaction_of(decoded, transaction_type, raw)
    except (BadSignature, ValidationError) as error:
        raise TransactionRefused(f"invalid sender: {error}") from error
    except (RlpError, RLPException, PyEVMError, TypeError, ValueError, OverflowError) as error:
        raise TransactionRefused(f"rlp: {error}") from error


def check_transaction(transaction: Transaction, chain_id: ChainId, block_gas_limit: int) -> None:
    """Refuse what no state could make acceptable. Raises TransactionRefused."""
    if transaction.type == LEGACY_TYPE and transaction.v < _FIRST_PROTECTED_V:
        raise TransactionRefused("only replay-protected (EIP-155) transactions allowed over RPC")
    if transaction.evm.chain_id != chain_id:
        raise TransactionRefused(f"invalid chain id for signer: have {transaction.evm.chain_id} want {chain_id}")
    if not 0 < transaction.s <= _HALF_CURVE_ORDER:
        raise TransactionRefused("invalid transaction v, r, s values")
    if transaction.gas_limit > block_gas_limit:
        raise TransactionRefused("exceeds block gas limit")
    if transaction.max_priority_fee_per_gas_wei > transaction.max_fee_per_gas_wei:
        raise TransactionRefused("max priority fee per gas higher than max fee per gas")
    if any(number >> 256 for number in (transaction.value_wei, transaction.max_fee_per_gas_wei)):
        raise TransactionRefused("max fee per gas higher than 2^256-1")
    if transaction.nonce >= 2**64 - 1:
        raise TransactionRefused("nonce has max value")
    _check_gas(transaction)


def _check_gas(transaction: Transaction) -> None:
    intrinsic = transaction.evm.intrinsic_gas
    if transaction.to is None:
        if len(transaction.data) > INITCODE_BYTES_MAX:
            raise TransactionRefused(
                f"max initcode size exceeded: code size {len(transaction.data)}, limit {INITCODE_BYTES_MAX}"
            )
        intrinsic += INITCODE_WORD_GAS * (-(-len(transaction.data) // 32))
    if transaction.gas_limit < intrinsic:
        raise TransactionRefused(f"intrinsic gas too low: gas {transaction.gas_limit}, minimum needed {intrinsic}")
    zero_bytes = transaction.data.count(0)
    tokens = zero_bytes + TOKENS_PER_NONZERO_BYTE * (len(transaction.data) - zero_bytes)
    floor = TRANSACTION_GAS + FLOOR_GAS_PER_TOKEN * tokens
    if transaction.gas_limit < floor:
        raise TransactionRefused(
            f"insufficient gas for floor data gas cost: gas {transaction.gas_limit}, minimum needed {floor}"
        )


def _transaction_of(decoded: SignedTransactionAPI, transaction_type: int, raw: bytes) -> Transaction:
    return Transaction(
        hash=keccak256(raw),
        raw=raw,
        type=transaction_type,
        sender=Address(decoded.sender),
        nonce=decoded.nonce,
        to=Address(decoded.to) if decoded.to else None,
        value_wei=Wei(decoded.value),
        gas_limit=decoded.gas,
        max_fee_per_gas_wei=Wei(decoded.max_fee_per_gas),
        max_priority_fee_per_gas_wei=Wei(decoded.max_priority_fee_per_gas),
        data=decoded.data,
        access_list=tuple(
            AccessListEntry(Address(address), tuple(Hash32(key.to_bytes(32)) for key in keys))
            for address, keys in decoded.access_list
        ),
        v=cast(PragueLegacyTransaction, decoded).v if transaction_type == LEGACY_TYPE else decoded.y_parity,
        r=decoded.r,
        s=decoded.s,
        evm=decoded,
    )
