"""The RFC 6962-shaped tree: shape, proofs, and what must not verify."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.errors import ProofError
from bridge.codec.hash import keccak256
from bridge.codec.section_tree import tree_proof, tree_root, tree_verify
from bridge.codec.types import ZERO_HASH
from tests.unit.codec.strategies import law


def test_tree_root__five_leaves__splits_at_the_greatest_power_of_two() -> None:
    a, b, c, d, e = (keccak256(b"\x00" + leaf) for leaf in (b"a", b"b", b"c", b"d", b"e"))

    def node(left: bytes, right: bytes) -> bytes:
        return keccak256(b"\x01" + left + right)

    assert tree_root([b"a", b"b", b"c", b"d", b"e"]) == node(node(node(a, b), node(c, d)), e)
    assert tree_root([b"a", b"b", b"c"]) == node(node(a, b), c)
    assert tree_root([b"a"]) == a
    assert tree_root([]) == keccak256(b"")


@law
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=20), st.data())
def test_tree_proof__any_leaf__verifies_there_and_nowhere_else(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root = tree_root(leaves)
    proof = tree_proof(leaves, index)
    assert tree_verify(leaves[index], index, len(leaves), proof, root)
    assert not tree_verify(leaves[index] + b"x", index, len(leaves), proof, root)
    assert not tree_verify(leaves[index], index, len(leaves), (*proof, ZERO_HASH), root)
    assert not tree_verify(leaves[index], len(leaves), len(leaves), proof, root)
    for other in range(len(leaves)):
        if leaves[other] != leaves[index]:
            assert not tree_verify(leaves[index], other, len(leaves), proof, root)


def test_tree_proof__index_beyond_the_end__is_refused() -> None:
    with pytest.raises(ProofError):
        tree_proof([b"a"], 1)
