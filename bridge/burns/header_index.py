"""All header blocks of a RootChain contract, found from its logs: a book of checkpoints for who is no validator.

The logs of a range of blocks are only what an endpoint claims, so they are held against each other (ids and blocks go
on without gaps) and against the contract (its last id at the confirmed head); what is missing is read from the
contract. The finder reads each checkpoint from the contract once more before its first use.
"""

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bridge.burns.contracts import RootContracts
from bridge.burns.errors import EndpointFalse
from bridge.burns.exits import block_before
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.views import RootView
from bridge.chain.claims import ClaimedLog, LogFilter
from bridge.chain.errors import BadAnswer, ChainError
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.errors import CodecError
from bridge.codec.events import (
    NEW_HEADER_BLOCK_TOPIC,
    RESET_HEADER_BLOCK_TOPIC,
    NewHeaderBlock,
    ResetHeaderBlock,
    decode_event,
)
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds

WINDOW_BLOCKS_FIRST = 100_000
WINDOW_BLOCKS_MAX = 1_600_000
WINDOW_LOGS_FEW = 1_000
"""A window with fewer logs lets the next be larger."""
GROWS_BY = 2
SHRINKS_BY = 4
WINDOWS_IN_FLIGHT = 4
REFUSALS_MAX = 16
"""In a row, each making the windows smaller, before it is taken for trouble of another kind."""
NARROW_BLOCKS = 1_000
"""Where endpoints take no longer windows, reading each checkpoint from the contract is cheaper than its logs."""
FILLED_AT_ONCE = 1_000
"""Checkpoints read from the contract in one go, where logs are missing."""
FILLED_PER_PASS = 10 * FILLED_AT_ONCE


@dataclass(frozen=True, slots=True)
class IndexedHeader:
    """A header block without its time, which its log does not tell. Its id follows from its place in the index."""

    start: BlockNumber
    end: BlockNumber
    root: Hash32
    proposer: Address


class IndexStore(Protocol):
    """Where an index is kept over a restart. Calls are short and synchronous."""

    def load(self) -> tuple[BlockNumber | None, tuple[IndexedHeader, ...]]:
        """The last root-chain block that was read, None before the first, and all headers by place."""
        ...

    def save(self, read_to: BlockNumber, first: int, headers: Sequence[IndexedHeader]) -> None:
        """These headers take the places from `first` on, and nothing comes after them."""
        ...


class MemoryIndex:
    """An `IndexStore` that forgets everything with the process."""

    def __init__(self) -> None:
        self._read_to: BlockNumber | None = None
        self._headers: tuple[IndexedHeader, ...] = ()

    def load(self) -> tuple[BlockNumber | None, tuple[IndexedHeader, ...]]:
        """The last root-chain block that was read, None before the first, and all headers by place."""
        return self._read_to, self._headers

    def save(self, read_to: BlockNumber, first: int, headers: Sequence[IndexedHeader]) -> None:
        """These headers take the places from `first` on, and nothing comes after them."""
        self._read_to, self._headers = read_to, (*self._headers[:first], *headers)


