"""The entries of logs/checkpoints: what happened to checkpoints, each written once, when nothing in it can change.

Later facts about the same checkpoint are further entries: a late signature, a reset. An entry is
rlp([kind, its fields…]).
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.types import Address, BlockNumber, Hash32, Signature, UnixSeconds, ValidatorId
from node.app import canonical
from node.app.canonical import Power
from node.app.errors import EncodingError

CHECKPOINT_LOG = "logs/checkpoints"
RECORD_LOG = "logs/records"
EVIDENCE_LOG = "logs/evidence"
LOG_NAMES = (CHECKPOINT_LOG, EVIDENCE_LOG, RECORD_LOG)
"""All logs, ascending."""


@dataclass(frozen=True, slots=True)
class RecordedSignature:
    """A signature that the state had when the checkpoint was acknowledged."""

    validator: ValidatorId
    signer: Address
    power: Power
    signature: Signature
    time_s: UnixSeconds
    """Engine time of the block that recorded it."""
    is_late: bool
    """Whether it came after the submission was opened."""


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """L1 has accepted a checkpoint: an ack."""

    kind: ClassVar[int] = 1
    root_chain: int
    header_id: int
    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    account_root_hash: Hash32
    """Of the proposal; zero for a foreign header."""
    turn: int
    """The turn of the proposal that it matches; 0 for a foreign header."""
    is_foreign: bool
    """Whether no proposal that we know matches it."""
    ended_turn: int
    """The turn that was going on when it was applied."""
    block_number: BlockNumber
    """The L1 block that holds the event."""
    block_time: UnixSeconds
    step_number: int
    log_index: int
    time_s: UnixSeconds
    """Engine time of the ack."""
    total_power: Power
    signatures: tuple[RecordedSignature, ...]
    """Ascending by validator id."""
    missing: tuple[ValidatorId, ...]
    """Members of the tally set that had not signed."""


@dataclass(frozen=True, slots=True)
class LateEntry:
    """A signature came after the checkpoint was acknowledged."""

    kind: ClassVar[int] = 2
    root_chain: int
    header_id: int
    validator: ValidatorId
    signer: Address
    signature: Signature
    time_s: UnixSeconds


@dataclass(frozen=True, slots=True)
class ResetEntry:
    """L1's owner deleted the headers from this id on."""

    kind: ClassVar[int] = 3
    root_chain: int
    header_id: int
    ended_turn: int
    block_number: BlockNumber
    step_number: int
    time_s: UnixSeconds


@dataclass(frozen=True, slots=True)
class NoAckEntry:
    """A turn ended because nothing of it landed by its deadline."""

    kind: ClassVar[int] = 4
    root_chain: int
    turn: int
    proposer: Address
    deadline: UnixSeconds
    had_proposal: bool
    time_s: UnixSeconds


@dataclass(frozen=True, slots=True)
class RejectionEntry:
    """A turn ended because at least 1/3 of the power called its proposal INVALID."""

    kind: ClassVar[int] = 5
    root_chain: int
    turn: int
    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    invalid: tuple[ValidatorId, ...]
    time_s: UnixSeconds


HistoryEntry: TypeAlias = CheckpointEntry | LateEntry | ResetEntry | NoAckEntry | RejectionEntry

_KINDS: dict[int, type[HistoryEntry]] = {
    kind.kind: kind for kind in (CheckpointEntry, LateEntry, ResetEntry, NoAckEntry, RejectionEntry)
}


def encode_entry(entry: HistoryEntry) -> bytes:
    """The entry's bytes, as the log holds them."""
    return rlp.encode_list([rlp.encode(rlp.uint(entry.kind)), *canonical.encode_fields(entry)])


def decode_entry(data: bytes) -> HistoryEntry:
    """The entry of its bytes. Raises EncodingError."""
    try:
        items = rlp.as_list(rlp.decode(data), None, "entry")
        number = rlp.as_uint(items[0], 8, "entry kind") if items else 0
    except RlpError as error:
        raise EncodingError(f"log entry: {error}") from error
    if number not in _KINDS:
        raise EncodingError(f"log entry: unknown kind {number}")
    entry: HistoryEntry = canonical.from_item(_KINDS[number], items[1:])
    return entry
