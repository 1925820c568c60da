"""The laws of a header store, on the one in memory."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.header_store import HeaderChange, MemoryHeaderStore, StoredHeader
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds

ZERO = Hash32(bytes(32))


def header(number: int, branch: int = 0, parent_branch: int | None = None) -> StoredHeader:
    """Block `number` of a branch; its hash is made of both."""
    above = branch if parent_branch is None else parent_branch
    return StoredHeader(
        number=BlockNumber(number),
        hash=Hash32(bytes([branch]) + number.to_bytes(31)),
        parent_hash=Hash32(bytes([above]) + (number - 1).to_bytes(31)) if number else ZERO,
        timestamp=UnixSeconds(number),
        transactions_root=ZERO,
        receipts_root=ZERO,
        logs_bloom=b"",
    )


def run(first: int, last: int) -> tuple[StoredHeader, ...]:
    return tuple(header(number) for number in range(first, last + 1))


def filled(first: int, last: int, confirmed: int | None = None) -> MemoryHeaderStore:
    store = MemoryHeaderStore()
    number = None if confirmed is None else BlockNumber(confirmed)
    store.apply(HeaderChange(append=run(first, last), confirmed=number))
    return store


def test_store__empty__has_nothing() -> None:
    store = MemoryHeaderStore()
    assert store.first() is None
    assert store.last() is None
    assert store.header(BlockNumber(0)) is None
    assert store.confirmed() is None
    assert store.headers(BlockNumber(0), 10) == ()


def test_store__read_beyond_the_run__gives_what_it_has() -> None:
    store = filled(5, 9)
    assert store.headers(BlockNumber(3), 4) == run(5, 6)
    assert store.headers(BlockNumber(8), 100) == run(8, 9)


@pytest.mark.parametrize(
    "change",
    [
        HeaderChange(append=(header(11),)),
        HeaderChange(append=(header(10, 1, 1),)),
        HeaderChange(append=(header(10), header(12))),
        HeaderChange(confirmed=BlockNumber(10)),
        HeaderChange(remove_from=BlockNumber(8), confirmed=BlockNumber(8)),
        HeaderChange(remove_from=BlockNumber(8), append=(header(9),)),
    ],
)
def test_store__change_that_would_break_the_run__is_refused_whole(change: HeaderChange) -> None:
    store = filled(5, 9, confirmed=6)
    with pytest.raises(ValueError, match=r"does not follow|beyond"):
        store.apply(change)
    assert store.headers(BlockNumber(0), 20) == run(5, 9)
    assert store.confirmed() == 6


def test_store__reorg__is_one_change() -> None:
    store = filled(5, 9, confirmed=6)
    branch = (header(8, 1, 0), header(9, 1))
    store.apply(HeaderChange(remove_from=BlockNumber(8), append=branch, confirmed=BlockNumber(7)))
    assert store.headers(BlockNumber(0), 20) == (*run(5, 7), *branch)
    assert store.confirmed() == 7


def test_store__cut_below_the_confirmed_number__lowers_it() -> None:
    store = filled(5, 9, confirmed=8)
    store.apply(HeaderChange(remove_from=BlockNumber(7)))
    assert store.confirmed() == 6
    store.apply(HeaderChange(remove_from=BlockNumber(5)))
    assert store.confirmed() is None
    assert store.last() is None


def test_store__pruned__keeps_the_rest_and_always_the_last() -> None:
    store = filled(5, 9, confirmed=8)
    store.prune_below(BlockNumber(7))
    assert store.headers(BlockNumber(0), 20) == run(7, 9)
    store.prune_below(BlockNumber(100))
    assert store.first() == store.last() == header(9)


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), max_size=12))
def test_store__any_sequence_of_reorgs__the_run_stays_linked(cuts: list[tuple[int, int]]) -> None:
    store = filled(0, 9)
    for branch, (depth, length) in enumerate(cuts, start=1):
        last = store.last()
        cut = max(1, (0 if last is None else last.number) + 1 - depth)
        below = store.header(BlockNumber(cut - 1))
        assert below is not None
        parent = below.hash[0]
        branch_headers = [header(cut, branch, parent), *(header(cut + i, branch) for i in range(1, length))]
        store.apply(HeaderChange(remove_from=BlockNumber(cut), append=tuple(branch_headers)))
        held = store.headers(BlockNumber(0), 1_000)
        assert all(b.parent_hash == a.hash and b.number == a.number + 1 for a, b in pairwise(held))
        assert store.last() == held[-1]
