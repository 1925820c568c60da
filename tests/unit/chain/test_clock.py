"""Clocks: alarms come in order and can be called off; a bell's ring is never lost."""

import asyncio

import pytest

from bridge.chain.clock import Bell, Clock, ManualClock, SystemClock
from bridge.chain.errors import EndpointTimeout
from bridge.chain.rpc import with_timeout


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_manual_clock__advanced__rings_alarms_by_deadline_and_then_by_age() -> None:
    clock, rung = ManualClock(), list[str]()
    clock.call_later(2, lambda: rung.append("late"))
    clock.call_later(1, lambda: rung.append("first of two"))
    clock.call_later(1, lambda: rung.append("second of two"))
    clock.call_later(1, lambda: rung.append("cancelled")).cancel()
    clock.advance(0.5)
    assert rung == []
    clock.advance(2)
    assert rung == ["first of two", "second of two", "late"]


@pytest.mark.parametrize("clock", [ManualClock(), SystemClock()])
async def test_clock__alarm_for_now__rings_without_time(clock: Clock) -> None:
    rung, other = asyncio.Event(), asyncio.Event()
    clock.call_later(0, rung.set)
    clock.call_later(0, other.set).cancel()
    await rung.wait()
    assert not other.is_set()


async def test_bell__waited_at__returns_at_a_ring_or_when_time_is_up() -> None:
    clock = ManualClock()
    bell = Bell(clock)
    for ring in (bell.ring, lambda: clock.advance(5)):
        waiting = asyncio.create_task(bell.wait(5))
        await _settle()
        clock.advance(4)
        await _settle()
        assert not waiting.done()
        ring()
        await _settle()
        assert waiting.done()
        bell.silence()


async def test_bell__rung_before_the_wait__returns_at_once_until_it_is_silenced() -> None:
    bell = Bell(ManualClock())
    bell.ring()
    await bell.wait()
    bell.silence()
    waiting = asyncio.create_task(bell.wait())
    await _settle()
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bell.ring()  # nobody is there any more


async def test_with_timeout__too_slow__cancels_the_work_and_lets_the_task_go_on() -> None:
    clock, ended = ManualClock(), list[str]()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def patient() -> None:
        with pytest.raises(EndpointTimeout, match=r"rpc: no answer within 3\.0 s"):
            await with_timeout(clock, slow(), 3, "rpc")
        await asyncio.sleep(0)
        ended.append("task")

    task = asyncio.create_task(patient())
    await _settle()
    clock.advance(3)
    await task
    assert ended == ["work", "task"]
    assert task.cancelling() == 0


@pytest.mark.parametrize("is_late_too", [False, True])
async def test_with_timeout__cancelled_from_outside__is_no_timeout(is_late_too: bool) -> None:
    clock = ManualClock()
    task = asyncio.create_task(with_timeout(clock, asyncio.Event().wait(), 3, "rpc"))
    await _settle()
    task.cancel()
    if is_late_too:
        clock.advance(3)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_with_timeout__answer_in_time__is_never_interrupted_later() -> None:
    clock = ManualClock()

    async def both() -> tuple[int, int]:
        first = await with_timeout(clock, asyncio.sleep(0, 1), 3, "rpc")
        clock.advance(10)
        return first, await with_timeout(clock, asyncio.sleep(0, 2), 3, "rpc")

    assert await both() == (1, 2)
