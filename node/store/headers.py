"""The headers of one chain in a database: `bridge.chain.header_store.HeaderStore` over SQLite."""

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


class SqliteHeaderStore:
    """A contiguous run of headers of the chain with this name; other chains may stand in the same tables."""

    def __init__(self, database: Database, chain: str) -> None:
        self._database = database
        database.execute("INSERT INTO chain (name) VALUES (?) ON CONFLICT DO NOTHING", (chain,))
        row = database.row("SELECT id FROM chain WHERE name = ?", (chain,))
        if row is None:
            raise database.damaged(f"chain {chain} is not in it after being written")
        self._chain: int = row[0]

    def first(self) -> StoredHeader | None:
        """The lowest header held, or None in an empty store."""
        return self._one("WHERE chain = ? ORDER BY number LIMIT 1")

    def last(self) -> StoredHeader | None:
        """The highest header held, or None in an empty store."""
        return self._one("WHERE chain = ? ORDER BY number DESC LIMIT 1")

    def header(self, number: BlockNumber) -> StoredHeader | None:
        """The header with this number, or None if it is outside the run."""
        return self._one("WHERE chain = ? AND number = ?", number)

    def headers(self, start: BlockNumber, count: int) -> tuple[StoredHeader, ...]:
        """The headers held among start … start + count − 1, ascending; fewer (or none) where the run does not reach."""
        rows = self._database.rows(
            "SELECT number, contents FROM header WHERE chain = ? AND number >= ? AND number < ? ORDER BY number",
            (self._chain, start, start + count),
        )
        return tuple(_unpack(row) for row in rows)

    def confirmed(self) -> BlockNumber | None:
        """The number up to which the chain is confirmed, or None if no block ever was."""
        row = self._database.row("SELECT confirmed FROM chain WHERE id = ?", (self._chain,))
        return None if row is None or row[0] is None else BlockNumber(row[0])

    def apply(self, change: HeaderChange) -> None:
        """Make the change as a whole or not at all; a change that would break the run is a ValueError."""
        with self._database.transaction():
            staying = self.last() if change.remove_from is None else self._last_below(change.remove_from)
            check_change(staying, change)
            if change.remove_from is not None:
                self._remove_from(change.remove_from, staying)
            chain = self._chain
            self._database.execute_many(
                "INSERT INTO header VALUES (?, ?, ?)",
                ((chain, header.number, _pack(header)) for header in change.append),
            )
            if change.confirmed is not None:
                self._set_confirmed(change.confirmed)

    def prune_below(self, number: BlockNumber) -> None:
        """Forget the headers below `number`; the last header always stays."""
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM header WHERE chain = ? AND number < "
                "min(?, (SELECT max(number) FROM header WHERE chain = ?))",
                (self._chain, number, self._chain),
            )

    def _remove_from(self, number: BlockNumber, staying: StoredHeader | None) -> None:
        self._database.execute("DELETE FROM header WHERE chain = ? AND number >= ?", (self._chain, number))
        confirmed = self.confirmed()
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
