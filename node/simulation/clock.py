"""The clocks of simulated machines: all run with the loop's virtual time, and each may be wrong by itself."""

import asyncio
from collections.abc import Callable

from bridge.chain.clock import Alarm
from node.simulation.loop import SimulationLoop

EPOCH_S = 1_700_000_000
"""When simulations begin, in seconds since 1970."""


class MachineClock:
    """One machine's clock, a `bridge.chain.clock.Clock`; `offset_s` is how far it is ahead of true time."""

    def __init__(self, loop: SimulationLoop, offset_s: float = 0.0) -> None:
        self._loop = loop
        self.offset_s = offset_s

    def now(self) -> float:
        """Seconds since 1970, as this machine has it."""
        return EPOCH_S + self._loop.time() + self.offset_s

    def monotonic(self) -> float:
        """Virtual seconds; a step of the clock does not touch it."""
        return self._loop.time()

    async def sleep(self, delay_s: float) -> None:
        """Return `delay_s` virtual seconds later."""
        await asyncio.sleep(delay_s)

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Alarm:
        """Call back `delay_s` virtual seconds later."""
        return self._loop.call_later(delay_s, callback)
