"""An application on its port, with the limits of what is read of a request and of how many are connected."""

import asyncio
import resource
from functools import lru_cache
from typing import cast

from aiohttp import web

from node.api.clients import client_of, is_trusted
from node.api.settings import ApiSettings

BACKLOG = 128
OWN_FILES = 256
"""Of the files that this process may open, those that databases, logs and connections to other programs need."""


class HttpServer:
    """Serves an application until it is closed."""

    def __init__(self, app: web.Application, settings: ApiSettings) -> None:
        self._settings = settings
        self._listener: asyncio.Server | None = None
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=settings.shutdown_timeout_s,
            max_line_size=settings.request_line_bytes_max,
            max_field_size=settings.request_line_bytes_max,
        )

    async def start(self) -> str:
        """Listen, and give the base URL with its true port. Raises OSError when the port is taken."""
        await self._runner.setup()
        server, settings = cast(web.Server, self._runner.server), self._settings
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Door(server, settings), settings.host, settings.port, backlog=BACKLOG
        )
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop listening, and give requests in flight a short time to end."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()


class _Door(asyncio.Protocol):
    """Lets a connection in unless there are too many: each takes a file, and a process without files is lost."""

    def __init__(self, server: web.Server, settings: ApiSettings) -> None:
        self._server = server
        self._settings = settings

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection over to aiohttp, or end it."""
        connected = cast(asyncio.Transport, transport)
        if self._is_full(_remote(connected)):
            connected.abort()
            return
        handler = self._server()
        connected.set_protocol(handler)
        handler.connection_made(connected)

    def _is_full(self, remote: str) -> bool:
        connections = self._server.connections
        files_max, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if len(connections) >= min(self._settings.connections_max, max(1, files_max - OWN_FILES)):
            return True
        if is_trusted(remote, self._settings.trusted_proxies):
            return False
        client = _client(remote)
        others = (_client(_remote(one.transport)) for one in connections if one.transport is not None)
        return sum(other == client for other in others) >= self._settings.connections_per_client_max


def _remote(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


@lru_cache(maxsize=4_096)
def _client(remote: str) -> str:
    return client_of(remote, (), ())
