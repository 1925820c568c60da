"""The disk under the databases: what `Database` asks of a file system, and the real one."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from node.store.files import create_private, require_private, sync_directory

Value = int | str | bytes | None
Row = tuple[Any, ...]
"""A row as SQLite gives it; the one who wrote the query knows its types and leaves no `Any` beyond its own module."""


class Cursor(Protocol):
    """The rows of a statement."""

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...


class Connection(Protocol):
    """What is used of an `sqlite3.Connection` in autocommit mode.

    Methods raise subclasses of sqlite3.DatabaseError, which have an `sqlite_errorcode`.
    """

    @property
    def in_transaction(self) -> bool:
        """Whether there is something to commit or to roll back."""
        ...

    def execute(self, sql: str, parameters: Sequence[Value] = (), /) -> Cursor:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]], /) -> Cursor:
        """Run one statement for each row of values."""
        ...

    def close(self) -> None:
        """Roll back what is open and let go of the file; no error the second time."""
        ...


class Disk(Protocol):
    """The file system that one process sees. Methods raise OSError."""

    @property
    def process_id(self) -> int:
        """What tells a person which process has a file."""
        ...

    def connect(self, path: Path, *, read_only: bool, busy_timeout_s: float) -> Connection:
        """Open a database file that is there, in autocommit mode, for use from any thread.

        Raises sqlite3.DatabaseError. A file that another process has locked is waited for at most `busy_timeout_s`.
        """
        ...

    def exists(self, path: Path) -> bool:
        """Whether there is such a file."""
        ...

    def is_directory(self, path: Path) -> bool:
        """Whether there is a directory of that name."""
        ...

    def size_bytes(self, path: Path) -> int:
        """The length of a file."""
        ...

    def create_private(self, path: Path) -> None:
        """Make an empty file with mode 0600. Raises FileExistsError if it is there."""
        ...

    def require_private(self, path: Path) -> None:
        """Refuse a file that group or others may touch. Raises FileTooOpen."""
        ...

    def read_text(self, path: Path) -> str:
        """The contents of a small file."""
        ...

    def write_text(self, path: Path, text: str) -> None:
        """Write or replace a small file that nobody misses after a power cut."""
        ...

    def rename(self, path: Path, target: Path) -> None:
        """Give a file another name, in place of the file that has it."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file; no error if it is not there."""
        ...

    def sync_directory(self, path: Path) -> None:
        """Have the names in a directory on disk: files made, renamed and removed there."""
        ...


class RealDisk:
    """The file system of this machine, with the SQLite of the standard library."""

    @property
    def process_id(self) -> int:
        """This process."""
        return os.getpid()

    def connect(self, path: Path, *, read_only: bool, busy_timeout_s: float) -> Connection:
        """Open a database file that is there."""
        place = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
        return sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_timeout_s)

    def exists(self, path: Path) -> bool:
        """Whether there is such a file."""
        return path.exists()

    def is_directory(self, path: Path) -> bool:
        """Whether there is a directory of that name."""
        return path.is_dir()

    def size_bytes(self, path: Path) -> int:
        """The length of a file."""
        return path.stat().st_size

    def create_private(self, path: Path) -> None:
        """Make an empty file with mode 0600."""
        create_private(path)

    def require_private(self, path: Path) -> None:
        """Refuse a file that group or others may touch."""
        require_private(path)

    def read_text(self, path: Path) -> str:
        """The contents of a small file."""
        return path.read_text()

    def write_text(self, path: Path, text: str) -> None:
        """Write or replace a small file."""
        path.write_text(text)

    def rename(self, path: Path, target: Path) -> None:
        """Give a file another name."""
        path.rename(target)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink(missing_ok=True)

    def sync_directory(self, path: Path) -> None:
        """Have the names in a directory on disk."""
        sync_directory(path)


REAL_DISK = RealDisk()
