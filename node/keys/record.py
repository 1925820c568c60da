"""The signing record: what this home has ever signed, in `signing.db` (docs/protocol.md P7).

A validator that signs two different things for one slot contradicts itself, and somebody can prove it. So the record
keeps one digest per slot for ever, and has it on disk before the signature exists. It gives out a `Permit` for what it
holds, and a permit is the only thing that a `KeyRing` signs.

The record must never be lost, rolled back or shared. One process holds the file. Every entry is chained to the one
before, so that damage shows. A `Mark` of the newest entry and votes, kept in another database, shows an older copy.

Of consensus votes it keeps the furthest one of each signer, and gives no permit for anything before it.

What a person decides is an entry too: to move the right to sign to another machine (`retire`), to take in what else was
signed with the same keys (`merge`), to go on after the side chain replaced a signed block (`rebase`).
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.types import ChainId, Hash32
from node.keys import merging
from node.keys.entries import (
    Anchor,
    AttestId,
    Contents,
    Decision,
    DecisionKind,
    LastVote,
    Made,
    SignedEnd,
    SignedEntry,
    SignedRange,
    VoteBytes,
)
from node.keys.errors import (
    DoubleSignRefused,
    RecordDamaged,
    RecordError,
    RecordForeign,
    RecordInUse,
    RecordMissing,
    RecordRetired,
    RecordUnusable,
    SlotTaken,
    StaleRecord,
)
from node.keys.slots import Purpose, Slot
from node.keys.tables import REMEDY, SCHEMA, RecordTables
from node.store.disk import REAL_DISK, Disk
from node.store.errors import DatabaseDamaged, DatabaseInUse, DatabaseVersionUnknown, StoreError
from node.store.sqlite import Database

NODE_ID_BYTES = 8
VOTE_KEY_BYTES = 24
STALE_REMEDY = (
    f"{REMEDY}. If there is no newer one, `sidewarden signing import --from-chain` takes in what the chain shows of it"
)
_MARK_FACT = "signing_record_mark"


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to sign a digest: the record holds it on disk. Only `SigningRecord` makes one."""

    slot: Slot
    digest: Hash32


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest entry of a record: `count` entries lead to `chain`; and the slots of its last votes."""

    node_id: bytes
    count: int
    chain: Hash32
    votes: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class AdmittedVote:
    """Leave to sign a consensus vote, with the time that it must have: that of the first time it was asked for."""

    permit: Permit
    time_ns: int


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
        self._tables = RecordTables(database)
        self._saved_mark = _decode_mark(facts.fact(_MARK_FACT))
        self._stale = self._compare_with_mark()
        self._save_mark()

    @staticmethod
    def create(
        path: Path,
        random_bytes: Callable[[int], bytes],
        merged: tuple[Contents, Made] | None = None,
        *,
        disk: Disk = REAL_DISK,
    ) -> None:
        """Make the record of a new home: empty, or with what another one holds, if a person decided so.

        It appears under its name only when it is whole, so that a crash leaves none rather than half of one. Raises
        RecordError, also if there is one already.
        """
        if disk.exists(path):
            raise RecordUnusable(f"{path} exists already, and a signing record is never overwritten")
        draft = path.with_name(f"{path.name}.new")
        disk.remove(draft)
        with _record_errors():
            database = Database(draft, SCHEMA, disk=disk)
            try:
                tables = RecordTables.begin(database, random_bytes(NODE_ID_BYTES))
                if merged is not None:
                    with tables.writing():
                        merging.merge(tables, *merged)
            finally:
                database.close()
        disk.rename(draft, path)
        disk.remove(draft.with_name(f"{draft.name}-journal"))  # empty, and SQLite leaves it there
        disk.sync_directory(path.parent)

    @classmethod
    def open(cls, path: Path, facts: Facts, *, disk: Disk = REAL_DISK) -> "SigningRecord":
        """Take hold of a home's record to sign with it. Raises RecordError's leaves, which say what to do."""
        record = cls.examine(path, facts, disk=disk)
        unfit = record.unfit
        if unfit is not None:
            record.close()
            raise unfit
        return record

    @classmethod
    def examine(cls, path: Path, facts: Facts, *, disk: Disk = REAL_DISK) -> "SigningRecord":
        """Take hold of a record that may be `unfit` to sign, for a person to look at it or to make it fit."""
        with _record_errors():
            if not disk.exists(path):
                raise RecordMissing(f"the signing record {path} is missing. {REMEDY}")
            if disk.is_directory(path):
                raise RecordUnusable(f"the signing record {path} is a directory. {REMEDY}")
            if disk.size_bytes(path) == 0:
                raise RecordDamaged(f"the signing record {path} is empty. {REMEDY}")
            database = Database(path, SCHEMA, disk=disk)
            try:
                return cls(database, facts)
            except BaseException:
                database.close()
                raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @property
    def unfit(self) -> RecordError | None:
        """Why nothing may be signed with this record; None if it may."""
        retired = self._retired()
        if retired is not None:
            made = retired.made
            return RecordRetired(
                f"the right to sign was moved away with {self._database.path}'s export ({made.by}, {made.reason}). "
                "If it was imported elsewhere, sign there; if not, `sidewarden signing reinstate` takes it back"
            )
        return self._stale

    @property
    def is_retired(self) -> bool:
        """Whether the right to sign was moved away."""
        return self._retired() is not None

    # Signing

    def admit(self, slot: Slot, digest: Hash32, signed_range: SignedRange | None = None) -> Permit:
        """Take a digest into its slot, durably, or find it there. Raises SlotTaken if another is there.

        Consensus votes have `admit_vote`.
        """
        if slot.purpose is Purpose.VOTE:
            raise ValueError(f"{slot} is no slot that is kept for ever")
        with self._lock, _record_errors():
            self._require_fit()
            held = self._tables.digest(slot)
            if held is None and self._is_taken_unseen(slot):
                raise SlotTaken(f"{slot} is taken by a nonce that was imported; nothing is signed at or below it")
            if held is not None and held != digest:
                raise SlotTaken(
                    f"{slot} was signed with digest {held.hex()}; nothing else is ever signed there "
                    f"(refused: {digest.hex()})"
                )
            if held is None:
                with self._tables.writing():
                    self._tables.append_signed(SignedEntry(slot, digest, signed_range))
            self._save_mark()
        return _permit(slot, digest)

    def admit_vote(self, slot: Slot, asked: VoteBytes) -> AdmittedVote:
        """Take a consensus vote as its signer's furthest, durably; the same one again only with its first time.

        Raises DoubleSignRefused for a slot before the last one, and for another vote in the same slot.
        """
        with self._lock, _record_errors():
            self._require_fit()
            last = self._tables.votes.last(slot.domain)
            if last is not None and slot.position < last.slot.position:
                raise DoubleSignRefused(f"{slot} comes before {last.slot}, which was signed")
            if last is not None and slot == last.slot:
                signed = _same_again(last, asked)
            else:
                signed = asked
                with self._tables.writing():
                    self._tables.votes.replace(LastVote(slot, signed))
            self._save_mark()
        return AdmittedVote(_permit(slot, signed.digest), signed.time_ns)

    def last_vote(self, domain: str) -> LastVote | None:
        """The furthest consensus vote in a signer's domain, or None."""
        with _record_errors():
            return self._tables.votes.last(domain)

    def digest(self, slot: Slot) -> Hash32 | None:
        """What was signed for the slot, or None."""
        with _record_errors():
            return self._tables.digest(slot)

    def is_taken(self, slot: Slot) -> bool:
        """Whether something was signed for the slot, also if the record does not know what."""
        with _record_errors():
            return self._tables.digest(slot) is not None or self._is_taken_unseen(slot)

    def newest_nonce(self, slot: Slot) -> int | None:
        """The highest nonce that is taken of the sender of a transaction's slot, or None."""
        with _record_errors():
            newest = self._tables.newest(slot.purpose, slot.domain)
            nonces = (self._tables.taken_nonce(slot.domain), -1 if newest is None else newest.position[0])
        return max(nonces) if max(nonces) >= 0 else None

    def signed_ends(self, side_chain_id: ChainId, above: int = -1) -> tuple[SignedEnd, ...]:
        """The blocks that a side chain must have, beyond block `above`, ascending: the last is the highest.

        They are the ends of the ranges signed of it; after a rebase, its block instead of those that it set aside.
        """
        with _record_errors():
            return self._tables.signed_ends(side_chain_id, above)

    def next_attest_id(self) -> AttestId:
        """This home's node id with a counter that it has never given out before."""
        with self._lock, _record_errors():
            self._require_fit()
            attest_id = AttestId(self.node_id, self._tables.issued(self.node_id) + 1)
            with self._tables.writing():
                self._tables.raise_issued(attest_id)
        return attest_id

    def has_issued(self, attest_id: AttestId) -> bool:
        """Whether this record, or one that was merged into it, gave out the id."""
        with _record_errors():
            return 1 <= attest_id.counter <= self._tables.issued(attest_id.node_id)

    # What a person looks at and decides

    @property
    def node_id(self) -> bytes:
        """The random name of this record."""
        return self._tables.node_id

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What was decided about this record, oldest first."""
        return self._tables.decisions

    @property
    def tables(self) -> RecordTables:
        """The entries, to read."""
        return self._tables

    @property
    def marked_votes(self) -> tuple[Slot, ...]:
        """The last votes that the mark tells of; an older copy of the record does not hold them."""
        return () if self._saved_mark is None else self._saved_mark.votes

    def contents(self) -> Contents:
        """What the record holds, for another to merge. Raises InterchangeTooLarge."""
        with self._lock, _record_errors():
            return merging.contents(self._tables)

    def merge(self, other: Contents, made: Made, *, heals: bool = False, accept_nonce_conflicts: bool = False) -> None:
        """Take in what else was signed with the same keys: all of it or nothing. Raises ImportConflict.

        `heals`: with it, as far as anybody can know, an older copy of the record lacks nothing any more.
        `accept_nonce_conflicts`: slots of transactions in which the two differ keep what is here.
        """
        with self._lock, _record_errors():
            with self._tables.writing():
                merging.merge(self._tables, other, made, accept_nonce_conflicts=accept_nonce_conflicts)
            if heals:
                self._stale = None
            self._save_mark()

    def retire(self, made: Made) -> None:
        """Sign nothing any more, because another record will; an already retired one stays as it is."""
        self._decide(Decision(DecisionKind.RETIRED, made), unless=self.is_retired)

    def reinstate(self, made: Made) -> None:
        """Let a retired record sign again."""
        self._decide(Decision(DecisionKind.REINSTATED, made), unless=not self.is_retired)

    def rebase(self, anchor: Anchor, made: Made) -> None:
        """Go on over a side chain that has this block; ends signed at or beyond it are set aside and kept."""
        self._decide(Decision(DecisionKind.REBASED, made, anchor=anchor))

    def _decide(self, decision: Decision, *, unless: bool = False) -> None:
        with self._lock, _record_errors():
            if not unless:
                with self._tables.writing():
                    self._tables.append_decision(decision)
            self._save_mark()

    def _retired(self) -> Decision | None:
        kinds = (DecisionKind.RETIRED, DecisionKind.REINSTATED)
        last = next((decision for decision in reversed(self._tables.decisions) if decision.kind in kinds), None)
        return last if last is not None and last.kind is DecisionKind.RETIRED else None

    def _require_fit(self) -> None:
        unfit = self.unfit
        if unfit is not None:
            raise unfit

    def _is_taken_unseen(self, slot: Slot) -> bool:
        return slot.purpose is Purpose.TRANSACTION and slot.position[0] <= self._tables.taken_nonce(slot.domain)

    # The mark

    def _compare_with_mark(self) -> StaleRecord | None:
        """Why this is an older copy, if it is one. Raises RecordForeign."""
        tables, kept = self._tables, self._saved_mark
        if kept is None:
            return None
        if kept.node_id != tables.node_id and not tables.issued(kept.node_id):
            raise RecordForeign(
                f"{self._database.path} is another home's signing record than the one that signed here before. {REMEDY}"
            )
        if kept.node_id != tables.node_id:
            return self._older_copy("the record that signed here before may hold more than was imported from it")
        if kept.count > tables.tip.count:
            return self._older_copy(f"it has {tables.tip.count} entries, and {kept.count} were made here")
        if kept.chain != tables.chain_at(kept.count):
            return self._older_copy(f"entry {kept.count} is not the one that was made here")
        for slot in kept.votes:
            last = tables.votes.last(slot.domain)
            if last is None or last.slot.position < slot.position:
                return self._older_copy(f"{slot} was signed here, and it lacks that")
        return None

    def _older_copy(self, why: str) -> StaleRecord:
        return StaleRecord(f"{self._database.path} is an older copy of the signing record: {why}. {STALE_REMEDY}")

    def _save_mark(self) -> None:
        # After the entry itself: the mark may lag behind it, never lead.
        votes = tuple(vote.slot for vote in self._tables.votes.all())
        mark = Mark(self._tables.node_id, self._tables.tip.count, self._tables.tip.chain, votes)
        if self._stale is None and self._saved_mark != mark:
            self._facts.save_fact(_MARK_FACT, _encode_mark(mark))
            self._saved_mark = mark


def _permit(slot: Slot, digest: Hash32) -> Permit:
    """For what the record holds on disk now."""
    return Permit(slot, digest)


def _same_again(last: LastVote, asked: VoteBytes) -> VoteBytes:
    """What was signed in this slot, if it says the same, whatever its time. Raises DoubleSignRefused."""
    if last.signed is None:
        raise DoubleSignRefused(f"{last.slot} is taken, and this record does not know with what")
    if last.signed.timeless != asked.timeless:
        raise DoubleSignRefused(f"{last.slot} was signed for something else; nothing else is ever signed there")
    return last.signed


def _encode_mark(mark: Mark) -> bytes:
    votes: list[rlp.RlpItem] = [[slot.domain.encode(), slot.key] for slot in mark.votes]
    return rlp.encode([mark.node_id, rlp.uint(mark.count), mark.chain, votes])


def _decode_mark(data: bytes | None) -> Mark | None:
    """A mark that cannot be read is no mark: it is a second guard, in a database that may be rebuilt."""
    if data is None:
        return None
    try:
        node_id, count, chain, votes = rlp.as_list(rlp.decode(data), 4)
        return Mark(
            rlp.as_bytes(node_id, NODE_ID_BYTES),
            rlp.as_uint(count),
            Hash32(rlp.as_bytes(chain, 32)),
            tuple(map(_decode_vote_slot, rlp.as_list(votes))),
        )
    except (RlpError, UnicodeDecodeError):
        return None


def _decode_vote_slot(item: rlp.RlpItem) -> Slot:
    domain, key = rlp.as_list(item, 2)
    return Slot.of_key(Purpose.VOTE, rlp.as_bytes(domain).decode(), rlp.as_bytes(key, VOTE_KEY_BYTES))


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
        raise RecordForeign(f"{error}, if it is a signing record at all. {REMEDY}") from error
    except StoreError as error:
        raise RecordUnusable(str(error)) from error
    except OSError as error:
        raise RecordUnusable(
            f"the signing record cannot be used: {error}. Check the disk's space and health, and the file's owner"
        ) from error
