"""The tables of `signing.db`: one chain of entries, each a signature or a decision, linked to the one before.

Consensus votes stand beside it, in a table of their own (vote_table.py).

What may be appended is for `SigningRecord` to say; here it is written, read back and checked. Methods raise
node.store's StoreError: DatabaseDamaged also where entries do not follow from each other.
"""

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeVar

from bridge.codec import rlp
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_HASH, BlockNumber, ChainId, Hash32, UnixSeconds
from node.keys.entries import (
    Anchor,
    AttestId,
    Decision,
    DecisionKind,
    Made,
    SignedEnd,
    SignedEntry,
    SignedRange,
    TakenNonces,
)
from node.keys.slots import Purpose, Slot
from node.keys.vote_table import VOTE_TABLE, VoteTable
from node.store.disk import Row, Value
from node.store.errors import DatabaseUnwritable
from node.store.sqlite import Database, Schema

REMEDY = (
    "Nothing is signed without it, for it knows what must not be contradicted. Do not delete it or make a new one: "
    "put its newest copy back, or give this validator a new signer key"
)
CHECKED_ENTRIES_MAX = 100_000
"""How many of the newest entries are checked against each other when the record is opened (a second)."""
DECISIONS_MAX = 10_000
"""Most decisions of a record; a person makes them one by one."""
_PAGE_ROWS = 1_000

SCHEMA = Schema(
    version=3,
    exclusive=True,
    remedy=REMEDY,
    script=f"""
        CREATE TABLE identity (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            node_id BLOB NOT NULL
        ) STRICT;
        CREATE TABLE issued (
            node_id BLOB PRIMARY KEY,
            counter INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
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
        CREATE INDEX signed_end ON signed (side_chain_id, end_number) WHERE side_chain_id IS NOT NULL;
        CREATE TABLE decision (
            sequence INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            time_s INTEGER NOT NULL,
            made_by BLOB NOT NULL,
            reason BLOB NOT NULL,
            side_chain_id INTEGER,
            block_number INTEGER,
            block_hash BLOB,
            domain BLOB,
            nonce INTEGER,
            chain BLOB NOT NULL
        ) STRICT;
        {VOTE_TABLE}
    """,
)

_SET_ASIDE = f"""
    EXISTS (
        SELECT 1 FROM decision AS later WHERE later.kind = {DecisionKind.REBASED} AND later.sequence > entry.sequence
        AND later.side_chain_id = entry.side_chain_id AND later.block_number <= entry.{{number}}
    )
"""
"""Whether a rebase that came after an entry sets its block aside."""
_RANGE_SET_ASIDE, _ANCHOR_SET_ASIDE = (_SET_ASIDE.format(number=name) for name in ("end_number", "block_number"))
_ENDS_IN_FORCE = f"""
    SELECT end_number, end_hash FROM signed AS entry
    WHERE side_chain_id = ? AND end_number > ? AND NOT {_RANGE_SET_ASIDE}
    UNION
    SELECT block_number, block_hash FROM decision AS entry
    WHERE side_chain_id = ? AND block_number > ? AND NOT {_ANCHOR_SET_ASIDE}
    ORDER BY 1, 2
"""
_SIGNED_COLUMNS = f"""
    purpose, domain, slot, digest,
    CASE WHEN {_RANGE_SET_ASIDE} THEN NULL ELSE side_chain_id END, start_number, end_number, end_hash, valid_until
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest entry: `count` entries lead to `chain`."""

    count: int
    chain: Hash32


