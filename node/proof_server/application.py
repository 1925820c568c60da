"""The HTTP application of a proof server: the routes about burns as a node has them, and the page."""

import re
from collections.abc import Sequence
from importlib.resources import files

from aiohttp import web

from node.api.encoding import json_response, to_json
from node.api.layers import layered_app
from node.api.metrics import CONTENT_TYPE
from node.api.routes import Route
from node.api.routes_burns import BurnRoutes
from node.api.routes_proof_api import ProofApiRoutes
from node.api.settings import ApiSettings
from node.proof_server.numbers import ProofServerMetrics
from node.proof_server.page_routes import page_routes
from node.proof_server.server import ProofServer

_PATH = re.compile(r"^  (/\S*):$")


def create_app(server: ProofServer, settings: ApiSettings) -> web.Application:
    """The application with all routes, not yet listening."""
    metrics = ProofServerMetrics(server)
    app = layered_app(settings, metrics.count_request)
    about_burns = (
        *BurnRoutes(server.burns, lambda: None).routes(),
        *ProofApiRoutes(server.burns, settings.proof_networks).routes(),
    )
    for route in (*ServerRoutes(server, metrics, about_burns).routes(), *about_burns, *page_routes()):
        app.router.add_get(route.path, route.handler)
    return app


def described(text: str, paths: set[str]) -> str:
    """The part of a node's description of its API that is about these paths, and all that is in front of and after it.

    Each path stands in a line of its own, indented by two blanks; what is indented further, and blank lines, are its.
    """
    kept, is_left_out = [], False
    for line in text.splitlines():
        if found := _PATH.match(line):
            is_left_out = found[1] not in paths
        elif line and not line.startswith("   "):
            is_left_out = False
        if not is_left_out:
            kept.append(line)
    return "\n".join(kept) + "\n"


class ServerRoutes:
    """Health, readiness and metrics, at the paths where a node has them."""

    def __init__(self, server: ProofServer, metrics: ProofServerMetrics, others: Sequence[Route]) -> None:
        self._server = server
        self._metrics = metrics
        text = files("node.api").joinpath("openapi.yaml").read_text()
        self._openapi = described(text, {route.path for route in (*self.routes(), *others)})

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("/health", self._health),
            Route("/ready", self._ready),
            Route("/metrics", self._scrape),
            Route("/openapi.yaml", self._describe),
        )

    async def _health(self, _: web.Request) -> web.Response:
        """The process answers; no more is promised."""
        return json_response({"status": "OK", "version": self._server.version})

    async def _ready(self, _: web.Request) -> web.Response:
        """Whether it can answer everything at once; if not, every reason. Meanwhile it answers what it can."""
        lacks = self._server.missing()
        return json_response({"ready": not lacks, "missing": to_json(lacks)}, status=503 if lacks else 200)

    async def _scrape(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    async def _describe(self, _: web.Request) -> web.Response:
        return web.Response(text=self._openapi, content_type="application/yaml")
