"""The entries of logs/evidence: what the engine proved of validators, as blocks carried it.

The engine checks evidence before it lets it into a block; here it is only kept, in the order of the blocks. What
follows from it is for people: nobody is punished by the protocol. An entry is the RLP of its fields.
"""

from dataclasses import dataclass

from bridge.codec.types import Address, UnixSeconds, ValidatorId
from node.app import canonical
from node.app.abci import Misbehavior, MisbehaviorType
from node.app.canonical import Power
from node.app.draft import NANOSECONDS_PER_SECOND, Draft
from node.app.history import EVIDENCE_LOG


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """A validator signed what no honest node signs."""

    type: MisbehaviorType
    signer: Address
    """Its key, which is its address in the engine."""
    validator: ValidatorId | None
    """Who signs with that key now, in the contract's set; None if nobody does any more."""
    power: Power
    """In the engine, at `height`."""
    total_power: Power
    height: int
    """The engine block at which it misbehaved."""
    misbehaved_s: UnixSeconds
    """That block's time, as the evidence has it."""
    recorded_height: int
    recorded_s: UnixSeconds
    """Engine time of the block that carried the evidence."""


def record_evidence(draft: Draft, found: Misbehavior) -> None:
    """Append a block's piece of evidence to the log."""
    member = draft.member_by_signer(found.address)
    entry = EvidenceEntry(
        type=found.type,
        signer=found.address,
        validator=None if member is None else member.id,
        power=max(0, found.power),
        total_power=max(0, found.total_power),
        height=max(0, found.height),
        misbehaved_s=UnixSeconds(max(0, found.time_ns) // NANOSECONDS_PER_SECOND),
        recorded_height=draft.height,
        recorded_s=draft.time_s,
    )
    draft.append_to(EVIDENCE_LOG, canonical.encode(entry))
    draft.emit("misbehavior", type=found.type.name, signer=found.address, height=entry.height)


def decode_evidence(data: bytes) -> EvidenceEntry:
    """The entry of its bytes. Raises EncodingError."""
    return canonical.decode(EvidenceEntry, data)
