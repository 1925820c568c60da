"""One JSON-RPC URL: a body out and a reply in, with limits, and an error of ours for whatever comes back.

`RpcPool` is the one to use; this module knows nothing of other endpoints, retries or budgets. The URL may hold a key,
so only the `Endpoint` and its transport see it: errors, logs and reprs name the label, and where a node's own words
repeat a part of the URL, that part is cut out.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

import msgspec

from bridge.chain.breaker import Breaker
from bridge.chain.errors import (
    EndpointError,
    EndpointGarbage,
    EndpointStatus,
    EndpointTooLarge,
    EndpointUnreachable,
    RpcRefused,
)
from bridge.chain.transport import ConnectionFailed, ReplyTooLarge, Transport

MESSAGE_CHARACTERS_MAX = 300
"""Of a node's error message: it may hold a whole page of HTML."""

SECRET_CHARACTERS_MIN = 8
"""Shorter parts of a URL are taken for words such as "mainnet", not for keys."""


@dataclass(frozen=True, slots=True)
class RpcCall:
    """A method and its parameters, ready for JSON."""

    method: str
    params: Sequence[object] | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RpcAnswer:
    """The result of one call: parsed JSON of which nothing is checked yet. Null is None."""

    value: object


class EndpointState(Enum):
    """Whether an endpoint is used."""

    UNCHECKED = "unchecked"
    """Chain id and genesis were not asked since start or since the last pause."""
    READY = "ready"
    PAUSED = "paused"
    """The circuit breaker is open."""
    WRONG_CHAIN = "wrong_chain"


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """What metrics and status show of an endpoint. Holds no URL."""

    label: str
    state: EndpointState
    calls: int
    errors: tuple[tuple[str, int], ...]
    """(error code, how often), in the order of first appearance."""
    last_error: str


@dataclass(slots=True, repr=False)
class Endpoint:
    """A URL with its health. `post` and `post_batch` do the I/O; the pool decides when."""

    url: str
    label: str
    transport: Transport
    response_bytes_max: int
    batch_max: int
    """Calls in one request; halved when the node refuses a batch as a whole."""
    gate: asyncio.Semaphore
    """Requests in flight."""
    state: EndpointState = EndpointState.UNCHECKED
    breaker: Breaker = field(default_factory=Breaker)
    calls: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    last_error: str = ""

    def __repr__(self) -> str:
        """The label: a URL may hold a key."""
        return f"Endpoint({self.label})"

    def report(self) -> EndpointReport:
        """A copy for metrics."""
        return EndpointReport(self.label, self.state, self.calls, tuple(self.errors.items()), self.last_error)

    def count_error(self, error: EndpointError) -> None:
        """Remember a failure for metrics."""
        self.errors[error.code] += 1
        self.last_error = str(error)

    async def post(self, call: RpcCall) -> RpcAnswer:
        """Make one call. Raises EndpointError, or RpcRefused for a JSON-RPC error."""
        reply = await self._exchange({"jsonrpc": "2.0", "id": 1, "method": call.method, "params": call.params})
        answer = self._answer_of(reply, 1)
        if isinstance(answer, RpcRefused):
            raise answer
        return answer

    async def post_batch(self, calls: Sequence[RpcCall]) -> tuple[RpcAnswer | RpcRefused, ...]:
        """Make at most `batch_max` calls in one request; the answers come back in the order of the calls.

        Raises EndpointError when an answer is missing, doubled or foreign, RpcRefused when the whole batch is refused.
        """
        request = [
            {"jsonrpc": "2.0", "id": index, "method": call.method, "params": call.params}
            for index, call in enumerate(calls)
        ]
        reply = await self._exchange(request)
        if isinstance(reply, dict) and "error" in reply:
            raise self._refusal_of(reply["error"])
        if not isinstance(reply, list) or len(reply) != len(calls):
            raise EndpointGarbage(f"{self.label}: a batch of {len(calls)} was not answered with as many answers")
        answers: dict[int, RpcAnswer | RpcRefused] = {}
        for item in reply:
            identifier = item.get("id") if isinstance(item, dict) else None
            if type(identifier) is not int or not 0 <= identifier < len(calls) or identifier in answers:
                raise EndpointGarbage(f"{self.label}: a batch holds an answer to nothing that was asked")
            answers[identifier] = self._answer_of(item, identifier)
        return tuple(answers[index] for index in range(len(calls)))

    async def _exchange(self, request: object) -> object:
        async with self.gate:
            self.calls += 1
            body = await self._post_bytes(msgspec.json.encode(request))
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise EndpointGarbage(f"{self.label}: the body is not JSON") from None

    async def _post_bytes(self, body: bytes) -> bytes:
        try:
            reply = await self.transport.post(self.url, body, self.response_bytes_max)
        except ConnectionFailed as error:
            raise EndpointUnreachable(f"{self.label}: no connection ({error})") from None
        except ReplyTooLarge:
            raise EndpointTooLarge(f"{self.label}: an answer of more than {self.response_bytes_max} bytes") from None
        if reply.status != 200:
            raise EndpointStatus(f"{self.label}: HTTP status {reply.status}", reply.status)
        return reply.body

    def _answer_of(self, reply: object, identifier: int) -> RpcAnswer | RpcRefused:
        if (
            not isinstance(reply, dict)
            or reply.get("id") != identifier
            or ("result" in reply) == bool(reply.get("error"))
        ):
            raise EndpointGarbage(f"{self.label}: the body is not the JSON-RPC answer to what was asked")
        error = reply.get("error")
        return self._refusal_of(error) if error else RpcAnswer(reply["result"])

    def _refusal_of(self, error: object) -> RpcRefused:
        if not isinstance(error, dict):
            raise EndpointGarbage(f"{self.label}: the error of the answer is not an object")
        code, message = error.get("code"), error.get("message")
        if type(code) is not int or not isinstance(message, str):
            raise EndpointGarbage(f"{self.label}: the error of the answer has no code and message")
        for secret in _secrets_of(self.url):
            message = message.replace(secret, "…")
        return RpcRefused(code, message[:MESSAGE_CHARACTERS_MAX], error.get("data"))


def label_of(url: str, position: int) -> str:
    """A name for an endpoint: its host, and nothing that may be a secret. Raises ValueError, without the URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"endpoint {position}: the URL cannot be parsed") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"endpoint {position}: the URL must start with http:// or https:// and name a host")
    return f"{host}:{port}#{position}" if port else f"{host}#{position}"


def _secrets_of(url: str) -> list[str]:
    """What may be a key in a URL: whatever is long enough in it besides the host, longest first."""
    parts = urlsplit(url)
    words = re.split(r"[/?&=:;,]", "/".join((parts.username or "", parts.password or "", parts.path, parts.query)))
    return sorted((word for word in words if len(word) >= SECRET_CHARACTERS_MIN), key=len, reverse=True)
