"""Headers from JSON-RPC into local.db, against a client that only downloads the same batches."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec

from bridge.chain.clock import SystemClock
from bridge.chain.headers import BATCH_HEADERS, BATCHES_IN_FLIGHT, Confirmations, HeaderFollower
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.types import BlockNumber
from node.store.local import LocalStore
from tests.bench.header_server import CHAIN_ID, served_headers
from tests.bench.rows import Row, at_least, per_second
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_awaited_s

GETH_MICROSECONDS = 37
"""Of a header: geth 1.16.3 gave 1,000 headers, in four batches at a time, in 37.0 ms."""


def measure(sizes: Sizes) -> Iterator[Row]:
    """One row with a node as fast as geth, one with a server that has nothing to do but send."""
    count = sizes.ingest_headers
    for node, microseconds in (("a node of geth's speed", GETH_MICROSECONDS), ("a server without work", 0)):
        ours_s, bare_s, parsed_s = asyncio.run(_times_s(count, microseconds, sizes.ingest_repeats))
        ratio = bare_s / ours_s
        yield Row(
            f"header ingest from {node}",
            per_second(count, ours_s, "headers"),
            f"download alone: {per_second(count, bare_s, 'headers')}",
            ratio,
            f"download and JSON: {per_second(count, parsed_s, 'headers')}",
            at_least(0.8, ratio),
        )


async def _times_s(count: int, microseconds: int, repeats: int) -> tuple[float, ...]:
    """Ingest, download, and download with parsed JSON."""
    with served_headers(count, microseconds) as server:
        url = server.url
        async with aiohttp.ClientSession() as session:
            return await fastest_awaited_s(
                repeats,
                lambda: _ingest(url, session, count),
                lambda: _download(url, session, count, parse=False),
                lambda: _download(url, session, count, parse=True),
            )


async def _ingest(url: str, session: aiohttp.ClientSession, count: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        store = LocalStore(Path(home) / "local.db")
        reader = ChainReader(RpcPool("side", [url], CHAIN_ID, HttpTransport(session), SystemClock()))
        follower = HeaderFollower(reader, store.headers("side"), Confirmations(2), BlockNumber(0), keep_blooms=False)
        while (await follower.advance()).more:
            pass
        head = follower.head
        store.close()
    assert head is not None
    assert head.number == count - 1


async def _download(url: str, session: aiohttp.ClientSession, count: int, *, parse: bool) -> None:
    """The follower's requests, as many at a time, their answers read and dropped."""
    starts = iter(range(0, count, BATCH_HEADERS))

    async def fetch() -> None:
        for start in starts:
            numbers = range(start, min(start + BATCH_HEADERS, count))
            body = msgspec.json.encode([_call(index, number) for index, number in enumerate(numbers)])
            async with session.post(url, data=body) as response:
                answer = await response.read()
            if parse:
                msgspec.json.decode(answer)

    await asyncio.gather(*(fetch() for _ in range(BATCHES_IN_FLIGHT)))


def _call(identifier: int, number: int) -> dict[str, object]:
    params = (hex(number), False)
    return {"jsonrpc": "2.0", "id": identifier, "method": "eth_getBlockByNumber", "params": params}
