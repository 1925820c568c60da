"""The app hash: a Merkle tree over the sections of the state, which a contract could check (docs/protocol.md P9).

The tree has RFC 6962's shape with keccak256, over the sections in order of their names; a leaf is
rlp([name, version, keccak256(rlp(section))]). It is over these encodings alone, never over how a store keeps them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bridge.codec import rlp
from bridge.codec.errors import ProofError, RlpError
from bridge.codec.mmr import MountainRange
from bridge.codec.section_tree import tree_proof, tree_root
from bridge.codec.state_proof import StateShape, section_leaf
from bridge.codec.types import Hash32
from node.app import canonical
from node.app.errors import EncodingError, StoreError
from node.app.history import CHECKPOINT_LOG, EVIDENCE_LOG, RECORD_LOG
from node.app.state import (
    EngineSetSection,
    Feed,
    ParametersSection,
    PriorityVector,
    ProposalBook,
    Sender,
    State,
    Turn,
    ValidatorsSection,
    VoterStatements,
)
from node.app.store import StoredSection

SECTION_VERSION = 1
"""Of each section; it changes only at a named upgrade."""

_SECTIONS: tuple[tuple[str, str, Any], ...] = (
    ("engine_set", "engine_set", EngineSetSection),
    ("feeds", "feeds", tuple[Feed, ...]),
    (CHECKPOINT_LOG, "checkpoint_log", MountainRange),
    (EVIDENCE_LOG, "evidence_log", MountainRange),
    (RECORD_LOG, "record_log", MountainRange),
    ("params", "params", ParametersSection),
    ("priorities", "priorities", tuple[PriorityVector, ...]),
    ("proposals", "proposals", tuple[ProposalBook, ...]),
    ("senders", "senders", tuple[Sender, ...]),
    ("tallies", "tallies", tuple[VoterStatements, ...]),
    ("turns", "turns", tuple[Turn, ...]),
    ("validators", "validators", ValidatorsSection),
)
"""Name, field of State, and type; ascending by name."""

SECTION_NAMES = tuple(name for name, _, _ in _SECTIONS)
STATE_SHAPE = StateShape(SECTION_NAMES, SECTION_VERSION)
"""What a light client must know to place a section under the app hash."""


@dataclass(frozen=True, slots=True)
class HashedState:
    """A state with the encodings of its sections, their leaves and their root."""

    state: State
    sections: tuple[StoredSection, ...]
    leaves: tuple[bytes, ...]
    app_hash: Hash32

    def section(self, name: str) -> StoredSection | None:
        """The section of that name."""
        return next((section for section in self.sections if section.name == name), None)

    def proof(self, name: str) -> tuple[Hash32, ...]:
        """The siblings from a section's leaf to the app hash. Raises ProofError for an unknown name."""
        if name not in SECTION_NAMES:
            raise ProofError(f"no section {name}")
        return tree_proof(self.leaves, SECTION_NAMES.index(name))

    def changed_since(self, before: "HashedState | None") -> tuple[StoredSection, ...]:
        """The sections that another state does not have."""
        if before is None:
            return self.sections
        return tuple(now for now, then in zip(self.sections, before.sections, strict=True) if now != then)


def hash_state(state: State, before: HashedState | None = None) -> HashedState:
    """Encode and hash a state; sections that are the same objects as before keep their encodings."""
    sections: list[StoredSection] = []
    leaves: list[bytes] = []
    for place, (name, field, kind) in enumerate(_SECTIONS):
        value = getattr(state, field)
        if before is not None and getattr(before.state, field) is value:
            sections.append(before.sections[place])
            leaves.append(before.leaves[place])
            continue
        section = StoredSection(name, SECTION_VERSION, canonical.codec_of(kind).encode(value))
        is_same = before is not None and before.sections[place].contents == section.contents
        sections.append(before.sections[place] if before is not None and is_same else section)
        leaves.append(before.leaves[place] if before is not None and is_same else _leaf(section))
    is_same = before is not None and before.leaves == tuple(leaves)
    app_hash = before.app_hash if before is not None and is_same else tree_root(leaves)
    return HashedState(state, tuple(sections), tuple(leaves), app_hash)


def state_of(sections: Iterable[StoredSection]) -> State:
    """The state that saved sections encode. Raises StoreError."""
    by_name = {section.name: section for section in sections}
    values: dict[str, Any] = {}
    for name, field, _ in _SECTIONS:
        section = by_name.get(name)
        if section is None or section.version != SECTION_VERSION:
            raise StoreError(f"section {name} is missing, or of a version that this program does not know")
        try:
            values[field] = section_value(name, section.contents)
        except EncodingError as error:
            raise StoreError(str(error)) from error
    return State(**values)


def log_range(state: State, log: str) -> MountainRange:
    """What a state commits to of a log."""
    field = next(field for name, field, _ in _SECTIONS if name == log)
    found: MountainRange = getattr(state, field)
    return found


def section_contents(name: str, value: object) -> bytes:
    """The bytes of a section with this value."""
    kind = next(kind for known, _, kind in _SECTIONS if known == name)
    return canonical.codec_of(kind).encode(value)


def section_value(name: str, contents: bytes) -> Any:
    """The value that a section's bytes encode, of the type of its field in State. Raises EncodingError."""
    kind = next(kind for known, _, kind in _SECTIONS if known == name)
    try:
        return canonical.codec_of(kind).decode(rlp.decode(contents))
    except (EncodingError, RlpError, ProofError) as error:
        raise EncodingError(f"section {name}: {error}") from error


def _leaf(section: StoredSection) -> bytes:
    return section_leaf(section.name, section.version, section.contents)
