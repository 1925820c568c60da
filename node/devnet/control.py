"""The control URL of a devnet: a person or a test makes trouble through it.

It listens on loopback only and asks for the bearer token that devnet.json holds. Every answer is JSON; a refusal is
`{"error": {"code", "message"}}`.
"""

import hmac
import json
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from node.devnet.chains import MINE_BLOCKS_MAX, REORG_DEPTH_MAX, ChainCommandRefused
from node.devnet.rpc.faults import ChainFaults

BODY_BYTES_MAX = 4096
LATENCY_MS_MAX = 60_000
HIDE_BLOCKS_MAX = 10_000

_HTTP_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "BODY_TOO_LARGE"}
"""What aiohttp refuses by itself; not by its reason phrases, which differ between releases of Python."""


class Controlled(Protocol):
    """What can be controlled; the devnet is one."""

    @property
    def validator_count(self) -> int:
        """How many validators there are."""
        ...

    @property
    def chain_names(self) -> tuple[str, ...]:
        """The chains: `side`, and the root chains by name."""
        ...

    def pause_validator(self, index: int) -> None:
        """Stop a validator's duties, mempool and votes; its API stays up."""
        ...

    def resume_validator(self, index: int) -> None:
        """Undo a pause."""
        ...

    async def pause_chain(self, name: str) -> None:
        """Stop making blocks."""
        ...

    async def resume_chain(self, name: str) -> None:
        """Make blocks again."""
        ...

    async def mine(self, name: str, blocks: int) -> int:
        """Make blocks at once; the new head's number."""
        ...

    async def reorg(self, name: str, depth: int) -> int:
        """Replace the newest `depth` blocks by others and one more; the new head's number."""
        ...

    async def set_faults(self, name: str, faults: ChainFaults) -> None:
        """From now on let the chain's RPC misbehave so."""
        ...


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def control_app(controlled: Controlled, token: str) -> web.Application:
    """The aiohttp application of the control URL."""
    handlers = _Handlers(controlled)
    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_guard(token)])
    app.add_routes(
        [
            web.post("/validators/{index}/pause", handlers.pause_validator),
            web.post("/validators/{index}/resume", handlers.resume_validator),
            web.post("/chains/{name}/pause", handlers.pause_chain),
            web.post("/chains/{name}/resume", handlers.resume_chain),
            web.post("/chains/{name}/mine", handlers.mine),
            web.post("/chains/{name}/reorg", handlers.reorg),
            web.put("/chains/{name}/faults", handlers.set_faults),
        ]
    )
    return app


def _guard(token: str) -> Middleware:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if not hmac.compare_digest(request.headers.get("Authorization", "").encode(errors="replace"), expected):
                raise _Refused(
                    401, "UNAUTHORIZED", "send 'Authorization: Bearer TOKEN' with control_token of devnet.json"
                )
            return await handler(request)
        except _Refused as refusal:
            return _error(refusal.status, refusal.code, str(refusal))
        except ChainCommandRefused as refusal:
            return _error(409, refusal.code, str(refusal))
        except web.HTTPException as refusal:
            return _error(
                refusal.status,
                _HTTP_CODES.get(refusal.status, f"HTTP_{refusal.status}"),
                f"{request.method} {request.path}: {refusal.reason}",
            )

    return guard


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


class _Handlers:
    def __init__(self, controlled: Controlled) -> None:
        self._controlled = controlled

    async def pause_validator(self, request: web.Request) -> web.Response:
        index = self._validator(request)
        self._controlled.pause_validator(index)
        return web.json_response({"validator": index, "paused": True})

    async def resume_validator(self, request: web.Request) -> web.Response:
        index = self._validator(request)
        self._controlled.resume_validator(index)
        return web.json_response({"validator": index, "paused": False})

    async def pause_chain(self, request: web.Request) -> web.Response:
        name = self._chain(request)
        await self._controlled.pause_chain(name)
        return web.json_response({"chain": name, "paused": True})

    async def resume_chain(self, request: web.Request) -> web.Response:
        name = self._chain(request)
        await self._controlled.resume_chain(name)
        return web.json_response({"chain": name, "paused": False})

    async def mine(self, request: web.Request) -> web.Response:
        name, blocks = self._chain(request), _query_integer(request, "blocks", MINE_BLOCKS_MAX)
        return web.json_response({"chain": name, "head": await self._controlled.mine(name, blocks)})

    async def reorg(self, request: web.Request) -> web.Response:
        name, depth = self._chain(request), _query_integer(request, "depth", REORG_DEPTH_MAX)
        return web.json_response({"chain": name, "head": await self._controlled.reorg(name, depth)})

    async def set_faults(self, request: web.Request) -> web.Response:
        name = self._chain(request)
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            raise _Refused(400, "BAD_BODY", "the body must be a JSON object") from None
        faults = _faults_of(body, self._controlled.validator_count)
        await self._controlled.set_faults(name, faults)
        return web.json_response({"chain": name, "faults": body})

    def _validator(self, request: web.Request) -> int:
        text, count = request.match_info["index"], self._controlled.validator_count
        if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) < count):
            raise _Refused(404, "UNKNOWN_VALIDATOR", f"there are validators 0 to {count - 1}")
        return int(text)

    def _chain(self, request: web.Request) -> str:
        name, names = request.match_info["name"], self._controlled.chain_names
        if name not in names:
            raise _Refused(404, "UNKNOWN_CHAIN", f"the chains are {', '.join(names)}")
        return name


def _query_integer(request: web.Request, name: str, maximum: int) -> int:
    text = request.query.get(name, "1")
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= maximum):
        raise _Refused(400, "BAD_PARAMETER", f"{name} must be a whole number from 1 to {maximum}")
    return int(text)


def _faults_of(body: object, validator_count: int) -> ChainFaults:
    if not isinstance(body, dict):
        raise _Refused(400, "BAD_BODY", "the body must be a JSON object")
    known = set(ChainFaults.__dataclass_fields__)
    if unknown := set(map(str, body)) - known:
        raise _Refused(400, "BAD_BODY", f"unknown {sorted(unknown)}; known are {sorted(known)}")
    validator = body.get("validator")
    if validator is not None:
        validator = _integer(body, "validator", validator_count - 1)
    rate = body.get("error_rate", 0.0)
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise _Refused(400, "BAD_BODY", "error_rate must be a number from 0 to 1")
    return ChainFaults(
        validator=validator,
        latency_ms=_integer(body, "latency_ms", LATENCY_MS_MAX),
        error_rate=float(rate),
        hide_newest_blocks=_integer(body, "hide_newest_blocks", HIDE_BLOCKS_MAX),
        empty_logs=_truth(body, "empty_logs"),
        empty_receipts=_truth(body, "empty_receipts"),
    )


def _integer(body: dict[str, object], name: str, maximum: int) -> int:
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
        raise _Refused(400, "BAD_BODY", f"{name} must be a whole number from 0 to {maximum}")
    return value


def _truth(body: dict[str, object], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise _Refused(400, "BAD_BODY", f"{name} must be true or false")
    return value
