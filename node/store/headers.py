"""The headers of one chain in a database: `bridge.chain.header_store.HeaderStore` over SQLite.

Nearly all reads are of the newest headers, again and again, so those are also held in memory: always as of the last
write that is on disk.
"""

from dataclasses import dataclass

from bridge.chain.header_store import HeaderChange, StoredHeader, check_change
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.store.disk import Row
from node.store.sqlite import Database

HEADER_TABLES = """
    CREATE TABLE chain (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        confirmed INTEGER
    ) STRICT;
    CREATE TABLE header (
        chain INTEGER NOT NULL REFERENCES chain,
        number INTEGER NOT NULL,
        contents BLOB NOT NULL,
        PRIMARY KEY (chain, number)
    ) STRICT, WITHOUT ROWID
"""


NEWEST_HELD = 2_048
"""Headers in memory: those since the cursor of a feed, or of a few ranges of a checkpoint."""


@dataclass(frozen=True, slots=True)
class _Newest:
    """What is held in memory of one moment."""

    first: StoredHeader | None
    headers: tuple[StoredHeader, ...]
    """The end of the run, without gaps; empty only if the store is."""
    confirmed: BlockNumber | None

    @property
    def last(self) -> StoredHeader | None:
        return self.headers[-1] if self.headers else None

    def index(self, number: int) -> int:
        """Where the header with this number stands in `headers`, if it is one of them; below 0 if it is older."""
        return number - self.headers[0].number if self.headers else 0

    def after(self, change: HeaderChange) -> "_Newest":
        """With a change that removes nothing."""
        headers = (*self.headers, *change.append)[-NEWEST_HELD:]
        first = change.append[0] if self.first is None and change.append else self.first
        return _Newest(first, headers, self.confirmed if change.confirmed is None else change.confirmed)


class SqliteHeaderStore:
    """A contiguous run of headers of the chain with this name; other chains may stand in the same tables.

    Only one object at a time may write a chain.
    """

    def __init__(self, database: Database, chain: str) -> None:
        self._database = database
        database.execute("INSERT INTO chain (name) VALUES (?) ON CONFLICT DO NOTHING", (chain,))
        row = database.row("SELECT id FROM chain WHERE name = ?", (chain,))
        if row is None:
            raise database.damaged(f"chain {chain} is not in it after being written")
        self._chain: int = row[0]
        self._held: _Newest | None = None
        """None: to be read again."""

    def first(self) -> StoredHeader | None:
        """The lowest header held, or None in an empty store."""
        return self._newest().first

    def last(self) -> StoredHeader | None:
        """The highest header held, or None in an empty store."""
        return self._newest().last

    def header(self, number: BlockNumber) -> StoredHeader | None:
        """The header with this number, or None if it is outside the run."""
        newest = self._newest()
        index = newest.index(number)
        if index >= 0:
            return newest.headers[index] if index < len(newest.headers) else None
        return self._one("WHERE chain = ? AND number = ?", number)

    def headers(self, start: BlockNumber, count: int) -> tuple[StoredHeader, ...]:
        """The headers held among start … start + count − 1, ascending; fewer (or none) where the run does not reach."""
        newest = self._newest()
        index = newest.index(start)
        if index >= 0:
            return newest.headers[index : index + max(0, count)]
        rows = self._database.rows(
            "SELECT number, contents FROM header WHERE chain = ? AND number >= ? AND number < ? ORDER BY number",
            (self._chain, start, start + count),
        )
        return tuple(_unpack(row) for row in rows)

    def confirmed(self) -> BlockNumber | None:
        """The number up to which the chain is confirmed, or None if no block ever was."""
        return self._newest().confirmed

    def apply(self, change: HeaderChange) -> None:
        """Make the change as a whole or not at all; a change that would break the run is a ValueError."""
        newest = self._newest()
        self._held = None  # what is on disk decides, should this fail anywhere
        with self._database.transaction():
            staying = newest.last if change.remove_from is None else self._last_below(change.remove_from)
            check_change(staying, change)
            if change.remove_from is not None:
                self._remove_from(change.remove_from, staying, newest.confirmed)
            chain = self._chain
            self._database.execute_many(
                "INSERT INTO header VALUES (?, ?, ?)",
                ((chain, header.number, _pack(header)) for header in change.append),
            )
            if change.confirmed is not None:
                self._set_confirmed(change.confirmed)
        if change.remove_from is None:
            self._held = newest.after(change)

    def prune_below(self, number: BlockNumber) -> None:
        """Forget the headers below `number`; the last header always stays."""
        self._held = None
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM header WHERE chain = ? AND number < "
                "min(?, (SELECT max(number) FROM header WHERE chain = ?))",
                (self._chain, number, self._chain),
            )

    def _newest(self) -> _Newest:
        """What is in memory; read from the file after the start, and after a write that was no simple one."""
        held = self._held
        if held is None:
            with self._database.snapshot():  # the lock in it keeps our own writes out too, until this is held
                held = self._held = self._read_newest()
        return held

    def _read_newest(self) -> _Newest:
        rows = self._database.rows(
            "SELECT number, contents FROM header WHERE chain = ? ORDER BY number DESC LIMIT ?",
            (self._chain, NEWEST_HELD),
        )
        row = self._database.row("SELECT confirmed FROM chain WHERE id = ?", (self._chain,))
        return _Newest(
            first=self._one("WHERE chain = ? ORDER BY number LIMIT 1"),
            headers=tuple(_unpack(row) for row in reversed(rows)),
            confirmed=None if row is None or row[0] is None else BlockNumber(row[0]),
        )

    def _remove_from(self, number: BlockNumber, staying: StoredHeader | None, confirmed: BlockNumber | None) -> None:
        self._database.execute("DELETE FROM header WHERE chain = ? AND number >= ?", (self._chain, number))
        if confirmed is not None and number <= confirmed:
            self._set_confirmed(None if staying is None else staying.number)

    def _set_confirmed(self, number: BlockNumber | None) -> None:
        self._database.execute("UPDATE chain SET confirmed = ? WHERE id = ?", (number, self._chain))

    def _last_below(self, number: BlockNumber) -> StoredHeader | None:
        return self._one("WHERE chain = ? AND number < ? ORDER BY number DESC LIMIT 1", number)

    def _one(self, which: str, *values: int) -> StoredHeader | None:
        row = self._database.row(f"SELECT number, contents FROM header {which}", (self._chain, *values))
        return None if row is None else _unpack(row)


def _pack(header: StoredHeader) -> bytes:
    """hash ‖ parent hash ‖ time (8 bytes) ‖ transactions root ‖ receipts root ‖ bloom: twice as fast as columns."""
    return b"".join(
        (
            header.hash,
            header.parent_hash,
            header.timestamp.to_bytes(8),
            header.transactions_root,
            header.receipts_root,
            header.logs_bloom,
        )
    )


def _unpack(row: Row) -> StoredHeader:
    number, contents = row
    return StoredHeader(
        BlockNumber(number),
        Hash32(contents[:32]),
        Hash32(contents[32:64]),
        UnixSeconds(int.from_bytes(contents[64:72])),
        Hash32(contents[72:104]),
        Hash32(contents[104:136]),
        contents[136:],
    )
