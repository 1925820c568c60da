"""Routes for whoever watches the process: is it alive, can it work, what do its numbers say, what can be asked."""

from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

from node.api.encoding import json_response, to_json
from node.api.metrics import CONTENT_TYPE, NodeMetrics
from node.api.routes import Route
from node.api.view import NodeView
from node.duties.status import NodeStatus


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that keeps the node from its work, and why."""

    what: str
    code: str
    text: str


class WatchRoutes:
    """Health, readiness, metrics and the description of the API."""

    def __init__(self, view: NodeView, metrics: NodeMetrics) -> None:
        self._view = view
        self._metrics = metrics
        self._openapi = files("node.api").joinpath("openapi.yaml").read_text()

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
        return json_response({"status": "OK", "version": self._view.status().version})

    async def _ready(self, _: web.Request) -> web.Response:
        """Whether the node can do all of its work; if not, every reason by name."""
        lacks = missing(self._view.status())
        return json_response({"ready": not lacks, "missing": to_json(lacks)}, status=503 if lacks else 200)

    async def _scrape(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    async def _describe(self, _: web.Request) -> web.Response:
        return web.Response(text=self._openapi, content_type="application/yaml")


def missing(status: NodeStatus) -> tuple[Lack, ...]:
    """What keeps the node from doing all of its work, from the engine outwards."""
    lacks: list[Lack] = []
    if status.engine_trouble is not None:
        lacks.append(Lack("engine", status.engine_trouble.reason.value, status.engine_trouble.text))
    if not status.engine_quorum:
        share = status.engine_power_share_permille / 10
        lacks.append(Lack("engine", "ENGINE_NO_QUORUM", f"{share:g} % of the power is there; over 2/3 is needed"))
    if status.paused:
        lacks.append(Lack("validator", "VALIDATOR_PAUSED", "the validator is paused"))
    if not status.caught_up:
        lacks.append(Lack("engine", "CATCHING_UP", f"replaying blocks; at height {status.engine_height}"))
    if status.stopped_signing is not None:
        lacks.append(Lack("signer", status.stopped_signing.reason.value, status.stopped_signing.text))
    if status.clock is not None and status.clock.skew is not None:
        lacks.append(Lack("clock", "CLOCK_SKEW", status.clock.skew))
    side = status.side_chain
    if side.down_reason is not None:
        lacks.append(Lack(f"side chain {side.name}", "SIDE_RPC_DOWN", side.down_reason))
    lacks.extend(
        Lack(f"root chain {root.name}", "ROOT_RPC_DOWN", root.chain.down_reason)
        for root in status.root_chains
        if root.chain.down_reason is not None
    )
    return tuple(lacks)
