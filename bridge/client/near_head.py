"""The last headers of a chain: enough to know what is confirmed and how fast blocks come, and no more."""

import asyncio

from bridge.burns.errors import CannotTell, EndpointFalse
from bridge.burns.judging import BLOCK_TIME_SPAN
from bridge.burns.reading import chain_errors
from bridge.chain.clock import Clock
from bridge.chain.errors import NotHeld
from bridge.chain.header_store import MemoryHeaderStore
from bridge.chain.headers import Confirmations, FollowReport, HeaderFollower
from bridge.chain.reader import ChainReader
from bridge.codec.types import BlockNumber

FRESH_S = 1.0
"""A chain is not looked at again before: many questions at a time are judged at the same blocks."""
JUMP_BLOCKS = 512
"""Further behind than that, what lies between is left out."""
ADVANCES_MAX = 8


class NearHead:
    """A chain's headers from a little below its confirmed head on."""

    def __init__(self, reader: ChainReader, confirmations: Confirmations, clock: Clock) -> None:
        self.reader = reader
        self.store = MemoryHeaderStore()
        self._confirmations = confirmations
        self._follower = HeaderFollower(reader, self.store, confirmations, BlockNumber(0), keep_blooms=False)
        self._clock = clock
        self._looked_s: float | None = None
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Catch up with the chain, in a few calls. Raises CannotTell, EndpointFalse."""
        async with self._looking:
            now_s = self._clock.monotonic()
            if self._looked_s is not None and now_s - self._looked_s < FRESH_S:
                return
            await self._catch_up_by_any()
            self._looked_s = now_s

    async def _catch_up_by_any(self) -> None:
        """Catch up, without the endpoint that was caught lying while there is another."""
        for _ in self.reader.pool.endpoints:
            try:
                with chain_errors(f"the last headers of the {self.reader.pool.name} chain", self.reader):
                    return await self._catch_up()
            except EndpointFalse as error:
                if not self.reader.pool.demote(error.endpoint):
                    raise
                fault = error
        raise fault

    async def _catch_up(self) -> None:
        head = await self.reader.head_number()
        last = self.store.last()
        if last is None or head - last.number > JUMP_BLOCKS:
            self._follower.begin_at(await self._beginning(head))
        for _ in range(ADVANCES_MAX):
            report = await self._follower.advance()
            self._refuse_reorg(report)
            if not report.more:
                break
        confirmed = self.store.confirmed()
        if confirmed is not None:
            self.store.prune_below(BlockNumber(max(0, confirmed - JUMP_BLOCKS)))

    async def _beginning(self, head: BlockNumber) -> BlockNumber:
        """Far enough below the confirmed head to tell the block time."""
        confirmed: int = head - self._confirmations.depth
        if self._confirmations.tag is not None:
            tagged = await self.reader.stored_header(self._confirmations.tag, keep_bloom=False)
            if tagged is None:
                raise NotHeld(f"the node shows no {self._confirmations.tag} block: give a number of confirmations")
            confirmed = tagged.number
        return BlockNumber(max(0, confirmed - BLOCK_TIME_SPAN))

    def _refuse_reorg(self, report: FollowReport) -> None:
        replaced = report.below_confirmed
        if replaced is not None:
            raise CannotTell(
                f"the {self.reader.pool.name} chain has replaced block {replaced.number}, which was confirmed:"
                " connect again, with more confirmations or the finalized tag"
            )
