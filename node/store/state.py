"""state.db: the replicated state as of the last committed block (docs/protocol.md P9).

The rows are only a place for bytes: the app hash is over the canonical encodings, which the application checks on load.
"""

from collections.abc import Sequence
from pathlib import Path

from bridge.codec.mmr import MountainRange
from bridge.codec.types import Hash32
from node.app.store import (
    LOG_PAGE_MAX,
    LogEntry,
    NewSnapshot,
    RestoredLog,
    StoredSection,
    StoredSnapshot,
    StoredState,
)
from node.store.disk import REAL_DISK, Disk
from node.store.sqlite import Database, Schema

_SCHEMA = Schema(
    version=2,
    remedy="Stop the node, delete it, and start again: the engine replays the blocks, or fetches a snapshot",
    script="""
        CREATE TABLE head (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            height INTEGER NOT NULL,
            time_ns INTEGER NOT NULL,
            app_hash BLOB NOT NULL,
            is_restored INTEGER NOT NULL
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
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE log_start (
            log TEXT PRIMARY KEY,
            count INTEGER NOT NULL,
            peaks BLOB NOT NULL
        ) STRICT;
        CREATE TABLE snapshot (
            height INTEGER PRIMARY KEY,
            metadata BLOB NOT NULL
        ) STRICT;
        CREATE TABLE snapshot_piece (
            height INTEGER NOT NULL,
            number INTEGER NOT NULL,
            contents BLOB NOT NULL,
            PRIMARY KEY (height, number)
        ) STRICT
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
            head = self._database.row("SELECT height, time_ns, app_hash, is_restored FROM head")
            sections = self._database.rows("SELECT name, version, contents FROM section ORDER BY name")
        if head is None:
            return None
        height, time_ns, app_hash, is_restored = head
        stored = tuple(StoredSection(*section) for section in sections)
        return StoredState(height, time_ns, Hash32(app_hash), stored, is_restored=bool(is_restored))

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
        with self._database.transaction():
            self._database.execute("REPLACE INTO head VALUES (1, ?, ?, ?, 0)", (height, time_ns, app_hash))
            self._put_sections(sections)
            self._append(entries)
            if snapshot is not None:
                self._keep(height, snapshot)

    def restore(self, state: StoredState, logs: Sequence[RestoredLog]) -> None:
        """Start from another node's snapshot, in place of all that was there: all or nothing, durable on return."""
        with self._database.transaction():
            for table in ("head", "section", "log_entry", "log_start", "snapshot", "snapshot_piece"):
                self._database.execute(f"DELETE FROM {table}")
            self._database.execute(
                "INSERT INTO head VALUES (1, ?, ?, ?, 1)", (state.height, state.time_ns, state.app_hash)
            )
            self._put_sections(state.sections)
            self._database.execute_many(
                "INSERT INTO log_start VALUES (?, ?, ?)",
                [(log.log, log.before.count, b"".join(log.before.peaks)) for log in logs],
            )
            for log in logs:
                self._append(
                    [LogEntry(log.log, index, entry) for index, entry in enumerate(log.entries, log.before.count)]
                )

    def snapshots(self) -> tuple[StoredSnapshot, ...]:
        """The snapshots, the newest first."""
        rows = self._database.rows("SELECT height, metadata FROM snapshot ORDER BY height DESC")
        return tuple(StoredSnapshot(height, metadata) for height, metadata in rows)

    def snapshot_chunk(self, height: int, number: int) -> bytes:
        """One of the pieces saved with a snapshot; empty if it is not there."""
        row = self._database.row(
            "SELECT contents FROM snapshot_piece WHERE height = ? AND number = ?", (height, number)
        )
        contents: bytes = b"" if row is None else row[0]
        return contents

    def log_start(self, log: str) -> MountainRange:
        """Over the entries of a log that are not held, because this node started from a snapshot."""
        row = self._database.row("SELECT count, peaks FROM log_start WHERE log = ?", (log,))
        if row is None:
            return MountainRange()
        count, peaks = row
        return MountainRange(count, tuple(Hash32(peaks[at : at + 32]) for at in range(0, len(peaks), 32)))

    def log_entries(self, log: str, start: int, count: int) -> tuple[bytes, ...]:
        """Entries of a log from index `start` on, at most `count` (at most LOG_PAGE_MAX).

        Fewer at the log's end; none where the first one is not held.
        """
        rows = self._database.rows(
            "SELECT position, contents FROM log_entry WHERE log = ? AND position >= ? ORDER BY position LIMIT ?",
            (log, start, min(count, LOG_PAGE_MAX)),
        )
        is_held = bool(rows) and rows[0][0] == start
        return tuple(contents for _, contents in rows) if is_held else ()

    def _put_sections(self, sections: Sequence[StoredSection]) -> None:
        self._database.execute_many(
            "REPLACE INTO section VALUES (?, ?, ?)",
            [(section.name, section.version, section.contents) for section in sections],
        )

    def _append(self, entries: Sequence[LogEntry]) -> None:
        self._database.execute_many(
            "INSERT INTO log_entry VALUES (?, ?, ?)", [(entry.log, entry.index, entry.contents) for entry in entries]
        )

    def _keep(self, height: int, snapshot: NewSnapshot) -> None:
        self._database.execute("INSERT INTO snapshot VALUES (?, ?)", (height, snapshot.metadata))
        self._database.execute_many(
            "INSERT INTO snapshot_piece VALUES (?, ?, ?)",
            [(height, number, piece) for number, piece in enumerate(snapshot.pieces)],
        )
        newest = "(SELECT height FROM snapshot ORDER BY height DESC LIMIT ?)"
        for table in ("snapshot_piece", "snapshot"):
            self._database.execute(f"DELETE FROM {table} WHERE height NOT IN {newest}", (snapshot.kept,))
