"""Following the headers of a chain: a parent-linked run in a store, confirmed up to a depth or a tag.

    follower = HeaderFollower(reader, store, Confirmations(depth=2), start=BlockNumber(0))
    report = await follower.advance()        # one bounded piece of work; again while report.more
    follower.confirmed, follower.head, follower.point(7), follower.leaves(0, 8)

Every header's hash is recomputed from its fields, and its parent is the header below it, so whatever stands in the run
is one chain. A reorg in the unconfirmed part is unwound by itself. One that reaches the confirmed part is reported, and
nothing is touched until the owner calls `accept_reorg`. A restart goes on from the store.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from bridge.chain.errors import BadAnswer, NotHeld
from bridge.chain.header_store import BlockPoint, HeaderChange, HeaderStore, StoredHeader
from bridge.chain.reader import ChainReader
from bridge.codec.header import leaf
from bridge.codec.types import BlockNumber, Hash32

BATCH_HEADERS = 100
BATCHES_IN_FLIGHT = 3
"""So that the node always has one to work on while another travels and a third is hashed."""
HEADERS_PER_WRITE = 1_000
"""Written while the next batches travel: a durable write takes as long as some hundred headers."""
HEADERS_PER_ADVANCE = 5_000


@dataclass(frozen=True, slots=True)
class Confirmations:
    """When block b is confirmed: once the head is b + `depth` or higher; or, with a tag, once the node's tag is."""

    depth: int = 0
    tag: Literal["safe", "finalized"] | None = None


@dataclass(frozen=True, slots=True)
class ReorgBelowConfirmed:
    """The chain now has another block where a confirmed one stood."""

    number: BlockNumber
    old_hash: Hash32
    new_hash: Hash32


@dataclass(frozen=True, slots=True)
class FollowReport:
    """What one `advance` did."""

    added: int = 0
    removed: int = 0
    """Headers unwound: over 0 says that there was a reorg in the unconfirmed part."""
    below_confirmed: ReorgBelowConfirmed | None = None
    more: bool = False
    """Whether another `advance` would find more at once."""


