"""burns.db: what the burn service keeps over a restart, the least recently used forgotten beyond a limit in bytes.

A cache: it is written a little later and all at once, so that no question waits for the disk, and a file that cannot
be used is thrown away and begun anew. `bridge.burns.keeping` says why that costs nothing but RPC calls.
"""

import logging
from pathlib import Path

from bridge.burns.keeping import KeepKind
from node.store.cache import open_cache
from node.store.disk import REAL_DISK, Disk
from node.store.errors import StoreError
from node.store.sqlite import Schema

log = logging.getLogger(__name__)

VERSION = 1
PENDING_BYTES_MAX = 4 * 1024 * 1024
PENDING_MAX = 64
"""Values written together; a crash loses as many at most."""
FORGET_ROWS = 256
"""Rows forgotten in one step beyond the limit."""

_SCHEMA = Schema(
    version=VERSION,
    script="""
        CREATE TABLE kept (
            kind TEXT NOT NULL,
            key BLOB NOT NULL,
            value BLOB NOT NULL,
            used INTEGER NOT NULL,
            PRIMARY KEY (kind, key)
        ) STRICT;
        CREATE INDEX kept_by_use ON kept (used)
    """,
    remedy="It is a cache: delete it.",
)


class BurnKeep:
    """A `Keep` on disk."""

    def __init__(self, path: Path, bytes_max: int, *, disk: Disk = REAL_DISK) -> None:
        """Open the file, anew if it cannot be used. Raises StoreError where that does not help."""
        self._database = open_cache(path, _SCHEMA, disk)
        self._bytes_max = bytes_max
        self._pending: dict[tuple[KeepKind, bytes], bytes] = {}
        self._pending_bytes = 0
        self._used: set[tuple[KeepKind, bytes]] = set()
        ((total, clock),) = self._database.rows(
            "SELECT coalesce(sum(length(value)), 0), coalesce(max(used), 0) FROM kept"
        )
        self._bytes, self._clock = int(total), int(clock)
        """The clock counts flushes: what was used between two of them is equally recent."""

    def get(self, kind: KeepKind, key: bytes) -> bytes | None:
        """The value, or None where it is not held or cannot be read."""
        pending = self._pending.get((kind, key))
        if pending is not None:
            return pending
        try:
            row = self._database.row("SELECT value FROM kept WHERE kind = ? AND key = ?", (kind.value, key))
        except StoreError:
            return None
        if row is None:
            return None
        self._used.add((kind, key))
        if len(self._used) > PENDING_MAX:
            self.flush()
        return bytes(row[0])

    def put(self, kind: KeepKind, key: bytes, value: bytes) -> None:
        """Hold the value in place of any before it. What is larger than a quarter of the limit is not held."""
        if len(value) > self._bytes_max // 4:
            return
        self._pending_bytes += len(value) - len(self._pending.get((kind, key), b""))
        self._pending[kind, key] = value
        if self._pending_bytes > PENDING_BYTES_MAX or len(self._pending) > PENDING_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what was put, note what was used, and forget what is too much; what cannot be written is let go."""
        if not self._pending and not self._used:
            return
        try:
            with self._database.transaction():
                self._bytes = self._written()
            self._clock += 1
        except StoreError as error:
            log.warning("burns.db cannot be written", extra={"reason": error.code, "text": str(error)})
        self._pending.clear()
        self._pending_bytes = 0
        self._used.clear()

    def close(self) -> None:
        """Write what there is, and close the file."""
        self.flush()
        self._database.close()

    def _written(self) -> int:
        """Write all inside a transaction; the bytes held after it."""
        held, now = self._bytes, self._clock + 1
        for (kind, key), value in self._pending.items():
            row = self._database.row("SELECT length(value) FROM kept WHERE kind = ? AND key = ?", (kind.value, key))
            held += len(value) - (0 if row is None else int(row[0]))
            self._database.execute(
                "INSERT INTO kept (kind, key, value, used) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, used = excluded.used",
                (kind.value, key, value, now),
            )
        used = [(now, kind.value, key) for kind, key in self._used]
        self._database.execute_many("UPDATE kept SET used = ? WHERE kind = ? AND key = ?", used)
        while held > self._bytes_max:
            oldest = f"SELECT kind, key, length(value) FROM kept ORDER BY used LIMIT {FORGET_ROWS}"
            for kind_name, key, size in self._database.rows(oldest):
                if held <= self._bytes_max:
                    break
                self._database.execute("DELETE FROM kept WHERE kind = ? AND key = ?", (kind_name, key))
                held -= int(size)
        return held
