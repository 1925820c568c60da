"""The one place where validator signatures are made (docs/protocol.md P7).

    digest and slot → checks → SigningRecord.admit (on disk) → Permit → KeyRing.sign → signature

Consensus votes pass the same way, by `admit_vote`. They are not held back until the engine has caught up, because it
cannot catch up without them.

Whatever fails on that way, no signature exists that the record does not hold.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bridge.codec.checkpoint import Checkpoint, CheckpointBinding, bound_digest, polygon_digest
from bridge.codec.consensus import (
    EngineSignature,
    Proposal,
    Vote,
    proposal_sign_bytes,
    sign_digest,
    to_engine,
    vote_sign_bytes,
)
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, Signature
from node.keys.entries import AttestId, SignedEnd, SignedRange, VoteBytes
from node.keys.errors import (
    ClockSkewed,
    KeysError,
    NotCaughtUp,
    RecordError,
    SideBlockNotConfirmed,
    SideReorgBelowSigned,
    SignedEndsUnchecked,
    StaleRecord,
    TwinNode,
)
from node.keys.record import STALE_REMEDY, SigningRecord
from node.keys.ring import KeyRing
from node.keys.slots import Slot, VoteStep, checkpoint_slot, step_of, transaction_slot, vote_slot

ConfirmedHash = Callable[[BlockNumber], Hash32 | None]
"""The hash of a block of my confirmed, parent-linked side chain; None where it does not reach (yet)."""


@dataclass(frozen=True, slots=True)
class TurnCheckpoint:
    """The checkpoint that the committed state has for a turn; `binding` is None in polygon form.

    `side_chain_id` is of the chain whose blocks these are; the contract may know it by another number, which is signed.
    """

    side_chain_id: ChainId
    root_chain: int
    turn: int
    checkpoint: Checkpoint
    binding: CheckpointBinding | None

    @property
    def digest(self) -> Hash32:
        """What is signed for L1."""
        return polygon_digest(self.checkpoint) if self.binding is None else bound_digest(self.checkpoint, self.binding)

    def slot(self, genesis_hash: Hash32) -> Slot:
        """Where it is signed."""
        return checkpoint_slot(genesis_hash, self.root_chain, self.turn, self.checkpoint, self.binding)

    def signed_range(self, end_hash: Hash32) -> SignedRange:
        """The blocks that the signature stands for, the last of them with this hash."""
        checkpoint, binding = self.checkpoint, self.binding
        valid_until = None if binding is None else binding.valid_until
        return SignedRange(self.side_chain_id, checkpoint.start, checkpoint.end, end_hash, valid_until)


@dataclass(frozen=True, slots=True)
class SignedVote:
    """The signature of a consensus vote, and the time that the vote must have for it."""

    signature: EngineSignature
    time_ns: int


@dataclass(frozen=True, slots=True)
class ExecutedTransaction:
    """A transaction in a committed block; `attest_id` is None if it is no Attest."""

    sender: Address
    nonce: int
    digest: Hash32
    attest_id: AttestId | None


@dataclass(frozen=True, slots=True)
class LastNonce:
    """The nonce of the last transaction executed for a sender, and the id of its last Attest, if there was one."""

    sender: Address
    nonce: int
    attest_id: AttestId | None = None


@dataclass(frozen=True, slots=True)
class OwnTraces:
    """What the committed state holds that our keys have signed: transactions, and checkpoints that we called VALID."""

    last_nonces: tuple[LastNonce, ...]
    verdicts: tuple[TurnCheckpoint, ...]


class Signer:
    """Signs checkpoints, engine transactions and consensus votes, with the key that the caller says the state names.

    Each slot is signed once, and no vote before the last one. `chain_id` is what the engine calls the network.
    `record` may be the reason why there is none: then nothing is ever signed, and `stop` tells it. Methods that sign
    raise SigningRefused's leaves, RecordError's leaves and KeyNotHeld.
    """

    def __init__(self, ring: KeyRing, record: SigningRecord | RecordError, genesis_hash: Hash32, chain_id: str) -> None:
        self.ring = ring
        self.chain_id = chain_id
        self.clock_skew: str | None = None
        """Why our clock is wrong, as somebody who knows has set it; precommits are refused meanwhile."""
        self._opened_record = record
        self._genesis_hash = genesis_hash
        self._lock = threading.Lock()
        self._is_caught_up = False
        self._checked_side_chains: set[ChainId] = set()
        self._stop: KeysError | None = record if isinstance(record, RecordError) else None

    @property
    def stop(self) -> KeysError | None:
        """Why this home signs nothing until a person acts: a RecordError or TwinNode; None while it may sign."""
        return self._stop

    def compare(self, traces: OwnTraces) -> None:
        """Set `stop` if the record lacks something that a committed state says that we signed.

        For the state that a node starts with: votes are not held back until it has caught up.
        """
        with self._lock:
            self._compare(traces)

    def caught_up(self, traces: OwnTraces) -> None:
        """Begin to sign, if the record holds what the committed state says that we signed; else `stop` is set."""
        with self._lock:
            self._compare(traces)
            self._is_caught_up = self._stop is None

    def observe(self, executed: ExecutedTransaction) -> None:
        """Look at a transaction of a committed block: one under our key that the record lacks sets `stop`.

        While the engine catches up it means that the record is an older copy; later, that a twin signs with our key.
        """
        with self._lock:
            if self._stop is not None or executed.sender not in self.ring:
                return
            slot = self._transaction_slot(executed.sender, executed.nonce)
            # An id of a block replayed before the catch-up may be of a record that this one was merged from.
            is_foreign = (
                self._is_caught_up
                and executed.attest_id is not None
                and not self._record.has_issued(executed.attest_id)
            )
            held = self._record.digest(slot)
            is_unknown = held != executed.digest and (held is not None or not self._record.is_taken(slot))
            if is_foreign or is_unknown:
                self._stop = _twin(slot) if self._is_caught_up else stale(slot)

    def observe_vote(self, signer: Address, height: int, round_number: int = 0) -> None:
        """Look at a committed block's precommit of ours, of this round or later: the record must reach as far.

        If it does not, `stop` is set, as by `observe`.
        """
        with self._lock:
            if self._stop is not None or signer not in self.ring:
                return
            slot = vote_slot(self.chain_id, signer, height, round_number, VoteStep.PRECOMMIT)
            last = self._record.last_vote(slot.domain)
            if last is None or last.slot.position < slot.position:
                self._stop = _twin(slot) if self._is_caught_up else stale(slot)

    def next_attest_id(self) -> AttestId:
        """The id for the next Attest of this home."""
        return self._record.next_attest_id()

    def next_nonce(self, sender: Address, least: int) -> int:
        """The lowest nonce from `least` on, beyond every one that was ever signed for this sender.

        A transaction signed before a crash may have been lost; its nonce stays taken, and gaps are allowed.
        """
        newest = self._record.newest_nonce(self._transaction_slot(sender, 0))
        return least if newest is None else max(least, newest + 1)

    def sign_transaction(self, sender: Address, nonce: int, digest: Hash32) -> Signature:
        """Sign an engine transaction's EIP-712 digest."""
        with self._lock:
            self._require_ready(sender)
            permit = self._record.admit(self._transaction_slot(sender, nonce), digest)
            return self.ring.sign(permit, sender)

    def sign_vote(self, vote: Vote | Proposal, signer: Address) -> SignedVote:
        """Sign a consensus vote or proposal for the engine; one that was signed before gets its first time again."""
        with self._lock:
            if self._stop is not None:
                raise self._stop
            self.ring.require(signer)
            step = step_of(vote)
            if step is VoteStep.PRECOMMIT and self.clock_skew is not None:
                raise ClockSkewed(self.clock_skew)
            slot = vote_slot(self.chain_id, signer, vote.height, vote.round, step)
            admitted = self._record.admit_vote(slot, self._vote_bytes(vote))
            return SignedVote(to_engine(self.ring.sign(admitted.permit, signer)), admitted.time_ns)

    def sign_checkpoint(
        self,
        proposed: TurnCheckpoint,
        signer: Address,
        end_hash: Hash32,
        acknowledged_end: BlockNumber | None,
        confirmed_hash: ConfirmedHash,
    ) -> Signature:
        """Sign the checkpoint of a turn for L1.

        Only for a proposal in a committed block whose root the caller found right. `end_hash` is the hash of its last
        block, `acknowledged_end` the last block that L1 has (None: none yet). The same digest may be signed again, also
        with another key after a signer change.
        """
        side_chain_id = proposed.side_chain_id
        with self._lock:
            self._require_ready(signer)
            self._require_signed_ends(side_chain_id, acknowledged_end, confirmed_hash)
            if confirmed_hash(proposed.checkpoint.end) != end_hash:
                raise SideBlockNotConfirmed(
                    f"block {proposed.checkpoint.end} with hash {to_hex(end_hash)} is not in my confirmed side chain"
                )
            permit = self._record.admit(
                proposed.slot(self._genesis_hash), proposed.digest, proposed.signed_range(end_hash)
            )
            return self.ring.sign(permit, signer)

    def signed_ends(self, side_chain_id: ChainId) -> tuple[SignedEnd, ...]:
        """Every block signed as the end of a range, ascending: what `check_signed_ends` wants to see compared."""
        return self._record.signed_ends(side_chain_id)

    def check_signed_ends(self, side_chain_id: ChainId, seen: Iterable[SignedEnd]) -> None:
        """Take the blocks that the side chain has now at the numbers of all signed ends; once after each start.

        From then on only those above the acknowledged end are looked at. Raises SideReorgBelowSigned if one
        differs, SignedEndsUnchecked if one is left out.
        """
        hashes = {end.number: end.hash for end in seen}
        for end in self._record.signed_ends(side_chain_id):
            if end.number not in hashes:
                raise SignedEndsUnchecked(f"signed block {end.number} was not compared with the side chain")
            _require_same(end, hashes[end.number])
        self._checked_side_chains.add(side_chain_id)

    def require_signed_chain(
        self, side_chain_id: ChainId, acknowledged_end: BlockNumber | None, confirmed_hash: ConfirmedHash
    ) -> None:
        """Raise unless my confirmed side chain holds every block that we have signed beyond the acknowledged end.

        For showing SIDE_REORG_BELOW_SIGNED before the next signature is asked for; signing checks it by itself.
        """
        with self._lock:
            self._require_signed_ends(side_chain_id, acknowledged_end, confirmed_hash)

    @property
    def _record(self) -> SigningRecord:
        if isinstance(self._opened_record, RecordError):
            raise self._opened_record
        return self._opened_record

    def _compare(self, traces: OwnTraces) -> None:
        if self._stop is None:
            lacking = first_lacking(self._record, self._genesis_hash, traces)
            if lacking is not None:
                self._stop = stale(lacking)

    def _require_ready(self, signer: Address) -> None:
        if self._stop is not None:
            raise self._stop
        if not self._is_caught_up:
            raise NotCaughtUp("the engine has not caught up with the network; nothing is signed until it has")
        self.ring.require(signer)

    def _require_signed_ends(
        self, side_chain_id: ChainId, acknowledged_end: BlockNumber | None, confirmed_hash: ConfirmedHash
    ) -> None:
        beyond = -1 if acknowledged_end is None else acknowledged_end
        if side_chain_id not in self._checked_side_chains:
            if any(end.number <= beyond for end in self._record.signed_ends(side_chain_id)):
                raise SignedEndsUnchecked("blocks signed before this start are not yet compared with the side chain")
            self._checked_side_chains.add(side_chain_id)
        for end in self._record.signed_ends(side_chain_id, beyond):
            _require_same(end, confirmed_hash(end.number))

    def _vote_bytes(self, vote: Vote | Proposal) -> VoteBytes:
        return VoteBytes(self._vote_digest(vote), vote.time_ns, self._vote_digest(replace(vote, time_ns=0)))

    def _vote_digest(self, vote: Vote | Proposal) -> Hash32:
        if isinstance(vote, Proposal):
            return sign_digest(proposal_sign_bytes(vote, self.chain_id))
        return sign_digest(vote_sign_bytes(vote, self.chain_id))

    def _transaction_slot(self, sender: Address, nonce: int) -> Slot:
        return transaction_slot(self._genesis_hash, sender, nonce)


