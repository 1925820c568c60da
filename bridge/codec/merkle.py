"""The checkpoint tree: what a checkpoint's root commits to, and the proof that a block is in it.

Leaves stand in block order and are padded with zero hashes to a power of two; a node is keccak256(left ‖ right),
without tags or sorting; the root of one leaf is that leaf. Format: Bor's eth_getRootHash and the Merkle library of
Polygon's contracts.
"""

from collections.abc import Iterable, Sequence
from typing import Self

from bridge.codec.errors import ProofError
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_HASH, Hash32

DEPTH_MAX = 63


def _zero_subtree_roots() -> tuple[Hash32, ...]:
    roots = [ZERO_HASH]
    for _ in range(DEPTH_MAX):
        roots.append(keccak256(roots[-1] + roots[-1]))
    return tuple(roots)


ZERO_SUBTREE_ROOTS = _zero_subtree_roots()
"""The root of 2^i padding leaves, at i."""


def depth(leaf_count: int) -> int:
    """Levels between the leaves and the root, which is the length of every proof in the tree."""
    if leaf_count < 1:
        raise ProofError("a tree has at least one leaf")
    return (leaf_count - 1).bit_length()


def root(leaves: Sequence[Hash32]) -> Hash32:
    """The root over at least one leaf."""
    level = leaves
    for height in range(depth(len(leaves))):
        level = _next_level(level, height)
    return level[0]


def proof(leaves: Sequence[Hash32], index: int) -> tuple[Hash32, ...]:
    """The siblings on the way from the leaf at `index` to the root, the leaf's own first."""
    return Tree(leaves).proof(index)


class Tree:
    """The whole tree over at least one leaf, for who asks for many proofs: hashed once, 64 bytes kept per leaf."""

    __slots__ = ("_levels", "count", "root")

    def __init__(self, leaves: Sequence[Hash32]) -> None:
        levels: list[Sequence[Hash32]] = [leaves]
        for height in range(depth(len(leaves))):
            levels.append(_next_level(levels[-1], height))
        self.count = len(leaves)
        self.root = levels.pop()[0]
        self._levels = tuple(b"".join(level) for level in levels)
        """From the leaves up, without the root and without padding."""

    def proof(self, index: int) -> tuple[Hash32, ...]:
        """The siblings on the way from the leaf at `index` to the root, the leaf's own first."""
        if not 0 <= index < self.count:
            raise ProofError(f"index {index} is not among {self.count} leaves")
        siblings = []
        for height, level in enumerate(self._levels):
            at = 32 * ((index >> height) ^ 1)
            siblings.append(Hash32(level[at : at + 32]) if at < len(level) else ZERO_SUBTREE_ROOTS[height])
        return tuple(siblings)


def verify(leaf: Hash32, index: int, proof: Sequence[Hash32], root: Hash32) -> bool:
    """Whether the proof leads from the leaf at `index` to the root.

    The caller ties the proof's length to the size of the checkpoint (`depth`); the tree itself cannot.
    """
    if not 0 <= index < 1 << len(proof):
        return False
    node = leaf
    for height, sibling in enumerate(proof):
        node = keccak256(sibling + node) if index >> height & 1 else keccak256(node + sibling)
    return node == root


class Frontier:
    """The tree over a range that grows at its end: one hash per leaf to append, one per level to ask for the root.

    It keeps the roots of the complete subtrees that the binary digits of `count` stand for, and nothing of the leaves.
    """

    __slots__ = ("_peaks", "count")

    def __init__(self, leaves: Iterable[Hash32] = ()) -> None:
        self.count = 0
        self._peaks: list[Hash32] = []
        """Roots of the complete subtrees, largest first."""
        self.extend(leaves)

    def append(self, leaf: Hash32) -> None:
        """Add the next leaf."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[Hash32]) -> None:
        """Add the next leaves, in order: level by level, as carrying works when numbers are added."""
        level = list(leaves)
        count = self.count
        self.count += len(level)
        new_peaks: list[Hash32] = []
        while level:
            if count & 1:
                level.insert(0, self._peaks.pop())
            if len(level) % 2:
                new_peaks.append(level.pop())
            level = _parents(level)
            count >>= 1
        self._peaks.extend(reversed(new_peaks))

    def root(self) -> Hash32:
        """The root over all leaves so far, of which there must be one."""
        tree_depth = depth(self.count)
        lowest = (self.count & -self.count).bit_length() - 1
        place = len(self._peaks) - 1
        node = self._peaks[place]
        # To the right of the lowest peak there is only padding; further up, each set digit has a peak to the left.
        for height in range(lowest, tree_depth):
            if height > lowest and self.count >> height & 1:
                place -= 1
                node = keccak256(self._peaks[place] + node)
            else:
                node = keccak256(node + ZERO_SUBTREE_ROOTS[height])
        return node

    def copy(self) -> Self:
        """An independent frontier over the same leaves."""
        twin = type(self)()
        twin.count = self.count
        twin._peaks = self._peaks.copy()
        return twin


def _next_level(level: Sequence[Hash32], height: int) -> list[Hash32]:
    """The parents of a level's nodes; an odd one out is paired with padding."""
    parents = _parents(level)
    if len(level) % 2:
        parents.append(keccak256(level[-1] + ZERO_SUBTREE_ROOTS[height]))
    return parents


def _parents(nodes: Sequence[Hash32]) -> list[Hash32]:
    """The parents of neighbours; an odd one out is left out."""
    pairs = iter(nodes)
    return [keccak256(left + right) for left, right in zip(pairs, pairs, strict=False)]
