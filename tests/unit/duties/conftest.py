"""One validator's duties on tiny chains behind real servers; every test closes the databases that it opened."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.unit.closing import close_opened
from tests.unit.duties.world import World, running_world

__all__ = ["close_opened"]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


@pytest.fixture
async def world(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[World]:
    async with running_world(tmp_path, session) as one:
        yield one