def first_lacking(record: SigningRecord, genesis_hash: Hash32, traces: OwnTraces) -> Slot | None:
    """The first slot in which the chain has a signature of ours and the record has not the same."""
    for last in traces.last_nonces:
        slot = transaction_slot(genesis_hash, last.sender, last.nonce)
        is_another_s = last.attest_id is not None and not record.has_issued(last.attest_id)
        if is_another_s or not record.is_taken(slot):
            return slot
    for verdict in traces.verdicts:
        slot = verdict.slot(genesis_hash)
        if record.digest(slot) != verdict.digest:
            return slot
    return None


def _require_same(signed: SignedEnd, seen: Hash32 | None) -> None:
    if seen is None:
        raise SideBlockNotConfirmed(f"signed block {signed.number} is not in my confirmed side chain yet")
    if seen != signed.hash:
        raise SideReorgBelowSigned(
            f"the side chain has {to_hex(seen)} at block {signed.number}, where {to_hex(signed.hash)} was signed: "
            "no range over it is signed; find out which chain is right before anything else"
        )


def stale(lacking: Slot) -> StaleRecord:
    """The stop of a record that lacks a slot."""
    return StaleRecord(f"the signing record lacks what the chain says that we signed: {lacking}. {STALE_REMEDY}")


def _twin(slot: Slot) -> TwinNode:
    return TwinNode(
        f"another node signs with a key of this one: the chain has {slot}, which this node never signed. "
        "Stop the other node; this one's record does not know what the other has signed: "
        "take it in with `sidewarden signing export` there and `sidewarden signing import` here"
    )
