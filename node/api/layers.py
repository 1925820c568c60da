"""The layers around every handler, which each server of this package uses: counts, errors, and limits.

Outermost first: answers are counted; errors become JSON; browsers that ask for a page of another origin are answered; a
request with a body is refused, and the number of requests in flight is limited, over all and per client; large answers
are sent so many at a time; one request may take so long and no longer; a client may have new work about burns done for
it only so often. Health, readiness and
metrics pass the limit of requests in flight, so that an overloaded server can still be watched.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.burns.admission import admit
from bridge.burns.errors import BurnError
from node.api.budgets import Budgets
from node.api.clients import client_of
from node.api.cross_origin import answer_preflights, open_answer
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
from node.api.routes_burns import api_error_of
from node.api.settings import ApiSettings
from node.store.errors import StoreError

log = logging.getLogger(__name__)

WATCH_PATHS = ("/health", "/health-check", "/ready", "/metrics")
NO_ROUTE = "none"
SMALL_ANSWER_BYTES = 64 * 1024
"""As many as a connection holds without its client reading."""
WAIT_PREFIX = "/sidewarden/v1/burns/"
STREAM_SUFFIX = "/events"
"""Routes that end so go on for as long as they say themselves."""


def layered_app(
    settings: ApiSettings, count: Callable[[str, int], None], body_paths: tuple[str, ...] = ()
) -> web.Application:
    """An application with all layers and no route yet.

    `count` takes the route of each answer, with its {parameters}, and the status; `body_paths` may have a body.
    """
    end_with_the_server, end_waits = _ending_waits()
    middlewares = (
        _counting(count),
        _errors(settings),
        answer_preflights,
        _in_flight_limit(settings, body_paths),
        end_with_the_server,
        _sending_limit(settings),
        _time_limit(settings),
        _speed_limit(settings),
    )
    app = web.Application(middlewares=middlewares)
    app.on_response_prepare.append(open_answer)
    app.on_shutdown.append(end_waits)
    return app


def _counting(count: Callable[[str, int], None]) -> Middleware:
    @web.middleware
    async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        resource = request.match_info.route.resource
        count(resource.canonical if resource is not None else NO_ROUTE, response.status)
        return response

    return counting


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
            failure = api_error_of(error)
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


def _in_flight_limit(settings: ApiSettings, body_paths: tuple[str, ...]) -> Middleware:
    asking: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    asking_limits = settings.requests_in_flight_max, settings.requests_in_flight_per_client_max
    waiting_limits = settings.waiting_max, settings.waiting_per_client_max

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.can_read_body and request.path not in body_paths:
            raise RequestTooLargeError("BODY_NOT_TAKEN", "requests to this API have no body")
        if request.path in WATCH_PATHS:
            return await handler(request)
        client = _client(request, settings)
        # Whoever waits for a change costs next to nothing, but for long; so these do not take the others' places.
        in_flight, (all_max, client_max) = (waiting, waiting_limits) if is_wait(request) else (asking, asking_limits)
        if in_flight.total() >= all_max:
            raise UnavailableError("OVERLOADED", "the node has as many requests in flight as it takes; try again")
        if in_flight[client] >= client_max:
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


def _ending_waits() -> tuple[Middleware, Callable[[web.Application], Awaitable[None]]]:
    """Whoever waits for a change would hold up the server; the second lets them go, for `on_shutdown`."""
    waits: set[asyncio.Task[object]] = set()

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is None or not is_wait(request):
            return await handler(request)
        waits.add(task)
        try:
            return await handler(request)
        finally:
            waits.discard(task)

    async def end(_: web.Application) -> None:
        for task in waits:
            task.cancel()

    return watched, end


def _sending_limit(settings: ApiSettings) -> Middleware:
    """Large answers are sent while they count as in flight, so that clients who do not read cannot fill the memory."""
    sending_bytes = 0

    @web.middleware
    async def send(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal sending_bytes
        response = await handler(request)
        size = len(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else 0
        if size <= SMALL_ANSWER_BYTES or request.path in WATCH_PATHS:
            return response
        if sending_bytes and sending_bytes + size > settings.sending_bytes_max:
            raise UnavailableError("OVERLOADED", "the node is sending as many large answers as it takes; try again")
        sending_bytes += size
        try:
            await _send(request, response, settings.send_timeout_s)
        finally:
            sending_bytes -= size
        return response

    return send


async def _send(request: web.Request, response: web.StreamResponse, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        return  # the client has gone


def is_wait(request: web.Request) -> bool:
    """Whether the request is one that waits for a change: a stream of events, or a long poll."""
    return request.path.startswith(WAIT_PREFIX) and (request.path.endswith(STREAM_SUFFIX) or "wait_s" in request.query)


def _time_limit(settings: ApiSettings) -> Middleware:
    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith(STREAM_SUFFIX):
            return await handler(request)
        try:
            async with asyncio.timeout(settings.request_timeout_s):
                return await handler(request)
        except TimeoutError:
            raise TimedOutError("TIMED_OUT", f"no answer within {settings.request_timeout_s:g} s; try again") from None

    return limit


def _speed_limit(settings: ApiSettings) -> Middleware:
    per_s, burst = settings.requests_per_client_per_s, settings.requests_per_client_burst
    budgets = Budgets(per_s, burst, settings.clients_max)

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        def spend() -> None:
            wait_s = budgets.take(_client(request, settings), asyncio.get_running_loop().time())
            if wait_s:
                message = f"this client has asked faster than {per_s:g} new questions a second; wait"
                raise TooManyRequestsError("TOO_FAST", message, retry_after_s=math.ceil(wait_s))

        token = admit.set(spend)
        try:
            return await handler(request)
        finally:
            admit.reset(token)

    return limit


def _client(request: web.Request, settings: ApiSettings) -> str:
    return client_of(request.remote, request.headers.getall("X-Forwarded-For", ()), settings.trusted_proxies)
