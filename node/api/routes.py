"""A route, and all of them. `openapi.yaml` describes each; a test compares the two."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """A GET route; `path` may hold {parameters}."""

    path: str
    handler: Handler
