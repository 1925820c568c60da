"""JSON-RPC documents: one call or a batch, from bytes to bytes, within limits. Whatever carries them is elsewhere."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from node.devnet.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    RESPONSE_TOO_LARGE,
    JsonRpcError,
)

ID_CHARACTERS_MAX = 128
NESTING_MAX = 256

_STRUCTURE = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)

log = logging.getLogger(__name__)

CallMethod = Callable[[str, object], Awaitable[object]]
"""Method and params to the result, ready for JSON. Raises JsonRpcError."""


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """What one request may be, and how many there may be at once."""

    body_bytes_max: int = 5 * 1024 * 1024
    batch_max: int = 1_000
    response_bytes_max: int = 32 * 1024 * 1024
    requests_in_flight_max: int = 256


def parse_document(body: bytes) -> object:
    """The JSON of a request's body. Raises JsonRpcError."""
    if _is_too_deep(body):
        raise JsonRpcError(PARSE_ERROR, f"parse error: nested deeper than {NESTING_MAX}")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JsonRpcError(PARSE_ERROR, "parse error: the body is not JSON") from error


async def answer_document(document: object, call_method: CallMethod, limits: RpcLimits) -> bytes:
    """The answer to a call or a batch; empty where only notifications came. Raises JsonRpcError for no such thing."""
    if not isinstance(document, list):
        return _limited(await _answer(document, call_method), 0, limits)
    if not document:
        raise JsonRpcError(INVALID_REQUEST, "empty batch")
    if len(document) > limits.batch_max:
        raise JsonRpcError(INVALID_REQUEST, f"batch too large, want at most {limits.batch_max} calls")
    answers: list[bytes] = []
    size = 0
    for item in document:
        answer = _limited(await _answer(item, call_method), size, limits)
        if answer:
            answers.append(answer)
            size += len(answer)
        await asyncio.sleep(0)  # others, and the miner, come between the calls of a batch
    return b"[" + b",".join(answers) + b"]" if answers else b""


def error_body(call_id: object, error: JsonRpcError) -> bytes:
    """A call's answer that is an error."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "error": error.fields()})


@dataclass(frozen=True, slots=True)
class _Answer:
    id: object
    body: bytes
    """Empty for a notification."""


async def _answer(call: object, call_method: CallMethod) -> _Answer:
    call_id = call.get("id") if isinstance(call, dict) else None
    if not _is_id(call_id):
        call_id = None
    try:
        result = await _result(call, call_method)
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": call_id, "result": result})
    except JsonRpcError as error:
        body = error_body(call_id, error)
    except Exception:
        # The edge towards clients: a bug costs one call and is logged, and the chains go on.
        log.exception("a JSON-RPC call failed by a bug")
        body = error_body(call_id, JsonRpcError(INTERNAL_ERROR, "internal error"))
    is_notification = isinstance(call, dict) and "id" not in call and "method" in call
    return _Answer(call_id, b"" if is_notification else body)


async def _result(call: object, call_method: CallMethod) -> object:
    if not isinstance(call, dict) or not isinstance(call.get("method"), str) or not _is_id(call.get("id")):
        raise JsonRpcError(INVALID_REQUEST, "invalid request")
    if call.get("jsonrpc") != "2.0":
        raise JsonRpcError(INVALID_REQUEST, 'invalid request: "jsonrpc" must be "2.0"')
    return await call_method(call["method"], call.get("params"))


def _limited(answer: _Answer, size_before: int, limits: RpcLimits) -> bytes:
    limit = limits.response_bytes_max
    if size_before + len(answer.body) <= limit:
        return answer.body
    return error_body(answer.id, JsonRpcError(RESPONSE_TOO_LARGE, f"response too large, over {limit} bytes"))


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
