"""Key-value storage under py-evm: writes gather in memory and become durable block by block, all or none.

py-evm writes state nodes outside its own batches, so only gathering everything that a block writes makes a block
atomic. In a file, one commit is one SQLite transaction with synchronous=FULL: a block that was committed survives
kill -9 and power loss.
"""

import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from eth.db.backends.base import BaseDB

from node.devnet.chain.errors import ChainFileRefused

# Committed at every block and read at random; a larger cache was measured to cost memory and bring no speed.
_PRAGMAS = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
_TABLE = "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"

Changes = dict[bytes, bytes | None]
"""Key to new value, None where the key is deleted."""


class Backing(Protocol):
    """Where committed entries are."""

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        ...

    def apply(self, changes: Changes) -> None:
        """Make all changes durable, or none."""
        ...

    def close(self) -> None:
        """Let go of the resources."""
        ...


class MemoryBacking:
    """Entries in a dictionary, gone with the process."""

    def __init__(self, entries: dict[bytes, bytes] | None = None) -> None:
        self._entries = {} if entries is None else entries

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        return self._entries.get(key)

    def apply(self, changes: Changes) -> None:
        """Make all changes."""
        for key, value in changes.items():
            if value is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = value

    def close(self) -> None:
        """Nothing to let go of."""

    def copy(self) -> "MemoryBacking":
        """The same entries, changed independently from now on."""
        return MemoryBacking(dict(self._entries))


class FileBacking:
    """Entries in an SQLite file that only one process can open."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises ChainFileRefused."""
        try:
            with ExitStack() as unless_opened:
                connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
                unless_opened.callback(connection.close)
                connection.executescript(_PRAGMAS)
                connection.execute(_TABLE)
                unless_opened.pop_all()
        except sqlite3.DatabaseError as error:
            raise ChainFileRefused(
                f"{path} cannot be opened as a chain ({error}): stop what uses it, or take another home"
            ) from error
        self._connection = connection

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        row = self._connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def apply(self, changes: Changes) -> None:
        """Make all changes in one transaction, which is on disk afterwards."""
        written = [(key, value) for key, value in changes.items() if value is not None]
        deleted = [(key,) for key, value in changes.items() if value is None]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", written)
            self._connection.executemany("DELETE FROM entries WHERE key = ?", deleted)
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Fold the write-ahead log into the file, which can be copied from then on."""
        self._connection.close()


class BlockStore(BaseDB):
    """What py-evm reads and writes. Reads see the gathered writes; `commit` or `discard` ends them."""

    def __init__(self, backing: Backing) -> None:
        self._backing = backing
        self._pending: Changes = {}

    def __getitem__(self, key: bytes) -> bytes:
        value = self._pending[key] if key in self._pending else self._backing.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._pending[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self._pending[key] = None

    def _exists(self, key: bytes) -> bool:
        value = self._pending[key] if key in self._pending else self._backing.get(key)
        return value is not None

    def commit(self) -> None:
        """Make everything written since the last commit durable at once."""
        self._backing.apply(self._pending)
        self._pending = {}

    def discard(self) -> None:
        """Forget everything written since the last commit."""
        self._pending = {}

    def close(self) -> None:
        """Close the backing; uncommitted writes are lost."""
        self._backing.close()
