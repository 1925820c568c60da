"""One way to open and use an SQLite database: private, durable, of a known schema, with errors that say what to do.

Every transaction is on disk when it returns (synchronous=FULL). A `Database` has one connection and may be used from
several threads; a transaction holds the others off.
"""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.store.disk import REAL_DISK, Connection, Disk, Row, Value
from node.store.errors import (
    DatabaseDamaged,
    DatabaseInUse,
    DatabaseUnwritable,
    DatabaseVersionUnknown,
    StoreError,
)

BUSY_TIMEOUT_S = 5.0
CHECKED_BYTES_MAX = 256 * 1024 * 1024
"""Files up to this size are checked page by page when they are opened (about a second); larger ones are not."""

_IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}

_SYNC_FAILED = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database file is: its tables, its version, and what a person can do when it is damaged."""

    version: int
    script: str
    """CREATE statements, run once in a new file."""
    remedy: str
    """Ends the message of a DatabaseDamaged."""
    exclusive: bool = False
    """One process only, and one self-contained file (a rollback journal, so that a copy of it lacks nothing)."""


class Database:
    """An open database. Raises StoreError's leaves from every method.

    When a sync has failed, nobody knows which of the last writes are on disk: some may be seen that a power cut takes,
    others may come back. So nothing more is read or written until that is settled. An `exclusive` file must be opened
    again for it: whoever relies on it that much has to look at the whole of it anew.
    """

    def __init__(self, path: Path, schema: Schema, *, read_only: bool = False, disk: Disk = REAL_DISK) -> None:
        """Open the file, or make it (mode 0600) if it is not there. Raises StoreError, FileTooOpen.

        `read_only`: look into a file that is there and that another process may be writing; nothing is made or locked.
        """
        self.path = path
        self._disk = disk
        self._schema = schema
        self._lock = threading.RLock()
        self._has_failed_sync = False
        self._read_only = read_only
        self._holder_path = path.with_name(f"{path.name}.holder")
        with self._named_opening_errors():
            if not disk.exists(path) and not read_only:
                disk.create_private(path)
        disk.require_private(path)
        timeout_s = 0.0 if schema.exclusive else BUSY_TIMEOUT_S
        with self._named_opening_errors():
            self._connection = disk.connect(path, read_only=read_only, busy_timeout_s=timeout_s)
        try:
            with self._named_opening_errors():
                if read_only:
                    self._check_version()
                else:
                    self._prepare()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            # Our own statements are right, so what they trip over is in the file.
            self._connection.close()
            raise self.damaged(str(error)) from error
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        with self._lock:
            self._connection.close()
            if not self._read_only:
                self._disk.remove(self._holder_path)

    def transaction(self) -> AbstractContextManager[None]:
        """All that is executed inside is on disk afterwards, or, if anything is raised, none of it."""
        return self._begun("BEGIN IMMEDIATE")

    def snapshot(self) -> AbstractContextManager[None]:
        """All that is read inside is of one moment, whatever another process writes meanwhile."""
        return self._begun("BEGIN")

    @contextmanager
    def _begun(self, begin: str) -> Generator[None]:
        with self._lock, self._named_errors():
            self._connection.execute(begin)
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def execute(self, sql: str, values: Sequence[Value] = ()) -> None:
        """Run one statement, inside a transaction or as its own."""
        with self._lock, self._named_errors():
            self._connection.execute(sql, values)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of values; call it inside a transaction."""
        with self._lock, self._named_errors():
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """All rows of a query; the query limits how many."""
        with self._lock, self._named_errors():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row of a query, or None."""
        with self._lock, self._named_errors():
            found: Row | None = self._connection.execute(sql, values).fetchone()
            return found

    def damaged(self, what: str) -> DatabaseDamaged:
        """The error to raise when a row cannot be right."""
        return DatabaseDamaged(f"{self.path} is damaged: {what}. {self._schema.remedy}")

    def _prepare(self) -> None:
        execute = self._connection.execute
        if self._schema.exclusive:
            execute("PRAGMA locking_mode=EXCLUSIVE")
            execute("PRAGMA journal_mode=TRUNCATE")
        else:
            execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        execute(f"BEGIN {'EXCLUSIVE' if self._schema.exclusive else 'IMMEDIATE'}")
        try:
            self._create_or_check_version()
            execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                execute("ROLLBACK")
        if self._schema.exclusive:
            self._disk.write_text(self._holder_path, f"{self._disk.process_id}\n")
        if self._disk.size_bytes(self.path) <= CHECKED_BYTES_MAX:
            verdict = execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise self.damaged(verdict)
        self._settle()

    def _create_or_check_version(self) -> None:
        execute = self._connection.execute
        version = execute("PRAGMA user_version").fetchone()[0]
        is_empty = execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
        if version == 0 and is_empty:
            self._run_script(self._connection)
            execute(f"PRAGMA user_version={self._schema.version}")
        else:
            self._check_version()

    def _settle(self) -> None:
        """Have on disk all that the file shows, so that nobody acts on what a power cut would take.

        Where a sync failed, Linux goes on showing writes that it will never bring to the disk: what the WAL shows is
        written anew, into the database. A killed process may have written a commit that nobody synced: one more
        transaction does. The directory has the names of the database and its journal.
        """
        execute = self._connection.execute
        if execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] != 0:
            raise DatabaseInUse(f"{self.path} is being read by another process: stop that first")
        execute(f"PRAGMA user_version={self._schema.version}")
        try:
            self._disk.sync_directory(self.path.parent)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def _settle_again(self) -> None:
        if self._schema.exclusive:
            raise DatabaseUnwritable(
                f"{self.path}: a sync failed, and nobody knows what of the last writes is on disk. "
                "Check the disk's health, and start again"
            )
        self._settle()
        self._has_failed_sync = False

    def _check_version(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version != self._schema.version:
            raise DatabaseVersionUnknown(
                f"{self.path} has schema version {version}, this program knows {self._schema.version}: "
                "run the program version that wrote it"
            )
        if _tables(self._connection) != self._expected_tables():
            raise self.damaged("its tables are not those of its schema version")

    def _expected_tables(self) -> list[Row]:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            self._run_script(fresh)
            return _tables(fresh)

    def _run_script(self, connection: Connection) -> None:
        for statement in self._schema.script.split(";"):
            connection.execute(statement)

    @contextmanager
    def _named_errors(self) -> Generator[None]:
        """Give the failures that an operator can act on their names; any other is a bug and stays what it is."""
        try:
            if self._has_failed_sync:
                self._settle_again()
            yield
        except sqlite3.DatabaseError as error:
            self._has_failed_sync |= getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) in _SYNC_FAILED
            named = self._named(error)
            if named is None:
                raise
            raise named from error

    @contextmanager
    def _named_opening_errors(self) -> Generator[None]:
        """Those of the file system as well."""
        try:
            with self._named_errors():
                yield
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def _named(self, error: sqlite3.DatabaseError) -> StoreError | None:
        kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without the extended part
        if kind in _IN_USE:
            return DatabaseInUse(f"{self.path} is in use by {self._holder()}: stop it first, or use another home")
        if kind in _DAMAGED:
            return self.damaged(str(error))
        if kind in _UNWRITABLE:
            return self._unwritable(str(error))
        return None

    def _unwritable(self, why: str) -> DatabaseUnwritable:
        return DatabaseUnwritable(f"{self.path}: {why}. Check the disk's space and health, and the file's owner")

    def _holder(self) -> str:
        try:
            return f"process {int(self._disk.read_text(self._holder_path))}"
        except (OSError, ValueError):
            return "another process"


def _tables(connection: Connection) -> list[Row]:
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()
