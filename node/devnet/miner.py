"""Makes a chain's blocks at a steady pace."""

import asyncio

from bridge.chain.clock import Clock
from node.devnet.chain import Chain


class PeriodicMiner:
    """A block each `block_time_s` after the last one's timestamp.

    While blocks made on demand have put the chain's clock ahead, it waits, so that a lead never stays.
    """

    def __init__(self, chain: Chain, block_time_s: int | None, clock: Clock, *, paused: bool) -> None:
        """Without a block time it never makes a block."""
        self._chain = chain
        self._block_time_s = block_time_s
        self._clock = clock
        self._running = asyncio.Event()
        if not paused:
            self._running.set()

    @property
    def paused(self) -> bool:
        """Whether it waits for `resume`."""
        return not self._running.is_set()

    def pause(self) -> None:
        """Make no blocks until `resume`."""
        self._running.clear()

    def resume(self) -> None:
        """Go on; the first block comes at once if it is due."""
        self._running.set()

    async def run(self) -> None:
        """Make blocks until cancelled."""
        if self._block_time_s is None:
            return
        while True:
            await self._running.wait()
            wait_s = self._chain.head.timestamp + self._block_time_s - self._clock.now()
            if wait_s > 0:
                # Looked at again afterwards: by then the chain may be paused, or have other blocks.
                await self._clock.sleep(min(wait_s, self._block_time_s))
            else:
                self._chain.mine()
                await asyncio.sleep(0)
