"""The Merkle mountain range: peaks, proofs, and what must not verify."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import rlp
from bridge.codec.errors import ProofError
from bridge.codec.hash import keccak256
from bridge.codec.mmr import MountainRange, leaf_hash, node_hash, prove, verify_entry
from bridge.codec.types import ZERO_HASH
from tests.unit.codec.strategies import law


def range_over(entries: list[bytes]) -> MountainRange:
    mountain_range = MountainRange()
    for entry in entries:
        mountain_range = mountain_range.append(entry)
    return mountain_range


def test_append__three_entries__has_the_peaks_of_the_definition() -> None:
    a, b, c = (keccak256(b"\x00" + entry) for entry in (b"a", b"b", b"c"))
    mountain_range = range_over([b"a", b"b", b"c"])
    assert mountain_range == MountainRange(3, (keccak256(b"\x01" + a + b), c))
    assert node_hash(a, b) == mountain_range.peaks[0]
    assert rlp.encode(mountain_range.root_fields()) == rlp.encode((b"\x03", mountain_range.peaks))


@law
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_prove__any_entry__verifies_there_and_nowhere_else(entries: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    mountain_range = range_over(entries)
    proof = prove([leaf_hash(entry) for entry in entries], index)
    assert verify_entry(mountain_range, entries[index], index, proof)
    assert not verify_entry(mountain_range, entries[index] + b"x", index, proof)
    assert not verify_entry(mountain_range, entries[index], index, (*proof, ZERO_HASH))
    assert not verify_entry(mountain_range, entries[index], len(entries), proof)
    assert not verify_entry(mountain_range, entries[index], -1, proof)
    other = index ^ 1
    if other < len(entries) and entries[other] != entries[index]:
        assert not verify_entry(mountain_range, entries[index], other, proof)


def test_mountain_range__wrong_number_of_peaks__cannot_be_made() -> None:
    with pytest.raises(ProofError):
        MountainRange(3, (ZERO_HASH,))
    with pytest.raises(ProofError):
        MountainRange(-1, (ZERO_HASH,))


def test_prove__index_beyond_the_end__is_refused() -> None:
    with pytest.raises(ProofError):
        prove([ZERO_HASH], 1)


@law
@given(st.integers(0, 20), st.integers(0, 40), st.integers(0, 3))
def test_join__of_a_range_behind_whole_mountains__is_the_range_over_all_entries(
    before: int, behind: int, height: int
) -> None:
    entries = [b"%d" % number for number in range((before << height) + behind)]
    first, second = entries[: before << height], entries[before << height :]
    greatest = 1 << max(0, behind.bit_length() - 1)
    if behind == 0 or len(first) % greatest == 0:
        assert range_over(first).join(range_over(second)) == range_over(entries)
    else:
        with pytest.raises(ProofError):
            range_over(first).join(range_over(second))
