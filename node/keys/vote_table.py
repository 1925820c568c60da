"""The furthest consensus vote of each signer: one row that is overwritten, where other signatures get one each.

A network makes a block a second and three votes a block; a record with a row for each would grow without bound, and
CometBFT never goes back. Overwritten rows are in no chain of entries, so each holds a checksum; that one is missing or
older shows against the record's mark. Methods raise node.store's StoreError.
"""

from bridge.codec import rlp
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32
from node.keys.entries import LastVote, VoteBytes
from node.keys.slots import Purpose, Slot
from node.store.disk import Row, Value
from node.store.sqlite import Database

VOTE_TABLE = """
    CREATE TABLE vote (
        domain BLOB PRIMARY KEY,
        slot BLOB NOT NULL,
        digest BLOB,
        time_ns INTEGER,
        timeless BLOB,
        checksum BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
"""
_COLUMNS = "domain, slot, digest, time_ns, timeless, checksum"


class VoteTable:
    """The rows, each checked when it is read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.all()

    def last(self, domain: str) -> LastVote | None:
        """The furthest vote in a domain, or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM vote WHERE domain = ?", (domain.encode(),))
        return None if row is None else self._vote_of(row)

    def all(self) -> tuple[LastVote, ...]:
        """The furthest vote in each domain, ascending."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM vote ORDER BY domain")
        return tuple(map(self._vote_of, rows))

    def replace(self, vote: LastVote) -> None:
        """Put a vote in the place of the one before; call it inside a transaction."""
        slot, signed = vote.slot, vote.signed
        said: tuple[Value, ...] = (None,) * 3 if signed is None else (signed.digest, signed.time_ns, signed.timeless)
        columns = (slot.domain.encode(), slot.key, *said)
        self._database.execute("REPLACE INTO vote VALUES (?, ?, ?, ?, ?, ?)", (*columns, _checksum(columns)))

    def _vote_of(self, row: Row) -> LastVote:
        *columns, checksum = row
        domain, key, digest, time_ns, timeless = columns
        if checksum != _checksum(columns):
            raise self._database.damaged("a vote in it is not the one that was written")
        signed = None if digest is None else VoteBytes(Hash32(digest), time_ns, Hash32(timeless))
        return LastVote(Slot.of_key(Purpose.VOTE, domain.decode(), key), signed)


def _checksum(columns: tuple[Value, ...] | list[Value]) -> Hash32:
    return keccak256(rlp.encode([one if isinstance(one, bytes) else str(one).encode() for one in columns]))
