"""Signed transactions as the chain takes them: legacy with replay protection (0), access list (1), dynamic fee (2).

Wordings of refusals are geth's, as of its 1.15 series.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from bridge.codec import rlp
from bridge.codec.errors import RlpError, SignatureError
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import recover_address
from bridge.codec.transaction import RAW_BYTES_MAX
from bridge.codec.types import Address, ChainId, Hash32, Signature, Wei
from node.devnet.chain.errors import TransactionRefused

LEGACY_TYPE = 0
ACCESS_LIST_TYPE = 1
DYNAMIC_FEE_TYPE = 2
INITCODE_BYTES_MAX = 2 * 24_576
"""EIP-3860."""
FLOOR_GAS_PER_TOKEN = 10
GAS_PER_TOKEN = 4
TOKENS_PER_NONZERO_BYTE = 4
TRANSACTION_GAS = 21_000
"""EIP-7623: the least that calldata costs is 10 gas per token, beside the 21,000 of any transaction."""
CREATION_GAS = 32_000
INITCODE_WORD_GAS = 2
ACCESS_LIST_ADDRESS_GAS = 2_400
ACCESS_LIST_KEY_GAS = 1_900

_FIRST_LIST_BYTE = 0xC0
_FIRST_PROTECTED_V = 35
_UNPROTECTED_V = (27, 28)
_ITEMS = {LEGACY_TYPE: 9, ACCESS_LIST_TYPE: 11, DYNAMIC_FEE_TYPE: 12}
_DECODED_KEPT = 1_024


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
    chain_id: ChainId | None
    """None in a legacy one without replay protection."""
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

    @property
    def most_it_costs_wei(self) -> int:
        """What the sender must have for the pool to take it."""
        return self.gas_limit * self.max_fee_per_gas_wei + self.value_wei

    def tip_wei(self, base_fee_wei: int) -> int:
        """What the block's maker gets per gas at this base fee; negative where the fee cap is below it."""
        return min(self.max_priority_fee_per_gas_wei, self.max_fee_per_gas_wei - base_fee_wei)

    @property
    def intrinsic_gas(self) -> int:
        """What it costs before anything runs."""
        gas = intrinsic_gas(self.to, self.data)
        for entry in self.access_list:
            gas += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_KEY_GAS * len(entry.storage_keys)
        return gas

    @property
    def floor_gas(self) -> int:
        """The least that it costs (EIP-7623)."""
        return TRANSACTION_GAS + FLOOR_GAS_PER_TOKEN * calldata_tokens(self.data)


