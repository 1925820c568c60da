"""The application's network of validators, whose engine is a chain of real headers, and a node that tells of both.

The node answers over HTTP as CometBFT's RPC does; `tamper` changes what it answers.
"""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
from aiohttp import web

from bridge.chain.clock import ManualClock
from bridge.chain.transport import HttpTransport
from bridge.codec.consensus import BlockId, BlockIdFlag
from bridge.codec.light_block import CommitSig, Header, LightBlock
from bridge.light.client import LightClient
from bridge.light.rpc import STATE_PROOF_TYPE, NodeRpc
from bridge.light.trust import Trusted, TrustRules
from bridge.light.values import validator_json
from node.app.abci import FinalizeBlockResponse, QueryRequest, QueryResponse
from node.app.apphash import STATE_SHAPE
from tests.unit.app.network import Network
from tests.unit.light.chain import GENESIS_NS, Chain, Member

Tamper = Callable[[str, dict[str, Any], Any], Any]
"""Of a method, its parameters and the true result: what is answered."""
RULES = TrustRules(trusting_period_s=24 * 3_600)


class AgreedNetwork(Network):
    """A network whose every block has a header that its validators signed."""

    def __init__(self) -> None:
        super().__init__()
        powers = {member.id: member.power for member in self.state.validators.tally_set}
        self.members = [Member(one.key.private, powers[one.id]) for one in self.validators]
        self.chain = Chain(self.members, chain_id=self.genesis.name)
        self._app_hash = self.app.committed.app_hash

    def block(self, *transactions: bytes, seconds: float = 0.5) -> FinalizeBlockResponse:
        """A block of the application, and the engine's, which has the app hash of the state before."""
        response = super().block(*transactions, seconds=seconds)
        self.chain.add(self._app_hash, time_ns=self.time_ms * 1_000_000)
        self._app_hash = response.app_hash
        return response


class State(Protocol):
    """What answers queries of the state: an application."""

    def query(self, request: QueryRequest) -> QueryResponse:
        """The answer."""
        ...


