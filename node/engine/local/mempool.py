"""The mempool of one validator: transactions in the order in which they came, within limits.

Every transaction passes the application's CheckTx on entry and again after each block. The limits hold before the
application is asked, so that a flood costs hashes and no signature checks.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32
from node.app.abci import CheckTxResponse
from node.engine.errors import MempoolFullError, TransactionSeenError, TransactionTooLargeError

CODE_OK = 0
CheckTransaction = Callable[[bytes, bool], CheckTxResponse]
"""The application's CheckTx: the transaction, and whether it is a recheck."""


def size_in_block(transaction: bytes) -> int:
    """Its bytes in a block: protobuf puts a tag and the length, seven bits a byte, before it."""
    size = len(transaction)
    return 1 + max(1, (size.bit_length() + 6) // 7) + size


@dataclass(frozen=True, slots=True)
class MempoolLimits:
    """What one mempool holds at most, and for how long."""

    transactions: int = 5_000
    total_bytes: int = 64 * 1024 * 1024
    transaction_bytes: int = 96 * 1024
    ttl_blocks: int = 120
    seen_transactions: int = 10_000

    def __post_init__(self) -> None:
        if self.seen_transactions < self.transactions:
            raise ValueError("seen_transactions must be at least transactions: every waiting one is remembered")


@dataclass(slots=True)
class Entry:
    """A waiting transaction; `sequence` counts this mempool's entries, `senders` are members that have it already."""

    sequence: int
    height: int
    transaction: bytes
    senders: set[int] = field(default_factory=set)


class Mempool:
    """Waiting transactions of one validator."""

    def __init__(self, check: CheckTransaction, limits: MempoolLimits) -> None:
        self._check = check
        self._limits = limits
        self._entries: OrderedDict[Hash32, Entry] = OrderedDict()
        self._seen: OrderedDict[Hash32, None] = OrderedDict()
        self._bytes = 0
        self._next_sequence = 1
        self._height = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def total_bytes(self) -> int:
        """The size of all waiting transactions."""
        return self._bytes

    def add(self, transaction: bytes, sender: int | None = None) -> CheckTxResponse:
        """Take a transaction from a client (`sender` None) or a peer, if the application accepts it.

        Returns the application's answer; a refusal (code not 0) leaves nothing behind. Raises MempoolError if the
        limits or an earlier sight of the same bytes refuse it first.
        """
        size = len(transaction)
        if size > self._limits.transaction_bytes:
            raise TransactionTooLargeError(f"{size} bytes; the mempool takes at most {self._limits.transaction_bytes}")
        key = keccak256(transaction)
        if key in self._seen or key in self._entries:
            if sender is not None and key in self._entries:
                self._entries[key].senders.add(sender)
            raise TransactionSeenError(f"transaction {key.hex()} was taken before")
        if len(self._entries) >= self._limits.transactions or self._bytes + size > self._limits.total_bytes:
            raise MempoolFullError(
                f"{len(self._entries)} transactions of {self._bytes} bytes wait; try again after a block"
            )
        response = self._check(transaction, False)
        if response.code == CODE_OK:
            senders = set() if sender is None else {sender}
            self._entries[key] = Entry(self._next_sequence, self._height, transaction, senders)
            self._next_sequence += 1
            self._bytes += size
            self._remember(key)
        return response

    def after(self, sequence: int) -> Iterator[Entry]:
        """Entries that came after the one with that number, oldest first."""
        newest = []
        for entry in reversed(self._entries.values()):
            if entry.sequence <= sequence:
                break
            newest.append(entry)
        return reversed(newest)

    def reap(self, max_bytes: int) -> tuple[bytes, ...]:
        """The oldest transactions that fit into `max_bytes` together, each counted by `size_in_block`."""
        chosen: list[bytes] = []
        for entry in self._entries.values():
            max_bytes -= size_in_block(entry.transaction)
            if max_bytes < 0:
                break
            chosen.append(entry.transaction)
        return tuple(chosen)

    def update(self, height: int, committed: Collection[bytes]) -> None:
        """After a block: drop what it holds, what has waited too long, and what the application no longer accepts.

        The bytes of a block stay remembered, so that a late peer cannot bring them back; the others may come again.
        """
        self._height = height
        for transaction in committed:
            key = keccak256(transaction)
            self._drop(key)
            self._remember(key)
        for key, entry in tuple(self._entries.items()):
            expired = height - entry.height >= self._limits.ttl_blocks
            if expired or self._check(entry.transaction, True).code != CODE_OK:
                self._drop(key)
                self._seen.pop(key, None)

    def _drop(self, key: Hash32) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry.transaction)

    def _remember(self, key: Hash32) -> None:
        self._seen[key] = None
        self._seen.move_to_end(key)
        while len(self._seen) > self._limits.seen_transactions:
            self._seen.popitem(last=False)
