"""A Merkle tree in the shape of RFC 6962 over few leaves: the sections of a state, and what the engine hashes.

A leaf hashes to H(0x00 ‖ leaf), a node to H(0x01 ‖ left ‖ right); the left half holds the greatest power of two below
the number of leaves; the tree of none is H of the empty string. H is keccak256 for our state, SHA-256 for the engine.
"""

from collections.abc import Callable, Sequence

from bridge.codec.errors import ProofError
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32

Hasher = Callable[[bytes], Hash32]


def tree_root(leaves: Sequence[bytes], hasher: Hasher = keccak256) -> Hash32:
    """The root over the leaves, in their order."""
    if not leaves:
        return hasher(b"")
    if len(leaves) == 1:
        return hasher(b"\x00" + leaves[0])
    split = _split(len(leaves))
    return hasher(b"\x01" + tree_root(leaves[:split], hasher) + tree_root(leaves[split:], hasher))


def tree_proof(leaves: Sequence[bytes], index: int) -> tuple[Hash32, ...]:
    """The siblings on the way from the leaf at `index` to the root, the leaf's own first."""
    if not 0 <= index < len(leaves):
        raise ProofError(f"index {index} is not among {len(leaves)} leaves")
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*tree_proof(leaves[:split], index), tree_root(leaves[split:]))
    return (*tree_proof(leaves[split:], index - split), tree_root(leaves[:split]))


def tree_verify(leaf: bytes, index: int, count: int, proof: Sequence[Hash32], root: Hash32) -> bool:
    """Whether the proof leads from the leaf at `index` of `count` to the root."""
    if not 0 <= index < count:
        return False
    sides = _sides(index, count)
    if len(proof) != len(sides):
        return False
    node = keccak256(b"\x00" + leaf)
    for sibling, is_right in zip(proof, sides, strict=True):
        node = _node(sibling, node) if is_right else _node(node, sibling)
    return node == root


def _split(count: int) -> int:
    """The greatest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _sides(index: int, count: int) -> list[bool]:
    """From the leaf up: whether the way to it turns right."""
    sides: list[bool] = []
    while count > 1:
        split = _split(count)
        is_right = index >= split
        sides.append(is_right)
        index, count = (index - split, count - split) if is_right else (index, split)
    return sides[::-1]


def _node(left: Hash32, right: Hash32) -> Hash32:
    return keccak256(b"\x01" + left + right)
