"""What CometBFT tells anybody, through our own port: a white list of its reading calls, for who joins or verifies.

Nodes that start by state sync and light clients ask here for headers, commits and validator sets, and prove what they
are told; so CometBFT's own RPC, which can do more, listens to nobody but us.
"""

import json
from collections.abc import Mapping
from typing import Protocol

import msgspec
from aiohttp import web

from node.api.errors import BadParameterError, NotFoundError, RequestTooLargeError, UnavailableError
from node.api.routes import Route
from node.engine.errors import EngineUnreachable

RPC_PATH = "/sidewarden/v1/engine/rpc"
BODY_BYTES_MAX = 16 * 1024
METHODS: dict[str, frozenset[str]] = {
    "status": frozenset(),
    "commit": frozenset({"height"}),
    "header": frozenset({"height"}),
    "block": frozenset({"height"}),
    "validators": frozenset({"height", "page", "per_page"}),
    "consensus_params": frozenset({"height"}),
    "abci_query": frozenset({"path", "data", "height", "prove"}),
}
"""The calls that are passed on, with their parameters."""


Parameter = str | int | bool | None


class EngineRpc(Protocol):
    """The door to CometBFT."""

    async def raw(self, method: str, parameters: Mapping[str, object]) -> bytes:
        """The body of its answer. Raises EngineUnreachable."""
        ...


class _Call(msgspec.Struct):
    method: str
    id: int | str | None = None
    params: dict[str, Parameter] = {}
    """All that these calls take are plain values; nothing nested is even read."""


class _Answer(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class EngineRoutes:
    """The proxy; a node without CometBFT has none."""

    def __init__(self, rpc: EngineRpc | None) -> None:
        self._rpc = rpc

    def routes(self) -> tuple[Route, ...]:
        """All that only read the URL."""
        return (Route(f"{RPC_PATH}/{{method}}", self._get),)

    async def _get(self, request: web.Request) -> web.Response:
        """A call as CometBFT takes it by URL: numbers and 0x-hex as they are, text in quotes."""
        parameters: dict[str, Parameter] = {name: _plain(value) for name, value in request.query.items()}
        return await self._call(_Call(request.match_info["method"], -1, parameters))

    async def post(self, request: web.Request) -> web.Response:
        """A JSON-RPC call, one at a time."""
        body = await request.content.read(BODY_BYTES_MAX + 1)
        while not request.content.at_eof() and len(body) <= BODY_BYTES_MAX:
            body += await request.content.read(BODY_BYTES_MAX + 1 - len(body))
        if len(body) > BODY_BYTES_MAX:
            raise RequestTooLargeError("BODY_TOO_LARGE", f"a call has at most {BODY_BYTES_MAX} bytes")
        try:
            call = msgspec.json.decode(body, type=_Call)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadParameterError("body", f"a JSON-RPC call is expected: {error}") from error
        return await self._call(call)

    async def _call(self, call: _Call) -> web.Response:
        if self._rpc is None:
            raise NotFoundError("NO_COMETBFT", 'this node has no CometBFT: its engine.kind is "local"')
        allowed = METHODS.get(call.method)
        if allowed is None:
            raise NotFoundError("NO_SUCH_CALL", f"only these calls are passed on: {', '.join(METHODS)}")
        unknown = sorted(set(call.params) - allowed)
        if unknown:
            raise BadParameterError(unknown[0][:100], f"{call.method} takes: {', '.join(sorted(allowed)) or 'nothing'}")
        try:
            answer = msgspec.json.decode(await self._rpc.raw(call.method, call.params), type=_Answer)
        except (EngineUnreachable, msgspec.DecodeError) as error:
            raise UnavailableError(
                "ENGINE_DOWN", "this node's CometBFT does not answer now; try again later"
            ) from error
        envelope: dict[str, object] = {"jsonrpc": "2.0", "id": call.id}
        envelope |= {"error": answer.error} if bytes(answer.error) else {"result": answer.result}
        return web.Response(body=msgspec.json.encode(envelope), content_type="application/json")


def _plain(value: str) -> str | bool:
    """Text in quotes without them; numbers and truths as text, which CometBFT takes for either."""
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError as error:
            raise BadParameterError("query", "a quoted parameter is not closed") from error
    return {"true": True, "false": False}.get(value, value)
