"""Times that can be compared on a machine that does other things too."""

import gc
import time
from collections.abc import Awaitable, Callable, Sequence

from bridge.codec.hash import keccak256

KECCAK_BLOCK_BYTES = 136


def fastest_s(repeats: int, *works: Callable[[], object]) -> tuple[float, ...]:
    """The shortest time of each work, in turns, so that a busy moment of the machine is shared by all."""
    times = [[_time_s(work) for work in works] for _ in range(repeats)]
    return _minima(times)


async def fastest_awaited_s(repeats: int, *works: Callable[[], Awaitable[object]]) -> tuple[float, ...]:
    """As `fastest_s`, of works on an event loop."""
    times = [[await _time_awaited_s(work) for work in works] for _ in range(repeats)]
    return _minima(times)


def keccak_block_s(repeats: int) -> float:
    """The time of one Keccak permutation, from one long message: hashing without Python's part."""
    blocks = 10_000
    message = bytes(blocks * KECCAK_BLOCK_BYTES)
    (time_s,) = fastest_s(repeats, lambda: keccak256(message))
    return time_s / blocks


def _time_s(work: Callable[[], object]) -> float:
    gc.collect()
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


async def _time_awaited_s(work: Callable[[], Awaitable[object]]) -> float:
    gc.collect()
    started_s = time.perf_counter()
    await work()
    return time.perf_counter() - started_s


def _minima(times: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(min(column) for column in zip(*times, strict=True))
