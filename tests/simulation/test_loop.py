"""The event loop of simulations: time that jumps, and processes that end between two steps."""

import asyncio
from collections.abc import Iterator

import pytest

from node.simulation.loop import Deadlock, Process, SimulationLoop


@pytest.fixture
def loop() -> Iterator[SimulationLoop]:
    one = SimulationLoop()
    yield one
    one.dispose()


def test_loop__nothing_to_do__time_jumps_to_the_next_timer(loop: SimulationLoop) -> None:
    woken: list[float] = []

    async def sleeper(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        woken.append(loop.time())

    async def main() -> None:
        await asyncio.gather(sleeper(86_400.0), sleeper(0.25), sleeper(3.0))

    loop.run_until_complete(main())
    assert woken == [0.25, 3.0, 86_400.0]


def test_loop__everybody_waits_for_ever__says_so(loop: SimulationLoop) -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        loop.run_until_complete(waits())


def test_loop__a_thread_asked_for__runs_at_once_and_passes_errors_on(loop: SimulationLoop) -> None:
    def fails() -> None:
        raise LookupError("not here")

    async def main() -> None:
        assert await asyncio.to_thread(sum, (1, 2)) == 3
        with pytest.raises(LookupError):
            await asyncio.to_thread(fails)

    loop.run_until_complete(main())
    assert loop.time() == 0.0


class _Program:
    """Writes down how far it comes."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    async def main(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.part("a"))
            tasks.create_task(self.part("b"))

    async def part(self, name: str) -> None:
        try:
            while True:
                await asyncio.sleep(1.0)
                self.steps.append(name)
        finally:
            self.steps.append(f"{name} cleaned up")


def test_process__killed_at_an_await__does_nothing_more_not_even_clean_up(loop: SimulationLoop) -> None:
    program, process = _Program(), Process("victim")
    loop.start(process, program.main())
    loop.run_until_complete(asyncio.sleep(2.5))
    process.kill()
    loop.run_until_complete(asyncio.sleep(10.0))
    assert program.steps == ["a", "b", "a", "b"]


def test_process__others_set_what_it_waits_for_after_its_death__stays_dead(loop: SimulationLoop) -> None:
    event, seen, process = asyncio.Event(), [], Process("victim")

    async def waits() -> None:
        await event.wait()
        seen.append("woken")

    loop.start(process, waits())
    loop.run_until_complete(asyncio.sleep(0.1))
    process.kill()
    event.set()
    loop.run_until_complete(asyncio.sleep(0.1))
    assert seen == []


def test_process__frozen_and_thawed__goes_on_where_it_stood(loop: SimulationLoop) -> None:
    program, process = _Program(), Process("sleeper")
    loop.start(process, program.main())
    loop.run_until_complete(asyncio.sleep(1.5))
    process.freeze()
    loop.run_until_complete(asyncio.sleep(100.0))
    assert program.steps == ["a", "b"]
    loop.thaw(process)
    loop.run_until_complete(asyncio.sleep(0.0))
    assert program.steps == ["a", "b", "a", "b"], "what came due meanwhile comes once, and at once"


def test_loop__disposed__lets_what_is_left_clean_up_without_a_word() -> None:
    loop = SimulationLoop()
    program, process = _Program(), Process("victim")
    loop.start(process, program.main())
    loop.run_until_complete(asyncio.sleep(0.5))
    process.kill()
    loop.dispose()
    assert program.steps == ["a cleaned up", "b cleaned up"]
    assert loop.is_closed()


def test_loop__an_error_that_nobody_takes__is_kept_as_a_failure(loop: SimulationLoop) -> None:
    async def fails() -> None:
        raise LookupError("a bug")

    async def main() -> None:
        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0.1)
        del task

    loop.run_until_complete(main())
    loop.settle()
    assert [type(error) for error in loop.failures] == [LookupError]