class RecordTables:
    """The entries of an open record, found to follow from each other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        identity = database.row("SELECT node_id FROM identity")
        if identity is None:
            raise database.damaged("it has no node id")
        self.node_id: bytes = identity[0]
        self.votes = VoteTable(database)
        self.tip = self._verified_tip()
        self.decisions = self._read_decisions()

    @staticmethod
    def begin(database: Database, node_id: bytes) -> "RecordTables":
        """The tables of a new record."""
        with database.transaction():
            database.execute("INSERT INTO identity VALUES (1, ?)", (node_id,))
            database.execute("INSERT INTO issued VALUES (?, 0)", (node_id,))
        return RecordTables(database)

    @contextmanager
    def writing(self) -> Generator[None]:
        """All that is appended inside is on disk afterwards, or, if anything is raised, none of it."""
        before = self.tip, self.decisions
        try:
            with self._database.transaction():
                yield
        except BaseException:
            self.tip, self.decisions = before
            raise

    def append_signed(self, entry: SignedEntry) -> None:
        """Append a signature; its slot must be free. Call it inside `writing`."""
        slot, blocks = entry.slot, entry.signed_range
        columns: tuple[Value, ...] = (None,) * 5
        if blocks is not None:
            columns = (blocks.side_chain_id, blocks.start, blocks.end, blocks.end_hash, blocks.valid_until)
        self._append("signed", (int(slot.purpose), slot.domain.encode(), slot.key, entry.digest, *columns))

    def append_decision(self, decision: Decision) -> None:
        """Append a decision. Call it inside `writing`."""
        if len(self.decisions) >= DECISIONS_MAX:
            raise DatabaseUnwritable(f"{self._database.path} holds {DECISIONS_MAX:,} decisions, the most that it takes")
        made, anchor, taken = decision.made, decision.anchor, decision.taken
        block = (None, None, None) if anchor is None else (anchor.side_chain_id, anchor.block.number, anchor.block.hash)
        nonces = (None, None) if taken is None else (taken.domain.encode(), taken.nonce)
        self._append(
            "decision",
            (int(decision.kind), made.time_s, made.by.encode(), made.reason.encode(), *block, *nonces),
        )
        self.decisions = (*self.decisions, decision)

    def raise_issued(self, attest_id: AttestId) -> None:
        """Count the ids of a node up to this one as given out."""
        self._database.execute(
            "INSERT INTO issued VALUES (?, ?) ON CONFLICT DO UPDATE SET counter = max(counter, excluded.counter)",
            (attest_id.node_id, attest_id.counter),
        )

    def issued(self, node_id: bytes) -> int:
        """The highest counter given out under a node id; 0 if it is not known."""
        row = self._database.row("SELECT counter FROM issued WHERE node_id = ?", (node_id,))
        counter: int = 0 if row is None else row[0]
        return counter

    def all_issued(self) -> tuple[AttestId, ...]:
        """The highest counter under each node id."""
        rows = self._database.rows("SELECT node_id, counter FROM issued ORDER BY node_id")
        return tuple(AttestId(node_id, counter) for node_id, counter in rows)

    def digest(self, slot: Slot) -> Hash32 | None:
        """What was signed for the slot, or None."""
        row = self._database.row(
            "SELECT digest FROM signed WHERE purpose = ? AND domain = ? AND slot = ?",
            (slot.purpose, slot.domain.encode(), slot.key),
        )
        return None if row is None else Hash32(row[0])

    def newest(self, purpose: Purpose, domain: str) -> Slot | None:
        """The highest slot signed with a purpose in a domain, or None."""
        row = self._database.row(
            "SELECT max(slot) FROM signed WHERE purpose = ? AND domain = ?", (purpose, domain.encode())
        )
        return None if row is None or row[0] is None else Slot.of_key(purpose, domain, row[0])

    def taken_nonce(self, domain: str) -> int:
        """The nonce up to which a decision has taken a sender's; −1 if none has."""
        nonces = (one.taken.nonce for one in self.decisions if one.taken is not None and one.taken.domain == domain)
        return max(nonces, default=-1)

    def signed_ends(self, side_chain_id: ChainId, above: int = -1) -> tuple[SignedEnd, ...]:
        """The blocks beyond `above` that a side chain must have, ascending: ends of ranges, and anchors."""
        rows = self._database.rows(_ENDS_IN_FORCE, (side_chain_id, above, side_chain_id, above))
        return tuple(SignedEnd(BlockNumber(number), Hash32(block_hash)) for number, block_hash in rows)

    def requires(self, anchor: Anchor) -> bool:
        """Whether the side chain must have this block already."""
        values = (anchor.side_chain_id, anchor.block.number, anchor.block.hash)
        row = self._database.row(
            f"SELECT 1 FROM signed AS entry WHERE side_chain_id = ? AND end_number = ? AND end_hash = ? "
            f"AND NOT {_RANGE_SET_ASIDE} UNION ALL "
            f"SELECT 1 FROM decision AS entry WHERE side_chain_id = ? AND block_number = ? AND block_hash = ? "
            f"AND NOT {_ANCHOR_SET_ASIDE}",
            values * 2,
        )
        return row is not None

    def anchors(self) -> tuple[Anchor, ...]:
        """The anchors in force, ascending and each once."""
        rows = self._database.rows(
            "SELECT DISTINCT side_chain_id, block_number, block_hash FROM decision AS entry "
            f"WHERE side_chain_id IS NOT NULL AND NOT {_ANCHOR_SET_ASIDE} ORDER BY 1, 2, 3"
        )
        return tuple(Anchor(ChainId(chain), SignedEnd(BlockNumber(number), Hash32(h))) for chain, number, h in rows)

    def domains(self, purpose: Purpose) -> tuple[str, ...]:
        """The domains that something was signed in, ascending."""
        rows = self._database.rows(
            "SELECT DISTINCT domain FROM signed WHERE purpose = ? ORDER BY domain", (int(purpose),)
        )
        return tuple(self._sound(_domain_of, row) for row in rows)

    def count(self, purpose: Purpose, domain: str) -> int:
        """How many slots of a domain are signed."""
        row = self._database.row(
            "SELECT count(*) FROM signed WHERE purpose = ? AND domain = ?", (int(purpose), domain.encode())
        )
        number: int = 0 if row is None else row[0]
        return number

    def newest_signed(self, purpose: Purpose, domain: str, count: int) -> tuple[SignedEntry, ...]:
        """The entries of a domain with the highest slots, ascending; at most `count`."""
        rows = self._database.rows(
            f"SELECT {_SIGNED_COLUMNS} FROM signed AS entry WHERE purpose = ? AND domain = ? "
            "ORDER BY slot DESC LIMIT ?",
            (int(purpose), domain.encode(), count),
        )
        return tuple(self._sound(_entry_of, row) for row in reversed(rows))

    def ranges_from(self, side_chain_id: ChainId, number: BlockNumber) -> tuple[SignedEntry, ...]:
        """The checkpoints whose range ends at or beyond a block and is in force, in the order of signing."""
        rows = self._database.rows(
            f"SELECT {_SIGNED_COLUMNS} FROM signed AS entry "
            f"WHERE side_chain_id = ? AND end_number >= ? AND NOT {_RANGE_SET_ASIDE} ORDER BY sequence",
            (side_chain_id, number),
        )
        return tuple(self._sound(_entry_of, row) for row in rows)

    def chain_at(self, sequence: int) -> Hash32:
        """The link of an entry; zero if there is none."""
        row = self._database.row(
            "SELECT chain FROM signed WHERE sequence = ? UNION ALL SELECT chain FROM decision WHERE sequence = ?",
            (sequence, sequence),
        )
        return ZERO_HASH if row is None else Hash32(row[0])

    def _append(self, table: str, entry: tuple[Value, ...]) -> None:
        tip = Tip(self.tip.count + 1, _linked(self.tip.chain, entry))
        places = ", ".join("?" for _ in range(len(entry) + 2))
        self._database.execute(f"INSERT INTO {table} VALUES ({places})", (tip.count, *entry, tip.chain))
        self.tip = tip

    def _verified_tip(self) -> Tip:
        row = self._database.row(
            "SELECT max(coalesce((SELECT max(sequence) FROM signed), 0), "
            "coalesce((SELECT max(sequence) FROM decision), 0)), "
            "(SELECT count(*) FROM signed) + (SELECT count(*) FROM decision)"
        )
        count: int = 0 if row is None else row[0]
        if row is None or row[1] != count:
            raise self._database.damaged("entries are missing from it")
        done = max(0, count - CHECKED_ENTRIES_MAX)
        chain = self.chain_at(done)
        newest = heapq.merge(self._after("signed", done), self._after("decision", done), key=itemgetter(0))
        for sequence, *entry, stored in newest:
            done, chain = done + 1, _linked(chain, entry)
            if sequence != done or stored != chain:
                raise self._database.damaged(f"entry {sequence} does not follow from those before it")
        return Tip(count, chain)

    def _after(self, table: str, sequence: int) -> Iterator[Row]:
        """The rows of a table beyond an entry, in pages."""
        while page := self._database.rows(
            f"SELECT * FROM {table} WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, _PAGE_ROWS)
        ):
            yield from page
            sequence = page[-1][0]

    def _read_decisions(self) -> tuple[Decision, ...]:
        rows = self._database.rows(
            "SELECT kind, time_s, made_by, reason, side_chain_id, block_number, block_hash, domain, nonce "
            "FROM decision ORDER BY sequence LIMIT ?",
            (DECISIONS_MAX + 1,),
        )
        if len(rows) > DECISIONS_MAX:
            raise self._database.damaged(f"it has over {DECISIONS_MAX} decisions")
        return tuple(self._sound(_decision_of, row) for row in rows)

    def _sound(self, read: Callable[[Row], T], row: Row) -> T:
        """The value of a row, which may be too old to have been checked by the chain."""
        try:
            return read(row)
        except ValueError as error:  # an unknown purpose or kind, text that is no UTF-8
            raise self._database.damaged(str(error)) from error


