"""Parts that run together end together, and errors keep their type."""

import asyncio

import pytest

from node.validator.together import run_together


class Waiting:
    """A part that waits for ever, and notes that it was cancelled."""

    def __init__(self) -> None:
        self.cancelled = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_together__one_ends__the_others_are_cancelled() -> None:
    waiting = Waiting()

    await run_together(waiting.run(), asyncio.sleep(0))

    assert waiting.cancelled


async def test_together__one_fails__its_error_is_raised_as_it_is() -> None:
    waiting = Waiting()

    async def fail() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await run_together(waiting.run(), fail())
    assert waiting.cancelled


async def test_together__cancelled_from_outside__ends_all_parts() -> None:
    waiting = Waiting()
    task = asyncio.create_task(run_together(waiting.run(), waiting.run()))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting.cancelled
