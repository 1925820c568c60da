"""index.db: the header blocks of a RootChain contract, as found in its logs. A cache: begun anew if it is of no use."""

from collections.abc import Sequence
from pathlib import Path

from bridge.burns.header_index import IndexedHeader
from bridge.codec.types import Address, BlockNumber, Hash32
from node.store.cache import open_cache
from node.store.disk import REAL_DISK, Disk
from node.store.sqlite import Schema

_SCHEMA = Schema(
    version=1,
    script="""
        CREATE TABLE header (
            contract BLOB NOT NULL,
            place INTEGER NOT NULL,
            row BLOB NOT NULL,
            PRIMARY KEY (contract, place)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE progress (
            contract BLOB PRIMARY KEY,
            read_to INTEGER NOT NULL
        ) STRICT
    """,
    remedy="It is a cache: delete it.",
)


class SqliteHeaderIndex:
    """An `IndexStore` on disk, of one contract; `contract` tells it from others in the same file."""

    def __init__(self, path: Path, contract: bytes, *, disk: Disk = REAL_DISK) -> None:
        """Open the file, anew if it cannot be used. Raises StoreError where that does not help."""
        self._database = open_cache(path, _SCHEMA, disk)
        self._contract = contract

    def load(self) -> tuple[BlockNumber | None, tuple[IndexedHeader, ...]]:
        """The last root-chain block that was read, None before the first, and all headers by place."""
        row = self._database.row("SELECT read_to FROM progress WHERE contract = ?", (self._contract,))
        rows = self._database.rows("SELECT row FROM header WHERE contract = ? ORDER BY place", (self._contract,))
        return None if row is None else BlockNumber(row[0]), tuple(_unpack(packed) for (packed,) in rows)

    def save(self, read_to: BlockNumber, first: int, headers: Sequence[IndexedHeader]) -> None:
        """These headers take the places from `first` on, and nothing comes after them."""
        with self._database.transaction():
            self._database.execute("DELETE FROM header WHERE contract = ? AND place >= ?", (self._contract, first))
            self._database.execute_many(
                "INSERT INTO header (contract, place, row) VALUES (?, ?, ?)",
                [(self._contract, place, _pack(header)) for place, header in enumerate(headers, first)],
            )
            self._database.execute(
                "INSERT INTO progress (contract, read_to) VALUES (?, ?) "
                "ON CONFLICT (contract) DO UPDATE SET read_to = excluded.read_to",
                (self._contract, read_to),
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _pack(header: IndexedHeader) -> bytes:
    return header.start.to_bytes(8) + header.end.to_bytes(8) + header.root + header.proposer


def _unpack(row: bytes) -> IndexedHeader:
    start, end = (BlockNumber(int.from_bytes(row[at : at + 8])) for at in (0, 8))
    return IndexedHeader(start, end, Hash32(row[16:48]), Address(row[48:]))
