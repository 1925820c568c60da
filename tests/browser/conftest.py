"""Debian's Chromium, once for all tests of a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


IS_THERE = CHROMIUM.exists()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A running browser; each visit has an empty profile of its own."""
    if not IS_THERE:
        pytest.skip(f"there is no {CHROMIUM}: install it to test the page (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, chromium_sandbox=False, args=ARGUMENTS
        )
        try:
            yield started
        finally:
            await started.close()
