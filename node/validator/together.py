"""Running several things until the first of them ends."""

import asyncio
from collections.abc import Coroutine


async def run_together(*parts: Coroutine[object, object, object]) -> None:
    """Run all parts until the first one ends, by itself or by an error; the others are then cancelled.

    An error is raised as it is, and not inside a group, so that callers can name the errors that they expect.
    """
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
