"""A connection of apsw in the shape, and with the errors, of the standard library's sqlite3."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress

import apsw

from node.simulation.disk.process import Process
from node.simulation.disk.vfs import NAME, simulated_vfs
from node.store.disk import Row, Value

CHECKPOINT_PAGES = 1000
"""After a commit that leaves this many pages in the WAL they are moved into the database (SQLite's own default)."""

_OPERATIONAL = {
    *(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_ABORT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL),
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_EMPTY, sqlite3.SQLITE_SCHEMA),
}
_INTEGRITY = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}


class FetchedRows:
    """All rows of a statement."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows
        self._next = 0

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        if self._next == len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        rows, self._next = self._rows[self._next :], len(self._rows)
        return rows


class SimulatedConnection:
    """A `node.store.disk.Connection` to a database on a simulated disk.

    A process that is killed while SQLite runs raises what killed it, whatever SQLite made of that.
    """

    def __init__(self, process: Process, name: str, *, read_only: bool) -> None:
        """Open a file that is there."""
        self._process = process
        self._vfs = simulated_vfs()
        self._connection: apsw.Connection | None = None
        flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE
        self._vfs.entered(self._process)
        try:
            connection = apsw.Connection(self._vfs.located(process, name), flags=flags, vfs=NAME)
            # Without shared memory there is WAL only for one who holds the file alone.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        except apsw.Error as error:
            raise _translated(error) from error
        connection.set_wal_hook(_checkpoint)
        self._connection = connection
        process.connections.add(self)

    @property
    def in_transaction(self) -> bool:
        """Whether there is something to commit or to roll back: nothing if the process is dead."""
        return not self._process.is_dead and self._connection is not None and self._connection.in_transaction

    def execute(self, sql: str, parameters: Sequence[Value] = (), /) -> FetchedRows:
        """Run one statement to its end."""
        connection = self._entered()
        try:
            rows = connection.execute(sql, parameters).fetchall()
        except apsw.Error as error:
            self._process.raise_death()
            raise _translated(error) from error
        self._process.raise_death()
        return FetchedRows(rows)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]], /) -> FetchedRows:
        """Run one statement for each row of values."""
        connection = self._entered()
        try:
            connection.executemany(sql, parameters)
        except apsw.Error as error:
            self._process.raise_death()
            raise _translated(error) from error
        self._process.raise_death()
        return FetchedRows([])

    def close(self) -> None:
        """Roll back what is open and let go of the file; no error the second time."""
        connection, self._connection = self._connection, None
        self._process.connections.discard(self)
        was_dead = self._process.is_dead
        if connection is not None:
            self._vfs.entered(self._process)
            with suppress(apsw.Error):  # what could not be moved from the WAL into the database stays in the WAL
                connection.close()
        if not was_dead:
            self._process.raise_death()

    def _entered(self) -> apsw.Connection:
        self._process.require_alive()
        if self._connection is None:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        self._vfs.entered(self._process)
        return self._connection


def _checkpoint(connection: apsw.Connection, schema: str, pages: int) -> int:
    """What SQLite does by itself after a commit. The commit has succeeded whatever becomes of this.

    SQLite's own would ignore an error, too, but apsw would raise it.
    """
    if pages >= CHECKPOINT_PAGES:
        with suppress(apsw.Error):
            connection.wal_checkpoint(schema)
    return apsw.SQLITE_OK


def _translated(error: apsw.Error) -> sqlite3.Error:
    """The same failure as the standard library raises it."""
    extended_code: int = getattr(error, "extendedresult", sqlite3.SQLITE_ERROR)
    code = extended_code & 0xFF
    kind: type[sqlite3.Error]
    if code in _OPERATIONAL:
        kind = sqlite3.OperationalError
    elif code in _INTEGRITY:
        kind = sqlite3.IntegrityError
    elif code in {sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE}:
        kind = sqlite3.InterfaceError
    elif code == sqlite3.SQLITE_TOOBIG:
        kind = sqlite3.DataError
    elif code in {sqlite3.SQLITE_INTERNAL, sqlite3.SQLITE_NOTFOUND}:
        kind = sqlite3.InternalError
    else:
        kind = sqlite3.DatabaseError
    translated = kind(str(error))
    translated.sqlite_errorcode = extended_code
    return translated