def intrinsic_gas(to: Address | None, data: bytes) -> int:
    """What a call, or with `to` None a creation, costs before anything runs."""
    gas = TRANSACTION_GAS + GAS_PER_TOKEN * calldata_tokens(data)
    return gas if to is not None else gas + CREATION_GAS + INITCODE_WORD_GAS * (-(-len(data) // 32))


def calldata_tokens(data: bytes) -> int:
    """The tokens by which calldata is priced (EIP-7623)."""
    zero_bytes = data.count(0)
    return zero_bytes + TOKENS_PER_NONZERO_BYTE * (len(data) - zero_bytes)


@lru_cache(_DECODED_KEPT)
def decode_transaction(raw: bytes) -> Transaction:
    """The transaction of its raw bytes. Raises TransactionRefused for what is no transaction of a known type."""
    if len(raw) > RAW_BYTES_MAX:
        raise TransactionRefused(f"oversized data: transaction size {len(raw)}, limit {RAW_BYTES_MAX}")
    transaction_type = raw[0] if raw and raw[0] < _FIRST_LIST_BYTE else LEGACY_TYPE
    if not raw or transaction_type not in _ITEMS or raw[0] == LEGACY_TYPE:
        raise TransactionRefused("transaction type not supported")
    try:
        body = rlp.decode(raw if transaction_type == LEGACY_TYPE else raw[1:])
        items = rlp.as_list(body, _ITEMS[transaction_type], "transaction")
        return _transaction_of(raw, transaction_type, items)
    except SignatureError as error:
        raise TransactionRefused("invalid sender: invalid transaction v, r, s values") from error
    except RlpError as error:
        raise TransactionRefused(f"rlp: {error}") from error


def check_transaction(transaction: Transaction, chain_id: ChainId, block_gas_limit: int) -> None:
    """Refuse what no state could make acceptable. Raises TransactionRefused."""
    if transaction.chain_id is None:
        raise TransactionRefused("only replay-protected (EIP-155) transactions allowed over RPC")
    if transaction.chain_id != chain_id:
        raise TransactionRefused(f"invalid chain id for signer: have {transaction.chain_id} want {chain_id}")
    if transaction.gas_limit > block_gas_limit:
        raise TransactionRefused("exceeds block gas limit")
    if transaction.max_priority_fee_per_gas_wei > transaction.max_fee_per_gas_wei:
        raise TransactionRefused("max priority fee per gas higher than max fee per gas")
    if transaction.nonce >= 2**64 - 1:
        raise TransactionRefused("nonce has max value")
    if transaction.to is None and len(transaction.data) > INITCODE_BYTES_MAX:
        raise TransactionRefused(
            f"max initcode size exceeded: code size {len(transaction.data)}, limit {INITCODE_BYTES_MAX}"
        )
    if transaction.gas_limit < transaction.intrinsic_gas:
        raise TransactionRefused(
            f"intrinsic gas too low: gas {transaction.gas_limit}, minimum needed {transaction.intrinsic_gas}"
        )
    if transaction.gas_limit < transaction.floor_gas:
        raise TransactionRefused(
            f"insufficient gas for floor data gas cost: gas {transaction.gas_limit}, "
            f"minimum needed {transaction.floor_gas}"
        )


def _transaction_of(raw: bytes, transaction_type: int, items: tuple[rlp.RlpItem, ...]) -> Transaction:
    """Items: [chain id], nonce, [tip], price, gas, to, value, data, [access list], v, r, s; [in some types only]."""
    is_legacy = transaction_type == LEGACY_TYPE
    fields = items if is_legacy else items[1:]
    if transaction_type != DYNAMIC_FEE_TYPE:
        fields = (fields[0], fields[1], *fields[1:])  # the price is both tip and cap
    to = rlp.as_bytes(fields[4], None, "to")
    if len(to) not in (0, 20):
        raise RlpError(f"to has {len(to)} bytes, not 20 or none")
    v = rlp.as_uint(fields[-3], 256, "signature v")
    r = rlp.as_uint(fields[-2], 256, "signature r")
    s = rlp.as_uint(fields[-1], 256, "signature s")
    chain_id = _legacy_chain_id(v) if is_legacy else ChainId(rlp.as_uint(items[0], 64, "chain id"))
    return Transaction(
        hash=keccak256(raw),
        raw=raw,
        type=transaction_type,
        chain_id=chain_id,
        sender=_sender(transaction_type, items[:-3], chain_id, (v, r, s)),
        nonce=rlp.as_uint(fields[0], 64, "nonce"),
        to=Address(to) if to else None,
        value_wei=Wei(rlp.as_uint(fields[5], 256, "value")),
        gas_limit=rlp.as_uint(fields[3], 64, "gas limit"),
        max_fee_per_gas_wei=Wei(rlp.as_uint(fields[2], 256, "fee cap")),
        max_priority_fee_per_gas_wei=Wei(rlp.as_uint(fields[1], 256, "priority fee")),
        data=rlp.as_bytes(fields[6], None, "data"),
        access_list=() if is_legacy else _access_list(fields[7]),
        v=v,
        r=r,
        s=s,
    )


def _legacy_chain_id(v: int) -> ChainId | None:
    """The chain that a legacy signature is for (EIP-155)."""
    return ChainId((v - _FIRST_PROTECTED_V) // 2) if v >= _FIRST_PROTECTED_V else None


def _sender(
    transaction_type: int, signed: tuple[rlp.RlpItem, ...], chain_id: ChainId | None, vrs: tuple[int, int, int]
) -> Address:
    """Who signed. Raises SignatureError."""
    v, r, s = vrs
    if transaction_type != LEGACY_TYPE:
        payload, parity = bytes((transaction_type,)) + rlp.encode(signed), v
    elif chain_id is not None:
        payload, parity = rlp.encode((*signed, rlp.uint(chain_id), b"", b"")), (v - _FIRST_PROTECTED_V) % 2
    else:
        payload, parity = rlp.encode(signed), v - _UNPROTECTED_V[0]
    if parity not in (0, 1):
        raise SignatureError(f"signature v is {v}")
    signature = Signature(r.to_bytes(32) + s.to_bytes(32) + bytes((_UNPROTECTED_V[parity],)))
    return recover_address(keccak256(payload), signature)


def _access_list(item: rlp.RlpItem) -> tuple[AccessListEntry, ...]:
    entries = [rlp.as_list(entry, 2, "access list entry") for entry in rlp.as_list(item, None, "access list")]
    return tuple(
        AccessListEntry(
            Address(rlp.as_bytes(address, 20, "access list address")),
            tuple(Hash32(rlp.as_bytes(key, 32, "storage key")) for key in rlp.as_list(keys, None, "storage keys")),
        )
        for address, keys in entries
    )
