"""The clock as a seam: whoever waits or tells the time is given one.

Production passes `SystemClock`; tests pass `ManualClock`, on which nothing moves until the test says so, so that hours
of turns and deadlines run in milliseconds and no test ever sleeps.
"""

import asyncio
import heapq
import itertools
import time
from typing import Protocol


class Clock(Protocol):
    """Time, and the wait for it."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Return `delay_s` seconds later on this clock."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """Return `delay_s` seconds later."""
        await asyncio.sleep(delay_s)


class ManualClock:
    """A clock that stands still until `advance` is called.

    Sleepers wake in the order of their deadlines, ties in the order in which they went to sleep.
    """

    def __init__(self, start_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s
        self._start_s = start_s
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Seconds since 1970 on this clock."""
        return self._now_s

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._now_s - self._start_s

    async def sleep(self, delay_s: float) -> None:
        """Wait until the clock has been advanced by `delay_s`; a delay of zero or less yields once."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + delay_s, next(self._order), wake))
        await wake

    def advance(self, delta_s: float) -> None:
        """Move time forward and wake every sleeper whose deadline has come."""
        if delta_s < 0:
            raise ValueError("a clock does not go back")
        self._now_s += delta_s
        while self._sleepers and self._sleepers[0][0] <= self._now_s:
            _, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