class HeaderFollower:
    """Keeps `store` in step with the chain that `reader` shows."""

    def __init__(
        self,
        reader: ChainReader,
        store: HeaderStore,
        confirmations: Confirmations,
        start: BlockNumber,
        *,
        keep_blooms: bool = True,
    ) -> None:
        """`start` is the first number held by an empty store; a store that holds headers goes on from its last."""
        self._reader = reader
        self.store = store
        self._confirmations = confirmations
        self._start = start
        self._keep_blooms = keep_blooms

    @property
    def head(self) -> BlockPoint | None:
        """The highest block held, confirmed or not."""
        last = self.store.last()
        return None if last is None else last.point

    @property
    def confirmed(self) -> BlockPoint | None:
        """The highest confirmed block."""
        number = self.store.confirmed()
        return None if number is None else self.point(number)

    def point(self, number: BlockNumber) -> BlockPoint | None:
        """The block held at a number, or None outside the run."""
        header = self.store.header(number)
        return None if header is None else header.point

    def leaves(self, start: BlockNumber, count: int) -> tuple[Hash32, ...] | None:
        """The checkpoint leaves of a range, or None unless all of it is held and confirmed."""
        confirmed = self.store.confirmed()
        if confirmed is None or start + count - 1 > confirmed:
            return None
        headers = self.store.headers(start, count)
        return tuple(leaf_of_stored(header) for header in headers) if len(headers) == count else None

    def begin_at(self, number: BlockNumber) -> None:
        """Forget what is held, and go on from this block: for who needs nothing below it, and would wait for long."""
        first = self.store.first()
        if first is not None:
            self.store.apply(HeaderChange(remove_from=first.number))
        self._start = number

    @property
    def next_number(self) -> BlockNumber:
        """The block to take in next."""
        last = self.store.last()
        return self._start if last is None else BlockNumber(last.number + 1)

    async def advance(self) -> FollowReport:
        """Do one bounded piece of work: find new headers, unwind a reorg, move the confirmed number. Raises ChainError.

        What was linked before an error stays in the store.
        """
        latest = await self._reader.stored_header("latest", keep_bloom=self._keep_blooms)
        if latest is None:
            raise NotHeld("the node shows no latest block")
        if latest.number >= self.next_number:
            return await self._extend(self.next_number, latest)
        held = self.store.header(latest.number)
        if held is not None and held.hash != latest.hash:
            return await self._unwind(latest.number)
        await self._confirm()
        return FollowReport()

    async def accept_reorg(self) -> BlockPoint | None:
        """Drop the confirmed blocks that the chain no longer has; the block where it goes on, or None: from the start.

        For the owner to call after `below_confirmed`, once whoever must know of it does. Raises ChainError.
        """
        first, last = self.store.first(), self.store.last()
        if first is not None and last is not None:
            ancestor = await self._common_ancestor(first.number, last.number)
            self.store.apply(HeaderChange(remove_from=first.number if ancestor is None else _after(ancestor)))
        return self.head

    async def _extend(self, start: BlockNumber, latest: StoredHeader) -> FollowReport:
        """Append what links to our last header, up to `latest`; if nothing does, the chain has left ours."""
        previous = self.store.last()
        added, left_us = 0, False
        linked: list[StoredHeader] = []
        try:
            async with aclosing(self._batches(start, latest)) as batches:
                async for batch in batches:
                    linking = _linking_to(previous, batch)
                    linked.extend(linking)
                    added += len(linking)
                    left_us = len(linking) < len(batch)
                    if left_us:
                        break
                    previous = batch[-1]
                    if len(linked) >= HEADERS_PER_WRITE:
                        self._append(linked)
        finally:
            self._append(linked)
        if left_us and not added:
            return await self._unwind(BlockNumber(start - 1))
        await self._confirm()
        return FollowReport(added=added, more=added > 0 and start + added <= latest.number)

    def _append(self, linked: list[StoredHeader]) -> None:
        """Write headers to the store, with what depth confirms by them, and forget them here."""
        if linked:
            rule = self._confirmations
            confirmed = self._raised(linked[-1].number - rule.depth) if rule.tag is None else None
            self.store.apply(HeaderChange(append=tuple(linked), confirmed=confirmed))
            linked.clear()

    async def _batches(
        self, start: BlockNumber, latest: StoredHeader
    ) -> AsyncGenerator[tuple[StoredHeader, ...], None]:
        """Headers from `start` to `latest`, which is here already, as far as one advance goes."""
        next_number: int = start
        end = BlockNumber(min(latest.number, start + HEADERS_PER_ADVANCE) - 1)
        if start <= end:
            async with aclosing(self._download(start, end)) as batches:
                async for batch in batches:
                    next_number += len(batch)
                    yield batch
        if next_number == latest.number:
            yield (latest,)

    async def _download(self, start: BlockNumber, end: BlockNumber) -> AsyncGenerator[tuple[StoredHeader, ...], None]:
        """Batches from `start` to `end`, or to the first header that the node does not show, several in flight."""
        starts = deque(range(start, end + 1, BATCH_HEADERS))
        flying: deque[tuple[int, asyncio.Task[tuple[StoredHeader, ...]]]] = deque()

        def take_off() -> None:
            while starts and len(flying) < BATCHES_IN_FLIGHT:
                first = starts.popleft()
                count = min(BATCH_HEADERS, end + 1 - first)
                batch = self._reader.headers(BlockNumber(first), count, keep_blooms=self._keep_blooms)
                flying.append((count, asyncio.ensure_future(batch)))

        try:
            take_off()
            while flying:
                count, batch = flying[0]
                headers = await batch
                flying.popleft()
                take_off()
                if headers:
                    yield headers
                if len(headers) < count:
                    return
        finally:
            for _, batch in flying:
                batch.cancel()
            await asyncio.gather(*(batch for _, batch in flying), return_exceptions=True)

    async def _unwind(self, top: BlockNumber) -> FollowReport:
        """The chain has another block than ours at or after `top`: cut where it left, if nothing confirmed goes."""
        last, first, confirmed = self.store.last(), self.store.first(), self.store.confirmed()
        if last is None or first is None:
            raise AssertionError("a reorg needs headers to leave")
        floor = first.number if confirmed is None else confirmed
        ancestor = await self._common_ancestor(floor, top) if top >= floor else None
        if ancestor is None and confirmed is not None:
            return FollowReport(below_confirmed=await self._below_confirmed(BlockNumber(min(floor, top))))
        cut = first.number if ancestor is None else _after(ancestor)
        if cut > last.number:
            raise BadAnswer(f"block {cut} does not name block {last.number} as its parent, but the node shows both")
        self.store.apply(HeaderChange(remove_from=cut))
        return FollowReport(removed=last.number + 1 - cut, more=True)

    async def _below_confirmed(self, number: BlockNumber) -> ReorgBelowConfirmed:
        held, shown = self.store.header(number), await self._reader.header(number)
        if held is None or shown is None:
            raise NotHeld(f"the node does not show block {number}, which was confirmed")
        if held.hash == shown.hash:
            raise BadAnswer(f"the node shows two different blocks {number}")
        return ReorgBelowConfirmed(number, held.hash, shown.hash)

    async def _common_ancestor(self, floor: BlockNumber, top: BlockNumber) -> BlockNumber | None:
        """The highest number in floor … top at which the chain has our block, by bisection; None if not even floor."""
        if not await self._still_has(floor):
            return None
        low, high = floor, top
        while low < high:
            middle = BlockNumber((low + high + 1) // 2)
            if await self._still_has(middle):
                low = middle
            else:
                high = BlockNumber(middle - 1)
        return low

    async def _still_has(self, number: BlockNumber) -> bool:
        held, shown = self.store.header(number), await self._reader.header(number)
        return held is not None and shown is not None and held.hash == shown.hash

    async def _confirm(self) -> None:
        """Raise the confirmed number as far as the rule allows; it never falls here."""
        last = self.store.last()
        if last is None:
            return
        if self._confirmations.tag is None:
            reached = last.number - self._confirmations.depth
        else:
            tagged = await self._reader.header(self._confirmations.tag)
            held = None if tagged is None else self.store.header(tagged.number)
            if tagged is None or held is None or held.hash != tagged.hash:
                return
            reached = tagged.number
        confirmed = self._raised(reached)
        if confirmed is not None:
            self.store.apply(HeaderChange(confirmed=confirmed))

    def _raised(self, reached: int) -> BlockNumber | None:
        """The number up to which the rule confirms, if it is one of ours, and higher than before."""
        first, confirmed = self.store.first(), self.store.confirmed()
        is_new = first is not None and reached >= first.number and (confirmed is None or reached > confirmed)
        return BlockNumber(reached) if is_new else None


def _linking_to(previous: StoredHeader | None, headers: tuple[StoredHeader, ...]) -> tuple[StoredHeader, ...]:
    """The headers up to the first that does not name the one before it as its parent."""
    for place, header in enumerate(headers):
        if previous is not None and header.parent_hash != previous.hash:
            return headers[:place]
        previous = header
    return headers


def leaf_of_stored(header: StoredHeader) -> Hash32:
    """The header's leaf in the checkpoint tree."""
    return leaf(header.number, header.timestamp, header.transactions_root, header.receipts_root)


def _after(number: BlockNumber) -> BlockNumber:
    return BlockNumber(number + 1)
