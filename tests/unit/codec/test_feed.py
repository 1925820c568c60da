"""Steps of the feed: what matches, how a block is cut, bytes and digests."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import rlp as oracle  # type: ignore[import-untyped]  # ships no type stubs
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import feed, rlp
from bridge.codec.bloom import EMPTY_BLOOM, bloom_of
from bridge.codec.errors import FeedError
from bridge.codec.feed import Cursor, ElidedData, FeedLog, FilterEntry, Step
from bridge.codec.hash import keccak256
from bridge.codec.receipts import SUCCESS, Log, Receipt
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds
from tests.unit.codec.strategies import law

CONTRACT = Address(b"\xcc" * 20)
TOPIC = keccak256(b"Event()")
OTHER_TOPIC = keccak256(b"Other()")
BLOCK = BlockNumber(100)
BLOCK_HASH = keccak256(b"block")
FILTER = (FilterEntry(CONTRACT, TOPIC, BLOCK),)


@dataclass(frozen=True)
class SomeHeader:
    """As much of a header as the bloom test needs."""

    number: BlockNumber
    logs_bloom: bytes


def log_at(index: int, data_length: int = 0) -> FeedLog:
    return feed.feed_log(index, index // 3, Log(CONTRACT, (TOPIC,), b"d" * data_length))


def cut(logs: list[FeedLog], from_index: int = 0, *, is_anchor: bool = False) -> tuple[Step, ...]:
    """The steps of the test's block."""
    return feed.steps_of_block(
        root_chain=1,
        generation=2,
        first_number=30,
        block_number=BLOCK,
        block_hash=BLOCK_HASH,
        block_time=UnixSeconds(1_700_000_000),
        logs=logs,
        from_index=from_index,
        is_anchor=is_anchor,
    )


STEP = cut([log_at(0, 10), log_at(4, 30_001)])[0]


def test_encode_step__a_step_with_plain_and_elided_data__has_the_bytes_of_the_format() -> None:
    expected = oracle.encode(
        [
            b"\x01",
            b"\x02",
            b"\x1e",
            b"\x64",
            BLOCK_HASH,
            (1_700_000_000).to_bytes(4),
            b"\x01",
            [
                [b"", b"", CONTRACT, [TOPIC], b"d" * 10],
                [b"\x04", b"\x01", CONTRACT, [TOPIC], [(30_001).to_bytes(2), keccak256(b"d" * 30_001)]],
            ],
        ]
    )
    assert feed.encode_step(STEP) == expected
    assert feed.decode_step(expected) == STEP


def test_digests__from_genesis_on__chain_as_defined() -> None:
    start = feed.genesis_digest(1, 2, BLOCK, BLOCK_HASH)
    assert start == keccak256(oracle.encode([b"\x01", b"\x02", b"\x64", BLOCK_HASH]))
    assert feed.next_digest(start, STEP) == keccak256(start + keccak256(feed.encode_step(STEP)))


def test_cursor_after__done_or_not__passes_the_block_or_stands_behind_the_last_log() -> None:
    assert feed.cursor_after(STEP) == Cursor(BLOCK, BLOCK_HASH, feed.DONE_INDEX)
    assert feed.cursor_after(replace(STEP, done=False)) == Cursor(BLOCK, BLOCK_HASH, 5)
    assert feed.DONE_INDEX == 2**32 - 1


def test_matches__address_topic_and_block__must_all_fit() -> None:
    assert feed.matches(FILTER, BLOCK, CONTRACT, TOPIC)
    assert not feed.matches(FILTER, BlockNumber(BLOCK - 1), CONTRACT, TOPIC)
    assert not feed.matches(FILTER, BLOCK, Address(bytes(20)), TOPIC)
    assert not feed.matches(FILTER, BLOCK, CONTRACT, OTHER_TOPIC)
    assert not feed.matches((), BLOCK, CONTRACT, TOPIC)