class HeaderIndex:
    """The header blocks that are known, by side-chain block; it implements `CheckpointBook`."""

    is_agreed = False

    def __init__(self) -> None:
        self._starts = array("Q")
        self._ends = array("Q")
        self._rest = bytearray()
        """root ‖ proposer of each."""

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def next_start(self) -> int:
        """The block that the next header block starts with."""
        return self._ends[-1] + 1 if self._ends else 0

    def holding(self, number: BlockNumber) -> CheckpointOnRoot | None:
        """The checkpoint with this block, or None where there is none or it is not known."""
        place = bisect_right(self._starts, number) - 1
        return self._at(place) if place >= 0 and number <= self._ends[place] else None

    def latest(self, count: int) -> tuple[CheckpointOnRoot, ...]:
        """The last checkpoints that are known, newest first."""
        return tuple(self._at(place) for place in range(len(self) - 1, max(-1, len(self) - 1 - count), -1))

    def add(self, header: IndexedHeader) -> None:
        """Append the next header block."""
        self._starts.append(header.start)
        self._ends.append(header.end)
        self._rest += header.root + header.proposer

    def cut(self, count: int) -> None:
        """Keep the first `count`."""
        del self._starts[count:], self._ends[count:], self._rest[count * 52 :]

    def headers(self, first: int) -> tuple[IndexedHeader, ...]:
        """Those from a place on."""
        found = (self._at(place) for place in range(first, len(self)))
        return tuple(IndexedHeader(one.start, one.end, one.root, one.proposer) for one in found)

    def _at(self, place: int) -> CheckpointOnRoot:
        rest = bytes(self._rest[place * 52 : place * 52 + 52])
        return CheckpointOnRoot(
            header_id=(place + 1) * HEADER_ID_STEP,
            root=Hash32(rest[:32]),
            start=BlockNumber(self._starts[place]),
            end=BlockNumber(self._ends[place]),
            created_at=UnixSeconds(0),
            proposer=Address(rest[32:]),
        )


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far an index is: the root-chain block that it has read to, and the confirmed one that it is to reach."""

    read_to: BlockNumber | None
    confirmed: BlockNumber | None
    checkpoints: int

    @property
    def is_complete(self) -> bool:
        """Whether all that is confirmed has been read."""
        return self.read_to is not None and self.confirmed is not None and self.read_to >= self.confirmed


class HeaderIndexer:
    """Keeps the index of one root chain in step with its confirmed head, one bounded piece at a time."""

    def __init__(self, view: RootView, store: IndexStore, first_block: BlockNumber | None = None) -> None:
        """`first_block`: nothing came before it; left out, it is found from the time of the first checkpoint."""
        self.name = f"index {view.name}"
        self.index = HeaderIndex()
        self._view = replace(view, reader=view.reader.twin())
        self._store = store
        self._first_block = first_block
        self._window = WINDOW_BLOCKS_FIRST
        self._refusals = 0
        self._is_checked = False
        """Whether what was kept over a restart was held against the contract."""
        self._read_to, headers = store.load()
        for header in headers:
            self.index.add(header)

    def progress(self) -> IndexProgress:
        """Where it stands."""
        return IndexProgress(self._read_to, self._view.headers.confirmed(), len(self.index))

    async def run_once(self) -> bool:
        """Read a few windows of blocks; True while there are more. Raises ChainError, BurnError.

        After an answer that cannot be true, the next pass asks another endpoint first.
        """
        number = self._view.headers.confirmed()
        confirmed = None if number is None else self._view.headers.header(number)
        is_there = self._read_to is not None and confirmed is not None and self._read_to >= confirmed.number
        if confirmed is None or (self._is_checked and is_there):
            return False
        known = len(self.index)
        try:
            return await self._read(RootContracts(self._view, confirmed.point))
        except (BadAnswer, EndpointFalse) as error:
            self._view.reader.pool.demote(
                error.endpoint if isinstance(error, EndpointFalse) else self._view.reader.pool.latest_label
            )
            self.index.cut(known)
            raise

    async def _read(self, contracts: RootContracts) -> bool:
        if not self._is_checked:
            await self._check_kept(contracts)
        last = contracts.at.number
        read_to = await self._before_the_first(contracts) if self._read_to is None else self._read_to
        if read_to is None or read_to >= last:
            return False
        unchanged = len(self.index)
        if self._window < NARROW_BLOCKS and last - read_to > WINDOWS_IN_FLIGHT * self._window:
            await self._fill(contracts, await contracts.last_header_id(), FILLED_PER_PASS)
            if len(self.index) < unchanged + FILLED_PER_PASS:
                read_to = last
        else:
            for end, logs in await self._windows(BlockNumber(read_to + 1), last):
                unchanged = min(unchanged, await self._take(contracts, logs))
                read_to = end
        if read_to >= last:
            unchanged = min(unchanged, await self._compare(contracts))
        self._store.save(read_to, unchanged, self.index.headers(unchanged))
        self._read_to = read_to
        return read_to < last

    async def _check_kept(self, contracts: RootContracts) -> None:
        """Begin anew if the contract does not have what was kept: it is another chain's, or was reset."""
        kept = self.index.latest(1)
        shown = None if not kept else await contracts.checkpoint(kept[0].header_id)
        if kept and (shown is None or (shown.end, shown.root) != (kept[0].end, kept[0].root)):
            self.index.cut(0)
            self._read_to = None
        self._is_checked = True

    async def _before_the_first(self, contracts: RootContracts) -> BlockNumber | None:
        """The block after which to begin; None while there is no checkpoint."""
        if self._first_block is not None:
            return BlockNumber(max(0, self._first_block - 1))
        first = await contracts.checkpoint(HEADER_ID_STEP)
        if first is None:
            return None
        return await block_before(self._view.reader, self._view.headers, first.created_at, contracts.at)

    async def _windows(self, start: BlockNumber, last: BlockNumber) -> list[tuple[BlockNumber, tuple[ClaimedLog, ...]]]:
        """The ends and logs of the next windows, up to the first that is refused: that makes the next ones smaller.

        Providers refuse what is too much in many ways, so any refusal may mean that.
        """
        firsts = range(start, last + 1, self._window)[:WINDOWS_IN_FLIGHT]
        spans = [(BlockNumber(first), BlockNumber(min(first + self._window - 1, last))) for first in firsts]
        wanted = LogFilter(self._view.root_chain, ((NEW_HEADER_BLOCK_TOPIC, RESET_HEADER_BLOCK_TOPIC),))
        answers = await asyncio.gather(
            *(self._view.reader.logs(wanted, first, end) for first, end in spans), return_exceptions=True
        )
        read: list[tuple[BlockNumber, tuple[ClaimedLog, ...]]] = []
        for (_, end), answer in zip(spans, answers, strict=True):
            if isinstance(answer, ChainError) and self._window > 1 and self._refusals < REFUSALS_MAX:
                self._window = max(1, self._window // SHRINKS_BY)
                self._refusals += 1
                return read
            if isinstance(answer, BaseException):
                raise answer
            read.append((end, answer))
        self._refusals = 0
        if all(len(logs) < WINDOW_LOGS_FEW for _, logs in read):
            self._window = min(self._window * GROWS_BY, WINDOW_BLOCKS_MAX)
        return read

    async def _take(self, contracts: RootContracts, logs: tuple[ClaimedLog, ...]) -> int:
        """Apply logs in order; how many of the first checkpoints stayed as they were."""
        unchanged = len(self.index)
        for claimed in logs:
            try:
                event = decode_event(claimed.log)
            except CodecError as error:
                raise BadAnswer(f"a log of block {claimed.block_number} does not decode: {error}") from error
            if isinstance(event, ResetHeaderBlock):
                self.index.cut(max(0, event.header_id // HEADER_ID_STEP - 1))
                unchanged = min(unchanged, len(self.index))
            elif isinstance(event, NewHeaderBlock):
                await self._fill(contracts, event.header_id - HEADER_ID_STEP)
                self._append(event.header_id, IndexedHeader(event.start, event.end, event.root, event.proposer))
        return unchanged

    async def _compare(self, contracts: RootContracts) -> int:
        """Hold the index against the contract's last id; how many of the first checkpoints stayed as they were."""
        before = len(self.index)
        last_id = await contracts.last_header_id()
        if last_id < before * HEADER_ID_STEP:
            self.index.cut(last_id // HEADER_ID_STEP)
        await self._fill(contracts, last_id)
        return min(before, len(self.index))

    async def _fill(self, contracts: RootContracts, last_id: int, count_max: int | None = None) -> None:
        """Read from the contract the checkpoints up to `last_id` that no log told of, at most `count_max` of them."""
        if count_max is not None:
            last_id = min(last_id, (len(self.index) + count_max) * HEADER_ID_STEP)
        while (known := len(self.index)) * HEADER_ID_STEP < last_id:
            first_id = (known + 1) * HEADER_ID_STEP
            ids = range(first_id, last_id + 1, HEADER_ID_STEP)[:FILLED_AT_ONCE]
            for found in await contracts.checkpoints(ids):
                self._append(found.header_id, IndexedHeader(found.start, found.end, found.root, found.proposer))
            if len(self.index) != known + len(ids):
                raise BadAnswer(f"the contract does not show checkpoints {first_id} to {ids[-1]}, though later ones")

    def _append(self, header_id: int, header: IndexedHeader) -> None:
        if header_id <= len(self.index) * HEADER_ID_STEP:
            return  # it was filled from the contract, which the finder believes
        expected_id, next_start = (len(self.index) + 1) * HEADER_ID_STEP, self.index.next_start
        if header_id != expected_id or header.start != next_start or header.end < header.start:
            raise BadAnswer(
                f"header block {header_id} of blocks {header.start} to {header.end} does not follow block {next_start}"
            )
        self.index.add(header)
