"""What the tests of the chains share: a clock that stands still, two chains behind real servers, a client."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chains_local import LocalChains
from tests.unit.devnet.client import Client
from tests.unit.devnet.world import WatchedClock, chains_settings


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock()


@pytest.fixture
async def chains(clock: WatchedClock) -> AsyncIterator[LocalChains]:
    started = await LocalChains.start(chains_settings(), clock)
    yield started
    await started.close()


@pytest.fixture
def chain(chains: LocalChains) -> EmbeddedChain:
    return chains.chain("root")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


@pytest.fixture
def client(chains: LocalChains, session: aiohttp.ClientSession) -> Client:
    """At the bare URL of the root chain."""
    return Client(session, chains.rpc_url("root"))


@pytest.fixture
def validator_0(chains: LocalChains, session: aiohttp.ClientSession) -> Client:
    """At the first endpoint of validator 0 on the root chain."""
    return Client(session, chains.validator_urls("root", 0)[0])
