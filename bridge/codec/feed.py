"""The feed of a root chain: the agreed, ordered, complete list of our contracts' logs, in steps (docs/protocol.md P3).

A step is the longest prefix of the next block's matching logs from the cursor on, within limits; it depends on the
chain's data and the filter only, so all honest validators produce the same bytes. Digests chain each step to those
before it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from bridge.codec import rlp
from bridge.codec.bloom import may_contain
from bridge.codec.errors import FeedError, RlpError
from bridge.codec.hash import keccak256
from bridge.codec.receipts import TOPICS_MAX, Log, Receipt
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds

STEP_LOGS_MAX = 64
STEP_BYTES_MAX = 65_536
"""Longest RLP of a step. A single log always fits, because longer data is elided."""
LOG_DATA_MAX = 30_000
"""A log's data beyond this many bytes is replaced by its length and hash."""
DONE_INDEX = 2**32 - 1
"""`next_index` of a cursor that has passed the whole block."""


@dataclass(frozen=True, slots=True)
class FilterEntry:
    """Logs of `address` with this first topic belong to the feed, in blocks from `from_block` on."""

    address: Address
    topic0: Hash32
    from_block: BlockNumber


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the feed has been applied: up to, not including, the log at `next_index` of this block."""

    number: BlockNumber
    hash: Hash32
    next_index: int


@dataclass(frozen=True, slots=True)
class ElidedData:
    """What stands for log data that is too long."""

    length: int
    hash: Hash32


@dataclass(frozen=True, slots=True)
class FeedLog:
    """A log, with its position among all logs of the block's receipts and its transaction's position.

    `data` is empty where `data_elided` says what was left out.
    """

    index: int
    transaction_index: int
    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    data_elided: ElidedData | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Some consecutive matching logs of one block; `done` when the block has no further match.

    `number` counts a root chain's steps over all generations of its filter.
    """

    root_chain: int
    generation: int
    number: int
    block_number: BlockNumber
    block_hash: Hash32
    block_time: UnixSeconds
    done: bool
    logs: tuple[FeedLog, ...]


class BloomedHeader(Protocol):
    """A header, whole or in part, whose bloom can be tested."""

    @property
    def number(self) -> BlockNumber:
        """The block's number."""
        ...

    @property
    def logs_bloom(self) -> bytes:
        """The block's bloom, 256 bytes."""
        ...


def matches(entries: Sequence[FilterEntry], block_number: BlockNumber, address: Address, topic0: Hash32) -> bool:
    """Whether a log of that block belongs to the feed."""
    return any(
        entry.address == address and entry.topic0 == topic0 and entry.from_block <= block_number for entry in entries
    )


def header_may_match(entries: Sequence[FilterEntry], header: BloomedHeader) -> bool:
    """Whether the block may have a matching log, by its bloom; False is certain if the chain's blooms are true."""
    return any(
        entry.from_block <= header.number
        and may_contain(header.logs_bloom, entry.address)
        and may_contain(header.logs_bloom, entry.topic0)
        for entry in entries
    )


def feed_log(index: int, transaction_index: int, log: Log) -> FeedLog:
    """The log as the feed carries it, with data elided if it is too long."""
    if len(log.data) <= LOG_DATA_MAX:
        return FeedLog(index, transaction_index, log.address, log.topics, log.data)
    elided = ElidedData(len(log.data), keccak256(log.data))
    return FeedLog(index, transaction_index, log.address, log.topics, b"", elided)


def matching_logs(
    entries: Sequence[FilterEntry], block_number: BlockNumber, receipts: Sequence[Receipt]
) -> tuple[FeedLog, ...]:
    """The logs of a block that belong to the feed, given all its receipts; positions are counted over them."""
    found: list[FeedLog] = []
    index = 0
    for transaction_index, receipt in enumerate(receipts):
        for log in receipt.logs:
            if log.topics and matches(entries, block_number, log.address, log.topics[0]):
                found.append(feed_log(index, transaction_index, log))
            index += 1
    return tuple(found)


def steps_of_block(
    *,
    root_chain: int,
    generation: int,
    first_number: int,
    block_number: BlockNumber,
    block_hash: Hash32,
    block_time: UnixSeconds,
    logs: Sequence[FeedLog],
    from_index: int = 0,
    is_anchor: bool = False,
) -> tuple[Step, ...]:
    """The steps of one block, given its matching logs, from the log position `from_index` on.

    Each takes as many logs as fit within STEP_LOGS_MAX and STEP_BYTES_MAX; the last is done. A block without a further
    match has no step, unless it is an anchor: then one empty step.
    """
    remaining = [log for log in logs if log.index >= from_index]
    empty = Step(root_chain, generation, first_number, block_number, block_hash, block_time, done=True, logs=())
    if not remaining:
        return (empty,) if is_anchor else ()
    steps: list[Step] = []
    while remaining:
        step = _longest_step(replace(empty, number=first_number + len(steps)), remaining)
        steps.append(step)
        remaining = remaining[len(step.logs) :]
    return tuple(steps)