def _domain_of(row: Row) -> str:
    domain: bytes = row[0]
    return domain.decode()


def _entry_of(row: Row) -> SignedEntry:
    purpose, domain, key, digest, side_chain_id, start, end, end_hash, valid_until = row
    blocks = None
    if side_chain_id is not None:
        until = None if valid_until is None else UnixSeconds(valid_until)
        blocks = SignedRange(ChainId(side_chain_id), BlockNumber(start), BlockNumber(end), Hash32(end_hash), until)
    return SignedEntry(Slot.of_key(Purpose(purpose), domain.decode(), key), Hash32(digest), blocks)


def _decision_of(row: Row) -> Decision:
    kind, time_s, by, reason, side_chain_id, number, block_hash, domain, nonce = row
    return Decision(
        DecisionKind(kind),
        Made(time_s, by.decode(), reason.decode()),
        None
        if side_chain_id is None
        else Anchor(ChainId(side_chain_id), SignedEnd(BlockNumber(number), Hash32(block_hash))),
        None if domain is None else TakenNonces(domain.decode(), nonce),
    )


def _linked(previous: Hash32, entry: Iterable[Value]) -> Hash32:
    """The next link: the entry's columns, as they are in the database, after the link before."""
    columns: list[rlp.RlpItem] = [column if isinstance(column, bytes) else str(column).encode() for column in entry]
    return keccak256(previous + rlp.encode(columns))
