"""Makes one block over models: takes transactions in order, runs them, and puts a header of Prague's form on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from bridge.codec import rlp
from bridge.codec.bloom import EMPTY_BLOOM, bloom_of
from bridge.codec.hash import keccak256
from bridge.codec.header import Header
from bridge.codec.receipts import FAILURE, SUCCESS, Receipt, receipts_root
from bridge.codec.trie import EMPTY_TRIE_ROOT, ordered_trie_root
from bridge.codec.types import ZERO_HASH, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from node.devnet.chain import Block, ChainGenesis, Transaction
from node.devnet.chain.pool import Selection
from node.simulation.chains import processing
from node.simulation.chains.execution import BlockContext, balance_key
from node.simulation.chains.state import Key, Overlay, State

_NO_UNCLES_HASH = keccak256(rlp.encode(()))
_NO_REQUESTS_HASH = Hash32(sha256().digest())
"""Of a block without execution-layer requests (EIP-7685)."""
_POST_MERGE_NONCE = bytes(8)


@dataclass(frozen=True, slots=True)
class MadeBlock:
    """A block that was made, and what it changed."""

    block: Block
    changes: Mapping[Key, object]
    refused: tuple[Transaction, ...]

    @property
    def header(self) -> Header:
        """The block's."""
        return self.block.header


def make_genesis(chain_id: ChainId, genesis: ChainGenesis) -> MadeBlock:
    """The first block of a chain."""
    changes: dict[Key, object] = {balance_key(address): wei for address, wei in genesis.alloc.items()}
    header = _header(
        parent_hash=ZERO_HASH,
        number=0,
        gas_limit=genesis.gas_limit,
        timestamp=genesis.timestamp,
        base_fee_wei=genesis.base_fee_per_gas_wei,
        state_root=_state_root(chain_id.to_bytes(32), ZERO_HASH, b""),
    )
    return MadeBlock(Block.of(header, (), ()), changes, ())


def make_block(
    parent: Header, below: State, context: BlockContext, base_fee_wei: Wei, extra_data: bytes, selection: Selection
) -> MadeBlock:
    """A child of `parent`, after which the state is as `below`."""
    state = Overlay(below)
    run = _run(state, context, base_fee_wei, parent.gas_limit, selection)
    transactions_root = ordered_trie_root([transaction.raw for transaction in run.included])
    header = _header(
        parent_hash=parent.hash,
        number=context.number,
        gas_limit=parent.gas_limit,
        timestamp=context.timestamp,
        base_fee_wei=base_fee_wei,
        state_root=_state_root(parent.state_root, transactions_root, extra_data),
        extra_data=extra_data,
        transactions_root=transactions_root,
        receipts=run.receipts,
    )
    block = Block.of(header, tuple(run.included), tuple(run.receipts))
    return MadeBlock(block, state.changes, tuple(run.refused))


@dataclass(frozen=True, slots=True)
class _BlockRun:
    included: list[Transaction]
    receipts: list[Receipt]
    refused: list[Transaction]


def _run(state: Overlay, context: BlockContext, base_fee_wei: int, gas_limit: int, selection: Selection) -> _BlockRun:
    run, gas_used = _BlockRun([], [], []), 0
    while (transaction := selection.pop()) is not None:
        if gas_used + transaction.gas_limit > gas_limit:
            continue
        outcome = processing.apply_transaction(state, context, base_fee_wei, transaction)
        if outcome is None:
            run.refused.append(transaction)
            continue
        gas_used += outcome.gas_used
        status = SUCCESS if outcome.succeeded else FAILURE
        run.receipts.append(Receipt(transaction.type, status, gas_used, bloom_of(outcome.logs), outcome.logs))
        run.included.append(transaction)
        selection.follow(transaction)
    return run


def _header(
    *,
    parent_hash: Hash32,
    number: int,
    gas_limit: int,
    timestamp: UnixSeconds,
    base_fee_wei: Wei,
    state_root: Hash32,
    extra_data: bytes = b"",
    transactions_root: Hash32 = EMPTY_TRIE_ROOT,
    receipts: Sequence[Receipt] = (),
) -> Header:
    """A header of Prague's form."""
    return Header(
        parent_hash=parent_hash,
        uncles_hash=_NO_UNCLES_HASH,
        beneficiary=processing.BENEFICIARY,
        state_root=state_root,
        transactions_root=transactions_root,
        receipts_root=receipts_root(receipts),
        logs_bloom=bloom_of(log for receipt in receipts for log in receipt.logs) if receipts else EMPTY_BLOOM,
        difficulty=0,
        number=BlockNumber(number),
        gas_limit=gas_limit,
        gas_used=receipts[-1].cumulative_gas_used if receipts else 0,
        timestamp=timestamp,
        extra_data=extra_data,
        mix_hash=ZERO_HASH,
        nonce=_POST_MERGE_NONCE,
        base_fee_per_gas_wei=base_fee_wei,
        withdrawals_root=EMPTY_TRIE_ROOT,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=ZERO_HASH,
        requests_hash=_NO_REQUESTS_HASH,
    )


def _state_root(before: bytes, transactions_root: Hash32, extra_data: bytes) -> Hash32:
    """Stands in for the root of a state trie, which nobody reads: equal for equal pasts only."""
    return keccak256(before + transactions_root + extra_data)
