"""Roots over ranges of the confirmed side chain, held against the plain Merkle tree over the same leaves."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.header_store import HeaderChange, MemoryHeaderStore, StoredHeader
from bridge.chain.headers import leaf_of_stored
from bridge.codec import merkle
from bridge.codec.header import Header
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, Hash32
from node.duties.roots import STARTS_MAX, RangeRoots
from tests.unit.chain.tiny_chain import TinyChain

BLOCKS_MAX = 32
LOG = Log(Address(b"\x01" * 20), (), b"something happened")


def _stored(header: Header) -> StoredHeader:
    return StoredHeader(
        header.number,
        header.hash,
        header.parent_hash,
        header.timestamp,
        header.transactions_root,
        header.receipts_root,
        b"",
    )


class _Side:
    """A side chain and the store that follows it, two blocks behind."""

    def __init__(self, blocks: int) -> None:
        self.chain = TinyChain(block_time_s=1)
        self.store = MemoryHeaderStore()
        self.chain.mine(count=blocks - 1)
        self.follow(0)

    def follow(self, first: int) -> None:
        """Take the chain from block `first` on in the place of what the store has there."""
        headers = tuple(_stored(block.header) for block in self.chain.blocks[first:])
        self.store.apply(HeaderChange(BlockNumber(first), headers, BlockNumber(self.chain.head.number - 2)))

    def fork(self, depth: int) -> None:
        """Replace the last blocks by others with other leaves, and one more, and follow."""
        self.chain.reorg(depth, length=0)
        first = self.chain.head.number + 1
        for _ in range(depth + 1):
            self.chain.mine([LOG], salt=b"fork")
        self.follow(first)

    def plain_root(self, start: int, end: int) -> Hash32:
        return merkle.root([leaf_of_stored(_stored(block.header)) for block in self.chain.blocks[start : end + 1]])


@settings(max_examples=40, deadline=None)
@given(asked=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 45)), min_size=1, max_size=20))
def test_root__any_ranges_in_any_order__are_those_of_the_plain_tree(asked: list[tuple[int, int]]) -> None:
    side = _Side(43)
    roots = RangeRoots(side.store, BLOCKS_MAX)
    for start, end in asked:
        is_held = start <= end <= 40 and end - start < BLOCKS_MAX
        wanted = side.plain_root(start, end) if is_held else None
        assert roots.root(BlockNumber(start), BlockNumber(end)) == wanted


def test_root__not_confirmed_yet__there_is_none_until_it_is() -> None:
    side = _Side(10)
    roots = RangeRoots(side.store, BLOCKS_MAX)
    assert roots.root(BlockNumber(0), BlockNumber(8)) is None
    side.chain.mine()
    side.follow(10)
    assert roots.root(BlockNumber(0), BlockNumber(8)) == side.plain_root(0, 8)


def test_root__empty_store__there_is_none() -> None:
    assert RangeRoots(MemoryHeaderStore(), BLOCKS_MAX).root(BlockNumber(0), BlockNumber(0)) is None


def test_root__longest_range__is_given_and_one_block_more_is_not() -> None:
    side = _Side(60)
    roots = RangeRoots(side.store, BLOCKS_MAX)
    assert roots.root(BlockNumber(5), BlockNumber(5 + BLOCKS_MAX - 1)) == side.plain_root(5, 5 + BLOCKS_MAX - 1)
    assert roots.root(BlockNumber(5), BlockNumber(5 + BLOCKS_MAX)) is None


def test_root__the_start_was_pruned__there_is_none() -> None:
    side = _Side(30)
    side.store.prune_below(BlockNumber(10))
    roots = RangeRoots(side.store, BLOCKS_MAX)
    assert roots.root(BlockNumber(9), BlockNumber(20)) is None
    assert roots.root(BlockNumber(10), BlockNumber(20)) == side.plain_root(10, 20)


def test_root__the_chain_changed_under_it__is_hashed_anew() -> None:
    side = _Side(20)
    roots = RangeRoots(side.store, BLOCKS_MAX)
    before = roots.root(BlockNumber(0), BlockNumber(15))
    side.fork(depth=8)
    after = roots.root(BlockNumber(0), BlockNumber(15))
    assert after == side.plain_root(0, 15)
    assert after != before


def test_root__a_shorter_range_after_the_change__is_not_taken_from_the_old_chain() -> None:
    side = _Side(20)
    roots = RangeRoots(side.store, BLOCKS_MAX)
    roots.root(BlockNumber(0), BlockNumber(17))
    side.fork(depth=10)
    assert roots.root(BlockNumber(0), BlockNumber(12)) == side.plain_root(0, 12)


def test_root__more_starts_than_are_remembered__are_all_right() -> None:
    side = _Side(40)
    roots = RangeRoots(side.store, BLOCKS_MAX)
    starts = [*range(STARTS_MAX + 4), *reversed(range(STARTS_MAX + 4))]
    for start in starts:
        assert roots.root(BlockNumber(start), BlockNumber(30)) == side.plain_root(start, 30)


class _CountingStore(MemoryHeaderStore):
    """A store that counts the headers read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def headers(self, start: BlockNumber, count: int) -> tuple[StoredHeader, ...]:
        found = super().headers(start, count)
        self.read += len(found)
        return found


def test_warm__while_blocks_come__each_header_is_read_and_hashed_once() -> None:
    side = _Side(4)
    side.store = store = _CountingStore()
    side.follow(0)
    roots = RangeRoots(store, BLOCKS_MAX)
    for _ in _growing(side, 24):
        roots.warm(BlockNumber(0))
    assert store.read == 26
    assert roots.root(BlockNumber(0), BlockNumber(25)) == side.plain_root(0, 25)
    assert store.read == 26


def test_warm__beyond_the_longest_range_or_before_the_start__is_bounded() -> None:
    side = _Side(60)
    side.store = store = _CountingStore()
    side.follow(0)
    roots = RangeRoots(store, BLOCKS_MAX)
    roots.warm(BlockNumber(0))
    roots.warm(BlockNumber(58))
    assert store.read == BLOCKS_MAX


def _growing(side: _Side, blocks: int) -> Iterator[int]:
    for count in range(blocks):
        side.chain.mine()
        side.follow(side.chain.head.number)
        yield count