class Node:
    """What one node of a network answers."""

    def __init__(self, chain: Chain, app: State | None = None) -> None:
        self.chain = chain
        self.app = app
        self.tamper: Tamper = lambda _method, _params, result: result
        self.asked: list[str] = []

    def answer(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a call, or None where CometBFT has an error."""
        self.asked.append(method)
        height = int(params.get("height") or 0) or self.chain.height
        if method == "abci_query":
            return self.tamper(method, params, self._query(params["path"]))
        if not 1 <= height <= self.chain.height:
            return None
        block = self.chain.block(height)
        result = commit_json(block) if method == "commit" else validators_json(block, params)
        return self.tamper(method, params, result)

    def _query(self, path: str) -> dict[str, Any]:
        assert self.app is not None
        answer = self.app.query(QueryRequest(path, prove=True))
        op = {"type": STATE_PROOF_TYPE, "key": b64(answer.key), "data": b64(b"".join(answer.proof))}
        response = {"code": answer.code, "log": answer.log, "info": "", "index": "0", "key": b64(answer.key)}
        response |= {"value": b64(answer.value) if answer.value else None, "height": str(answer.height)}
        return {"response": response | {"proofOps": {"ops": [op]} if answer.proof else None, "codespace": ""}}


@asynccontextmanager
async def served(node: Node) -> AsyncIterator[str]:
    """The URL of a node that listens on loopback."""

    async def post(request: web.Request) -> web.Response:
        call = await request.json()
        result = node.answer(call["method"], call["params"])
        if result is None:
            error = {"code": -32603, "message": "Internal error", "data": "height must be less than or equal to"}
            return web.json_response({"jsonrpc": "2.0", "id": call["id"], "error": error}, status=500)
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": result})

    app = web.Application()
    app.router.add_post("/{path:.*}", post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class SteppingClock(ManualClock):
    """A clock that a sleep moves on, whereupon something may happen."""

    def __init__(self, now_ns: int, then: Callable[[], object] = lambda: None) -> None:
        super().__init__(now_ns / 1e9)
        self.then = then
        self.sleeps = 0

    async def sleep(self, delay_s: float) -> None:
        """Return at once, later."""
        self.sleeps += 1
        self.advance(delay_s)
        self.then()


@asynccontextmanager
async def light_client(
    trusted: Trusted, *nodes: Node, clock: ManualClock | None = None, rules: TrustRules = RULES
) -> AsyncIterator[LightClient]:
    """A client of served nodes, the first of them primary; its clock shows the time of the primary's newest block."""
    primary, *witnesses = nodes
    clock = clock or SteppingClock(max(primary.chain.time_ns, GENESIS_NS) + 10**9)
    async with aiohttp.ClientSession() as session:
        transport = HttpTransport(session)
        async with served(primary) as url:
            urls = [url]
            open_servers = [served(witness) for witness in witnesses]
            try:
                urls += [await server.__aenter__() for server in open_servers]
                first, *others = (NodeRpc(one, place, transport) for place, one in enumerate(urls))
                yield LightClient(trusted, first, tuple(others), STATE_SHAPE, rules, clock)
            finally:
                for server in open_servers:
                    await server.__aexit__(None, None, None)


def commit_json(block: LightBlock) -> dict[str, Any]:
    """What `commit` answers."""
    commit = {
        "height": str(block.commit.height),
        "round": block.commit.round,
        "block_id": block_id_json(block.commit.block_id),
        "signatures": [commit_sig_json(entry) for entry in block.commit.signatures],
    }
    return {"signed_header": {"header": header_json(block.header), "commit": commit}, "canonical": True}


def validators_json(block: LightBlock, params: dict[str, Any]) -> dict[str, Any]:
    """What `validators` answers for a page."""
    page, per_page = int(params["page"]), int(params["per_page"])
    chosen = block.validators[(page - 1) * per_page : page * per_page]
    return {
        "block_height": str(block.header.height),
        "validators": [
            {"address": one.address.hex().upper(), **validator_json(one), "proposer_priority": "0"} for one in chosen
        ],
        "count": str(len(chosen)),
        "total": str(len(block.validators)),
    }


def header_json(header: Header) -> dict[str, Any]:
    """A header as CometBFT writes it."""
    return {
        "version": {"block": str(header.block_version), "app": str(header.app_version)},
        "chain_id": header.chain_id,
        "height": str(header.height),
        "time": time_json(header.time_ns),
        "last_block_id": block_id_json(header.last_block_id),
        "last_commit_hash": header.last_commit_hash.hex().upper(),
        "data_hash": header.data_hash.hex().upper(),
        "validators_hash": header.validators_hash.hex().upper(),
        "next_validators_hash": header.next_validators_hash.hex().upper(),
        "consensus_hash": header.consensus_hash.hex().upper(),
        "app_hash": header.app_hash.hex().upper(),
        "last_results_hash": header.last_results_hash.hex().upper(),
        "evidence_hash": header.evidence_hash.hex().upper(),
        "proposer_address": header.proposer.hex().upper(),
    }


def block_id_json(block_id: BlockId | None) -> dict[str, Any]:
    """A block id, empty for none."""
    if block_id is None:
        return {"hash": "", "parts": {"total": 0, "hash": ""}}
    parts = {"total": block_id.parts_total, "hash": block_id.parts_hash.hex().upper()}
    return {"hash": block_id.hash.hex().upper(), "parts": parts}


def commit_sig_json(entry: CommitSig) -> dict[str, Any]:
    """An entry of a commit."""
    if entry.flag is BlockIdFlag.ABSENT:
        absent = {"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z"}
        return {**absent, "signature": None}
    return {
        "block_id_flag": int(entry.flag),
        "validator_address": (entry.validator or b"").hex().upper(),
        "timestamp": time_json(entry.time_ns),
        "signature": b64(entry.signature),
    }


def time_json(time_ns: int) -> str:
    """A time of RFC 3339 as Go writes it: without trailing zeros."""
    seconds, nanoseconds = divmod(time_ns, 10**9)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def b64(data: bytes) -> str:
    """Base64 text."""
    return base64.b64encode(data).decode()
