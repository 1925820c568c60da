"""What the application needs of a disk: one durable write per block, and the logs' entries (docs/protocol.md P9).

The store knows nothing of what the bytes mean. The application checks on load that they have the app hash saved with
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

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
    """The section's name: logs/checkpoints or logs/records."""
    index: int
    contents: bytes


@dataclass(frozen=True, slots=True)
class StoredState:
    """The last saved block: all its sections, ascending by name."""

    height: int
    time_ns: int
    app_hash: Hash32
    sections: tuple[StoredSection, ...]


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
    ) -> None:
        """Replace height, time, hash and the given sections, append the entries: all or nothing, durable on return."""
        ...

    def log_entries(self, log: str, start: int, count: int) -> tuple[bytes, ...]:
        """Entries of a log from index `start` on, at most `count` (at most LOG_PAGE_MAX); fewer at its end."""
        ...


class MemoryStateStore:
    """A store that lasts as long as the process."""

    def __init__(self) -> None:
        self._stored: StoredState | None = None
        self._logs: dict[str, list[bytes]] = {}

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
    ) -> None:
        """Replace height, time, hash and the given sections, and append the entries."""
        previous = self._stored or StoredState(0, 0, app_hash, ())
        by_name = {section.name: section for section in (*previous.sections, *sections)}
        merged = tuple(by_name[name] for name in sorted(by_name))
        self._stored = replace(previous, height=height, time_ns=time_ns, app_hash=app_hash, sections=merged)
        for entry in entries:
            self._logs.setdefault(entry.log, []).append(entry.contents)

    def log_entries(self, log: str, start: int, count: int) -> tuple[bytes, ...]:
        """Entries of a log from index `start` on, at most `count`; fewer at its end."""
        return tuple(self._logs.get(log, [])[start : start + min(count, LOG_PAGE_MAX)])
