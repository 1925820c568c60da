"""The API of a simulated validator: its real handlers and layers, asked without a socket."""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web, web_app
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from node.api.server import create_app
from node.simulation.machine import Machine

PATIENCE_S = 40.0
"""How long a client waits; the server gives up before."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What came back."""

    status: int
    json: dict[str, Any]


async def ask(machine: Machine, path: str) -> ApiAnswer | None:
    """The answer to a GET, worked out inside the validator's process; None if that ends, or is too slow."""
    process, validator = machine.process, machine.validator
    if process is None or validator is None or not process.runs:
        return None
    if machine.api is None:
        machine.api = create_app(validator, machine.home.config.api.settings)
        machine.api.freeze()
    app = machine.api
    answers: list[ApiAnswer] = []

    async def handle() -> None:
        response = await app._handle(_request(app, path))
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        answers.append(ApiAnswer(response.status, msgspec.json.decode(response.body)))

    await asyncio.wait({machine.shared.loop.start(process, handle())}, timeout=PATIENCE_S)
    return answers[0] if answers else None


def forget() -> None:
    """Let go of the handlers that were asked: aiohttp remembers the last thousand, and with them whole networks."""
    remembered = getattr(web_app, "_cached_build_middleware", None)
    if remembered is not None:
        remembered.cache_clear()


@dataclass(frozen=True, slots=True)
class _Connection:
    """What a request asks of the connection that it came by."""

    ssl_context: None = None
    peername: None = None
    sockname: None = None


_NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


def _request(app: web.Application, path: str) -> web.Request:
    message = RawRequestMessage(
        "GET", path, HttpVersion11, _NO_HEADERS, (), False, None, False, False, URL(path, encoded=True)
    )
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    connection: Any = _Connection()
    return web.Request(message, EMPTY_PAYLOAD, connection, connection, task, loop)  # type: ignore[arg-type]
