"""A node's API with the page in front of it, and Debian's Chromium looking at it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect

from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Hash32
from node.api.server import create_app
from node.api.serving import HttpServer
from node.api.settings import ApiSettings
from node.proof_server.page_routes import page_routes
from tests.unit.api.node import SyntheticNode
from tests.unit.burns.world import World, burn_world

ANSWER_MS = 10_000
TICK_S = 0.02
PHONE_WIDTH = 360
DESKTOP_WIDTH = 1280
SHOTS_VARIABLE = "SIDEWARDEN_SHOTS"


@dataclass
class Visit:
    """Somebody's browser at the page, and the chains that the page tells of."""

    world: World
    node: SyntheticNode
    url: str
    page: Page
    complaints: list[str] = field(default_factory=list)
    """What the browser's console had to say: errors, among them each violation of the security policy."""
    asked: list[str] = field(default_factory=list)
    """The paths that the browser asked for, with their queries."""

    def complain(self, kind: str, text: str) -> None:
        """Take what the console says; an answer that is an error is for the page to tell of."""
        if kind == "error" and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    async def look(self, transaction: Hash32 | str) -> None:
        """Come by a link."""
        text = transaction if isinstance(transaction, str) else to_hex(transaction)
        await self.page.goto(f"{self.url}/?tx={text}")

    def part(self, selector: str) -> Locator:
        """What the page has at a CSS selector."""
        return self.page.locator(selector)

    async def tells(self, selector: str, words: str) -> None:
        """Wait until some part of the page that can be seen has these words."""
        await expect(self.part(selector).filter(visible=True).first).to_contain_text(words, timeout=ANSWER_MS)

    async def shoot(self, name: str) -> None:
        """See that the page is not wider than the screen; keep a picture, if SIDEWARDEN_SHOTS names a folder."""
        width = await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width == 0, f"the page is {width} pixels wider than the screen"
        folder = os.environ.get(SHOTS_VARIABLE)
        if folder:
            await self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@asynccontextmanager
async def visit(
    browser: Browser,
    *,
    settings: ApiSettings | None = None,
    root_chains: int = 1,
    width: int = PHONE_WIDTH,
    is_dark: bool = False,
    manager: bool = True,
) -> AsyncIterator[Visit]:
    """A fresh browser profile at a fresh node; whatever the console complains of fails the test at the end."""
    async with (
        burn_world(root_chains, manager=manager) as world,
        served(world, root_chains, settings or ApiSettings(port=0)) as (node, url),
    ):
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if is_dark else "light",
            locale="en-GB",
            timezone_id="UTC",
        )
        page = await context.new_page()
        visited = Visit(world, node, url, page)
        page.on("console", lambda message: visited.complain(message.type, message.text))
        page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        page.on("request", lambda request: visited.asked.append(request.url.removeprefix(url)))
        passing = asyncio.create_task(_pass_time(world))
        try:
            yield visited
            assert not visited.complaints
            assert all(path.startswith("/") for path in visited.asked), "the page asked another server"
        finally:
            passing.cancel()
            await page.unroute_all(behavior="ignoreErrors")
            await context.close()


@asynccontextmanager
async def served(world: World, root_chains: int, settings: ApiSettings) -> AsyncIterator[tuple[SyntheticNode, str]]:
    """The API over these chains with the page in front, and its URL."""
    node = SyntheticNode(world, root_chains)
    app = create_app(node, settings)
    for route in page_routes():
        app.router.add_get(route.path, route.handler)
    server = HttpServer(app, settings)
    try:
        yield node, await server.start()
    finally:
        await server.close()


async def _pass_time(world: World) -> None:
    """The node's clock goes on, faster than ours, so that whoever waits at its API is served."""
    while True:
        world.clock.advance(0.5)
        await asyncio.sleep(TICK_S)
