"""The log of a simulation has virtual time, and says which process speaks."""

import asyncio
import logging

from node.simulation.clock import EPOCH_S
from node.simulation.events import EventKind
from node.simulation.logs import date, log_event
from node.simulation.loop import Process, SimulationLoop
from node.validator.logs import TextFormatter
from tests.simulation.outcomes import event


class Keeping(logging.Handler):
    """A handler that keeps what it is given."""

    def __init__(self, kept: list[logging.LogRecord]) -> None:
        super().__init__()
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(record)


def record() -> logging.LogRecord:
    return logging.LogRecord("node.x", logging.INFO, "x.py", 1, "hello", None, None)


def test_log__inside_a_process__has_virtual_time_and_the_process() -> None:
    loop, told = SimulationLoop(), record()

    async def speak() -> None:
        await asyncio.sleep(12.5)
        date(told)

    try:
        loop.run_until_complete(loop.start(Process("validator 3, start 2"), speak()))
    finally:
        loop.dispose()

    assert told.created == EPOCH_S + 12.5
    assert TextFormatter().format(told) == '2023-11-14T22:13:32.500Z info    hello by="validator 3, start 2"'


def test_log__outside_of_any_simulation__is_left_as_it_is() -> None:
    told = record()
    before = told.created

    assert date(told)
    assert told.created == before


def test_log__of_an_event__has_what_it_says_and_nothing_empty() -> None:
    told: list[logging.LogRecord] = []
    handler = Keeping(told)
    logger = logging.getLogger("node.simulation.logs")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        log_event(event(1.0, EventKind.DOWN, "kill", 2))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)

    (line,) = (TextFormatter().format(one).split(maxsplit=2)[2] for one in told)
    assert line == "down validator=2 text=kill"
