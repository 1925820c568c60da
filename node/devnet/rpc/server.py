"""HTTP around the methods: `POST /{chain}` bare, and `POST /{chain}/v/{index}/{a|b}` for a validator, with its faults.

A refusal is a JSON-RPC error under HTTP status 200, as geth answers, whatever was sent. Only an unknown path or another
method than POST gets an HTTP status of its own.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from bridge.chain.clock import Clock
from node.devnet.chain import Chain
from node.devnet.rpc.documents import RpcLimits, answer_document, error_body, parse_document
from node.devnet.rpc.encoding import EncodedBlocks
from node.devnet.rpc.errors import INTERNAL_ERROR, INVALID_REQUEST, LIMIT_EXCEEDED, JsonRpcError
from node.devnet.rpc.faults import ChainFaults, FaultTable
from node.devnet.rpc.methods import Methods
from node.devnet.rpc.view import ChainView

VALIDATORS_MAX = 32


@dataclass(frozen=True, slots=True)
class ServedChain:
    """A chain with its faults; `random` decides which calls fail at an error rate."""

    chain: Chain
    random: random.Random
    faults: FaultTable = field(default_factory=FaultTable)
    encoded_blocks: EncodedBlocks = field(default_factory=EncodedBlocks)


def rpc_app(chains: Mapping[str, ServedChain], clock: Clock, limits: RpcLimits) -> web.Application:
    """The application that serves chains under their names. `clock` times the latency of faults."""
    server = _Server(chains, clock, limits)
    app = web.Application(client_max_size=limits.body_bytes_max)
    app.router.add_post("/{chain}", server.answer)
    app.router.add_post("/{chain}/v/{index}/{endpoint:[ab]}", server.answer)
    return app


class _Server:
    def __init__(self, chains: Mapping[str, ServedChain], clock: Clock, limits: RpcLimits) -> None:
        self._chains = chains
        self._clock = clock
        self._limits = limits
        self._in_flight = 0

    async def answer(self, request: web.Request) -> web.Response:
        served = self._chains.get(request.match_info["chain"])
        if served is None:
            raise web.HTTPNotFound(text=f"the chains are {', '.join(self._chains)}")
        faults = served.faults.of(_validator(request))
        self._in_flight += 1
        try:
            if self._in_flight > self._limits.requests_in_flight_max:
                raise JsonRpcError(LIMIT_EXCEEDED, "too many requests in flight")
            document = await self._read(request)
            if faults.latency_ms:
                await self._clock.sleep(faults.latency_ms / 1000)
            body = await answer_document(document, _Client(served, faults).call, self._limits)
        except JsonRpcError as error:
            body = error_body(None, error)
        finally:
            self._in_flight -= 1
        return web.Response(body=body, content_type="application/json")

    async def _read(self, request: web.Request) -> object:
        if request.content_type != "application/json":
            # A browser can send other types across origins without asking, this one not.
            raise JsonRpcError(INVALID_REQUEST, "invalid content type, only application/json is supported")
        try:
            return parse_document(await request.read())
        except web.HTTPRequestEntityTooLarge as error:
            raise JsonRpcError(
                INVALID_REQUEST, f"content length too large, want at most {self._limits.body_bytes_max} bytes"
            ) from error


class _Client:
    """One caller during one request: meets its faults."""

    def __init__(self, served: ServedChain, faults: ChainFaults) -> None:
        self._methods = Methods(
            ChainView(served.chain, faults.hide_newest_blocks),
            served.encoded_blocks,
            empty_logs=faults.empty_logs,
            empty_receipts=faults.empty_receipts,
        )
        self._error_rate = faults.error_rate
        self._random = served.random

    async def call(self, method: str, params: object) -> object:
        """The result of a call, or what its faults make of it. Raises JsonRpcError."""
        if self._error_rate and self._random.random() < self._error_rate:
            raise JsonRpcError(INTERNAL_ERROR, "internal error (a fault of the devnet)")
        return await self._methods.call(method, params)


def _validator(request: web.Request) -> int | None:
    text = request.match_info.get("index")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) < VALIDATORS_MAX):
        raise web.HTTPNotFound(text=f"validators are 0 to {VALIDATORS_MAX - 1}")
    return int(text)
