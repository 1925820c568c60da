"""What the tests of one chain share: a session, a clock that stands still, a tiny chain behind a real server."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bridge.chain.clock import ManualClock
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.types import ChainId
from tests.unit.chain.rpc_server import RpcServer
from tests.unit.chain.tiny_chain import CHAIN_ID, TinyChain


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def chain() -> TinyChain:
    return TinyChain()


@pytest.fixture
async def server(chain: TinyChain) -> AsyncIterator[RpcServer]:
    async with RpcServer(chain.answer) as one:
        yield one


@pytest.fixture
async def other(chain: TinyChain) -> AsyncIterator[RpcServer]:
    """A second endpoint of the same chain."""
    async with RpcServer(chain.answer) as one:
        yield one


@pytest.fixture
def pool(server: RpcServer, session: aiohttp.ClientSession, clock: ManualClock) -> RpcPool:
    return RpcPool("tiny", [server.url], ChainId(CHAIN_ID), HttpTransport(session), clock)


@pytest.fixture
def reader(pool: RpcPool) -> ChainReader:
    return ChainReader(pool)
