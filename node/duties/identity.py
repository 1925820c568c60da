"""Who this node is in the committed state: the state names the key, the key ring holds it."""

from dataclasses import dataclass

from bridge.codec.types import Address, ValidatorId
from node.app.state import State, ValidatorRecord
from node.keys.ring import KeyRing


@dataclass(frozen=True, slots=True)
class Identity:
    """A validator whose present signer's key this home holds."""

    id: ValidatorId
    signer: Address


def find_identity(state: State, ring: KeyRing) -> Identity | None:
    """The validator that this home signs for, or None while the contract names none of its keys.

    Who has left but may still speak about the last turn is found too.
    """
    for record in (*state.validators.members, *state.validators.former):
        if record.signer in ring:
            return Identity(record.id, record.signer)
    return None


def record_of(state: State, validator_id: ValidatorId) -> ValidatorRecord | None:
    """A member of the contract's set, leavers included until their epoch."""
    return next((record for record in state.validators.members if record.id == validator_id), None)
