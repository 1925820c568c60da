"""HTTP around the methods: `POST /{chain}` bare, and `POST /{chain}/v/{index}/{a|b}` for a validator, with its faults.

A refusal is a JSON-RPC error under HTTP status 200, as geth answers, whatever was sent. Only an unknown path or another
method than POST gets an HTTP status of its own.
"""

import asyncio
import logging
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from bridge.chain.clock import Clock
from node.devnet.chain import EmbeddedChain
from node.devnet.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    LIMIT_EXCEEDED,
    PARSE_ERROR,
    RESPONSE_TOO_LARGE,
    JsonRpcError,
)
from node.devnet.rpc.faults import ChainFaults, FaultTable
from node.devnet.rpc.methods import Methods
from node.devnet.rpc.view import ChainView

VALIDATORS_MAX = 32
ID_CHARACTERS_MAX = 128
NESTING_MAX = 256

_STRUCTURE = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """What one request may be, and how many there may be at once."""

    body_bytes_max: int = 5 * 1024 * 1024
    batch_max: int = 1_000
    response_bytes_max: int = 32 * 1024 * 1024
    requests_in_flight_max: int = 256


@dataclass(frozen=True, slots=True)
class ServedChain:
    """A chain with its faults; `random` decides which calls fail at an error rate."""

    chain: EmbeddedChain
    random: random.Random
    faults: FaultTable = field(default_factory=FaultTable)


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
            body = await self._answer_document(_Client(served, faults), document)
        except JsonRpcError as error:
            body = _error(None, error)
        finally:
            self._in_flight -= 1
        return web.Response(body=body, content_type="application/json")

    async def _read(self, request: web.Request) -> object:
        if request.content_type != "application/json":
            # A browser can send other types across origins without asking, this one not.
            raise JsonRpcError(INVALID_REQUEST, "invalid content type, only application/json is supported")
        try:
            body = await request.read()
            if _is_too_deep(body):
                raise JsonRpcError(PARSE_ERROR, f"parse error: nested deeper than {NESTING_MAX}")
            return msgspec.json.decode(body)
        except web.HTTPRequestEntityTooLarge as error:
            raise JsonRpcError(
                INVALID_REQUEST, f"content length too large, want at most {self._limits.body_bytes_max} bytes"
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise JsonRpcError(PARSE_ERROR, "parse error: the body is not JSON") from error

    async def _answer_document(self, client: "_Client", document: object) -> bytes:
        if not isinstance(document, list):
            return self._limited(await client.answer(document), 0)
        if not document:
            raise JsonRpcError(INVALID_REQUEST, "empty batch")
        if len(document) > self._limits.batch_max:
            raise JsonRpcError(INVALID_REQUEST, f"batch too large, want at most {self._limits.batch_max} calls")
        answers: list[bytes] = []
        size = 0
        for item in document:
            answer = self._limited(await client.answer(item), size)
            if answer:
                answers.append(answer)
                size += len(answer)
            await asyncio.sleep(0)  # others, and the miner, come between the calls of a batch
        return b"[" + b",".join(answers) + b"]" if answers else b""

    def _limited(self, answer: "_Answer", size_before: int) -> bytes:
        if size_before + len(answer.body) <= self._limits.response_bytes_max:
            return answer.body
        limit = self._limits.response_bytes_max
        return _error(answer.id, JsonRpcError(RESPONSE_TOO_LARGE, f"response too large, over {limit} bytes"))


@dataclass(frozen=True, slots=True)
class _Answer:
    id: object
    body: bytes
    """Empty for a notification."""


class _Client:
    """One caller during one request: meets its faults."""

    def __init__(self, served: ServedChain, faults: ChainFaults) -> None:
        self._methods = Methods(ChainView(served.chain, faults.hide_newest_blocks), faults)
        self._error_rate = faults.error_rate
        self._random = served.random

    async def answer(self, call: object) -> _Answer:
        call_id = call.get("id") if isinstance(call, dict) else None
        if not _is_id(call_id):
            call_id = None
        try:
            result = await self._result(call)
            body = msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "result": result})
        except JsonRpcError as error:
            body = _error(call_id, error)
        except Exception:
            # The edge towards clients: a bug costs one call and is logged, and the chains go on.
            log.exception("a JSON-RPC call failed by a bug")
            body = _error(call_id, JsonRpcError(INTERNAL_ERROR, "internal error"))
        is_notification = isinstance(call, dict) and "id" not in call and "method" in call
        return _Answer(call_id, b"" if is_notification else body)

    async def _result(self, call: object) -> object:
        if not isinstance(call, dict) or not isinstance(call.get("method"), str) or not _is_id(call.get("id")):
            raise JsonRpcError(INVALID_REQUEST, "invalid request")
        if call.get("jsonrpc") != "2.0":
            raise JsonRpcError(INVALID_REQUEST, 'invalid request: "jsonrpc" must be "2.0"')
        if self._error_rate and self._random.random() < self._error_rate:
            raise JsonRpcError(INTERNAL_ERROR, "internal error (a fault of the devnet)")
        return await self._methods.call(call["method"], call.get("params"))


def _is_too_deep(body: bytes) -> bool:
    """Whether arrays and objects nest too deep to be parsed.

    A parser written in C is kept from overflowing its stack by Python's recursion limit, which py-evm raises beyond
    what the stack holds.
    """
    if body.count(b"[") + body.count(b"{") <= NESTING_MAX:
        return False
    depth, in_string = 0, False
    for match in _STRUCTURE.finditer(body):
        token = match[0]
        if token == b'"':
            in_string = not in_string
        elif not in_string and token in (b"[", b"{"):
            depth += 1
            if depth > NESTING_MAX:
                return True
        elif not in_string and token in (b"]", b"}"):
            depth -= 1
    return False


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= ID_CHARACTERS_MAX
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**64)


def _error(call_id: object, error: JsonRpcError) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "error": error.fields()})


def _validator(request: web.Request) -> int | None:
    text = request.match_info.get("index")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) < VALIDATORS_MAX):
        raise web.HTTPNotFound(text=f"validators are 0 to {VALIDATORS_MAX - 1}")
    return int(text)
