"""The checkpoints that were acknowledged, found by root chain and number in the replicated log.

The log holds one entry per event, in order, and further entries for later facts. The archive reads it once from its
beginning, a bounded piece per request, and keeps of each checkpoint a summary and the place of its entries; details
are read when asked for. A node that started from a snapshot may hold only the end of the log: what it does not know of
is HISTORY_NOT_HELD, never "there is none".
"""

from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from bridge.burns.report import CheckpointOnRoot
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.mmr import MountainRange
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds
from node.api.errors import NotFoundError, UnavailableError
from node.app.history import CHECKPOINT_LOG, CheckpointEntry, HistoryEntry, LateEntry, ResetEntry, decode_entry
from node.app.state import Committed
from node.app.store import LOG_PAGE_MAX

SCAN_ENTRIES_MAX = 2_000
"""Log entries read for one request: some tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class CheckpointSummary:
    """An acknowledged checkpoint without its signatures. `number` is header_id / 10000."""

    number: int
    header_id: int
    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    time_s: UnixSeconds
    created_at: UnixSeconds
    """Time of the root chain's block that has it, as the contract notes it; `time_s` is when it was acknowledged."""
    log_index: int
    """Where the log has the whole entry."""


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """An acknowledged checkpoint with what came in afterwards."""

    entry: CheckpointEntry
    late: tuple[LateEntry, ...]
    """Signatures that came after the ack, in the order of arrival."""


@dataclass(slots=True)
class _Chain:
    """One root chain's checkpoints, ascending; a reset takes the last ones away."""

    summaries: list[CheckpointSummary] = field(default_factory=list)
    late: dict[int, list[int]] = field(default_factory=dict)
    """Log indexes of late signatures, by number."""


class HistoryLog(Protocol):
    """The append-only logs of the replicated state; every `StateStore` is one."""

    def log_entries(self, log: str, start: int, count: int) -> tuple[bytes, ...]:
        """Entries of a log from index `start` on, at most `count`; fewer at its end, or where they are not held."""
        ...

    def log_start(self, log: str) -> MountainRange:
        """Over the entries that are not held."""
        ...


