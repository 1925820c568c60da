"""What is done before anybody asks: the index of all checkpoints, and the blocks of the newest ones."""

import logging

from bridge.burns.errors import BurnError
from bridge.burns.header_index import HeaderIndexer
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.service import BurnService
from bridge.chain.errors import ChainError

AHEAD_MAX = 8
"""Checkpoints at the end of the list whose blocks are kept before they are asked for."""

log = logging.getLogger(__name__)


class KeepIndex:
    """Keeps one root chain's index in step; what a chain does wrong is `trouble`."""

    def __init__(self, name: str, indexer: HeaderIndexer) -> None:
        self.chain = name
        self.name = indexer.name
        self.indexer = indexer
        self.trouble: ChainError | BurnError | None = None
        self.has_caught_up = False
        """Whether it has reached the confirmed head once; from then on it is behind by a moment at most."""

    async def run_once(self) -> bool:
        """Read on."""
        try:
            more = await self.indexer.run_once()
        except (ChainError, BurnError) as error:
            self.trouble = error
            return False
        self.trouble = None
        self.has_caught_up |= not more and self.indexer.progress().confirmed is not None
        return more


class KeepRanges:
    """Has the blocks of each new checkpoint proved once, so that the first who asks about them need not wait."""

    def __init__(self, index: KeepIndex, service: BurnService) -> None:
        self.name = f"ranges {index.chain}"
        self._index = index
        self._service = service
        self._done_id = 0

    async def run_once(self) -> bool:
        """Prove one range, once the index has caught up; one that cannot be had now is left to who asks for it."""
        if not self._index.has_caught_up:
            return False
        waiting = [one for one in self._index.indexer.index.latest(AHEAD_MAX) if one.header_id > self._done_id]
        if not waiting:
            return False
        await self._prove(waiting[-1])
        self._done_id = waiting[-1].header_id
        return len(waiting) > 1

    async def _prove(self, checkpoint: CheckpointOnRoot) -> None:
        try:
            await self._service.block_proof(checkpoint.end, checkpoint.start, checkpoint.end, self._index.chain)
        except BurnError as error:
            log.info(
                "a range is not kept ahead",
                extra={"chain": self._index.chain, "header_id": checkpoint.header_id, "text": str(error)},
            )
