"""The fastest answer that aiohttp can give: a handler that has it ready, and nothing around it.

`python -m tests.bench.bare_handler BYTES` prints its port and ends when its standard input closes.
"""

import asyncio
import sys
from contextlib import AbstractContextManager

from aiohttp import web

from tests.bench.prepared_server import Served, announce, served


def served_bare_handler(size: int) -> AbstractContextManager[Served]:
    """A server in a child process, which answers every path with so many bytes."""
    return served("tests.bench.bare_handler", size)


async def _serve(size: int) -> None:
    content = bytes(size)

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=content, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    announce(runner.addresses[0][1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