def test_header_may_match__bloom_of_the_logs__never_misses_and_needs_both_items() -> None:
    both = bloom_of([Log(CONTRACT, (TOPIC,), b"")])
    assert feed.header_may_match(FILTER, SomeHeader(BLOCK, both))
    assert not feed.header_may_match(FILTER, SomeHeader(BlockNumber(BLOCK - 1), both))
    assert not feed.header_may_match(FILTER, SomeHeader(BLOCK, bloom_of([Log(CONTRACT, (OTHER_TOPIC,), b"")])))
    assert not feed.header_may_match(FILTER, SomeHeader(BLOCK, EMPTY_BLOOM))


def test_matching_logs__over_receipts__counts_positions_over_all_logs_of_the_block() -> None:
    mine, other_topic = Log(CONTRACT, (TOPIC,), b"1"), Log(CONTRACT, (OTHER_TOPIC,), b"")
    bare = Log(CONTRACT, (), b"")
    receipts = [
        Receipt(2, SUCCESS, 1, EMPTY_BLOOM, (other_topic, mine)),
        Receipt(2, SUCCESS, 2, EMPTY_BLOOM, ()),
        Receipt(2, SUCCESS, 3, EMPTY_BLOOM, (bare, mine)),
    ]
    found = feed.matching_logs(FILTER, BLOCK, receipts)
    assert [(log.index, log.transaction_index) for log in found] == [(1, 0), (3, 2)]
    assert feed.matching_logs(FILTER, BlockNumber(99), receipts) == ()


@pytest.mark.parametrize("length", [0, feed.LOG_DATA_MAX])
def test_feed_log__data_up_to_the_limit__is_kept(length: int) -> None:
    log = log_at(0, length)
    assert (log.data, log.data_elided) == (b"d" * length, None)


def test_feed_log__data_over_the_limit__is_its_length_and_hash() -> None:
    log = log_at(0, feed.LOG_DATA_MAX + 1)
    assert log.data == b""
    assert log.data_elided == ElidedData(30_001, keccak256(b"d" * 30_001))


def test_steps_of_block__sixty_four_logs__are_one_step_and_done() -> None:
    (step,) = cut([log_at(index) for index in range(64)])
    assert len(step.logs) == 64
    assert step.done


def test_steps_of_block__two_hundred_logs__are_cut_at_sixty_four() -> None:
    steps = cut([log_at(index) for index in range(200)])
    assert [len(step.logs) for step in steps] == [64, 64, 64, 8]
    assert [step.done for step in steps] == [False, False, False, True]
    assert [step.number for step in steps] == [30, 31, 32, 33]


def test_steps_of_block__three_logs_of_thirty_thousand_bytes__are_cut_by_size() -> None:
    steps = cut([log_at(index, feed.LOG_DATA_MAX) for index in range(3)])
    assert [len(step.logs) for step in steps] == [2, 1]


def test_steps_of_block__size_at_the_limit__fits_and_one_byte_more_does_not() -> None:
    def logs_with_last(length: int) -> list[FeedLog]:
        return [log_at(0, 30_000), log_at(1, 30_000), log_at(2, length)]

    spare = feed.STEP_BYTES_MAX - len(feed.encode_step(cut(logs_with_last(1_000))[0]))
    (step,) = cut(logs_with_last(1_000 + spare))
    assert len(feed.encode_step(step)) == feed.STEP_BYTES_MAX
    assert len(cut(logs_with_last(1_000 + spare + 1))) == 2


def test_steps_of_block__from_an_index_on__leaves_out_what_was_applied() -> None:
    steps = cut([log_at(index) for index in (1, 5, 9)], from_index=5)
    assert [log.index for step in steps for log in step.logs] == [5, 9]


def test_steps_of_block__nothing_left__is_no_step_or_one_empty_anchor() -> None:
    assert cut([]) == ()
    assert cut([log_at(1)], from_index=2) == ()
    (anchor,) = cut([], is_anchor=True)
    assert (anchor.logs, anchor.done) == ((), True)
    assert feed.decode_step(feed.encode_step(anchor)) == anchor
    assert len(cut([log_at(1)], is_anchor=True)) == 1