def encode_step(step: Step) -> bytes:
    """The step's RLP, over which sizes and digests are taken."""
    return rlp.encode(
        (
            rlp.uint(step.root_chain),
            rlp.uint(step.generation),
            rlp.uint(step.number),
            rlp.uint(step.block_number),
            step.block_hash,
            rlp.uint(step.block_time),
            rlp.uint(step.done),
            tuple(_log_item(log) for log in step.logs),
        )
    )


def decode_step(data: bytes) -> Step:
    """The step of its RLP. Raises FeedError for any step that `steps_of_block` could not give."""
    if len(data) > STEP_BYTES_MAX:
        raise FeedError(f"step of {len(data)} bytes is over the limit of {STEP_BYTES_MAX}")
    try:
        items = rlp.as_list(rlp.decode(data), 8, "step")
        step = Step(
            root_chain=rlp.as_uint(items[0], 8, "root chain"),
            generation=rlp.as_uint(items[1], 64, "generation"),
            number=rlp.as_uint(items[2], 64, "step number"),
            block_number=BlockNumber(rlp.as_uint(items[3], 64, "block number")),
            block_hash=Hash32(rlp.as_bytes(items[4], 32, "block hash")),
            block_time=UnixSeconds(rlp.as_uint(items[5], 64, "block time")),
            done=rlp.as_uint(items[6], 1, "done") == 1,
            logs=tuple(_decode_log(item) for item in rlp.as_list(items[7], None, "logs")),
        )
    except RlpError as error:
        raise FeedError(f"step: {error}") from error
    _check_logs(step)
    return step


def genesis_digest(root_chain: int, generation: int, block_number: BlockNumber, block_hash: Hash32) -> Hash32:
    """The digest before the first step of a generation, from the block at which it starts."""
    return keccak256(rlp.encode((rlp.uint(root_chain), rlp.uint(generation), rlp.uint(block_number), block_hash)))


def next_digest(previous: Hash32, step: Step) -> Hash32:
    """The digest of the chain with one more step: keccak256(previous ‖ keccak256(step))."""
    return keccak256(previous + keccak256(encode_step(step)))


def cursor_after(step: Step) -> Cursor:
    """Where the feed stands once the step is applied."""
    next_index = DONE_INDEX if step.done else step.logs[-1].index + 1
    return Cursor(step.block_number, step.block_hash, next_index)


def _longest_step(empty: Step, remaining: Sequence[FeedLog]) -> Step:
    """The step with as many of the remaining logs as fit, found by bisection: each log makes the step longer."""

    def step_of(count: int) -> Step:
        return replace(empty, done=count == len(remaining), logs=tuple(remaining[:count]))

    counts = range(1, min(len(remaining), STEP_LOGS_MAX) + 1)
    count = bisect_right(counts, STEP_BYTES_MAX, key=lambda count: len(encode_step(step_of(count))))
    if count == 0:
        raise FeedError(
            f"log {remaining[0].index} does not fit into a step; logs are made by feed_log, which elides long data"
        )
    return step_of(count)


def _log_item(log: FeedLog) -> rlp.RlpItem:
    elided = log.data_elided
    data: rlp.RlpItem = log.data if elided is None else (rlp.uint(elided.length), elided.hash)
    return (rlp.uint(log.index), rlp.uint(log.transaction_index), log.address, log.topics, data)


def _decode_log(item: rlp.RlpItem) -> FeedLog:
    index, transaction_index, address, topics, data = rlp.as_list(item, 5, "log")
    elided = None if isinstance(data, bytes) else _decode_elided(data)
    return FeedLog(
        index=rlp.as_uint(index, 32, "log index"),
        transaction_index=rlp.as_uint(transaction_index, 32, "transaction index"),
        address=Address(rlp.as_bytes(address, 20, "log address")),
        topics=tuple(Hash32(rlp.as_bytes(topic, 32, "topic")) for topic in rlp.as_list(topics, None, "topics")),
        data=data if isinstance(data, bytes) else b"",
        data_elided=elided,
    )


def _decode_elided(item: rlp.RlpItem) -> ElidedData:
    length, digest = rlp.as_list(item, 2, "elided data")
    return ElidedData(rlp.as_uint(length, 32, "data length"), Hash32(rlp.as_bytes(digest, 32, "data hash")))


def _check_logs(step: Step) -> None:
    """Refuse what RLP's shape allows and no block can give."""
    if len(step.logs) > STEP_LOGS_MAX:
        raise FeedError(f"step has {len(step.logs)} logs; the limit is {STEP_LOGS_MAX}")
    if not step.logs and not step.done:
        raise FeedError("a step without logs must be done")
    for log in step.logs:
        if not 1 <= len(log.topics) <= TOPICS_MAX:
            raise FeedError(f"log {log.index} has {len(log.topics)} topics")
        length = len(log.data) if log.data_elided is None else log.data_elided.length
        if (length > LOG_DATA_MAX) != (log.data_elided is not None):
            raise FeedError(
                f"log {log.index}: {length} bytes of data; above {LOG_DATA_MAX}, and only there, it is elided"
            )
        if log.index >= DONE_INDEX:
            raise FeedError(f"log index {log.index} is out of range")
    for earlier, later in pairwise(step.logs):
        if later.index <= earlier.index or later.transaction_index < earlier.transaction_index:
            raise FeedError("logs are not in the order of the block")
