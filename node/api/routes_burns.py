"""Routes about burns: their status, and the proofs that bring the tokens out."""

from aiohttp import web

from bridge.burns import errors as burn_errors
from bridge.burns.errors import BurnError, BurnNotReady, EndpointFalse
from bridge.burns.report import BurnProof, BurnsReport
from node.api.encoding import JsonValue, json_response, to_fields
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
from node.api.view import NodeView
from node.duties.status import Reason

LOG_INDEX_MAX = 2**32 - 1

ANSWERS: dict[type[BurnError], type[ApiError]] = {
    burn_errors.BurnNotFound: NotFoundError,
    burn_errors.LogNotABurn: NotFoundError,
    burn_errors.RootChainUnknown: NotFoundError,
    burn_errors.LogIndexNeeded: ConflictError,
    burn_errors.RootChainNeeded: ConflictError,
    burn_errors.BurnNotReady: ConflictError,
    burn_errors.ExitRefused: ConflictError,
    burn_errors.EndpointFalse: BadGatewayError,
    burn_errors.CannotTell: UnavailableError,
    burn_errors.Busy: TooManyRequestsError,
}
"""How each error about a burn is answered; none is left out."""


class BurnRoutes:
    """Status and proof of what a side-chain transaction burnt."""

    def __init__(self, view: NodeView) -> None:
        self._view = view
        self._burns = view.burns

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("/sidewarden/v1/burns/{tx}", self._status),
            Route("/sidewarden/v1/burns/{tx}/proof", self._proof),
        )

    async def _status(self, request: web.Request) -> web.Response:
        """Every burn of the transaction; NOT_FOUND is a status like the others."""
        refuse_unknown_query(request)
        return self._answer(await self._burns.burns(path_hash(request, "tx")))

    async def _proof(self, request: web.Request) -> web.Response:
        """The verified exit payload of one burn."""
        refuse_unknown_query(request, "log_index", "root_chain")
        transaction = path_hash(request, "tx")
        log_index = query_integer(request, "log_index", 0, LOG_INDEX_MAX)
        proof = await self._burns.proof(transaction, log_index, query_name(request, "root_chain"))
        return self._answer(proof)

    def _answer(self, value: BurnsReport | BurnProof) -> web.Response:
        """The answer, with a warning while the side chain shows another block than one that this node signed."""
        stopped = self._view.status().stopped_signing
        is_contradicted = stopped is not None and stopped.reason is Reason.SIDE_REORG_BELOW_SIGNED
        return json_response({**to_fields(value), "warning": stopped.text if stopped and is_contradicted else None})


def api_error_of(error: BurnError) -> ApiError:
    """The error about a burn as a client of the API sees it; the code stays the same."""
    details: dict[str, JsonValue] = {}
    if isinstance(error, BurnNotReady):
        details = {
            "status": error.status.value,
            "blocks_to_go": error.blocks_to_go,
            "seconds_to_go": error.seconds_to_go,
        }
    elif isinstance(error, EndpointFalse):
        details = {"endpoint": error.endpoint}
    return ANSWERS[type(error)](error.code, str(error), details)
