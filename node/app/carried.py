"""What a fork's genesis carries over from the network before it, and no genesis of a new network has.

Whole sections of the state in their canonical bytes, as they are to be at the start: how far the feeds have counted
their steps, turn numbers, proposals that may still land, account roots that polygon contracts keep, and validators with
keys that only L1 counts. The logs are not: they start anew, and `parent` commits to the old ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from node.app.apphash import section_contents, section_value
from node.app.errors import EncodingError, GenesisError
from node.app.state import Feed, ProposalBook, Turn, ValidatorsSection

CARRIED_NAMES = ("feeds", "proposals", "turns", "validators")


@dataclass(frozen=True, slots=True)
class CarriedSection:
    """A section of the state at the start."""

    name: str
    contents: bytes
    """Its canonical encoding."""


@dataclass(frozen=True, slots=True)
class Carried:
    """The sections, decoded."""

    feeds: tuple[Feed, ...]
    proposals: tuple[ProposalBook, ...]
    turns: tuple[Turn, ...]
    validators: ValidatorsSection


def encode_carried(carried: Carried) -> tuple[CarriedSection, ...]:
    """The sections as a genesis has them."""
    return tuple(CarriedSection(name, section_contents(name, getattr(carried, name))) for name in CARRIED_NAMES)


def decode_carried(sections: Sequence[CarriedSection]) -> Carried | None:
    """The sections of a genesis; None if it is no fork's. Raises GenesisError."""
    if not sections:
        return None
    if tuple(section.name for section in sections) != CARRIED_NAMES:
        raise GenesisError(f"genesis carried: none, or exactly the sections {', '.join(CARRIED_NAMES)}, are needed")
    try:
        return Carried(*(section_value(section.name, section.contents) for section in sections))
    except EncodingError as error:
        raise GenesisError(f"genesis carried: {error}") from error
