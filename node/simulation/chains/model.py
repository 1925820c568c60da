"""A chain without an EVM: real headers, receipts and signed transactions over models of our contracts.

It does what `EmbeddedChain` does, in microseconds, and a little that no chain of rules does: a base fee by order.
"""

from bridge.chain.clock import Clock
from bridge.codec.header import Header
from bridge.codec.receipts import Receipt
from bridge.codec.types import (
    ZERO_ADDRESS,
    Address,
    BlockNumber,
    ChainId,
    Hash32,
    UnixSeconds,
    Wei,
)
from node.devnet.chain import (
    Block,
    BlockId,
    BlockUnknown,
    Call,
    ChainGenesis,
    FoundLog,
    LogFilter,
    PoolLimits,
    TooManyLogs,
    Transaction,
    TransactionPlace,
)
from node.devnet.chain.pool import TransactionPool
from node.devnet.chain.pooled import PooledChain
from node.devnet.chain.rules import check_count, check_timestamp, later, next_base_fee_wei
from node.simulation.chains import processing
from node.simulation.chains.execution import BlockContext, code_of
from node.simulation.chains.making import MadeBlock, make_block, make_genesis
from node.simulation.chains.state import Key, Layered, State, StateHistory


class ModelChain(PooledChain):
    """One chain, in memory. A block given as None is the head. Methods that take a block raise BlockUnknown."""

    def __init__(
        self,
        chain_id: ChainId,
        clock: Clock,
        genesis: ChainGenesis,
        *,
        safe_confirmations: int = 1,
        finalized_confirmations: int = 2,
        pool_limits: PoolLimits | None = None,
    ) -> None:
        """Block b is safe (finalized) when the head is at least b plus the confirmations."""
        self.chain_id = chain_id
        self._clock = clock
        self._safe_confirmations = safe_confirmations
        self._finalized_confirmations = finalized_confirmations
        self._pool = TransactionPool(pool_limits or PoolLimits())
        self._forced_base_fee_wei: Wei | None = None
        self._history = StateHistory()
        self._canonical: list[MadeBlock] = []
        self._by_hash: dict[Hash32, MadeBlock] = {}
        self._places: dict[Hash32, tuple[int, int]] = {}
        """Block number and index of every transaction on the canonical chain."""
        self._show(make_genesis(chain_id, genesis))

    def close(self) -> None:
        """Nothing to let go of."""

    # Making blocks

    def mine(self, count: int = 1, timestamp: UnixSeconds | None = None) -> tuple[Header, ...]:
        """Make blocks from what waits in the pool, at the clock's time or from `timestamp` on, a second apart.

        Raises TimestampRefused unless it is after the head's.
        """
        check_count(count)
        check_timestamp(self.head, timestamp)
        mined = []
        for position in range(count):
            wanted = int(self._clock.now()) if timestamp is None else timestamp + position
            made = self._make(UnixSeconds(wanted), b"", self._pool)
            for transaction in made.refused:
                self._pool.remove(transaction)
            self._pool.remove_used(self.nonce)
            mined.append(made.header)
        return tuple(mined)

    def reorg(self, depth: int, *, with_transactions: bool = True) -> tuple[Header, ...]:
        """Replace the newest `depth` blocks by others and one more; the new blocks.

        Transactions of the replaced blocks go back to the pool and are mined again, or, without `with_transactions`,
        only wait there. Raises BlockUnknown when the chain is not that long.
        """
        check_count(depth)
        if depth > self.head.number:
            raise BlockUnknown(
                f"a reorg of {depth} blocks would replace the genesis block: the head is {self.head.number}"
            )
        replaced = self._canonical[-depth:]
        self._pool.restore(transaction for made in replaced for transaction in made.block.transactions)
        for made in reversed(replaced):
            self._hide(made)
        pool = self._pool if with_transactions else TransactionPool(PoolLimits())
        headers = []
        for old in (*replaced, None):
            # A block re-made with equal contents would be the very same block, so each names the one it replaces.
            salt = b"" if old is None else old.header.hash
            wanted = UnixSeconds(int(self._clock.now())) if old is None else old.header.timestamp
            made = self._make(wanted, salt, pool)
            for transaction in (*made.block.transactions, *made.refused):
                pool.remove(transaction)
            headers.append(made.header)
        self._pool.remove_used(self.nonce)
        return tuple(headers)

    def force_base_fee(self, base_fee_wei: Wei | None) -> None:
        """Have all further blocks this base fee; None: from the last one on it moves by the rule again."""
        self._forced_base_fee_wei = base_fee_wei

    def _make(self, wanted: UnixSeconds, extra_data: bytes, pool: TransactionPool) -> MadeBlock:
        """Make a block on the head, and show it as the new one."""
        parent = self.head
        context = BlockContext(self.chain_id, parent.number + 1, later(parent, wanted))
        base_fee_wei = self.next_base_fee_wei()
        selection = pool.select(base_fee_wei, self.nonce)
        made = make_block(parent, self._history, context, base_fee_wei, extra_data, selection)
        self._show(made)
        return made

    def _show(self, made: MadeBlock) -> None:
        """The block becomes the head."""
        number = made.header.number
        self._history.push(number, made.changes)
        self._canonical.append(made)
        self._by_hash[made.header.hash] = made
        for index, transaction in enumerate(made.block.transactions):
            self._places[transaction.hash] = number, index

    def _hide(self, made: MadeBlock) -> None:
        """The head's parent becomes the head; the block stays known by its hash."""
        self._history.pop(made.changes)
        self._canonical.pop()
        for transaction in made.block.transactions:
            del self._places[transaction.hash]

    # Transactions

    def pending(self) -> tuple[Transaction, ...]:
        """What the next block would hold, if every transaction in it succeeds and uses all its gas."""
        return self._pool.select(self.next_base_fee_wei(), self.nonce).within(self.head.gas_limit)

    def mined(self, transaction_hash: Hash32) -> TransactionPlace | None:
        """Where a transaction is on the canonical chain."""
        place = self._places.get(transaction_hash)
        return None if place is None else TransactionPlace(self._canonical[place[0]].block, place[1])

    # Blocks

    @property
    def head(self) -> Header:
        """The newest block."""
        return self._canonical[-1].header

    @property
    def safe_number(self) -> BlockNumber:
        """The block of the tag `safe`."""
        return BlockNumber(max(0, self.head.number - self._safe_confirmations))

    @property
    def finalized_number(self) -> BlockNumber:
        """The block of the tag `finalized`."""
        return BlockNumber(max(0, self.head.number - self._finalized_confirmations))

    def header(self, block: BlockId | None = None) -> Header:
        """A header; by hash also of a block that a reorg replaced."""
        return self._made(block).header

    def block(self, block: BlockId | None = None) -> Block:
        """A block with transactions and receipts; by hash also one that a reorg replaced."""
        return self._made(block).block

    def receipts(self, block: BlockId | None = None) -> tuple[Receipt, ...]:
        """A block's receipts, in the order of its transactions."""
        return self.block(block).receipts

    def is_canonical(self, header: Header) -> bool:
        """Whether the header is on the chain that ends in the head."""
        return header.number <= self.head.number and self._canonical[header.number].header.hash == header.hash

    def logs(self, wanted: LogFilter, first: int, last: int, limit: int = 10_000) -> tuple[FoundLog, ...]:
        """The matching logs of the blocks `first` to `last`, which ends at the head. Raises TooManyLogs."""
        found: list[FoundLog] = []
        for number in range(max(0, first), min(last, self.head.number) + 1):
            found.extend(self.logs_of_block(wanted, number))
            if len(found) > limit:
                raise TooManyLogs(f"query returned more than {limit} results")
        return tuple(found)

    def logs_of_block(self, wanted: LogFilter, block: BlockId) -> tuple[FoundLog, ...]:
        """The matching logs of one block."""
        full = self.block(block)
        return full.matching_logs(wanted) if wanted.may_match(full.header.logs_bloom) else ()

    # State

    def balance(self, address: Address, block: BlockId | None = None) -> Wei:
        """What an account has after a block."""
        return Wei(processing.balance(self._state(block), address))

    def nonce(self, address: Address, block: BlockId | None = None) -> int:
        """How many transactions an account has sent up to a block."""
        return processing.nonce(self._state(block), address)

    def code(self, address: Address, block: BlockId | None = None) -> bytes:
        """The contract's code after a block, its immutable values left zero; empty for an account without."""
        return code_of(self._state(block), address, processing.runtime_code)

    def storage(self, _address: Address, _slot: int, block: BlockId | None = None) -> int:
        """Always zero: models have no slots. No contract here is a proxy, whose slots are asked for."""
        self._made(block)
        return 0

    def call(self, to: Address, data: bytes, sender: Address | None = None, block: BlockId | None = None) -> bytes:
        """What a contract's function returns, called for free. Raises CallReverted, CallFailed."""
        return self.run(Call(to, data, sender or ZERO_ADDRESS), block)

    def run(self, call: Call, block: BlockId | None = None) -> bytes:
        """What any call returns. Raises CallReverted, CallFailed."""
        header = self.header(block)
        return processing.run_call(self._state(block), self._context(header), call, _gas_cap(header, call))

    def estimate_gas(self, call: Call, block: BlockId | None = None) -> int:
        """A gas limit that is enough. Raises CallReverted, CallFailed."""
        header = self.header(block)
        return processing.needed_gas(self._state(block), self._context(header), call, _gas_cap(header, call))

    def next_base_fee_wei(self, block: BlockId | None = None) -> Wei:
        """The base fee of a child of the block: of the one that there is, or of the one to come."""
        header = self.header(block)
        if header.number < self.head.number and self.is_canonical(header):
            return self._canonical[header.number + 1].header.base_fee_per_gas_wei or Wei(0)
        return next_base_fee_wei(header) if self._forced_base_fee_wei is None else self._forced_base_fee_wei

    # Look-ups

    def _made(self, block: BlockId | None) -> MadeBlock:
        if block is None:
            return self._canonical[-1]
        if isinstance(block, bytes):
            found = self._by_hash.get(Hash32(block))
            if found is None:
                raise BlockUnknown(f"no block {block.hex()}")
            return found
        if not 0 <= block < len(self._canonical):
            raise BlockUnknown(f"no block {block}: the head is {self.head.number}")
        return self._canonical[block]

    def _state(self, block: BlockId | None) -> State:
        if block is None or block == self.head.number:
            return self._history
        return self._state_after(self._made(block))

    def _state_after(self, made: MadeBlock) -> State:
        """That of a replaced block is its changes over those of its parents, up to one that stands."""
        changes: dict[Key, object] = {}
        while not self.is_canonical(made.header):
            changes = {**made.changes, **changes}
            made = self._by_hash[made.header.parent_hash]
        standing = self._history.at(made.header.number)
        return Layered(standing, changes) if changes else standing

    def _context(self, header: Header) -> BlockContext:
        return BlockContext(self.chain_id, header.number, header.timestamp)


def _gas_cap(header: Header, call: Call) -> int:
    return header.gas_limit if call.gas_limit is None else min(call.gas_limit, header.gas_limit)
