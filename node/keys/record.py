"""The signing record: what this home has ever signed, in `signing.db` (docs/protocol.md P7).

A validator that signs two different things for one slot contradicts itself, and somebody can prove it. So the record
keeps one digest per slot for ever, and has it on disk before the signature exists. It gives out a `Permit` for what it
holds, and a permit is the only thing that a `KeyRing` signs.

The record must never be lost, rolled back or shared. One process holds the file. Every entry is chained to the one
before, so that damage shows. A `Mark` of the newest entry, kept in another database, shows an older copy.
"""

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_HASH, BlockNumber, ChainId, Hash32, UnixSeconds
from node.keys.errors import (
    RecordDamaged,
    RecordForeign,
    RecordInUse,
    RecordMissing,
    RecordUnusable,
    SlotTaken,
    StaleRecord,
)
from node.keys.slots import Slot
from node.store.disk import REAL_DISK, Disk, Row, Value
from node.store.errors import DatabaseDamaged, DatabaseInUse, DatabaseVersionUnknown, StoreError
from node.store.sqlite import Database, Schema

REMEDY = (
    "Nothing is signed without it, for it knows what must not be contradicted. Do not delete it or make a new one: "
    "put its newest copy back, or give this validator a new signer key"
)
NODE_ID_BYTES = 8
CHECKED_ENTRIES_MAX = 100_000
"""How many of the newest entries are checked against each other when the record is opened (a second)."""

_SCHEMA = Schema(
    version=1,
    exclusive=True,
    remedy=REMEDY,
    script="""
        CREATE TABLE identity (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            node_id BLOB NOT NULL,
            attest_counter INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE signed (
            sequence INTEGER PRIMARY KEY,
            purpose INTEGER NOT NULL,
            domain BLOB NOT NULL,
            slot BLOB NOT NULL,
            digest BLOB NOT NULL,
            side_chain_id INTEGER,
            start_number INTEGER,
            end_number INTEGER,
            end_hash BLOB,
            valid_until INTEGER,
            chain BLOB NOT NULL,
            UNIQUE (purpose, domain, slot)
        ) STRICT;
        CREATE INDEX signed_end ON signed (side_chain_id, end_number) WHERE side_chain_id IS NOT NULL
    """,
)
_MARK_FACT = "signing_record_mark"


@dataclass(frozen=True, slots=True)
class SignedRange:
    """The side-chain blocks that a checkpoint signature stands for.

    `valid_until` is the L1 time after which no contract accepts it; None if that never comes (polygon form).
    """

    side_chain_id: ChainId
    start: BlockNumber
    end: BlockNumber
    end_hash: Hash32
    valid_until: UnixSeconds | None


@dataclass(frozen=True, slots=True)
class SignedEnd:
    """A side-chain block that we have signed as the last of a range."""

    number: BlockNumber
    hash: Hash32


@dataclass(frozen=True, slots=True)
class AttestId:
    """The node id and counter that ride in each Attest, so that a node can tell its own from a twin's."""

    node_id: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to sign a digest: the record holds it on disk. Only `SigningRecord.admit` makes one."""

    slot: Slot
    digest: Hash32


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest entry of a record: `count` entries lead to `chain`."""

    node_id: bytes
    count: int
    chain: Hash32


class Facts(Protocol):
    """A few named bytes, durable, outside of the record; `LocalStore` has them."""

    def fact(self, name: str) -> bytes | None:
        """The value saved last, or None."""
        ...

    def save_fact(self, name: str, value: bytes) -> None:
        """Save a value durably."""
        ...


