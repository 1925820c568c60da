"""Routes about burns: their status, and the proofs that bring the tokens out."""

from collections.abc import Callable

from aiohttp import web

from bridge.burns import errors as burn_errors
from bridge.burns.errors import BurnError, BurnNotReady, EndpointFault
from bridge.burns.report import BurnsReport, BurnStatus
from bridge.burns.service import BurnService
from bridge.burns.watching import BurnWatch
from node.api.encoding import JsonValue, changing_response, finished_response, json_response, to_fields
from node.api.errors import (
    ApiError,
    BadGatewayError,
    ConflictError,
    NotFoundError,
    TooManyRequestsError,
    UnavailableError,
    error_fields,
)
from node.api.parameters import path_hash, query_integer, query_name, refuse_unknown_query
from node.api.routes import Route
from node.api.streaming import EventStream
from node.store.errors import StoreError

LOG_INDEX_MAX = 2**32 - 1
WAIT_S_MAX = 25
"""Shorter than a request may take."""
HEARTBEAT_S = 15.0
"""So that nobody on the way takes a quiet stream for a dead one."""
STREAM_S = 600.0
"""Then the client connects again, and goes on from the last event's id."""

ANSWERS: dict[type[BurnError], type[ApiError]] = {
    burn_errors.BurnNotFound: NotFoundError,
    burn_errors.LogNotABurn: NotFoundError,
    burn_errors.EventNotFound: NotFoundError,
    burn_errors.TokenIndexTooLarge: NotFoundError,
    burn_errors.TokenIndexNeeded: ConflictError,
    burn_errors.BlockNotCheckpointed: NotFoundError,
    burn_errors.RootChainUnknown: NotFoundError,
    burn_errors.LogIndexNeeded: ConflictError,
    burn_errors.RootChainNeeded: ConflictError,
    burn_errors.BurnNotReady: ConflictError,
    burn_errors.ExitRefused: ConflictError,
    burn_errors.PayloadTooLarge: ConflictError,
    burn_errors.EndpointFalse: BadGatewayError,
    burn_errors.HistoryPruned: BadGatewayError,
    burn_errors.CannotTell: UnavailableError,
    burn_errors.Busy: TooManyRequestsError,
}
"""How each error about a burn is answered; none is left out."""


Warner = Callable[[], str | None]
"""What readers of an answer must know now, as while a node's side chain contradicts what it has signed."""


class BurnRoutes:
    """Status and proof of what a side-chain transaction burnt."""

    def __init__(self, burns: BurnService, warning: Warner) -> None:
        self._burns = burns
        self._warning = warning
        self._watch = BurnWatch(burns, burns.clock)
        self._clock = burns.clock

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("/sidewarden/v1/burns/{tx}", self._status),
            Route("/sidewarden/v1/burns/{tx}/proof", self._proof),
            Route("/sidewarden/v1/burns/{tx}/events", self._events),
        )

    async def _status(self, request: web.Request) -> web.Response:
        """Every burn of the transaction; NOT_FOUND is a status like the others.

        With `wait_s`, the answer comes when its version is not `unless`, or when that time is over.
        """
        refuse_unknown_query(request, "unless", "wait_s")
        transaction = path_hash(request, "tx")
        wait_s = query_integer(request, "wait_s", 0, WAIT_S_MAX)
        unless = query_name(request, "unless")
        if wait_s is None:
            report = await self._burns.burns(transaction)
        else:
            report = await self._watch.change(transaction, unless, wait_s)
        return changing_response(request, self._body(report))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Each change of the burns as a server-sent event, until all are EXITED or the stream's time is over."""
        refuse_unknown_query(request)
        transaction = path_hash(request, "tx")
        stream = EventStream(request)
        await stream.start()
        version = stream.last_id
        deadline = self._clock.monotonic() + STREAM_S
        while stream.is_open and self._clock.monotonic() < deadline:
            try:
                report = await self._watch.change(transaction, version, HEARTBEAT_S)
            except (BurnError, ApiError, StoreError) as error:
                await stream.send("error", error_fields(api_error_of(error)))
                await self._clock.sleep(HEARTBEAT_S)
                continue
            if report.version == version:
                await stream.keep_alive()
            else:
                version = report.version
                await stream.send("burn", self._body(report), version)
            if report.status is BurnStatus.EXITED:
                break
        return stream.response

    async def _proof(self, request: web.Request) -> web.Response:
        """The verified exit payload of one burn; it never changes, so whoever passes it on may keep it."""
        refuse_unknown_query(request, "log_index", "root_chain")
        transaction = path_hash(request, "tx")
        log_index = query_integer(request, "log_index", 0, LOG_INDEX_MAX)
        proof = await self._burns.proof(transaction, log_index, query_name(request, "root_chain"))
        warning = self._warning()
        body = {**to_fields(proof), "warning": warning}
        return finished_response(request, body) if warning is None else json_response(body)

    def _body(self, report: BurnsReport) -> dict[str, JsonValue]:
        return {**to_fields(report), "warning": self._warning()}


def api_error_of(error: BurnError | ApiError | StoreError) -> ApiError:
    """An expected error as a client of the API sees it; the code stays the same."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, StoreError):
        # Paths and remedies are for the operator's log; a client learns that it may ask again.
        return UnavailableError(error.code, "the node cannot read one of its databases now; try again later")
    details: dict[str, JsonValue] = {}
    if isinstance(error, BurnNotReady):
        details = {
            "status": error.status.value,
            "to_go": None if error.to_go is None else to_fields(error.to_go),
        }
    elif isinstance(error, EndpointFault):
        details = {"endpoint": error.endpoint}
    return ANSWERS[type(error)](error.code, str(error), details)
