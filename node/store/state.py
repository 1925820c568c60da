"""state.db: the replicated state as of the last committed block (docs/protocol.md P9).

The rows are only a place for bytes: the app hash is over the canonical encodings, which the application checks on load.
"""

from collections.abc import Sequence
from pathlib import Path

from bridge.codec.types import Hash32
from node.app.store import LOG_PAGE_MAX, LogEntry, StoredSection, StoredState
from node.store.disk import REAL_DISK, Disk
from node.store.sqlite import Database, Schema

_SCHEMA = Schema(
    version=1,
    remedy="Stop the node, delete it, and start again: the engine replays the blocks, or fetches a snapshot",
    script="""
        CREATE TABLE head (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            height INTEGER NOT NULL,
            time_ns INTEGER NOT NULL,
            app_hash BLOB NOT NULL
        ) STRICT;
        CREATE TABLE section (
            name TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            contents BLOB NOT NULL
        ) STRICT;
        CREATE TABLE log_entry (
            log TEXT NOT NULL,
            position INTEGER NOT NULL,
            contents BLOB NOT NULL,
            PRIMARY KEY (log, position)
        ) STRICT, WITHOUT ROWID
    """,
)


class SqliteStateStore:
    """A `node.app.store.StateStore` in a file. Raises StoreError's leaves.

    `read_only`: the file is there, and a running node may be writing it.
    """

    def __init__(self, path: Path, *, read_only: bool = False, disk: Disk = REAL_DISK) -> None:
        self._database = Database(path, _SCHEMA, read_only=read_only, disk=disk)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def load(self) -> StoredState | None:
        """The last saved block, or None if there was none."""
        with self._database.snapshot():
            head = self._database.row("SELECT height, time_ns, app_hash FROM head")
            sections = self._database.rows("SELECT name, version, contents FROM section ORDER BY name")
        if head is None:
            return None
        height, time_ns, app_hash = head
        return StoredState(height, time_ns, Hash32(app_hash), tuple(StoredSection(*section) for section in sections))

    def save(
        self,
        height: int,
        time_ns: int,
        app_hash: Hash32,
        sections: Sequence[StoredSection],
        entries: Sequence[LogEntry],
    ) -> None:
        """Replace height, time, hash and the given sections, append the entries: all or nothing, durable on return."""
        with self._database.transaction():
            self._database.execute("REPLACE INTO head VALUES (1, ?, ?, ?)", (height, time_ns, app_hash))
            self._database.execute_many(
                "REPLACE INTO section VALUES (?, ?, ?)",
                [(section.name, section.version, section.contents) for section in sections],
            )
            self._database.execute_many(
                "INSERT INTO log_entry VALUES (?, ?, ?)",
                [(entry.log, entry.index, entry.contents) for entry in entries],
            )

    def log_entries(self, log: str, start: int, count: int) -> tuple[bytes, ...]:
        """Entries of a log from index `start` on, at most `count` (at most LOG_PAGE_MAX); fewer at its end."""
        rows = self._database.rows(
            "SELECT contents FROM log_entry WHERE log = ? AND position >= ? ORDER BY position LIMIT ?",
            (log, start, min(count, LOG_PAGE_MAX)),
        )
        return tuple(contents for (contents,) in rows)
