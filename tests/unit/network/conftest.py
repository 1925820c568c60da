"""Every test closes the databases that it opened."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.unit.closing import close_opened

__all__ = ["close_opened"]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one
