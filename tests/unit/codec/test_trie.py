"""The bulk trie and its proofs against the `trie` library."""

from collections.abc import Sequence

import pytest
import rlp as oracle_rlp  # type: ignore[import-untyped]  # ships no type stubs
from hypothesis import given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from bridge.codec import rlp
from bridge.codec.errors import ProofError
from bridge.codec.hash import keccak256
from bridge.codec.trie import EMPTY_TRIE_ROOT, ordered_trie_proof, ordered_trie_root, verify_trie_proof
from bridge.codec.types import Hash32
from tests.unit.codec.strategies import law

value_lists = st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=40)


def key_of(index: int) -> bytes:
    return rlp.encode(rlp.uint(index))


def oracle_of(values: list[bytes]) -> HexaryTrie:
    tree = HexaryTrie({})
    for index, value in enumerate(values):
        tree[key_of(index)] = value
    return tree


def oracle_value(root: Hash32, key: bytes, proof: Sequence[bytes]) -> bytes:
    """What the library finds by the same nodes."""
    nodes = [oracle_rlp.decode(node) for node in proof]
    value: bytes = HexaryTrie.get_from_proof(root, key, nodes)  # type: ignore[no-untyped-call]  # trie leaves it so
    return value


def test_ordered_trie_root__no_values__is_the_root_of_empty_blocks() -> None:
    assert EMPTY_TRIE_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert ordered_trie_root([]) == EMPTY_TRIE_ROOT


@law
@given(value_lists)
def test_ordered_trie_root__any_values__agrees_with_the_oracle(values: list[bytes]) -> None:
    assert ordered_trie_root(values) == oracle_of(values).root_hash


@pytest.mark.parametrize("count", [1, 2, 16, 17, 127, 128, 129, 130, 256, 257, 300])
def test_ordered_trie_root__counts_at_key_boundaries__agree_with_the_oracle(count: int) -> None:
    values = [keccak256(rlp.uint(index)) * 2 for index in range(count)]
    assert ordered_trie_root(values) == oracle_of(values).root_hash


@law
@given(value_lists, st.data())
def test_ordered_trie_proof__any_value__verifies_here_and_by_the_oracle(
    values: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    root = ordered_trie_root(values)
    proof = ordered_trie_proof(values, index)
    assert verify_trie_proof(root, key_of(index), proof) == values[index]
    assert oracle_value(root, key_of(index), proof) == values[index]
    for other in range(len(values)):
        if values[other] != values[index]:
            try:
                assert verify_trie_proof(root, key_of(other), proof) == values[other]  # both lie in the same nodes
            except ProofError:
                continue


@law
@given(value_lists, st.data())
def test_verify_trie_proof__spoilt_proof__is_refused(values: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    root = ordered_trie_root(values)
    proof = ordered_trie_proof(values, index)
    place = data.draw(st.integers(0, len(proof) - 1))
    spoilt = bytearray(proof[place])
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= data.draw(st.integers(1, 255))
    for bad in (
        (*proof[:place], bytes(spoilt), *proof[place + 1 :]),
        proof[:-1],
        (*proof, proof[-1]),
        proof[::-1] if len(proof) > 1 else (),
    ):
        with pytest.raises(ProofError):
            verify_trie_proof(root, key_of(index), bad)


def test_verify_trie_proof__key_beyond_the_last__is_refused() -> None:
    values = [bytes((index,)) * 40 for index in range(20)]
    proof = ordered_trie_proof(values, 19)
    for absent in (20, 128, 70_000):
        with pytest.raises(ProofError):
            verify_trie_proof(ordered_trie_root(values), key_of(absent), proof)


def test_verify_trie_proof__path_longer_or_shorter_than_the_leafs__is_refused() -> None:
    value = bytes(40)
    proof = ordered_trie_proof([value], 0)
    root = ordered_trie_root([value])
    assert verify_trie_proof(root, b"\x80", proof) == value
    for key in (b"", b"\x80\x00", b"\x08"):
        with pytest.raises(ProofError, match="paths part"):
            verify_trie_proof(root, key, proof)


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (rlp.encode((b"a", b"b", b"c")), "has 2 or 17 items"),
        (rlp.encode((b"\x48\x00", b"value")), "hex prefix"),
        (rlp.encode((b"\x21\x80", b"value")), "hex prefix"),
        (rlp.encode((b"", b"value")), "hex prefix"),
        (rlp.encode((b"\x20\x80", ())), "end before the value"),
        (rlp.encode((b"\x20\x80", b"")), "no child"),
        (rlp.encode((b"",) * 17), "no child"),
        (rlp.encode(b"text"), "expected a list"),
        (b"\xc1", "beyond the end"),
    ],
)
def test_verify_trie_proof__node_of_no_trie__is_refused_with_the_reason(node: bytes, why: str) -> None:
    with pytest.raises(ProofError, match=why):
        verify_trie_proof(keccak256(node), b"\x80", (node,))


def test_verify_trie_proof__value_in_a_branch__is_found() -> None:
    tree = HexaryTrie({})
    tree[b"\x12"] = b"short"
    tree[b"\x12\x34"] = b"long" * 10
    nodes = tree.get_proof(b"\x12")  # type: ignore[no-untyped-call]  # trie leaves it without annotations
    proof = [oracle_rlp.encode(node) for node in nodes]
    assert verify_trie_proof(Hash32(tree.root_hash), b"\x12", proof) == b"short"


def test_ordered_trie_proof__index_beyond_the_end__is_refused() -> None:
    with pytest.raises(ProofError):
        ordered_trie_proof([b"a"], 1)
