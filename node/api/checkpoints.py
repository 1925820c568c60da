"""One checkpoint as people ask for it: what it says, who signed it and when, who came late, who is missing."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.types import Address, BlockNumber, Hash32, Signature, UnixSeconds, ValidatorId
from node.api.archive import CheckpointRecord
from node.app.history import CheckpointEntry, LateEntry
from node.app.state import Proposal, State, Verdict


class Timing(StrEnum):
    """When a signature came."""

    IN_TIME = "IN_TIME"
    LATE = "LATE"
    """After the submission was opened: counted and recorded, but not in the calldata."""
    AFTER_ACK = "AFTER_ACK"


@dataclass(frozen=True, slots=True)
class SignedVerdict:
    """One validator's signature. `power` is None where the log does not say it; `time_s` is the engine's."""

    validator_id: ValidatorId
    signer: Address
    power: int | None
    signature: Signature
    time_s: UnixSeconds
    timing: Timing


@dataclass(frozen=True, slots=True)
class Refusal:
    """One validator that called the proposal INVALID, and why."""

    validator_id: ValidatorId
    signer: Address
    reason: str
    time_s: UnixSeconds


@dataclass(frozen=True, slots=True)
class RootChainBlock:
    """Where the root chain has it."""

    number: BlockNumber
    timestamp: UnixSeconds


@dataclass(frozen=True, slots=True)
class CheckpointDetails:
    """A checkpoint that is being signed or has been acknowledged.

    `status` is the stage of the proposal. Powers are whole tokens. `is_foreign`: L1 accepted it without a proposal of
    ours.
    """

    root_chain: str
    number: int
    header_id: int
    status: str
    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    account_root_hash: Hash32
    turn: int
    is_foreign: bool
    proposed_s: UnixSeconds | None
    acknowledged_s: UnixSeconds | None
    root_chain_block: RootChainBlock | None
    total_power: int
    signed_power: int
    signatures: tuple[SignedVerdict, ...]
    refusals: tuple[Refusal, ...]
    missing: tuple[ValidatorId, ...]


MISSING = "MISSING"


def own_part(record: CheckpointRecord, validator: ValidatorId) -> str:
    """How a validator took part in an acknowledged checkpoint: a `Timing`, or MISSING."""
    signatures = (*_recorded(record.entry), *(_after_ack(late) for late in record.late))
    return next((one.timing.value for one in signatures if one.validator_id == validator), MISSING)


def acknowledged_details(root_chain: str, record: CheckpointRecord) -> CheckpointDetails:
    """What the log says of a checkpoint that L1 has accepted."""
    entry = record.entry
    signatures = (*(_recorded(entry)), *(_after_ack(late) for late in record.late))
    signed = {one.validator_id for one in signatures}
    return CheckpointDetails(
        root_chain=root_chain,
        number=entry.header_id // HEADER_ID_STEP,
        header_id=entry.header_id,
        status="ACKNOWLEDGED",
        proposer=entry.proposer,
        start=entry.start,
        end=entry.end,
        root_hash=entry.root_hash,
        account_root_hash=entry.account_root_hash,
        turn=entry.turn,
        is_foreign=entry.is_foreign,
        proposed_s=None,
        acknowledged_s=entry.time_s,
        root_chain_block=RootChainBlock(entry.block_number, entry.block_time),
        total_power=entry.total_power,
        signed_power=sum(one.power for one in entry.signatures),
        signatures=signatures,
        refusals=(),
        missing=tuple(one for one in entry.missing if one not in signed),
    )


def open_details(root_chain: str, proposal: Proposal, state: State) -> CheckpointDetails:
    """What the state says of a checkpoint that is not acknowledged yet."""
    powers = {member.id: member.power for member in state.validators.tally_set}
    signed = tuple(
        SignedVerdict(
            validator_id=verdict.validator,
            signer=verdict.signer,
            power=powers.get(verdict.validator),
            signature=verdict.signature,
            time_s=verdict.time_s,
            timing=Timing.LATE if verdict.is_late else Timing.IN_TIME,
        )
        for verdict in proposal.verdicts
        if verdict.signature is not None
    )
    spoken = {verdict.validator for verdict in proposal.verdicts}
    return CheckpointDetails(
        root_chain=root_chain,
        number=proposal.header_id // HEADER_ID_STEP,
        header_id=proposal.header_id,
        status=proposal.stage.name,
        proposer=proposal.proposer,
        start=proposal.start,
        end=proposal.end,
        root_hash=proposal.root_hash,
        account_root_hash=proposal.account_root_hash,
        turn=proposal.turn,
        is_foreign=False,
        proposed_s=proposal.proposed_s,
        acknowledged_s=None,
        root_chain_block=None,
        total_power=sum(powers.values()),
        signed_power=sum(powers.get(one.validator_id, 0) for one in signed),
        signatures=signed,
        refusals=tuple(_refusal(verdict) for verdict in proposal.verdicts if verdict.signature is None),
        missing=tuple(validator for validator in powers if validator not in spoken),
    )


def _recorded(entry: CheckpointEntry) -> tuple[SignedVerdict, ...]:
    return tuple(
        SignedVerdict(
            validator_id=one.validator,
            signer=one.signer,
            power=one.power,
            signature=one.signature,
            time_s=one.time_s,
            timing=Timing.LATE if one.is_late else Timing.IN_TIME,
        )
        for one in entry.signatures
    )


def _after_ack(late: LateEntry) -> SignedVerdict:
    return SignedVerdict(late.validator, late.signer, None, late.signature, late.time_s, Timing.AFTER_ACK)


def _refusal(verdict: Verdict) -> Refusal:
    reason = verdict.reason.name if verdict.reason is not None else ""
    return Refusal(verdict.validator, verdict.signer, reason, verdict.time_s)
