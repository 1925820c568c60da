"""py-evm at our edge: a chain of Prague rules over a store, and its objects as our types."""

from collections.abc import Sequence
from functools import lru_cache
from typing import cast

from eth.abc import BlockHeaderAPI, StateAPI
from eth.chains.base import Chain
from eth.constants import ZERO_ADDRESS, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_typing import Address as EvmAddress
from eth_typing import BlockNumber as EvmBlockNumber
from eth_typing import Hash32 as EvmHash
from trie.hexary import HexaryTrie

from bridge.codec import rlp
from bridge.codec.header import Header
from bridge.codec.receipts import BLOOM_BYTES, decode_receipt
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from node.devnet.chain.store import BlockStore
from node.devnet.chain.transactions import Transaction, decode_transaction
from node.devnet.chain.views import Block, ChainGenesis

POST_MERGE_NONCE = bytes(8)


class PragueChain(Chain):
    """A chain of Prague rules from its first block on, asked and answering in our types."""

    vm_configuration = ((EvmBlockNumber(0), PragueVM),)

    def header_with_hash(self, block_hash: Hash32) -> BlockHeaderAPI:
        """A stored header, canonical or not. Raises py-evm's HeaderNotFound."""
        return self.get_block_header_by_hash(EvmHash(block_hash))

    def canonical_hash(self, number: BlockNumber) -> Hash32:
        """The hash that the canonical chain has, or had while it was longer. Raises py-evm's HeaderNotFound."""
        return Hash32(self.get_canonical_block_hash(EvmBlockNumber(number)))

    def transaction_index(self, transaction_hash: Hash32) -> tuple[BlockNumber, int]:
        """Block number and position of a canonical transaction. Raises py-evm's TransactionNotFound."""
        number, index = self.get_canonical_transaction_index(EvmHash(transaction_hash))
        return BlockNumber(number), index

    def state_after(self, header: BlockHeaderAPI) -> "AccountState":
        """The accounts after a block."""
        return AccountState(self.get_vm(header).state)


class AccountState:
    """Reads the accounts of one state."""

    def __init__(self, state: StateAPI) -> None:
        self._state = state

    def balance(self, address: Address) -> Wei:
        """What the account has."""
        return Wei(self._state.get_balance(EvmAddress(address)))

    def nonce(self, address: Address) -> int:
        """How many transactions the account has sent."""
        return self._state.get_nonce(EvmAddress(address))

    def code(self, address: Address) -> bytes:
        """The account's code, or empty."""
        return self._state.get_code(EvmAddress(address))

    def storage(self, address: Address, slot: int) -> int:
        """One storage slot."""
        return self._state.get_storage(EvmAddress(address), slot)


@lru_cache
def _chain_class(chain_id: ChainId) -> type[PragueChain]:
    # py-evm takes the chain id from the class.
    return type(f"PragueChain{chain_id}", (PragueChain,), {"chain_id": chain_id})


def open_chain(store: BlockStore, chain_id: ChainId) -> PragueChain:
    """The chain that the store holds."""
    return _chain_class(chain_id)(AtomicDB(store))


def create_chain(store: BlockStore, chain_id: ChainId, genesis: ChainGenesis) -> PragueChain:
    """A chain of the genesis block alone. The caller commits."""
    _chain_class(chain_id).from_genesis(
        AtomicDB(store),
        {
            "coinbase": ZERO_ADDRESS,
            "difficulty": 0,
            "mix_hash": ZERO_HASH32,
            "nonce": POST_MERGE_NONCE,
            "gas_limit": genesis.gas_limit,
            "timestamp": genesis.timestamp,
            "extra_data": b"",
            "base_fee_per_gas": genesis.base_fee_per_gas_wei,
        },
        {
            EvmAddress(address): {"balance": balance, "nonce": 0, "code": b"", "storage": {}}
            for address, balance in genesis.alloc.items()
        },
    )
    return open_chain(store, chain_id)


def header_of(header: BlockHeaderAPI) -> Header:
    """Our form of a header; its hash is recomputed from the fields."""
    prague = cast(PragueBlockHeader, header)
    return Header(
        parent_hash=Hash32(prague.parent_hash),
        uncles_hash=Hash32(prague.uncles_hash),
        beneficiary=Address(prague.coinbase),
        state_root=Hash32(prague.state_root),
        transactions_root=Hash32(prague.transaction_root),
        receipts_root=Hash32(prague.receipt_root),
        logs_bloom=prague.bloom.to_bytes(BLOOM_BYTES),
        difficulty=prague.difficulty,
        number=BlockNumber(prague.block_number),
        gas_limit=prague.gas_limit,
        gas_used=prague.gas_used,
        timestamp=UnixSeconds(prague.timestamp),
        extra_data=prague.extra_data,
        mix_hash=Hash32(prague.mix_hash),
        nonce=prague.nonce,
        base_fee_per_gas_wei=Wei(prague.base_fee_per_gas or 0),
        withdrawals_root=Hash32(cast(bytes, prague.withdrawals_root)),
        blob_gas_used=prague.blob_gas_used,
        excess_blob_gas=prague.excess_blob_gas,
        parent_beacon_block_root=Hash32(cast(bytes, prague.parent_beacon_block_root)),
        requests_hash=Hash32(prague.requests_hash),
    )


def read_block(store: BlockStore, header: Header) -> Block:
    """The block of a stored header."""
    transactions = tuple(decode_transaction(raw) for raw in _trie_values(store, header.transactions_root))
    return whole_block(header, transactions, _trie_values(store, header.receipts_root))


def whole_block(header: Header, transactions: tuple[Transaction, ...], encoded_receipts: Sequence[bytes]) -> Block:
    """A block put together from its parts; receipts as the trie holds them."""
    return Block.of(header, transactions, tuple(decode_receipt(each) for each in encoded_receipts))


def _trie_values(store: BlockStore, root: Hash32) -> list[bytes]:
    trie = HexaryTrie(store, root)
    values: list[bytes] = []
    while value := trie[rlp.encode(rlp.uint(len(values)))]:
        values.append(value)
    return values
