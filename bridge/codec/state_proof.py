"""From an app hash to the state: a section's bytes by its siblings, a log's entry by the section of the log.

Everything is bytes here; what they mean is for the application's own types to say. Formats: docs/protocol.md P9.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codec import rlp
from bridge.codec.errors import ProofError, RlpError
from bridge.codec.hash import keccak256
from bridge.codec.mmr import MountainRange, verify_entry
from bridge.codec.section_tree import tree_verify
from bridge.codec.types import Hash32


@dataclass(frozen=True, slots=True)
class StateShape:
    """Which sections the state has, ascending by name, and their version."""

    names: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class LogProof:
    """An entry of a log, with the log's section and the siblings up to the peak of the entry's mountain."""

    index: int
    entry: bytes
    section: bytes
    siblings: tuple[Hash32, ...]


def encode_log_proof(proof: LogProof) -> bytes:
    """rlp([index, entry, section, [sibling…]])."""
    return rlp.encode((rlp.uint(proof.index), proof.entry, proof.section, proof.siblings))


def decode_log_proof(data: bytes) -> LogProof:
    """The proof of its bytes. Raises ProofError."""
    try:
        index, entry, section, siblings = rlp.as_list(rlp.decode(data), 4, "log proof")
        return LogProof(
            index=rlp.as_uint(index, 64, "index"),
            entry=rlp.as_bytes(entry, None, "entry"),
            section=rlp.as_bytes(section, None, "section"),
            siblings=tuple(Hash32(rlp.as_bytes(item, 32, "sibling")) for item in rlp.as_list(siblings)),
        )
    except RlpError as error:
        raise ProofError(f"the proof of a log entry: {error}") from error


def section_leaf(name: str, version: int, contents: bytes) -> bytes:
    """A section as a leaf under the app hash: rlp([name, version, keccak256(contents)])."""
    return leaf_of_hash(name, version, keccak256(contents))


def leaf_of_hash(name: str, version: int, contents_hash: Hash32) -> bytes:
    """The same, given keccak256(contents)."""
    return rlp.encode((name.encode(), rlp.uint(version), contents_hash))


def verify_section(app_hash: bytes, shape: StateShape, name: str, contents: bytes, siblings: Sequence[Hash32]) -> None:
    """Check that the state with this app hash has a section with these contents. Raises ProofError."""
    if name not in shape.names:
        raise ProofError(f"there is no section {name}")
    leaf = section_leaf(name, shape.version, contents)
    if not tree_verify(leaf, shape.names.index(name), len(shape.names), siblings, Hash32(app_hash)):
        raise ProofError(f"section {name} does not lead to the app hash")


def verify_log_entry(app_hash: bytes, shape: StateShape, log: str, proof: LogProof, siblings: Sequence[Hash32]) -> None:
    """Check that a log of the state with this app hash has the entry at its index. Raises ProofError."""
    verify_section(app_hash, shape, log, proof.section, siblings)
    if not verify_entry(mountain_range_of(proof.section), proof.entry, proof.index, proof.siblings):
        raise ProofError(f"entry {proof.index} of {log} does not lead to the log's section")


def mountain_range_of(section: bytes) -> MountainRange:
    """The mountain range that a log's section holds. Raises ProofError."""
    try:
        count, peaks = rlp.as_list(rlp.decode(section), 2, "log section")
        hashes = tuple(Hash32(rlp.as_bytes(peak, 32, "peak")) for peak in rlp.as_list(peaks))
        return MountainRange(rlp.as_uint(count, 64, "count"), hashes)
    except (RlpError, ProofError) as error:
        raise ProofError(f"the section of a log: {error}") from error
