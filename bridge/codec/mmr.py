"""Merkle mountain range: a commitment to an append-only list, whose proofs a contract can check.

Entries hash to keccak256(0x00 ‖ entry) and pairs to keccak256(0x01 ‖ left ‖ right). Complete binary trees (mountains)
stand side by side, one for each set binary digit of the count, the highest first; only their peaks are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codec import rlp
from bridge.codec.errors import ProofError
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32


def leaf_hash(entry: bytes) -> Hash32:
    """The hash under which an entry stands in the range."""
    return keccak256(b"\x00" + entry)


def node_hash(left: Hash32, right: Hash32) -> Hash32:
    """The hash of two neighbours."""
    return keccak256(b"\x01" + left + right)


@dataclass(frozen=True, slots=True)
class MountainRange:
    """How many entries there are, and the peaks from high to low."""

    count: int = 0
    peaks: tuple[Hash32, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a number of peaks that does not belong to the count."""
        if self.count < 0 or len(self.peaks) != self.count.bit_count():
            raise ProofError(f"a range of {self.count} entries cannot have {len(self.peaks)} peaks")

    def append(self, entry: bytes) -> "MountainRange":
        """The range with one more entry."""
        return self.join(MountainRange(1, (leaf_hash(entry),)))

    def join(self, following: "MountainRange") -> "MountainRange":
        """The range with the entries of another one behind its own.

        Raises ProofError if the other's first mountain would not stand whole: its size must divide this count.
        """
        joined = self
        heights = [height for height in reversed(range(following.count.bit_length())) if following.count >> height & 1]
        for height, peak in zip(heights, following.peaks, strict=True):
            joined = joined._with_mountain(height, peak)
        return joined

    def _with_mountain(self, height: int, peak: Hash32) -> "MountainRange":
        if self.count & ((1 << height) - 1):
            raise ProofError(f"a mountain of {1 << height} entries cannot stand behind {self.count}")
        peaks = list(self.peaks)
        remaining = self.count >> height
        while remaining & 1:
            peak = node_hash(peaks.pop(), peak)
            remaining >>= 1
        return MountainRange(self.count + (1 << height), (*peaks, peak))

    def root_fields(self) -> rlp.RlpItem:
        """What stands for the range where it is committed to: [count, peaks high to low]."""
        return (rlp.uint(self.count), self.peaks)


def prove(leaf_hashes: Sequence[Hash32], index: int) -> tuple[Hash32, ...]:
    """The siblings from the entry at `index` up to the peak of its mountain, given the leaf hashes of all entries."""
    height, start = mountain(len(leaf_hashes), index)
    level = list(leaf_hashes[start : start + (1 << height)])
    position = index - start
    siblings: list[Hash32] = []
    while len(level) > 1:
        siblings.append(level[position ^ 1])
        level = [node_hash(level[left], level[left + 1]) for left in range(0, len(level), 2)]
        position >>= 1
    return tuple(siblings)


def verify_entry(mountain_range: MountainRange, entry: bytes, index: int, proof: Sequence[Hash32]) -> bool:
    """Whether the proof leads from the entry at `index` to the peak of its mountain."""
    if not 0 <= index < mountain_range.count:
        return False
    height, start = mountain(mountain_range.count, index)
    if len(proof) != height:
        return False
    node = leaf_hash(entry)
    position = index - start
    for sibling in proof:
        node = node_hash(sibling, node) if position & 1 else node_hash(node, sibling)
        position >>= 1
    peak_place = (mountain_range.count >> (height + 1)).bit_count()
    return node == mountain_range.peaks[peak_place]


def mountain(count: int, index: int) -> tuple[int, int]:
    """Height and first index of the mountain that holds `index`."""
    if not 0 <= index < count:
        raise ProofError(f"index {index} is not among {count} entries")
    start = 0
    for height in reversed(range(count.bit_length())):
        size = 1 << height
        if count & size:
            if index < start + size:
                return height, start
            start += size
    raise AssertionError("the mountains cover every index below the count")