def test_steps_of_block__log_made_without_eliding__is_refused() -> None:
    with pytest.raises(FeedError, match="feed_log"):
        cut([replace(log_at(0), data=bytes(70_000))])


@law
@given(st.lists(st.integers(0, 31_000), max_size=90), st.integers(0, 20))
def test_steps_of_block__any_logs__are_longest_prefixes_that_decode_to_themselves(
    lengths: list[int], from_index: int
) -> None:
    logs = [log_at(index, length) for index, length in enumerate(lengths)]
    steps = cut(logs, from_index)
    assert [log for step in steps for log in step.logs] == logs[from_index:]
    assert [step.done for step in steps] == [False] * (len(steps) - 1) + [True] * bool(steps)
    for step in steps:
        encoded = feed.encode_step(step)
        assert feed.decode_step(encoded) == step
        assert len(encoded) <= feed.STEP_BYTES_MAX
    for step, following in pairwise(steps):
        longer = replace(step, logs=(*step.logs, following.logs[0]))
        assert len(longer.logs) > feed.STEP_LOGS_MAX or len(feed.encode_step(longer)) > feed.STEP_BYTES_MAX


def changed_items(change: Callable[[list[rlp.RlpItem]], None]) -> bytes:
    items = list(rlp.as_list(rlp.decode(feed.encode_step(STEP))))
    change(items)
    return rlp.encode(items)


def changed_log(place: int, item: rlp.RlpItem) -> bytes:
    logs = [list(rlp.as_list(log)) for log in rlp.as_list(rlp.as_list(rlp.decode(feed.encode_step(STEP)))[7])]
    logs[1][place] = item
    return changed_items(lambda items: items.__setitem__(7, [*logs]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        feed.encode_step(STEP) + b"\x00",
        bytes(feed.STEP_BYTES_MAX + 1),
        changed_items(lambda items: items.append(b"")),
        changed_items(lambda items: items.__setitem__(0, b"\x01\x00")),
        changed_items(lambda items: items.__setitem__(1, b"\x00")),
        changed_items(lambda items: items.__setitem__(4, bytes(31))),
        changed_items(lambda items: items.__setitem__(6, b"\x02")),
        changed_items(lambda items: items.__setitem__(7, b"")),
        feed.encode_step(replace(STEP, logs=(), done=False)),
        feed.encode_step(replace(STEP, logs=tuple(log_at(index) for index in range(65)))),
        changed_log(0, b""),
        changed_log(0, rlp.uint(feed.DONE_INDEX)),
        changed_log(2, bytes(19)),
        changed_log(3, ()),
        changed_log(3, (bytes(32),) * 5),
        changed_log(3, (bytes(31),)),
        changed_log(4, (rlp.uint(feed.LOG_DATA_MAX), bytes(32))),
        changed_log(4, bytes(feed.LOG_DATA_MAX + 1)),
        changed_log(4, (rlp.uint(30_001), bytes(31))),
        changed_log(4, (rlp.uint(30_001),)),
        feed.encode_step(replace(STEP, logs=(log_at(3), replace(log_at(4), transaction_index=0)))),
    ],
)
def test_decode_step__what_no_block_can_give__is_refused(data: bytes) -> None:
    with pytest.raises(FeedError):
        feed.decode_step(data)


@law
@given(st.data())
def test_decode_step__one_changed_byte__is_refused_or_canonical_itself(data: st.DataObject) -> None:
    encoded = bytearray(feed.encode_step(STEP))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        step = feed.decode_step(bytes(encoded))
    except FeedError:
        return
    assert feed.encode_step(step) == encoded
    assert feed.next_digest(Hash32(bytes(32)), step) != feed.next_digest(Hash32(bytes(32)), STEP)
