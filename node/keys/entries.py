"""What a signing record holds, as values: what was signed for each slot, and what a person decided about it."""

from dataclasses import dataclass
from enum import IntEnum

from bridge.codec.types import BlockNumber, ChainId, Hash32, UnixSeconds
from node.keys.slots import Slot


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
class Anchor:
    """A block that the side chain must have for anything of it to be signed."""

    side_chain_id: ChainId
    block: SignedEnd


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """What was signed for a slot; `signed_range` is there for checkpoints."""

    slot: Slot
    digest: Hash32
    signed_range: SignedRange | None


@dataclass(frozen=True, slots=True)
class TakenNonces:
    """All nonces up to `nonce` of a sender (the domain of its transactions) are taken, by whatever bytes."""

    domain: str
    nonce: int


@dataclass(frozen=True, slots=True)
class AttestId:
    """The node id and counter that ride in each Attest, so that a node can tell its own from a twin's."""

    node_id: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class VoteBytes:
    """What a consensus vote says."""

    digest: Hash32
    """Of its sign bytes."""
    time_ns: int
    timeless: Hash32
    """The digest that it would have at time 0: votes that differ in their time alone have it in common."""


@dataclass(frozen=True, slots=True)
class LastVote:
    """The furthest consensus vote of a signer: nothing before it is signed any more.

    `signed` is None where it is not known what was: then nothing is signed in its slot either.
    """

    slot: Slot
    signed: VoteBytes | None


@dataclass(frozen=True, slots=True)
class Contents:
    """All that keeps a record from contradicting itself, or what is merged into one. Each part in ascending order."""

    signed: tuple[SignedEntry, ...] = ()
    """One per slot. Without a range where only the slot counts: its end was set aside by a rebase."""
    taken: tuple[TakenNonces, ...] = ()
    """One per sender; transactions that are not in `signed`."""
    anchors: tuple[Anchor, ...] = ()
    """Blocks that must be in the side chain besides the ends of the ranges."""
    issued: tuple[AttestId, ...] = ()
    """The highest counter given out under each node id."""
    votes: tuple[LastVote, ...] = ()
    """One per engine's chain id and signer."""


class DecisionKind(IntEnum):
    """What a person can decide. A number is never used again for something else."""

    REBASED = 1
    """The side chain has this block; the ends signed before at or beyond it are set aside."""
    ANCHORED = 2
    """The side chain must have this block, as it must have a signed end: it came from another record."""
    TAKEN = 3
    """Nonces of a sender are taken."""
    RETIRED = 4
    """The right to sign was moved away with an export."""
    REINSTATED = 5
    """The right to sign is here again."""
    MERGED = 6
    """What else was signed with our keys was merged into this record."""


@dataclass(frozen=True, slots=True)
class Made:
    """Who decided something, when, and why."""

    time_s: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: `anchor` for REBASED and ANCHORED, `taken` for TAKEN."""

    kind: DecisionKind
    made: Made
    anchor: Anchor | None = None
    taken: TakenNonces | None = None
