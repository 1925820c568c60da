"""The checkpoint tree against Bor's roots, a naive tree, and its own proofs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import merkle
from bridge.codec.errors import ProofError
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf
from bridge.codec.trie import EMPTY_TRIE_ROOT
from bridge.codec.types import ZERO_HASH, Hash32
from tests.unit.codec.strategies import hashes, law
from tests.unit.codec.vectors import DevnetRoot, devnet_roots


def naive_root(leaves: list[Hash32]) -> Hash32:
    """The root by the definition: pad, then pair until one is left."""
    level = list(leaves)
    while len(level).bit_count() != 1:
        level.append(ZERO_HASH)
    while len(level) > 1:
        level = [keccak256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def test_devnet_roots__are_all_there() -> None:
    assert len(devnet_roots()) == 45


@pytest.mark.parametrize("checkpoint", devnet_roots(), ids=lambda one: f"{one.start}-{one.end}")
def test_root__genuine_bor_checkpoint__is_reproduced(checkpoint: DevnetRoot) -> None:
    leaves = [
        leaf(number, checkpoint.timestamp(number), EMPTY_TRIE_ROOT, EMPTY_TRIE_ROOT)
        for number in range(checkpoint.start, checkpoint.end + 1)
    ]
    assert merkle.root(leaves) == checkpoint.root
    assert merkle.Frontier(leaves).root() == checkpoint.root


def test_proof__real_mainnet_fast_proof__is_reproduced() -> None:
    first, middle, last = (
        leaf(number, time, EMPTY_TRIE_ROOT, EMPTY_TRIE_ROOT)
        for number, time in ((12345, 1590881656), (12346, 1590881658), (12347, 1590881660))
    )
    assert first.hex() == "c62218dfcdc47711e777e6036806592cac1e079f55e2f8f30e6b165bf8737d16"
    assert [node.hex() for node in merkle.proof([first, middle, last], 1)] == [
        first.hex(),
        "3643be7c8414f4fc0cfebecce5ba6c663dfbcd74359e3847a429c268777342bb",
    ]
    assert (
        merkle.root([first, middle, last]).hex() == "052eadf0987255acf0462f956d0511116243eb48bc5ae021c02a405fa1f96255"
    )


def test_zero_subtree_roots__first_levels__are_the_known_ones() -> None:
    assert [root.hex()[:8] for root in merkle.ZERO_SUBTREE_ROOTS[:3]] == ["00000000", "ad3228b6", "b4c11951"]


@law
@given(st.lists(hashes, min_size=1, max_size=70))
def test_root__any_leaves__equals_the_naive_tree(leaves: list[Hash32]) -> None:
    assert merkle.root(leaves) == naive_root(leaves)


@law
@given(st.lists(hashes, min_size=1, max_size=70), st.data())
def test_proof__any_leaf__verifies_there_and_nowhere_else(leaves: list[Hash32], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root = merkle.root(leaves)
    proof = merkle.proof(leaves, index)
    assert len(proof) == merkle.depth(len(leaves))
    assert merkle.verify(leaves[index], index, proof, root)
    assert not merkle.verify(keccak256(leaves[index]), index, proof, root)
    assert not merkle.verify(leaves[index], index + (1 << len(proof)), proof, root)
    assert not merkle.verify(leaves[index], -1, proof, root)
    if proof:
        assert not merkle.verify(leaves[index], index, proof[:-1], root)
        changed = (keccak256(proof[0]), *proof[1:])
        assert not merkle.verify(leaves[index], index, changed, root)


def test_frontier__range_growing_leaf_by_leaf__has_the_root_of_every_prefix() -> None:
    leaves = [keccak256(bytes((number,))) for number in range(130)]
    frontier = merkle.Frontier()
    for count, next_leaf in enumerate(leaves, start=1):
        frontier.append(next_leaf)
        assert frontier.count == count
        assert frontier.root() == naive_root(leaves[:count])


@law
@given(st.lists(st.integers(0, 20), max_size=6))
def test_frontier__extended_in_pieces__is_the_same_as_at_once(piece_lengths: list[int]) -> None:
    leaves = [keccak256(bytes((number,))) for number in range(sum(piece_lengths))]
    frontier = merkle.Frontier()
    start = 0
    for length in piece_lengths:
        frontier.extend(leaves[start : start + length])
        start += length
    assert frontier.count == len(leaves)
    if leaves:
        assert frontier.root() == merkle.root(leaves)


def test_frontier__copied__goes_its_own_way() -> None:
    leaves = [keccak256(bytes((number,))) for number in range(9)]
    frontier = merkle.Frontier(leaves[:7])
    twin = frontier.copy()
    twin.extend(leaves[7:])
    assert frontier.root() == merkle.root(leaves[:7])
    assert twin.root() == merkle.root(leaves)


def test_tree__of_no_leaves__does_not_exist() -> None:
    for attempt in (lambda: merkle.root([]), lambda: merkle.Frontier().root(), lambda: merkle.depth(0)):
        with pytest.raises(ProofError):
            attempt()
    with pytest.raises(ProofError, match="not among 1 leaves"):
        merkle.proof([ZERO_HASH], 1)


def test_root__one_leaf__is_the_leaf_with_an_empty_proof() -> None:
    only = keccak256(b"only")
    assert merkle.root([only]) == merkle.Frontier([only]).root() == only
    assert merkle.proof([only], 0) == ()
    assert merkle.verify(only, 0, (), only)
