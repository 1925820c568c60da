"""A real JSON-RPC server on 127.0.0.1 whose every answer, and every misbehaviour, a test decides."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

Answer = Callable[[str, list[object]], object]
Behaviour = Callable[[object], Awaitable[web.StreamResponse | None]]


class RpcFault(Exception):
    """Raised by an answer function: becomes a JSON-RPC error object."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class ConnectionCut(Exception):
    """Raised by an answer function: the connection ends without an answer."""


class RpcServer:
    """Answers by `answer`; `behaviour`, while set, may answer in its place (None: it does not)."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.behaviour: Behaviour | None = None
        self.calls: list[str] = []
        self.requests = 0
        self.arrived = asyncio.Event()
        self._never = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/key-0123456789"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._never.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def silence(self, _request: object) -> web.StreamResponse:
        """A behaviour: take the request and never answer."""
        await self._never.wait()
        return web.Response(status=503)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        payload = json.loads(await request.read())
        self.requests += 1
        self.arrived.set()
        items = payload if isinstance(payload, list) else [payload]
        self.calls.extend(item["method"] for item in items)
        if self.behaviour is not None:
            response = await self.behaviour(payload)
            if response is not None:
                return response
        try:
            replies = [self._reply(item) for item in items]
        except ConnectionCut:
            assert request.transport is not None
            request.transport.close()
            return web.Response(status=503)
        return web.json_response(replies if isinstance(payload, list) else replies[0])

    def _reply(self, item: dict[str, object]) -> dict[str, object]:
        method, params = item["method"], item["params"]
        assert isinstance(method, str)
        assert isinstance(params, list)
        try:
            return {"jsonrpc": "2.0", "id": item["id"], "result": self.answer(method, params)}
        except RpcFault as fault:
            error: dict[str, object] = {"code": fault.code, "message": fault.message}
            if fault.data is not None:
                error["data"] = fault.data
            return {"jsonrpc": "2.0", "id": item["id"], "error": error}


def always(response: Callable[[], web.StreamResponse]) -> Behaviour:
    """The behaviour of answering every request with this response."""

    async def behave(_request: object) -> web.StreamResponse:
        return response()

    return behave
