"""Two embedded chains that serve JSON-RPC and nothing else of theirs is used: as any chains that a person names.

Time is a manual clock, which moves with each block that `while_blocks_come` makes, and only while nobody waits for an
answer: so a slow machine is not taken for a slow chain.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import aiohttp

from bridge.chain.clock import ManualClock
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpReply, HttpTransport, Transport
from bridge.codec.types import Address, ChainId, UnixSeconds, Wei
from node.devnet.chains import Allocation, ChainSettings, ChainsSettings
from node.devnet.chains_local import LocalChains
from node.networks.accounts import Account, account_of
from node.networks.deploy import Deployer

ROOT, SIDE = "root", "side"
CHAIN_IDS = {ROOT: ChainId(71_001), SIDE: ChainId(71_002)}
PAYER = account_of(b"\x07" * 32)
FUNDS_WEI = Wei(1_000 * 10**18)

Result = TypeVar("Result")


class Counted:
    """HTTP, and how many requests are under way."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.in_flight = 0

    async def post(self, url: str, body: bytes, reply_bytes_max: int) -> HttpReply:
        """The reply."""
        self.in_flight += 1
        try:
            return await self._inner.post(url, body, reply_bytes_max)
        finally:
            self.in_flight -= 1


class Chains:
    """Both chains, reached over HTTP."""

    def __init__(self, local: LocalChains, clock: ManualClock, transport: Counted) -> None:
        """Use `two_chains`."""
        self.local = local
        self.clock = clock
        self.transport = transport
        self.said: list[str] = []
        self.root, self.side = self.reader(ROOT), self.reader(SIDE)

    def reader(self, name: str, transport: Transport | None = None) -> ChainReader:
        """Reads of a chain."""
        pool = RpcPool(name, [self.local.rpc_url(name)], CHAIN_IDS[name], transport or self.transport, self.clock)
        return ChainReader(pool)

    def deployer(self, name: str, account: Account = PAYER, transport: Transport | None = None) -> Deployer:
        """Somebody who deploys on a chain."""
        reader = self.reader(name, transport)
        return Deployer(name, account, CHAIN_IDS[name], reader, self.clock, self.said.append)

    async def while_blocks_come(
        self, work: Coroutine[Any, Any, Result], names: tuple[str, ...] = (ROOT, SIDE), waiting: int = 0
    ) -> Result:
        """Do something that waits for time and for blocks, which come once so many transactions wait."""
        working = asyncio.ensure_future(work)
        while not working.done():
            await asyncio.wait({working}, timeout=0.01)
            if self.transport.in_flight:
                continue
            for name in names:
                if self.local.chain(name).waiting_count >= waiting:
                    await self.local.mine(name)
            self.clock.advance(1)
        return await working


@asynccontextmanager
async def two_chains(*funded: Address) -> AsyncIterator[Chains]:
    """Chains that have only their genesis blocks."""
    clock = ManualClock()
    holders = tuple(Allocation(address, FUNDS_WEI) for address in (PAYER.address, *funded))
    root = ChainSettings(ROOT, CHAIN_IDS[ROOT], holders, UnixSeconds(int(clock.now()) - 60))
    side = replace(root, name=SIDE, chain_id=CHAIN_IDS[SIDE])
    local = await LocalChains.start(ChainsSettings((root, side)), clock)
    try:
        async with aiohttp.ClientSession() as session:
            yield Chains(local, clock, Counted(HttpTransport(session)))
    finally:
        await local.close()
