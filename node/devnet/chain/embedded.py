"""The chain object: blocks made on demand, read at any height, and re-made from an older parent."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from eth.abc import BlockHeaderAPI
from eth.exceptions import HeaderNotFound, TransactionNotFound

from bridge.chain.clock import Clock
from bridge.codec.header import Header
from bridge.codec.receipts import Receipt
from bridge.codec.types import ZERO_ADDRESS, Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from node.devnet.chain.builder import build_block
from node.devnet.chain.errors import BlockUnknown, ChainFileRefused, TooManyLogs
from node.devnet.chain.evm import (
    AccountState,
    PragueChain,
    create_chain,
    header_of,
    open_chain,
    read_block,
    whole_block,
)
from node.devnet.chain.execution import needed_gas, run_call
from node.devnet.chain.pool import PoolLimits, Selection, TransactionPool
from node.devnet.chain.pooled import PooledChain
from node.devnet.chain.rules import check_count, check_timestamp, later, next_base_fee_wei
from node.devnet.chain.store import BlockStore, FileBacking, MemoryBacking
from node.devnet.chain.transactions import Transaction
from node.devnet.chain.views import Block, BlockId, Call, ChainGenesis, FoundLog, LogFilter, TransactionPlace

BLOCKS_CACHED = 64
SALT_BYTES = 32

_CHAIN_ID_KEY = b"sidewarden:chain-id"


class EmbeddedChain(PooledChain):
    """One chain. Not thread-safe; every method returns when its work is done and, with a file, on disk.

    A block given as None is the head. Methods that take a block raise BlockUnknown.
    """

    def __init__(
        self,
        path: Path | None,
        chain_id: ChainId,
        clock: Clock,
        genesis: ChainGenesis,
        *,
        safe_confirmations: int = 1,
        finalized_confirmations: int = 2,
        pool_limits: PoolLimits | None = None,
    ) -> None:
        """Go on with the chain in the file, or begin a new one; without a path the chain lives in memory.

        `genesis` counts only for a new chain. Block b is safe (finalized) when the head is at least b plus the
        confirmations. Raises ChainFileRefused.
        """
        self.chain_id = chain_id
        self._clock = clock
        self._backing = MemoryBacking() if path is None else FileBacking(path)
        self._store = BlockStore(self._backing)
        self._safe_confirmations = safe_confirmations
        self._finalized_confirmations = finalized_confirmations
        self._pool = TransactionPool(pool_limits or PoolLimits())
        self._blocks: OrderedDict[Hash32, Block] = OrderedDict()
        with ExitStack() as unless_opened:
            unless_opened.callback(self._store.close)
            self._chain = self._open(path, genesis)
            self._evm_head = self._chain.get_canonical_head()
            unless_opened.pop_all()
        self._head = header_of(self._evm_head)

    def _open(self, path: Path | None, genesis: ChainGenesis) -> PragueChain:
        wanted = self.chain_id.to_bytes(32)
        if _CHAIN_ID_KEY not in self._store:
            chain = create_chain(self._store, self.chain_id, genesis)
            self._store[_CHAIN_ID_KEY] = wanted
            self._store.commit()
            return chain
        if self._store[_CHAIN_ID_KEY] != wanted:
            found = int.from_bytes(self._store[_CHAIN_ID_KEY])
            raise ChainFileRefused(f"{path} holds the chain with id {found}, not {self.chain_id}: use another home")
        return open_chain(self._store, self.chain_id)

    def close(self) -> None:
        """Close the file; it is complete in itself then and can be copied."""
        self._store.close()

    def copy(self) -> Self:
        """A chain in memory with the same past and pool that goes its own way. Only of a chain in memory."""
        if not isinstance(self._backing, MemoryBacking):
            raise TypeError("only a chain in memory can be copied; copy the file of a closed one instead")
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._backing = self._backing.copy()
        twin._store = BlockStore(twin._backing)
        twin._pool = self._pool.copy()
        twin._blocks = OrderedDict(self._blocks)
        twin._chain = open_chain(twin._store, self.chain_id)
        return twin

    # Making blocks

    def mine(self, count: int = 1, timestamp: UnixSeconds | None = None) -> tuple[Header, ...]:
        """Make blocks from what waits in the pool; all are durable when this returns.

        Times are the clock's whole seconds, but at least one second after the parent. `timestamp` is the first block's
        time instead, and each further one is a second later. Raises TimestampRefused unless it is after the head's.
        """
        check_count(count)
        check_timestamp(self._head, timestamp)
        mined = []
        for position in range(count):
            wanted = int(self._clock.now()) if timestamp is None else timestamp + position
            mined.append(self._mine_one(UnixSeconds(wanted)))
        return tuple(mined)

    def _mine_one(self, wanted: UnixSeconds) -> Header:
        try:
            built = build_block(self._chain, self._evm_head, later(self._head, wanted), b"", self._select_at_head)
            self._store.commit()
        except BaseException:
            self._store.discard()
            raise
        self._show_head(built.header)
        # The new head is what everybody asks for next, and here all its parts are at hand.
        self._keep(whole_block(self._head, built.included, built.encoded_receipts))
        for transaction in built.refused:
            self._pool.remove(transaction)
        self._pool.remove_used(self.nonce)
        return self._head

    def reorg(self, depth: int, *, with_transactions: bool = True) -> tuple[Header, ...]:
        """Replace the newest `depth` blocks by others and one more; the new blocks, all durable at once.

        Transactions of the replaced blocks go back to the pool and are mined again, or, without `with_transactions`,
        only wait there. Raises BlockUnknown when the chain is not that long.
        """
        check_count(depth)
        if depth > self._head.number:
            raise BlockUnknown(
                f"a reorg of {depth} blocks would replace the genesis block: the head is {self._head.number}"
            )
        replaced = [self.block(number) for number in range(self._head.number - depth + 1, self._head.number + 1)]
        pool = self._pool.copy()
        pool.restore(transaction for block in replaced for transaction in block.transactions)
        try:
            headers = self._mine_branch(replaced, pool if with_transactions else TransactionPool(PoolLimits()))
            self._store.commit()
        except BaseException:
            self._store.discard()
            raise
        self._pool = pool
        self._show_head(headers[-1])
        self._pool.remove_used(self.nonce)
        return tuple(header_of(header) for header in headers)

    def _mine_branch(self, replaced: list[Block], pool: TransactionPool) -> list[BlockHeaderAPI]:
        """Blocks on the parent of the first replaced one. py-evm makes the last the head, as the branch is longer."""
        parent = self._evm_header(replaced[0].header.parent_hash)
        headers: list[BlockHeaderAPI] = []
        for old in (*replaced, None):
            # A block re-made with equal contents would be the very same block, so each names the one it replaces.
            salt = b"" if old is None else old.header.hash[:SALT_BYTES]
            wanted = UnixSeconds(int(self._clock.now())) if old is None else old.header.timestamp
            select = _selection_from(self._chain, pool, parent)
            built = build_block(self._chain, parent, later(header_of(parent), wanted), salt, select)
            for transaction in (*built.included, *built.refused):
                pool.remove(transaction)
            parent = built.header
            headers.append(parent)
        return headers

    def _select_at_head(self, base_fee_wei: int) -> Selection:
        return self._pool.select(base_fee_wei, self.nonce)

    def _show_head(self, header: BlockHeaderAPI) -> None:
        self._evm_head = header
        self._head = header_of(header)

    # Transactions

    def pending(self) -> tuple[Transaction, ...]:
        """What the next block would hold, if every transaction in it succeeds and uses all its gas."""
        return self._select_at_head(self.next_base_fee_wei()).within(self._head.gas_limit)

    def mined(self, transaction_hash: Hash32) -> TransactionPlace | None:
        """Where a transaction is on the canonical chain."""
        try:
            number, index = self._chain.transaction_index(transaction_hash)
        except TransactionNotFound:
            return None
        block = self.block(number)
        # py-evm keeps the entry of a transaction that a reorg took out of its block.
        if index >= len(block.transactions) or block.transactions[index].hash != transaction_hash:
            return None
        return TransactionPlace(block, index)

    # Blocks

    @property
    def head(self) -> Header:
        """The newest block."""
        return self._head

    @property
    def safe_number(self) -> BlockNumber:
        """The block of the tag `safe`."""
        return BlockNumber(max(0, self._head.number - self._safe_confirmations))

    @property
    def finalized_number(self) -> BlockNumber:
        """The block of the tag `finalized`."""
        return BlockNumber(max(0, self._head.number - self._finalized_confirmations))

    def header(self, block: BlockId | None = None) -> Header:
        """A header; by hash also of a block that a reorg replaced."""
        return self._head if block is None else header_of(self._evm_header(block))

    def block(self, block: BlockId | None = None) -> Block:
        """A block with transactions and receipts; by hash also one that a reorg replaced."""
        block_hash = Hash32(self._evm_header(block).hash)
        return self._blocks.get(block_hash) or self._keep(read_block(self._store, self.header(block_hash)))

    def receipts(self, block: BlockId | None = None) -> tuple[Receipt, ...]:
        """A block's receipts, in the order of its transactions."""
        return self.block(block).receipts

    def is_canonical(self, header: Header) -> bool:
        """Whether the header is on the chain that ends in the head."""
        return header.number <= self._head.number and self._canonical_hash(header.number) == header.hash

    def logs(self, wanted: LogFilter, first: int, last: int, limit: int = 10_000) -> tuple[FoundLog, ...]:
        """The matching logs of the blocks `first` to `last`, which ends at the head. Raises TooManyLogs."""
        found: list[FoundLog] = []
        for number in range(max(0, first), min(last, self._head.number) + 1):
            found.extend(self.logs_of_block(wanted, number))
            if len(found) > limit:
                raise TooManyLogs(f"query returned more than {limit} results")
        return tuple(found)

    def logs_of_block(self, wanted: LogFilter, block: BlockId) -> tuple[FoundLog, ...]:
        """The matching logs of one block."""
        header = self.header(block)
        if not wanted.may_match(header.logs_bloom):
            return ()
        return self.block(header.hash).matching_logs(wanted)

    # State

    def balance(self, address: Address, block: BlockId | None = None) -> Wei:
        """What an account has after a block."""
        return self._state(block).balance(address)

    def nonce(self, address: Address, block: BlockId | None = None) -> int:
        """How many transactions an account has sent up to a block."""
        return self._state(block).nonce(address)

    def code(self, address: Address, block: BlockId | None = None) -> bytes:
        """The contract's code after a block; empty for an account without."""
        return self._state(block).code(address)

    def storage(self, address: Address, slot: int, block: BlockId | None = None) -> int:
        """A storage slot after a block."""
        return self._state(block).storage(address, slot)

    def call(self, to: Address, data: bytes, sender: Address | None = None, block: BlockId | None = None) -> bytes:
        """What a contract's function returns, called for free. Raises CallReverted, CallFailed."""
        return self.run(Call(to, data, sender or ZERO_ADDRESS), block)

    def run(self, call: Call, block: BlockId | None = None) -> bytes:
        """What any call returns. Raises CallReverted, CallFailed."""
        return run_call(self._chain, self._evm_header(block), call)

    def estimate_gas(self, call: Call, block: BlockId | None = None) -> int:
        """A gas limit that is enough, and at most a 64th too high. Raises CallReverted, CallFailed."""
        return needed_gas(self._chain, self._evm_header(block), call)

    def next_base_fee_wei(self, block: BlockId | None = None) -> Wei:
        """The base fee of a child of the block."""
        return next_base_fee_wei(self.header(block))

    # Look-ups

    def _keep(self, block: Block) -> Block:
        self._blocks[block.header.hash] = block
        if len(self._blocks) > BLOCKS_CACHED:
            self._blocks.popitem(last=False)
        return block

    def _state(self, block: BlockId | None) -> AccountState:
        return self._chain.state_after(self._evm_header(block))

    def _evm_header(self, block: BlockId | None) -> BlockHeaderAPI:
        if block is None or block in (self._head.number, self._head.hash):
            return self._evm_head
        if isinstance(block, bytes) and len(block) != 32:
            raise BlockUnknown(f"no block has a hash of {len(block)} bytes")
        try:
            block_hash = self._canonical_hash(block) if isinstance(block, int) else Hash32(block)
            return self._chain.header_with_hash(block_hash)
        except HeaderNotFound as error:
            raise BlockUnknown(f"no block {block if isinstance(block, int) else block.hex()}") from error

    def _canonical_hash(self, number: int) -> Hash32:
        # py-evm keeps number-to-hash entries above a head that was set back, so the head bounds what may be read.
        if not 0 <= number <= self._head.number:
            raise BlockUnknown(f"no block {number}: the head is {self._head.number}")
        return self._chain.canonical_hash(BlockNumber(number))


def _selection_from(chain: PragueChain, pool: TransactionPool, parent: BlockHeaderAPI) -> Callable[[int], Selection]:
    state = chain.state_after(parent)
    return lambda base_fee_wei: pool.select(base_fee_wei, state.nonce)
