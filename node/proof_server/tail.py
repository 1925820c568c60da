"""The last headers of a chain, kept in memory: what is confirmed now, and the blocks of the next checkpoints."""

from bridge.chain.errors import ChainError, NotHeld
from bridge.chain.header_store import MemoryHeaderStore
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.reader import ChainReader
from bridge.codec.types import BlockNumber
from node.duties.follow import FollowHeaders, LookRhythm

HEADERS_BEFORE = 1_024
"""Headers below the confirmed head that are read at the start: a checkpoint that comes soon has most of its blocks."""
HEADERS_KEPT = 16_384
"""Headers below the confirmed head; about 10 MB."""


class FollowTail(FollowHeaders):
    """Follows a chain from near its head; what was missed while it could not be read is left out, if it is much."""

    def __init__(self, name: str, reader: ChainReader, confirmations: Confirmations, rhythm: LookRhythm) -> None:
        self._rule = confirmations
        follower = HeaderFollower(reader, MemoryHeaderStore(), confirmations, BlockNumber(0), keep_blooms=False)
        super().__init__(name, follower, reader, rhythm)

    async def _look(self) -> bool:
        if self.head is None or self.trouble is not None:
            try:
                await self._begin_near_head()
            except ChainError as error:
                self.trouble = f"{error.code}: {error}"
                return False
        more = await super()._look()
        first, confirmed = self.follower.store.first(), self.follower.store.confirmed()
        if first is not None and confirmed is not None and confirmed - first.number > 2 * HEADERS_KEPT:
            self.follower.store.prune_below(BlockNumber(confirmed - HEADERS_KEPT))
        return more

    async def _begin_near_head(self) -> None:
        """Leave out what lies far back, at the start and after a long absence. Raises ChainError."""
        head, last = await self.reader.head_number(), self.head
        if last is not None and head - last.number <= HEADERS_KEPT:
            return
        confirmed: int = head - self._rule.depth
        if self._rule.tag is not None:
            tagged = await self.reader.stored_header(self._rule.tag, keep_bloom=False)
            if tagged is None:
                raise NotHeld(f'the node shows no {self._rule.tag} block: use finality = "depth" with confirmations')
            confirmed = tagged.number
        self.follower.begin_at(BlockNumber(max(0, confirmed - HEADERS_BEFORE)))
