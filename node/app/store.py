"""What the application needs of a disk: one durable write per block, and the logs' entries (docs/protocol.md P9).

The store knows nothing of what the bytes mean. The application checks on load that they have the app hash saved with
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bridge.codec.mmr import MountainRange
from bridge.codec.types import Hash32

LOG_PAGE_MAX = 1_000
"""Most entries of one `log_entries` call."""


@dataclass(frozen=True, slots=True)
class StoredSection:
    """A section of the state as it is hashed."""

    name: str
    version: int
    contents: bytes


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry appended to one of the logs; never changed or removed."""

    log: str
    """The section's name: logs/checkpoints, logs/evidence or logs/records."""
    index: int
    contents: bytes


@dataclass(frozen=True, slots=True)
class StoredState:
    """The last saved block: all its sections, ascending by name."""

    height: int
    time_ns: int
    app_hash: Hash32
    sections: tuple[StoredSection, ...]
    is_restored: bool = False
    """Whether it is another node's snapshot, and no block followed."""


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """A snapshot to be saved with its block, in place of all but the newest `kept` − 1."""

    metadata: bytes
    pieces: tuple[bytes, ...]
    """The first chunks; the others are entries of logs, which stay."""
    kept: int


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A snapshot that is there whole."""

    height: int
    metadata: bytes


@dataclass(frozen=True, slots=True)
class RestoredLog:
    """The end of a log, from another node's snapshot."""

    log: str
    before: MountainRange
    """Over the entries that are not there."""
    entries: tuple[bytes, ...]


class StateStore(Protocol):
    """state.db, or memory."""

    def load(self) -> StoredState | None:
        """The last saved block, or None if there was none."""
        ...

    def save(
        self,
        height: int,
        time_ns: int,
        app_hash: Hash32,
        sections: Sequence[StoredSection],
        entries: Sequence[LogEntry],
        snapshot: NewSnapshot | None = None,
    ) -> None:
        """Replace height, time, hash and the given sections, append the entries, keep the snapshot.

        All or nothing, and durable on return.
        """
        ...

    def restore(self, state: StoredState, logs: Sequence[RestoredLog]) -> None:
        """Start from another node's snapshot, in place of all that was there: all or nothing, durable on return."""
        ...

    def snapshots(self) -> tuple[StoredSnapshot, ...]:
        """The snapshots, the newest first."""
        ...

    def snapshot_chunk(self, height: int, number: int) -> bytes:
        """One of the pieces saved with a snapshot; empty if it is not there."""
        ...

    def log_start(self, log: str) -> MountainRange:
        """Over the entries of a log that are not held, because this node started from a snapshot."""
        ...

    def log_entries(self, log: str, start: int, count: int) -> tuple[bytes, ...]:
        """Entries of a log from index `start` on, at most `count` (at most LOG_PAGE_MAX).

        Fewer at the log's end; none where the first one is not held.
        """
        ...


class MemoryStateStore:
    """A store that lasts as long as the process."""

    def __init__(self) -> None:
        self._stored: StoredState | None = None
        self._logs: dict[str, list[bytes]] = {}
        self._starts: dict[str, MountainRange] = {}
        self._snapshots: dict[int, NewSnapshot] = {}

    def load(self) -> StoredState | None:
        """The last saved block, or None if there was none."""
        return self._stored

    def save(
        self,
        height: int,
        time_ns: int,
        app_hash: Hash32,
        sections: Sequence[StoredSection],
        entries: Sequence[LogEntry],
        snapshot: NewSnapshot | None = None,
    ) -> None:
        """Replace height, time, hash and the given sections, append the entries, keep the snapshot."""
        known = self._stored.sections if self._stored is not None else ()
        by_name = {section.name: section for section in (*known, *sections)}
        merged = tuple(by_name[name] for name in sorted(by_name))
        self._stored = StoredState(height, time_ns, app_hash, merged)
        for entry in entries:
            self._logs.setdefault(entry.log, []).append(entry.contents)
        if snapshot is not None:
            self._snapshots[height] = snapshot
            for old in sorted(self._snapshots)[: -snapshot.kept]:
                del self._snapshots[old]

    def restore(self, state: StoredState, logs: Sequence[RestoredLog]) -> None:
        """Start from another node's snapshot, in place of all that was there."""
        self._stored = replace(state, is_restored=True)
        self._logs = {log.log: list(log.entries) for log in logs}
        self._starts = {log.log: log.before for log in logs}
        self._snapshots = {}

    def snapshots(self) -> tuple[StoredSnapshot, ...]:
        """The snapshots, the newest first."""
        heights = sorted(self._snapshots, reverse=True)
        return tuple(StoredSnapshot(height, self._snapshots[height].metadata) for height in heights)

    def snapshot_chunk(self, height: int, number: int) -> bytes:
        """One of the pieces saved with a snapshot; empty if it is not there."""
        pieces = self._snapshots[height].pieces if height in self._snapshots else ()
        return pieces[number] if number < len(pieces) else b""

    def log_start(self, log: str) -> MountainRange:
        """Over the entries of a log that are not held."""
        return self._starts.get(log, MountainRange())

    def log_entries(self, log: str, start: int, count: int) -> tuple[bytes, ...]:
        """Entries of a log from index `start` on, at most `count`."""
        first = start - self.log_start(log).count
        return tuple(self._logs.get(log, [])[first : first + min(count, LOG_PAGE_MAX)]) if first >= 0 else ()
