"""The HTTP server of one node: its routes, in the layers of `node.api.layers`; what is no HTTP, aiohttp answers."""

from aiohttp import web

from node.api.facts import facts_of
from node.api.layers import layered_app
from node.api.metrics import NodeMetrics
from node.api.routes import Route
from node.api.routes_burns import BurnRoutes
from node.api.routes_engine import RPC_PATH, EngineRoutes
from node.api.routes_heimdall import HeimdallRoutes
from node.api.routes_proof_api import ProofApiRoutes
from node.api.routes_sidewarden import SidewardenRoutes
from node.api.routes_watch import WatchRoutes
from node.api.serving import HttpServer
from node.api.settings import ApiSettings
from node.api.view import NodeView
from node.duties.status import Reason


def create_app(view: NodeView, settings: ApiSettings) -> web.Application:
    """The application with all routes of this node, not yet listening."""
    metrics = NodeMetrics(lambda: facts_of(view))
    app = layered_app(settings, metrics.count_request, body_paths=(RPC_PATH,))
    for route in all_routes(view, settings, metrics):
        app.router.add_get(route.path, route.handler)
    app.router.add_post(RPC_PATH, EngineRoutes(view.engine_rpc).post)
    return app


def all_routes(view: NodeView, settings: ApiSettings, metrics: NodeMetrics) -> tuple[Route, ...]:
    """Every route; fixed paths stand before those with parameters that would match them."""
    return (
        *WatchRoutes(view, metrics).routes(),
        *SidewardenRoutes(view, settings).routes(),
        *BurnRoutes(view.burns, lambda: _contradiction(view)).routes(),
        *ProofApiRoutes(view.burns, settings.proof_networks).routes(),
        *EngineRoutes(view.engine_rpc).routes(),
        *HeimdallRoutes(view).routes(),
    )


def _contradiction(view: NodeView) -> str | None:
    """A warning while the side chain shows another block than one that this node signed."""
    stopped = view.status().stopped_signing
    is_contradicted = stopped is not None and stopped.reason is Reason.SIDE_REORG_BELOW_SIGNED
    return stopped.text if stopped is not None and is_contradicted else None


class ApiServer(HttpServer):
    """The application on its port."""

    def __init__(self, view: NodeView, settings: ApiSettings) -> None:
        super().__init__(create_app(view, settings), settings)