class SigningRecord:
    """The open signing record. One process holds it; its methods may be called from any thread.

    Methods raise RecordError's leaves when the file fails.
    """

    def __init__(self, database: Database, facts: Facts) -> None:
        """Check the whole record against itself and its mark. `open` is the way in."""
        self._database = database
        self._facts = facts
        self._lock = threading.Lock()
        identity = database.row("SELECT node_id FROM identity")
        if identity is None:
            raise database.damaged("it has no node id")
        self._node_id: bytes = identity[0]
        self._mark = self._verified_mark()
        self._saved_mark: Mark | None = None
        self._asked_ends: tuple[tuple[ChainId, int], tuple[SignedEnd, ...]] | None = None
        """What `signed_ends` answered last, until something else is signed: it is asked at every look at a chain."""
        self._save_mark()

    @staticmethod
    def create(path: Path, random_bytes: Callable[[int], bytes], *, disk: Disk = REAL_DISK) -> None:
        """Make the empty record of a new home. Raises RecordError if there is one already.

        It appears under its name only when it is whole, so that a crash leaves none rather than half of one.
        """
        if disk.exists(path):
            raise RecordUnusable(f"{path} exists already, and a signing record is never overwritten")
        draft = path.with_name(f"{path.name}.new")
        disk.remove(draft)
        with _record_errors():
            database = Database(draft, _SCHEMA, disk=disk)
            try:
                database.execute("INSERT INTO identity VALUES (1, ?, 0)", (random_bytes(NODE_ID_BYTES),))
            finally:
                database.close()
        disk.rename(draft, path)
        disk.remove(draft.with_name(f"{draft.name}-journal"))  # empty, and SQLite leaves it there
        disk.sync_directory(path.parent)

    @classmethod
    def open(cls, path: Path, facts: Facts, *, disk: Disk = REAL_DISK) -> "SigningRecord":
        """Take hold of a home's record and check it. Raises RecordError's leaves, which say what to do."""
        if not disk.exists(path):
            raise RecordMissing(f"the signing record {path} is missing. {REMEDY}")
        if disk.size_bytes(path) == 0:
            raise RecordDamaged(f"the signing record {path} is empty. {REMEDY}")
        with _record_errors():
            database = Database(path, _SCHEMA, disk=disk)
            try:
                return cls(database, facts)
            except BaseException:
                database.close()
                raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def admit(self, slot: Slot, digest: Hash32, signed_range: SignedRange | None = None) -> Permit:
        """Take a digest into its slot, durably, or find it there. Raises SlotTaken if another is there."""
        with self._lock, _record_errors():
            self._asked_ends = None
            with self._database.transaction():
                held = self.digest(slot)
                if held is not None and held != digest:
                    raise SlotTaken(
                        f"{slot} was signed with digest {held.hex()}; nothing else is ever signed there "
                        f"(refused: {digest.hex()})"
                    )
                mark = self._mark if held == digest else self._append(slot, digest, signed_range)
            self._mark = mark
            self._save_mark()
        return Permit(slot, digest)

    def digest(self, slot: Slot) -> Hash32 | None:
        """What was signed for the slot, or None."""
        with _record_errors():
            row = self._database.row(
                "SELECT digest FROM signed WHERE purpose = ? AND domain = ? AND slot = ?",
                (slot.purpose, slot.domain.encode(), slot.key),
            )
        return None if row is None else Hash32(row[0])

    def newest_position(self, slot: Slot) -> bytes | None:
        """The highest position (as `Slot.key`) signed with the purpose and domain of `slot`, or None."""
        with _record_errors():
            row = self._database.row(
                "SELECT max(slot) FROM signed WHERE purpose = ? AND domain = ?", (slot.purpose, slot.domain.encode())
            )
        newest: bytes | None = None if row is None else row[0]
        return newest

    def signed_ends(self, side_chain_id: ChainId, above: int = -1) -> tuple[SignedEnd, ...]:
        """The ends of the ranges signed of a side chain, beyond block `above`, ascending: the last is the highest."""
        asked = (side_chain_id, above)
        with self._lock:
            if self._asked_ends is None or self._asked_ends[0] != asked:
                self._asked_ends = (asked, self._read_signed_ends(side_chain_id, above))
            return self._asked_ends[1]

    def _read_signed_ends(self, side_chain_id: ChainId, above: int) -> tuple[SignedEnd, ...]:
        with _record_errors():
            rows = self._database.rows(
                "SELECT DISTINCT end_number, end_hash FROM signed WHERE side_chain_id = ? AND end_number > ? "
                "ORDER BY end_number, end_hash",
                (side_chain_id, above),
            )
        return tuple(SignedEnd(BlockNumber(number), Hash32(end_hash)) for number, end_hash in rows)

    def next_attest_id(self) -> AttestId:
        """This home's node id with a counter that it has never given out before."""
        with self._lock, _record_errors(), self._database.transaction():
            self._database.execute("UPDATE identity SET attest_counter = attest_counter + 1")
            return AttestId(self._node_id, self._attest_counter())

    def has_issued(self, attest_id: AttestId) -> bool:
        """Whether this record gave out the id."""
        with _record_errors():
            return attest_id.node_id == self._node_id and 1 <= attest_id.counter <= self._attest_counter()

    def _attest_counter(self) -> int:
        row = self._database.row("SELECT attest_counter FROM identity")
        if row is None:
            raise self._database.damaged("it has no node id")
        counter: int = row[0]
        return counter

    def _append(self, slot: Slot, digest: Hash32, signed_range: SignedRange | None) -> Mark:
        blocks = (None, None, None, None, None) if signed_range is None else _columns(signed_range)
        entry = (int(slot.purpose), slot.domain.encode(), slot.key, digest, *blocks)
        mark = Mark(self._node_id, self._mark.count + 1, _chained(self._mark.chain, entry))
        self._database.execute(
            "INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (mark.count, *entry, mark.chain)
        )
        return mark

    def _verified_mark(self) -> Mark:
        """The newest entry's mark, once the entries, and the mark kept outside, are found to fit together."""
        row = self._database.row("SELECT coalesce(max(sequence), 0), count(*) FROM signed")
        count: int = 0 if row is None else row[0]
        if row is None or row[1] != count:
            raise self._database.damaged("entries are missing from it")
        chain = self._verified_chain(count)
        kept = _decode_mark(self._facts.fact(_MARK_FACT))
        if kept is not None and kept.node_id != self._node_id:
            raise RecordForeign(
                f"{self._database.path} is another home's signing record than the one that signed here before. {REMEDY}"
            )
        if kept is not None and kept.count > count:
            raise self._stale(f"it has {count} signatures, and {kept.count} were made here")
        if kept is not None and kept.chain != self._stored_chain(kept.count):
            raise self._stale(f"entry {kept.count} is not the one that was signed here")
        return Mark(self._node_id, count, chain)

    def _verified_chain(self, count: int) -> Hash32:
        """Follow the chain over the newest entries to its end."""
        done = max(0, count - CHECKED_ENTRIES_MAX)
        chain = self._stored_chain(done)
        while done < count:
            for sequence, *entry, stored in self._page(done):
                done, chain = done + 1, _chained(chain, entry)
                if sequence != done or stored != chain:
                    raise self._database.damaged(f"entry {sequence} does not follow from those before it")
        return chain

    def _page(self, after: int) -> list[Row]:
        return self._database.rows("SELECT * FROM signed WHERE sequence > ? ORDER BY sequence LIMIT 1000", (after,))

    def _stored_chain(self, sequence: int) -> Hash32:
        row = self._database.row("SELECT chain FROM signed WHERE sequence = ?", (sequence,))
        return ZERO_HASH if row is None else Hash32(row[0])

    def _stale(self, why: str) -> StaleRecord:
        return StaleRecord(f"{self._database.path} is an older copy of the signing record: {why}. {REMEDY}")

    def _save_mark(self) -> None:
        # After the entry itself: the mark may lag behind it, never lead.
        if self._saved_mark != self._mark:
            mark = self._mark
            self._facts.save_fact(_MARK_FACT, rlp.encode([mark.node_id, rlp.uint(mark.count), mark.chain]))
            self._saved_mark = mark


