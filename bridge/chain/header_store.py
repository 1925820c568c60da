"""Where a header follower keeps what it holds: one contiguous, parent-linked run of headers per chain.

`HeaderFollower` is the only writer; anybody may read. The node keeps this in SQLite; `MemoryHeaderStore` is the same
thing in a dict, for tests and short-lived tools.
"""

from dataclasses import dataclass
from typing import Protocol

from bridge.codec.types import BlockNumber, Hash32, UnixSeconds


@dataclass(frozen=True, slots=True)
class BlockPoint:
    """A block that can be named: enough to say where a chain is and to notice that it is another chain."""

    number: BlockNumber
    hash: Hash32
    timestamp: UnixSeconds


@dataclass(frozen=True, slots=True)
class StoredHeader:
    """The fields of a header that a leaf, a link, a bloom test and a check of receipts need.

    Only headers whose hash was recomputed from all their fields are stored, so each field here is as true as the hash.
    `logs_bloom` is 256 bytes, or empty where the follower was told not to keep blooms (a side chain needs none).
    """

    number: BlockNumber
    hash: Hash32
    parent_hash: Hash32
    timestamp: UnixSeconds
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes

    @property
    def point(self) -> BlockPoint:
        """This block's number, hash and time."""
        return BlockPoint(self.number, self.hash, self.timestamp)


@dataclass(frozen=True, slots=True)
class HeaderChange:
    """One atomic change of a store, in this order: remove, append, move the confirmed number.

    `remove_from`: every header with this number or above goes: the orphaned end of a reorg. If that cuts below the
    confirmed number (only when an operator accepted such a reorg), the confirmed number falls to the last header left,
    or to None if nothing is left.
    `append`: ascending, without gaps, the first one right after what is left (any header may start an empty store).
    `confirmed`: the new confirmed number; None leaves it as it is. It never exceeds the last header.
    """

    remove_from: BlockNumber | None = None
    append: tuple[StoredHeader, ...] = ()
    confirmed: BlockNumber | None = None


class HeaderStore(Protocol):
    """A contiguous run of headers of one chain. Calls are short and synchronous; `apply` is one durable transaction."""

    def first(self) -> StoredHeader | None:
        """The lowest header held, or None in an empty store."""
        ...

    def last(self) -> StoredHeader | None:
        """The highest header held, or None in an empty store."""
        ...

    def header(self, number: BlockNumber) -> StoredHeader | None:
        """The header with this number, or None if it is outside the run."""
        ...

    def headers(self, start: BlockNumber, count: int) -> tuple[StoredHeader, ...]:
        """The headers held among start … start + count − 1, ascending; fewer (or none) where the run does not reach."""
        ...

    def confirmed(self) -> BlockNumber | None:
        """The number up to which the chain is confirmed, or None if no block ever was."""
        ...

    def apply(self, change: HeaderChange) -> None:
        """Make the change as a whole or not at all; a change that would break the run is a ValueError."""
        ...

    def prune_below(self, number: BlockNumber) -> None:
        """Forget the headers below `number`; the last header always stays."""
        ...


def check_change(last: StoredHeader | None, change: HeaderChange) -> None:
    """Refuse a change that would leave a gap or a broken link; `last` is the header that stays below `append`.

    Both stores call it, so that a follower's bug cannot reach the disk. Raises ValueError.
    """
    previous = last
    for header in change.append:
        if previous is not None and (header.number != previous.number + 1 or header.parent_hash != previous.hash):
            raise ValueError(f"header {header.number} does not follow {previous.number}")
        previous = header
    if change.confirmed is not None and (previous is None or change.confirmed > previous.number):
        raise ValueError(f"confirmed number {change.confirmed} is beyond the last header")


class MemoryHeaderStore:
    """A `HeaderStore` in memory."""

    def __init__(self) -> None:
        self._headers: dict[BlockNumber, StoredHeader] = {}
        self._first: BlockNumber | None = None
        self._last: BlockNumber | None = None
        self._confirmed: BlockNumber | None = None

    def first(self) -> StoredHeader | None:
        """The lowest header held, or None in an empty store."""
        return None if self._first is None else self._headers[self._first]

    def last(self) -> StoredHeader | None:
        """The highest header held, or None in an empty store."""
        return None if self._last is None else self._headers[self._last]

    def header(self, number: BlockNumber) -> StoredHeader | None:
        """The header with this number, or None if it is outside the run."""
        return self._headers.get(number)

    def headers(self, start: BlockNumber, count: int) -> tuple[StoredHeader, ...]:
        """The headers held among start … start + count − 1, ascending."""
        found = (self._headers.get(BlockNumber(number)) for number in range(start, start + count))
        return tuple(header for header in found if header is not None)

    def confirmed(self) -> BlockNumber | None:
        """The number up to which the chain is confirmed, or None if no block ever was."""
        return self._confirmed

    def apply(self, change: HeaderChange) -> None:
        """Make the change as a whole or not at all."""
        staying = self.last() if change.remove_from is None else self.header(BlockNumber(change.remove_from - 1))
        check_change(staying, change)
        if change.remove_from is not None and self._last is not None:
            for number in range(change.remove_from, self._last + 1):
                self._headers.pop(BlockNumber(number), None)
        for header in change.append:
            self._headers[header.number] = header
        self._first = min(self._headers, default=None)
        self._last = max(self._headers, default=None)
        if change.confirmed is not None:
            self._confirmed = change.confirmed
        elif self._confirmed is not None and change.remove_from is not None and change.remove_from <= self._confirmed:
            self._confirmed = None if staying is None else staying.number

    def prune_below(self, number: BlockNumber) -> None:
        """Forget the headers below `number`; the last header always stays."""
        if self._first is None or self._last is None:
            return
        keep_from = BlockNumber(min(number, self._last))
        for old in range(self._first, keep_from):
            del self._headers[BlockNumber(old)]
        self._first = max(self._first, keep_from)