class CheckpointArchive:
    """An index over logs/checkpoints that grows with the committed state."""

    def __init__(
        self, history: HistoryLog, committed: Callable[[], Committed], scan_entries_max: int = SCAN_ENTRIES_MAX
    ) -> None:
        """`committed` gives the last committed state, whose log `history` holds."""
        self._history = history
        self._committed = committed
        self._scan_entries_max = scan_entries_max
        self._chains = tuple(_Chain() for _ in committed().state.params.root_chains)
        self._start = self._read = 0

    @property
    def is_partial(self) -> bool:
        """Whether the log's beginning is not held."""
        return self._start > 0

    def catch_up(self) -> None:
        """Read what the log has more than before.

        Raises UnavailableError: HISTORY_INDEXING while the limit of one request is used up before the log's end,
        HISTORY_NOT_HELD where this node lacks entries that the state commits to.
        """
        wanted = self._committed().state.checkpoint_log.count
        if self._read == 0:
            # Not before it is asked for: a snapshot of another node may replace the state until the first block.
            self._start = self._read = self._history.log_start(CHECKPOINT_LOG).count
        stop = min(wanted, self._read + self._scan_entries_max)
        while self._read < stop:
            page = self._history.log_entries(CHECKPOINT_LOG, self._read, min(LOG_PAGE_MAX, stop - self._read))
            if not page:
                raise history_not_held()
            for contents in page:
                self._add(self._read, contents)
                self._read += 1
        if self._read < wanted:
            left = wanted - self._read
            raise UnavailableError("HISTORY_INDEXING", f"{left} log entries are still to be read; try again")

    def last(self, root_chain: int) -> CheckpointSummary | None:
        """The last acknowledged checkpoint; None if there was none. Raises UnavailableError if that is not known."""
        summaries = self._chains[root_chain].summaries
        if not summaries and self.is_partial:
            raise history_not_held()
        return summaries[-1] if summaries else None

    def count(self, root_chain: int) -> int:
        """How many checkpoints the log has, as far as it is held."""
        return len(self._chains[root_chain].summaries)

    def page(self, root_chain: int, first: int, count: int) -> tuple[CheckpointSummary, ...]:
        """At most `count` checkpoints ascending, from position `first` of those that are held."""
        return tuple(self._chains[root_chain].summaries[first : first + count])

    def position(self, root_chain: int, number: int) -> int:
        """The position of the first checkpoint with this number or above."""
        return bisect_right(self._chains[root_chain].summaries, number - 1, key=lambda one: one.number)

    def summary(self, root_chain: int, number: int) -> CheckpointSummary:
        """The checkpoint with this number. Raises NotFoundError, or UnavailableError if it may not be held."""
        position = self.position(root_chain, number)
        found = self.page(root_chain, position, 1)
        if not found or found[0].number != number:
            if self.is_partial and position == 0:
                raise history_not_held()
            raise NotFoundError("CHECKPOINT_NOT_FOUND", f"no checkpoint {number} has been acknowledged")
        return found[0]

    def record(self, root_chain: int, number: int) -> CheckpointRecord:
        """The whole entry of a checkpoint, and late signatures. Raises NotFoundError, UnavailableError."""
        entry = self._entry(self.summary(root_chain, number).log_index)
        if not isinstance(entry, CheckpointEntry):
            raise TypeError(f"log entry {entry} is not a checkpoint")
        late = (self._entry(index) for index in self._chains[root_chain].late.get(number, ()))
        return CheckpointRecord(entry, tuple(one for one in late if isinstance(one, LateEntry)))

    def holding(self, root_chain: int, block: BlockNumber) -> CheckpointOnRoot | None:
        """The checkpoint with this side-chain block, among those read so far."""
        summaries = self._chains[root_chain].summaries
        position = bisect_right(summaries, block, key=lambda one: one.start) - 1
        if position < 0 or block > summaries[position].end:
            return None
        return _on_root(summaries[position])

    def latest(self, root_chain: int, count: int) -> tuple[CheckpointOnRoot, ...]:
        """The last checkpoints among those read so far, newest first."""
        return tuple(_on_root(one) for one in reversed(self._chains[root_chain].summaries[-count:]))

    def _add(self, index: int, contents: bytes) -> None:
        entry = decode_entry(contents)
        chain = self._chains[entry.root_chain]
        if isinstance(entry, CheckpointEntry):
            chain.summaries.append(_summary(index, entry))
        elif isinstance(entry, LateEntry):
            chain.late.setdefault(entry.header_id // HEADER_ID_STEP, []).append(index)
        elif isinstance(entry, ResetEntry):
            while chain.summaries and chain.summaries[-1].header_id >= entry.header_id:
                chain.late.pop(chain.summaries.pop().number, None)

    def _entry(self, index: int) -> HistoryEntry:
        page = self._history.log_entries(CHECKPOINT_LOG, index, 1)
        if not page:
            raise history_not_held()
        return decode_entry(page[0])


class ArchivedCheckpoints:
    """One root chain's part of the archive as the burn service asks for it."""

    is_agreed = True

    def __init__(self, archive: CheckpointArchive, root_chain: int) -> None:
        self._archive = archive
        self._root_chain = root_chain

    def holding(self, number: BlockNumber) -> CheckpointOnRoot | None:
        """The checkpoint with this side-chain block, or None where it is not known: the service then searches."""
        self._catch_up()
        return self._archive.holding(self._root_chain, number)

    def latest(self, count: int) -> tuple[CheckpointOnRoot, ...]:
        """The last checkpoints that are known, newest first."""
        self._catch_up()
        return self._archive.latest(self._root_chain, count)

    def _catch_up(self) -> None:
        with suppress(UnavailableError):
            self._archive.catch_up()


def _on_root(summary: CheckpointSummary) -> CheckpointOnRoot:
    return CheckpointOnRoot(
        header_id=summary.header_id,
        root=summary.root_hash,
        start=summary.start,
        end=summary.end,
        created_at=summary.created_at,
        proposer=summary.proposer,
    )


def _summary(index: int, entry: CheckpointEntry) -> CheckpointSummary:
    return CheckpointSummary(
        number=entry.header_id // HEADER_ID_STEP,
        header_id=entry.header_id,
        proposer=entry.proposer,
        start=entry.start,
        end=entry.end,
        root_hash=entry.root_hash,
        time_s=entry.time_s,
        created_at=entry.block_time,
        log_index=index,
    )


def history_not_held() -> UnavailableError:
    """The error for what came before this node's snapshot."""
    return UnavailableError(
        "HISTORY_NOT_HELD", "this node started from a snapshot without this part of the history; ask another"
    )