def _columns(signed_range: SignedRange) -> tuple[Value, ...]:
    return (
        signed_range.side_chain_id,
        signed_range.start,
        signed_range.end,
        signed_range.end_hash,
        signed_range.valid_until,
    )


def _chained(previous: Hash32, entry: Iterable[Value]) -> Hash32:
    """The next link: the entry's columns, as they are in the database, after the link before."""
    columns: list[rlp.RlpItem] = [column if isinstance(column, bytes) else str(column).encode() for column in entry]
    return keccak256(previous + rlp.encode(columns))


def _decode_mark(data: bytes | None) -> Mark | None:
    """A mark that cannot be read is no mark: it is a second guard, in a database that may be rebuilt."""
    if data is None:
        return None
    try:
        node_id, count, chain = rlp.as_list(rlp.decode(data), 3)
        return Mark(rlp.as_bytes(node_id, NODE_ID_BYTES), rlp.as_uint(count), Hash32(rlp.as_bytes(chain, 32)))
    except RlpError:
        return None


@contextmanager
def _record_errors() -> Generator[None]:
    """Name what the database says in the record's own terms."""
    try:
        yield
    except DatabaseInUse as error:
        raise RecordInUse(str(error)) from error
    except DatabaseDamaged as error:
        raise RecordDamaged(str(error)) from error
    except DatabaseVersionUnknown as error:
        raise RecordForeign(str(error)) from error
    except StoreError as error:
        raise RecordUnusable(str(error)) from error
