"""The root of a checkpoint: after one more header, and from nothing."""

from collections.abc import Iterator
from random import Random

from bridge.codec import merkle
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf
from bridge.codec.types import Hash32
from tests.bench.rows import Row, at_most, seconds
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_s, keccak_block_s

INCREMENTAL_TIMES = 100
"""Too short to be timed alone."""


def measure(sizes: Sizes) -> Iterator[Row]:
    """Two rows for each number of headers."""
    block_s = keccak_block_s(sizes.repeats)
    for count in sizes.tree_headers:
        yield from _measure(count, sizes.repeats, block_s)


def _measure(count: int, repeats: int, block_s: float) -> Iterator[Row]:
    source = Random(count)
    headers = [
        (number, 1_700_000_000 + number, Hash32(source.randbytes(32)), Hash32(source.randbytes(32)))
        for number in range(count)
    ]
    leaf_inputs = [source.randbytes(128) for _ in range(count)]
    node_inputs = [source.randbytes(64) for _ in range(count - 1)]
    leaves = [leaf(*header) for header in headers]
    all_but_last = merkle.Frontier(leaves[:-1])

    def from_scratch() -> Hash32:
        return merkle.root([leaf(*header) for header in headers])

    def after_last() -> Hash32:
        frontier = all_but_last.copy()
        frontier.append(leaf(*headers[-1]))
        return frontier.root()

    def after_last_often() -> None:
        for _ in range(INCREMENTAL_TIMES):
            after_last()

    def bare() -> None:
        for data in leaf_inputs:
            keccak256(data)
        for data in node_inputs:
            keccak256(data)

    assert from_scratch() == after_last()
    scratch_s, bare_s, often_s = fastest_s(repeats, from_scratch, bare, after_last_often)
    after_s = often_s / INCREMENTAL_TIMES
    hashes = 2 * count - 1
    yield Row(
        f"root of {count:,} headers, from scratch",
        seconds(scratch_s),
        f"the {hashes:,} hashes alone: {seconds(bare_s)}",
        scratch_s / bare_s,
        f"Keccak in C: {seconds(hashes * block_s)}",
        at_most(1.3, scratch_s / bare_s),
    )
    hashes = 1 + merkle.depth(count)
    yield Row(
        f"root of {count:,} headers, after the last",
        seconds(after_s),
        f"from scratch: {seconds(scratch_s)}",
        after_s / scratch_s,
        f"{hashes} Keccaks in C: {seconds(hashes * block_s)}",
    )
