"""The supervisor: a duty that fails is counted and started again, later each time; a wake is never lost."""

import asyncio
from collections.abc import Callable
from typing import Self

import pytest

from bridge.chain.clock import ManualClock
from node.duties.supervisor import RESTART_PAUSE_MAX_S, Supervisor

POLL_S = 0.25


class _Duty:
    """Does what the test says; counts its passes."""

    name = "test duty"

    def __init__(self, work: Callable[[int], bool] = lambda _: False) -> None:
        self.passes = 0
        self._work = work

    async def run_once(self) -> bool:
        self.passes += 1
        return self._work(self.passes)


def _always_fail(_: int) -> bool:
    raise ValueError("no luck")


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class _Running:
    """A supervisor in a task, on a clock that the test moves."""

    def __init__(self, duty: _Duty) -> None:
        self.clock = ManualClock()
        self.duty = duty
        self.supervisor = Supervisor([duty], self.clock, POLL_S)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.supervisor.run())
        await _settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task

    async def advance(self, seconds: float) -> int:
        """Let time pass; how many passes the duty made meanwhile."""
        before = self.duty.passes
        self.clock.advance(seconds)
        await _settle()
        return self.duty.passes - before


async def test_run__nothing_to_do__one_pass_at_each_poll() -> None:
    async with _Running(_Duty()) as running:
        assert running.duty.passes == 1
        assert await running.advance(POLL_S / 2) == 0
        assert await running.advance(POLL_S / 2) == 1


async def test_run__more_to_do__goes_on_at_once() -> None:
    async with _Running(_Duty(lambda passes: passes < 5)) as running:
        assert running.duty.passes == 5


async def test_wake__while_waiting__a_pass_at_once() -> None:
    async with _Running(_Duty()) as running:
        running.supervisor.wake()
        assert await running.advance(0) == 1


async def test_wake__during_a_pass__another_pass_follows() -> None:
    supervisors: list[Supervisor] = []

    def woken_meanwhile(passes: int) -> bool:
        if passes == 2:
            supervisors[0].wake()
        return False

    async with _Running(_Duty(woken_meanwhile)) as running:
        supervisors.append(running.supervisor)
        assert await running.advance(POLL_S) == 2


async def test_wake__between_polls__does_not_put_the_next_poll_off() -> None:
    async with _Running(_Duty()) as running:
        for part in (0.25, 0.5):
            await running.advance(part * POLL_S)
            running.supervisor.wake()
            assert await running.advance(0) == 1
        assert await running.advance(0.25 * POLL_S) == 1
        assert await running.advance(0.75 * POLL_S) == 0
        assert await running.advance(0.25 * POLL_S) == 1


async def test_failures__in_a_row__are_counted_and_the_pause_doubles_up_to_the_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with _Running(_Duty(_always_fail)) as running:
        pause_s = POLL_S
        for failures in range(1, 12):
            (status,) = running.supervisor.statuses()
            assert (status.failures, status.last_error) == (failures, "ValueError: no luck")
            pause_s = min(pause_s * 2, RESTART_PAUSE_MAX_S)
            assert await running.advance(pause_s - 0.125) == 0
            assert await running.advance(0.125) == 1
    assert pause_s == RESTART_PAUSE_MAX_S
    assert "duty failed" in caplog.text
    assert "no luck" in caplog.text


async def test_wake__after_a_failure__does_not_cut_the_pause_short() -> None:
    async with _Running(_Duty(_always_fail)) as running:
        running.supervisor.wake()
        assert await running.advance(POLL_S) == 0
        assert await running.advance(POLL_S) == 1


async def test_success__after_failures__the_usual_poll_again_and_the_count_stays() -> None:
    def fail_twice(passes: int) -> bool:
        return _always_fail(passes) if passes < 3 else False

    async with _Running(_Duty(fail_twice)) as running:
        began_s = running.clock.now()
        await running.advance(2 * POLL_S)
        await running.advance(4 * POLL_S)
        assert await running.advance(POLL_S) == 1
        (status,) = running.supervisor.statuses()
        assert (status.failures, status.last_progress_s) == (2, began_s + 7 * POLL_S)


async def test_failure__of_one_duty__the_others_go_on() -> None:
    clock, good, bad = ManualClock(), _Duty(), _Duty(_always_fail)
    supervisor = Supervisor([bad, good], clock, POLL_S)
    await supervisor.run_once()
    assert (good.passes, bad.passes) == (1, 1)
