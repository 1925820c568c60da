"""A chain as everybody but its maker knows it: `EmbeddedChain` runs an EVM, other chains models of contracts."""

from typing import Protocol

from bridge.codec.header import Header
from bridge.codec.receipts import Receipt
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from node.devnet.chain.pool import PoolFaults
from node.devnet.chain.transactions import Transaction
from node.devnet.chain.views import Block, BlockId, Call, FoundLog, LogFilter, TransactionPlace


class Chain(Protocol):
    """Blocks made on demand, read at any height, and re-made from an older parent.

    A block given as None is the head. Methods that take a block raise BlockUnknown.
    """

    chain_id: ChainId

    # Making blocks

    def mine(self, count: int = 1, timestamp: UnixSeconds | None = None) -> tuple[Header, ...]:
        """Make blocks from what waits in the pool, at the clock's time or from `timestamp` on, a second apart.

        Raises TimestampRefused unless it is after the head's.
        """
        ...

    def reorg(self, depth: int, *, with_transactions: bool = True) -> tuple[Header, ...]:
        """Replace the newest `depth` blocks by others and one more; the new blocks.

        Transactions of the replaced blocks go back to the pool and are mined again, or, without `with_transactions`,
        only wait there. Raises BlockUnknown when the chain is not that long.
        """
        ...

    def close(self) -> None:
        """Let go of the resources."""
        ...

    # Transactions

    def send_raw(self, raw: bytes) -> Hash32:
        """Put a signed transaction into the pool. Raises TransactionRefused with geth's wording."""
        ...

    def waiting(self, transaction_hash: Hash32) -> Transaction | None:
        """A transaction that is in the pool."""
        ...

    @property
    def waiting_count(self) -> int:
        """How many transactions are in the pool."""
        ...

    def pending_nonce(self, address: Address) -> int:
        """The nonce of the account's next transaction, after those in the pool."""
        ...

    def pending(self) -> tuple[Transaction, ...]:
        """What the next block would hold, if every transaction in it succeeds and uses all its gas."""
        ...

    def drop(self, transaction_hash: Hash32) -> bool:
        """Have the pool forget a transaction; whether it was there."""
        ...

    def set_pool_faults(self, faults: PoolFaults) -> None:
        """From now on treat transactions so."""
        ...

    def mined(self, transaction_hash: Hash32) -> TransactionPlace | None:
        """Where a transaction is on the canonical chain."""
        ...

    # Blocks

    @property
    def head(self) -> Header:
        """The newest block."""
        ...

    @property
    def safe_number(self) -> BlockNumber:
        """The block of the tag `safe`."""
        ...

    @property
    def finalized_number(self) -> BlockNumber:
        """The block of the tag `finalized`."""
        ...

    def header(self, block: BlockId | None = None) -> Header:
        """A header; by hash also of a block that a reorg replaced."""
        ...

    def block(self, block: BlockId | None = None) -> Block:
        """A block with transactions and receipts; by hash also one that a reorg replaced."""
        ...

    def receipts(self, block: BlockId | None = None) -> tuple[Receipt, ...]:
        """A block's receipts, in the order of its transactions."""
        ...

    def is_canonical(self, header: Header) -> bool:
        """Whether the header is on the chain that ends in the head."""
        ...

    def logs(self, wanted: LogFilter, first: int, last: int, limit: int = 10_000) -> tuple[FoundLog, ...]:
        """The matching logs of the blocks `first` to `last`, which ends at the head. Raises TooManyLogs."""
        ...

    def logs_of_block(self, wanted: LogFilter, block: BlockId) -> tuple[FoundLog, ...]:
        """The matching logs of one block."""
        ...

    # State

    def balance(self, address: Address, block: BlockId | None = None) -> Wei:
        """What an account has after a block."""
        ...

    def nonce(self, address: Address, block: BlockId | None = None) -> int:
        """How many transactions an account has sent up to a block."""
        ...

    def code(self, address: Address, block: BlockId | None = None) -> bytes:
        """The contract's code after a block; empty for an account without."""
        ...

    def storage(self, address: Address, slot: int, block: BlockId | None = None) -> int:
        """A storage slot after a block."""
        ...

    def call(self, to: Address, data: bytes, sender: Address | None = None, block: BlockId | None = None) -> bytes:
        """What a contract's function returns, called for free. Raises CallReverted, CallFailed."""
        ...

    def run(self, call: Call, block: BlockId | None = None) -> bytes:
        """What any call returns. Raises CallReverted, CallFailed."""
        ...

    def estimate_gas(self, call: Call, block: BlockId | None = None) -> int:
        """A gas limit that is enough, and hardly more. Raises CallReverted, CallFailed."""
        ...

    def next_base_fee_wei(self, block: BlockId | None = None) -> Wei:
        """The base fee of a child of the block."""
        ...
