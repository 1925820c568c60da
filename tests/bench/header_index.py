"""How long a proof server takes to learn of all checkpoints, on a made-up root chain served by a process of its own."""

import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from bridge.burns.header_index import HeaderIndexer
from bridge.burns.views import RootView
from bridge.chain.clock import SystemClock
from bridge.chain.header_store import MemoryHeaderStore
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.types import BlockNumber, ChainId
from node.store.header_index import SqliteHeaderIndex
from tests.bench.rows import Row, seconds
from tests.bench.sizes import Sizes
from tests.unit.burns.long_root import CHAIN_ID, FIRST_BLOCK, ROOT_CHAIN, LongRoot, confirm_head
from tests.unit.chain.rpc_server import RpcServer

WINDOWS = (10**9, 10_000, 10)
"""The longest range of blocks that the endpoint takes for logs."""


def measure(sizes: Sizes) -> Iterator[Row]:
    """Catching up with all checkpoints, for each window that endpoints allow."""
    for window in WINDOWS:
        chain = LongRoot(sizes.index_checkpoints, window_max=window)
        took_s, megabytes = _caught_up(chain)
        allowed = "any" if window == WINDOWS[0] else f"{window:,}"
        yield Row(
            f"finding {chain.checkpoints:,} checkpoints in {chain.head:,} blocks, {allowed} blocks at a time",
            f"{seconds(took_s)}, {megabytes} MB in all",
            "none",
            None,
            "",
        )


def _caught_up(chain: LongRoot) -> tuple[float, int]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, chain))
    server.start()
    try:
        return asyncio.run(_catch_up(chain, str(ours.recv())))
    finally:
        ours.send("stop")
        server.join()


def _serve(pipe: Connection, chain: LongRoot) -> None:
    async def run() -> None:
        async with RpcServer(chain.answer) as server:
            pipe.send(server.url)
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


async def _catch_up(chain: LongRoot, url: str) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as directory:
        store = SqliteHeaderIndex(Path(directory) / "index.db", b"contract")
        async with aiohttp.ClientSession() as session:
            pool = RpcPool("root", (url,), ChainId(CHAIN_ID), HttpTransport(session), SystemClock())
            headers = MemoryHeaderStore()
            confirm_head(headers, chain)
            view = RootView("root", ChainReader(pool), headers, ROOT_CHAIN)
            indexer = HeaderIndexer(view, store, BlockNumber(FIRST_BLOCK))
            started_s = time.perf_counter()
            while await indexer.run_once():
                pass
            took_s = time.perf_counter() - started_s
        store.close()
    if len(indexer.index) != chain.checkpoints:
        raise AssertionError(f"{len(indexer.index)} of {chain.checkpoints} checkpoints were found")
    return took_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
