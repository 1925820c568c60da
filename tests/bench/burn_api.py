"""Burn services over the chains of `burn_chains`, and the process that serves one by HTTP.

`python -m tests.bench.burn_api URL BLOCKS TRANSACTIONS…` prints its port and ends when its standard input closes. It
has what a validator has in steady state: the root chain's checkpoints are agreed on, the ranges kept on disk. One
client may ask as fast as it likes.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bridge.burns.blocks import pack_blocks
from bridge.burns.keeping import Keep, KeepKind
from bridge.burns.ranges import FetchedBlocks
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.service import BurnService
from bridge.burns.views import RootView, SideView
from bridge.chain.clock import SystemClock
from bridge.chain.header_parsing import stored_header
from bridge.chain.header_store import HeaderChange, MemoryHeaderStore, StoredHeader
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.types import ZERO_HASH, BlockNumber, UnixSeconds
from node.api.layers import layered_app
from node.api.metrics import NodeMetrics
from node.api.metrics_table import Facts
from node.api.routes_burns import BurnRoutes
from node.api.serving import HttpServer
from node.api.settings import ApiSettings
from node.store.burn_keep import BurnKeep
from tests.bench.burn_chains import CHAIN_ID, CHECKPOINTS, ROOT_CHAIN, Burns, make_burns
from tests.bench.prepared_server import Served, announce, served

ROOT = "root"
KEEP_BYTES = 64 * 1024 * 1024
UNLIMITED_PER_S = 1e9
AFTER_ALL_CHECKPOINTS = UnixSeconds(2**32)


class Book:
    """The checkpoints that validators agreed on."""

    is_agreed = True

    def __init__(self, burns: Sequence[Burns]) -> None:
        self._checkpoints = tuple(one.checkpoint for one in burns)

    def holding(self, number: BlockNumber) -> CheckpointOnRoot | None:
        """The checkpoint with this block."""
        return next((one for one in self._checkpoints if one.holds(number)), None)

    def latest(self, count: int) -> tuple[CheckpointOnRoot, ...]:
        """The last ones, newest first."""
        return self._checkpoints[::-1][:count]


def burn_service(url: str, session: aiohttp.ClientSession, burns: Sequence[Burns], keep: Keep) -> BurnService:
    """A service whose followers have seen the heads of both chains, and hold no other header."""
    clock, transport = SystemClock(), HttpTransport(session)
    side, root = (ChainReader(RpcPool(name, [url], CHAIN_ID, transport, clock)) for name in ("side", ROOT))
    views = (RootView(ROOT, root, _headers_up_to(0), ROOT_CHAIN, book=Book(burns)),)
    confirmed = CHECKPOINTS * len(burns[0].headers)
    return BurnService(SideView(side, _headers_up_to(confirmed), (FetchedBlocks(side),)), views, clock, keep=keep)


def keep_ranges(keep: Keep, burns: Sequence[Burns]) -> None:
    """Put every checkpoint's blocks where the service finds them."""
    for one in burns:
        under = one.checkpoint
        rows = pack_blocks(under.start, map(stored_header, one.headers)).rows
        keep.put(KeepKind.RANGE, under.root + under.start.to_bytes(8) + under.end.to_bytes(8), rows)


def served_burn_api(url: str, blocks: int, transactions: Sequence[int]) -> AbstractContextManager[Served]:
    """The API over the chains at a URL, in a child process."""
    return served("tests.bench.burn_api", url, blocks, *transactions)


def _headers_up_to(number: int) -> MemoryHeaderStore:
    store = MemoryHeaderStore()
    header = StoredHeader(BlockNumber(number), ZERO_HASH, ZERO_HASH, AFTER_ALL_CHECKPOINTS, ZERO_HASH, ZERO_HASH, b"")
    store.apply(HeaderChange(append=(header,), confirmed=header.number))
    return store


def _no_facts() -> Facts:
    raise NotImplementedError("nobody asks for the metrics")


async def _serve(url: str, burns: Sequence[Burns]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        keep = BurnKeep(Path(directory) / "burns.db", KEEP_BYTES)
        keep_ranges(keep, burns)
        async with aiohttp.ClientSession() as session:
            settings = ApiSettings(port=0, requests_per_client_per_s=UNLIMITED_PER_S)
            app = layered_app(settings, NodeMetrics(_no_facts).count_request)
            for route in BurnRoutes(burn_service(url, session, burns, keep), lambda: None).routes():
                app.router.add_get(route.path, route.handler)
            port = urlsplit(await HttpServer(app, settings).start()).port
            assert port is not None
            announce(port)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], make_burns(int(sys.argv[2]), [int(count) for count in sys.argv[3:]])))
