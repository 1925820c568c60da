"""Work that several callers want at once is done once, and its result is kept for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.burns.admission import admit, everybody
from bridge.burns.errors import Busy

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def _one(_: object) -> int:
    return 1


class Recent(Generic[Key, Value]):
    """The most recently used values, up to a total weight; by default each weighs one."""

    def __init__(self, size: int, weight: Callable[[Value], int] = _one) -> None:
        self._size = size
        self._weight = weight
        self._total = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def get(self, key: Key) -> Value | None:
        """The value, now the most recently used, or None."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Key, value: Value) -> None:
        """Keep the value, and forget those unused for longest while all together weigh too much."""
        self.drop(key)
        self._values[key] = value
        self._total += self._weight(value)
        while self._total > self._size:
            self._total -= self._weight(self._values.popitem(last=False)[1])

    def drop(self, key: Key) -> None:
        """Forget the value, if it is held."""
        if key in self._values:
            self._total -= self._weight(self._values.pop(key))

    def values(self) -> tuple[Value, ...]:
        """All values held, least recently used first."""
        return tuple(self._values.values())


@dataclass(frozen=True, slots=True)
class SharingLimits:
    """Sizes of a `SharedWork`."""

    running_max: int = 8
    """Different pieces of work that run."""
    waiting_max: int = 128
    """Different pieces of work that run or wait; more are refused as Busy."""
    kept_max: int = 256
    """Results that are kept."""


class SharedWork(Generic[Key, Value]):
    """Runs a limited number of different pieces of work at a time, each once however many wait for it.

    A caller that gives up does not stop the work, for others may wait for it; it ends by its own limits. Errors are
    shared by those who wait, and not kept.
    """

    def __init__(self, limits: SharingLimits, keep: Callable[[Value], bool]) -> None:
        """`keep` says which results may be given again later."""
        self._gate = asyncio.Semaphore(limits.running_max)
        self._limits = limits
        self._keep = keep
        self._kept: Recent[Key, Value] = Recent(limits.kept_max)
        self._running: dict[Key, asyncio.Task[Value]] = {}

    async def result(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        """The kept result, the one that is being made, or a new one.

        Raises Busy, what `admit` raises before new work, and what `make` raises.
        """
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= self._limits.waiting_max:
                raise Busy(f"{self._limits.waiting_max} different questions about burns are being answered; try again")
            admit.get()()
            task = asyncio.create_task(self._make(key, make))
            task.add_done_callback(_retrieve)
            self._running[key] = task
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel what is running and wait for its end."""
        tasks = tuple(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        admit.set(everybody)  # in this task alone: what the work asks for in turn is part of it
        try:
            async with self._gate:
                value = await make()
            if self._keep(value):
                self._kept.put(key, value)
            return value
        finally:
            del self._running[key]


def _retrieve(task: asyncio.Task[Value]) -> None:
    """Look at the outcome, so that asyncio does not complain of an error that every caller had given up waiting for."""
    if not task.cancelled():
        task.exception()
