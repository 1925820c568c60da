"""The clock as a seam: whoever waits or tells the time is given one.

Production passes `SystemClock`; tests pass `ManualClock`, on which nothing moves until the test says so, so that hours
of turns and deadlines run in milliseconds and no test ever sleeps.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Alarm(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Let it not come; harmless once it has."""
        ...


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

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Alarm:
        """Call back `delay_s` seconds later, on the event loop that runs now; it takes no task to wait for it."""
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

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Alarm:
        """Call back `delay_s` seconds later."""
        return asyncio.get_running_loop().call_later(delay_s, callback)


class _ManualAlarm:
    """An alarm of a manual clock; without a callback it is over."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Let it not ring."""
        self.callback = None


class ManualClock:
    """A clock that stands still until `advance` is called.

    Alarms ring in the order of their deadlines, ties in the order in which they were set.
    """

    def __init__(self, start_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s
        self._start_s = start_s
        self._order = itertools.count()
        self._alarms: list[tuple[float, int, _ManualAlarm]] = []

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
        woken = asyncio.get_running_loop().create_future()
        alarm = self.call_later(delay_s, lambda: woken.set_result(None))
        try:
            await woken
        finally:
            alarm.cancel()

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Alarm:
        """Call back once the clock has been advanced by `delay_s`; at the loop's next turn if that is zero or less."""
        if delay_s <= 0:
            return asyncio.get_running_loop().call_soon(callback)
        alarm = _ManualAlarm(callback)
        heapq.heappush(self._alarms, (self._now_s + delay_s, next(self._order), alarm))
        return alarm

    def advance(self, delta_s: float) -> None:
        """Move time forward and wake everybody whose deadline has come."""
        if delta_s < 0:
            raise ValueError("a clock does not go back")
        self._now_s += delta_s
        while self._alarms and self._alarms[0][0] <= self._now_s:
            _, _, alarm = heapq.heappop(self._alarms)
            if alarm.callback is not None:
                alarm.callback()


class Bell:
    """What one task waits at, until somebody rings or time is up. A ring before the wait is not lost."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._has_rung = False
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the task, now or when it comes to wait."""
        self._has_rung = True
        self._wake()

    def silence(self) -> None:
        """Forget the rings so far: whoever waits next wants a new one."""
        self._has_rung = False

    async def wait(self, timeout_s: float | None = None) -> None:
        """Return at the next ring, or `timeout_s` seconds later; at once if it has rung since it was silenced."""
        if self._has_rung:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        alarm = None if timeout_s is None else self._clock.call_later(timeout_s, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if alarm is not None:
                alarm.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
