"""Roots over ranges of the confirmed side chain, each known as soon as its last header is.

A range under way starts at the last checkpoint's end and grows by a block at a time, so one incremental tree per start
gives every root that a proposal may ask for without hashing a leaf twice. What the tree was after each block is kept;
a root itself is a few hashes more, made when it is asked for.
"""

from bridge.chain.header_store import HeaderStore, StoredHeader
from bridge.codec.header import leaf
from bridge.codec.merkle import Frontier
from bridge.codec.types import BlockNumber, Hash32

STARTS_MAX = 8
"""Ranges under way at a time: one per root chain and turn is usual."""
READ_CHUNK = 1024


class RangeRoots:
    """The roots of ranges over one header store; a reorg there is noticed by the last header used."""

    def __init__(self, store: HeaderStore, blocks_max: int) -> None:
        """`blocks_max` is the longest range that any root chain allows."""
        self._store = store
        self._blocks_max = blocks_max
        self._ranges: dict[BlockNumber, _GrowingRange] = {}

    def root(self, start: BlockNumber, end: BlockNumber) -> Hash32 | None:
        """The root over start … end, or None while the store does not hold all of it as confirmed."""
        confirmed = self._store.confirmed()
        if confirmed is None or not start <= end <= confirmed or end - start >= self._blocks_max:
            return None
        return self._grown(start, end).root(end)

    def warm(self, start: BlockNumber) -> None:
        """Hash what is confirmed of the range from `start`, so that little is left to do when its root is asked for."""
        confirmed = self._store.confirmed()
        if confirmed is not None and confirmed >= start:
            self._grown(start, BlockNumber(min(confirmed, start + self._blocks_max - 1)))

    def _grown(self, start: BlockNumber, end: BlockNumber) -> "_GrowingRange":
        growing = self._ranges.get(start)
        if growing is None or not growing.stands_in(self._store):
            growing = self._begin(start)
        growing.grow(self._store, end)
        return growing

    def _begin(self, start: BlockNumber) -> "_GrowingRange":
        self._ranges.pop(start, None)
        while len(self._ranges) >= STARTS_MAX:
            del self._ranges[min(self._ranges)]
        self._ranges[start] = growing = _GrowingRange(start)
        return growing


class _GrowingRange:
    """The trees over the ranges that begin at one block."""

    def __init__(self, start: BlockNumber) -> None:
        self._start = start
        self._frontier = Frontier()
        self._ends: list[Frontier] = []
        """The tree of start … start, of start … start + 1, and so on."""
        self._last: StoredHeader | None = None

    def stands_in(self, store: HeaderStore) -> bool:
        return self._last is None or store.header(self._last.number) == self._last

    def grow(self, store: HeaderStore, end: BlockNumber) -> None:
        next_number = BlockNumber(self._start + len(self._ends))
        while next_number <= end:
            headers = store.headers(next_number, min(READ_CHUNK, end - next_number + 1))
            if not headers or headers[0].number != next_number:
                return
            for header in headers:
                self._frontier.append(
                    leaf(header.number, header.timestamp, header.transactions_root, header.receipts_root)
                )
                self._ends.append(self._frontier.copy())
            self._last = headers[-1]
            next_number = BlockNumber(self._last.number + 1)

    def root(self, end: BlockNumber) -> Hash32 | None:
        index = end - self._start
        return self._ends[index].root() if index < len(self._ends) else None
