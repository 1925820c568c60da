"""The API of a simulated validator: its real handlers and layers, asked without a socket."""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

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
    app = machine.api or create_app(validator, machine.home.config.api.settings)
    machine.api = app
    answers: list[ApiAnswer] = []

    async def handle() -> None:
        request = make_mocked_request("GET", path, app=app)
        response = await app._handle(request)
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        answers.append(ApiAnswer(response.status, msgspec.json.decode(response.body)))

    await asyncio.wait({machine.shared.loop.start(process, handle())}, timeout=PATIENCE_S)
    return answers[0] if answers else None
