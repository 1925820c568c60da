"""Who this node is in the committed state: the state names the key, the key ring holds it."""

from dataclasses import dataclass
from itertools import chain

from bridge.codec.types import Address, ValidatorId
from node.app.state import State
from node.keys.ring import KeyRing


@dataclass(frozen=True, slots=True)
class Identity:
    """A validator whose present signer's key this home holds."""

    id: ValidatorId
    signer: Address


def find_identity(state: State, ring: KeyRing) -> Identity | None:
    """The validator that this home signs for, or None while nothing that it says would be recorded.

    That is a member of the contract's set, or, while nobody of that set could count, of the last set that could.
    """
    section = state.validators
    known = chain(
        ((member.id, member.signer) for member in section.members),
        ((member.id, member.signer) for member in section.tally_set),
    )
    return next((Identity(validator, signer) for validator, signer in known if signer in ring), None)
