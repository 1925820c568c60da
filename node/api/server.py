"""The HTTP server of one node: routes, limits, and errors that are JSON; only what is no HTTP is answered by aiohttp.

The layers around a handler, outermost first: answers are counted; errors become JSON; a request with a body is
refused, and the number of requests in flight is limited, over all and per client; one request may take so long and no
longer. Health, readiness and metrics pass the limit of requests in flight, so that an overloaded node can still be
watched.
"""

import asyncio
import logging
from collections import Counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.burns.errors import BurnError
from node.api.errors import (
    ApiError,
    MethodNotAllowedError,
    NotFoundError,
    RequestTooLargeError,
    TimedOutError,
    TooManyRequestsError,
    UnavailableError,
    error_response,
)
from node.api.facts import facts_of
from node.api.metrics import NodeMetrics
from node.api.routes import Route
from node.api.routes_burns import BurnRoutes, api_error_of
from node.api.routes_engine import RPC_PATH, EngineRoutes
from node.api.routes_heimdall import HeimdallRoutes
from node.api.routes_sidewarden import SidewardenRoutes
from node.api.routes_watch import WatchRoutes
from node.api.settings import ApiSettings
from node.api.view import NodeView
from node.store.errors import StoreError

log = logging.getLogger(__name__)

WATCH_PATHS = ("/health", "/ready", "/metrics")
NO_ROUTE = "none"


def create_app(view: NodeView, settings: ApiSettings) -> web.Application:
    """The application with all routes of this node, not yet listening."""
    metrics = NodeMetrics(lambda: facts_of(view))
    middlewares = (_counting(metrics), _errors(settings), _in_flight_limit(settings), _time_limit(settings))
    app = web.Application(middlewares=middlewares)
    for route in all_routes(view, settings, metrics):
        app.router.add_get(route.path, route.handler)
    app.router.add_post(RPC_PATH, EngineRoutes(view.engine_rpc).post)
    return app


def all_routes(view: NodeView, settings: ApiSettings, metrics: NodeMetrics) -> tuple[Route, ...]:
    """Every route; fixed paths stand before those with parameters that would match them."""
    return (
        *WatchRoutes(view, metrics).routes(),
        *SidewardenRoutes(view, settings).routes(),
        *BurnRoutes(view).routes(),
        *EngineRoutes(view.engine_rpc).routes(),
        *HeimdallRoutes(view).routes(),
    )


class ApiServer:
    """The application on its port."""

    def __init__(self, view: NodeView, settings: ApiSettings) -> None:
        self._settings = settings
        self._runner = web.AppRunner(
            create_app(view, settings),
            access_log=None,
            shutdown_timeout=settings.shutdown_timeout_s,
            max_line_size=settings.request_line_bytes_max,
            max_field_size=settings.request_line_bytes_max,
        )

    async def start(self) -> str:
        """Listen, and give the base URL with its true port. Raises OSError when the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop listening, and give requests in flight a short time to end."""
        await self._runner.cleanup()


def _counting(metrics: NodeMetrics) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        resource = request.match_info.route.resource
        metrics.count_request(resource.canonical if resource is not None else NO_ROUTE, response.status)
        return response

    return count


def _errors(settings: ApiSettings) -> Middleware:
    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            failure = error
        except BurnError as error:
            failure = api_error_of(error)
        except StoreError as error:
            # Paths and remedies are for the operator's log; a client learns that it may ask again.
            log.warning("a database fails", extra={"path": request.path, "reason": error.code, "text": str(error)})
            failure = UnavailableError(error.code, "the node cannot read one of its databases now; try again later")
        except web.HTTPException as error:
            failure = _of_aiohttp(request, error)
        except Exception:
            # The edge towards clients: a bug costs one request, is logged with its cause, and tells the client nothing.
            log.exception("request failed by a bug", extra={"path": request.path})
            failure = ApiError("INTERNAL", "the node has a bug here; its log has the cause")
        return error_response(request.path, failure, settings.retry_after_s)

    return errors


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> ApiError:
    if error.status == 404:
        return NotFoundError("NO_SUCH_ROUTE", f"{request.path[:200]} is not a route of this node; see /openapi.yaml")
    if error.status == 405:
        return MethodNotAllowedError("METHOD_NOT_ALLOWED", f"{request.method} is not answered; this API only reads")
    raise error


def _in_flight_limit(settings: ApiSettings) -> Middleware:
    in_flight: Counter[str] = Counter()

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.can_read_body and request.path != RPC_PATH:
            raise RequestTooLargeError("BODY_NOT_TAKEN", "requests to this API have no body")
        if request.path in WATCH_PATHS:
            return await handler(request)
        client = request.remote or ""
        if in_flight.total() >= settings.requests_in_flight_max:
            raise UnavailableError("OVERLOADED", "the node has as many requests in flight as it takes; try again")
        if in_flight[client] >= settings.requests_in_flight_per_client_max:
            raise TooManyRequestsError(
                "TOO_MANY_REQUESTS", "this client has too many requests in flight; wait for some"
            )
        in_flight[client] += 1
        try:
            return await handler(request)
        finally:
            in_flight[client] -= 1
            if in_flight[client] == 0:
                del in_flight[client]

    return limit


def _time_limit(settings: ApiSettings) -> Middleware:
    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            async with asyncio.timeout(settings.request_timeout_s):
                return await handler(request)
        except TimeoutError:
            raise TimedOutError("TIMED_OUT", f"no answer within {settings.request_timeout_s:g} s; try again") from None

    return limit
