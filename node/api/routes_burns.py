"""Routes about burns: their status, and the proofs that bring the tokens out."""

from collections.abc import Callable

from aiohttp import web

from bridge.burns import errors as burn_errors
from bridge.burns.errors import BurnError, BurnNotReady, EndpointFault
from bridge.burns.service import BurnService
from node.api.encoding import JsonValue, changing_response, finished_response, json_response, to_fields
from node.api.errors import (
    ApiError,
    BadGatewayError,
    ConflictError,
    NotFoundError,
    TooManyRequestsError,
    UnavailableError,
)
from node.api.parameters import path_hash, query_integer, query_name, refuse_unknown_query
from node.api.routes import Route

LOG_INDEX_MAX = 2**32 - 1

ANSWERS: dict[type[BurnError], type[ApiError]] = {
    burn_errors.BurnNotFound: NotFoundError,
    burn_errors.LogNotABurn: NotFoundError,
    burn_errors.EventNotFound: NotFoundError,
    burn_errors.TokenIndexTooLarge: NotFoundError,
    burn_errors.BlockNotCheckpointed: NotFoundError,
    burn_errors.RootChainUnknown: NotFoundError,
    burn_errors.LogIndexNeeded: ConflictError,
    burn_errors.RootChainNeeded: ConflictError,
    burn_errors.BurnNotReady: ConflictError,
    burn_errors.ExitRefused: ConflictError,
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

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("/sidewarden/v1/burns/{tx}", self._status),
            Route("/sidewarden/v1/burns/{tx}/proof", self._proof),
        )

    async def _status(self, request: web.Request) -> web.Response:
        """Every burn of the transaction; NOT_FOUND is a status like the others."""
        refuse_unknown_query(request)
        report = await self._burns.burns(path_hash(request, "tx"))
        return changing_response(request, {**to_fields(report), "warning": self._warning()})

    async def _proof(self, request: web.Request) -> web.Response:
        """The verified exit payload of one burn; it never changes, so whoever passes it on may keep it."""
        refuse_unknown_query(request, "log_index", "root_chain")
        transaction = path_hash(request, "tx")
        log_index = query_integer(request, "log_index", 0, LOG_INDEX_MAX)
        proof = await self._burns.proof(transaction, log_index, query_name(request, "root_chain"))
        warning = self._warning()
        body = {**to_fields(proof), "warning": warning}
        return finished_response(request, body) if warning is None else json_response(body)


def api_error_of(error: BurnError) -> ApiError:
    """The error about a burn as a client of the API sees it; the code stays the same."""
    details: dict[str, JsonValue] = {}
    if isinstance(error, BurnNotReady):
        details = {
            "status": error.status.value,
            "to_go": None if error.to_go is None else to_fields(error.to_go),
        }
    elif isinstance(error, EndpointFault):
        details = {"endpoint": error.endpoint}
    return ANSWERS[type(error)](error.code, str(error), details)
