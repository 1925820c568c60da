"""Proof servers over the chains of a burn world, each with its API on a port of its own."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import aiohttp

from bridge.chain.transport import HttpTransport
from bridge.codec.abi import encode_values
from bridge.codec.events import NEW_HEADER_BLOCK_TOPIC
from bridge.codec.hexadecimal import checksum_address, from_quantity, quantity, to_hex
from bridge.codec.types import Hash32
from config.proof_server import parse_proof_server
from node.api.serving import HttpServer
from node.proof_server.application import create_app
from node.proof_server.server import ProofServer
from tests.unit.api.client import Json, check
from tests.unit.burns.world import CONFIRMATIONS, MANAGER, PROPOSER, ROOT_CHAIN, Root, World, topic


@dataclass(frozen=True, slots=True)
class Served:
    """A proof server with its URL."""

    server: ProofServer
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, Json, Mapping[str, str]]:
        """Status, JSON and headers of an answer, which is held against openapi.yaml."""
        async with self.session.get(self.url + path) as response:
            body = cast(Json, await response.json())
            check(path, response.status, response.content_type, body)
            return response.status, body, response.headers


@asynccontextmanager
async def served(world: World, cache_dir: Path | None = None) -> AsyncIterator[Served]:
    """A server that has not looked at the chains yet."""
    finality = {"finality": "depth", "confirmations": CONFIRMATIONS}
    root = {
        "name": "root0",
        "rpc_urls": [world.root_servers[0].url],
        "root_chain": checksum_address(ROOT_CHAIN),
        "root_chain_manager": checksum_address(MANAGER),
        **finality,
    }
    table: dict[str, object] = {
        "side_chain": {"rpc_urls": [world.side_server.url], **finality},
        "root_chains": [root],
        "api": {"port": 0},
        **({} if cache_dir is None else {"cache_dir": str(cache_dir)}),
    }
    config = parse_proof_server(table, Path("/"))
    world.root_servers[0].answer = with_logs(world.root)
    async with aiohttp.ClientSession() as session:
        server = ProofServer(config, HttpTransport(session), world.clock)
        http = HttpServer(create_app(server, config.api.settings), config.api.settings)
        try:
            yield Served(server, await http.start(), session)
        finally:
            await http.close()
            await server.close()


async def look(world: World, *servers: Served) -> None:
    """Let so much time pass that each server looks at its chains again, and let it."""
    world.clock.advance(60)
    for one in servers:
        await one.server.run_once()


def with_logs(root: Root) -> Callable[[str, list[object]], object]:
    """A root chain's answers, with the logs of its RootChain."""

    def answer(method: str, params: list[object]) -> object:
        if method != "eth_getLogs":
            return root.answer(method, params)
        query = params[0]
        assert isinstance(query, dict)
        blocks = range(from_quantity(query["fromBlock"]), from_quantity(query["toBlock"]) + 1)
        return [
            {
                "address": to_hex(ROOT_CHAIN),
                "topics": [
                    to_hex(word)
                    for word in (
                        NEW_HEADER_BLOCK_TOPIC,
                        topic(PROPOSER),
                        Hash32((number * 10_000).to_bytes(32)),
                        Hash32(bytes(32)),
                    )
                ],
                "data": to_hex(encode_values(("uint256", "uint256", "bytes32"), (one.start, one.end, one.root))),
                "blockNumber": quantity(one.since),
                "logIndex": "0x0",
                "transactionHash": to_hex(one.root),
            }
            for number, one in enumerate(root.checkpoints, start=1)
            if one.since in blocks
        ]

    return answer
