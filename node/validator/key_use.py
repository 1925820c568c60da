"""What the committed state needs a signer key for: the rule by which `sidewarden keys` refuses to drop one.

The state names the key to sign with, so a home holds the old and the new one while a signer changes, and a validator
that leaves is needed until its epoch (docs/protocol.md P7). Keys dropped too early by two of four could stop a network.
"""

from dataclasses import dataclass
from enum import StrEnum

from bridge.codec.types import Address, ValidatorId
from node.app import queries
from node.app.canonical import Power
from node.app.state import State


class KeyUse(StrEnum):
    """What a key is needed for; the first that holds."""

    SIGNS = "SIGNS"
    """The contract names it as the signer of a validator."""
    LEAVING = "LEAVING"
    """So it does, but the validator leaves after some more acks."""
    COUNTS = "COUNTS"
    """The contract names it no more, but tallies or the engine still count it."""
    FORMER = "FORMER"
    """Its validator has left: it may still speak about the last turn, and nobody waits for that."""
    UNUSED = "UNUSED"
    """The state does not know it (yet)."""


@dataclass(frozen=True, slots=True)
class KeyReport:
    """One signer key as the state sees it; `leaving_acks` is only there for LEAVING."""

    address: Address
    use: KeyUse
    validator_id: ValidatorId | None
    power: Power
    leaving_acks: int | None

    @property
    def is_needed(self) -> bool:
        """Whether the network counts on the key."""
        return self.use in {KeyUse.SIGNS, KeyUse.LEAVING, KeyUse.COUNTS}

    @property
    def text(self) -> str:
        """The use in words that follow `the key`."""
        match self.use:
            case KeyUse.SIGNS:
                return f"signs for validator {self.validator_id}, power {self.power}"
            case KeyUse.LEAVING:
                return f"signs for validator {self.validator_id}, which leaves in {self.leaving_acks} acks"
            case KeyUse.COUNTS:
                return f"is still counted, with power {self.power}, though no validator has it as its signer"
            case KeyUse.FORMER:
                return f"is not in use: validator {self.validator_id} has left"
            case KeyUse.UNUSED:
                return "is not in use: no validator has it as its signer"


def key_report(state: State, address: Address) -> KeyReport:
    """What the state needs a key for."""
    validators = state.validators
    power = next((member.power for member in validators.tally_set if member.signer == address), 0)
    member = queries.member_by_signer(state, address)
    if member is not None:
        leaving_acks = queries.is_leaving(state, member)
        use = KeyUse.SIGNS if leaving_acks is None else KeyUse.LEAVING
        return KeyReport(address, use, member.id, power, leaving_acks)
    former = next((record.id for record in reversed(validators.former) if record.signer == address), None)
    tally_signers = {member.signer for member in validators.tally_set}
    engine_signers = {member.signer for member in state.engine_set.members}
    if address in tally_signers | engine_signers:
        return KeyReport(address, KeyUse.COUNTS, former, power, None)
    return KeyReport(address, KeyUse.UNUSED if former is None else KeyUse.FORMER, former, power, None)
