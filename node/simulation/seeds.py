"""Many simulations, on several cores, told in the order in which they were asked for."""

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context

from node.simulation.plan import Plan, draw_plan
from node.simulation.run import Outcome, simulate
from node.simulation.settings import SimulationSettings
from node.simulation.world import World


@dataclass(frozen=True, slots=True)
class Task:
    """One simulation to run."""

    plan: Plan
    settings: SimulationSettings


def outcomes(tasks: Iterable[Task], jobs: int) -> Iterator[tuple[Task, Outcome]]:
    """Run tasks in `jobs` processes, at most twice as many begun as are told; the order is that of the tasks.

    When nobody asks for more, those that have begun are still run to their end.
    """
    if jobs == 1:
        for task in tasks:
            yield task, run(task)
        return
    # Spawned, not forked: a child must not inherit half of a simulation.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=be_quiet) as pool:
        waiting: deque[tuple[Task, Future[Outcome]]] = deque()
        rest = iter(tasks)
        try:
            while True:
                waiting.extend((task, pool.submit(run, task)) for task in islice(rest, 2 * jobs - len(waiting)))
                if not waiting:
                    return
                task, future = waiting.popleft()
                yield task, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def run(task: Task) -> Outcome:
    """Run one; a function of the module, so that another process finds it."""
    return simulate(task.plan, task.settings)


def check_settings(settings: SimulationSettings) -> None:
    """Make a network of the settings and let it go. Raises GenesisError, which names what the network refuses."""
    world = World(draw_plan(0, settings), settings)
    try:
        world.loop.run_until_complete(world.build())
    finally:
        world.dispose()


def be_quiet() -> None:
    """Keep simulated nodes from logging: they would say more than anybody can read, and it costs half of the time."""
    logging.disable(logging.CRITICAL)


def cores() -> int:
    """How many processes make sense."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
