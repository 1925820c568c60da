"""Burns and their proofs from two chains' RPC URLs.

    async with Bridge.connect(side_rpc=[url], root_rpc=[url], root_chain="0x…", root_chain_manager="0x…") as bridge:
        report = await bridge.wait_until_ready(transaction)
        proof = await bridge.proof(transaction, log_index=1)

Every answer is that of the burn service (`bridge.burns`), so it is verified in the same way; docs/python.md.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Literal

import aiohttp

from bridge.burns.errors import BurnNotReady, Busy, CannotTell
from bridge.burns.keeping import Keep
from bridge.burns.ranges import FetchedBlocks, StoredBlocks
from bridge.burns.report import BurnProof, BurnsReport
from bridge.burns.service import BurnService
from bridge.burns.views import ExitContracts, RootView, SideView
from bridge.chain.clock import Clock, SystemClock
from bridge.chain.connect import connect
from bridge.chain.errors import ChainError
from bridge.chain.headers import Confirmations
from bridge.chain.reader import ChainReader
from bridge.chain.transport import HttpTransport, Transport
from bridge.client.arguments import as_address, as_hash
from bridge.client.near_head import NearHead
from bridge.client.watching import LOOK_EVERY_S_MIN, is_over, is_ready, look_again_s, refuse_hopeless

Confirmed = int | Literal["safe", "finalized"]
"""Blocks upon a block until it counts; or the tag that says so."""

ROOT_NAME = "root"
FAILED_LOOKS_MAX = 10
"""In a row, while watching."""


class Bridge:
    """One side chain and one root chain. `connect` makes it; nothing is kept after it is left."""

    def __init__(self, side: NearHead, root: NearHead, service: BurnService, clock: Clock) -> None:
        self._side = side
        self._root = root
        self._service = service
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        *,
        side_rpc: Sequence[str],
        root_rpc: Sequence[str],
        root_chain: str | bytes,
        root_chain_manager: str | bytes | None = None,
        exits: ExitContracts | None = None,
        side_confirmed: Confirmed = "finalized",
        root_confirmed: Confirmed = "finalized",
        keep: Keep | None = None,
        clock: Clock | None = None,
    ) -> "AsyncIterator[Bridge]":
        """Reach both chains; of several URLs each further one is asked when those before it fail or are caught lying.

        `root_chain` holds the checkpoints; `root_chain_manager` pays PoS burns out. Without it burns are proved but
        nobody is asked whether they are exited. `exits` names further contracts, of Plasma and of message tunnels.
        What is under `side_confirmed` or `root_confirmed` counts: a number of blocks, or the chain's own tag.
        `keep` saves calls if it outlives this. Raises CannotTell when a chain is not reached, ValueError for
        arguments that cannot be.
        """
        clock = clock or SystemClock()
        contracts = exits or ExitContracts()
        if root_chain_manager is not None:
            manager = as_address(root_chain_manager, "root_chain_manager")
            contracts = replace(contracts, root_chain_manager=manager)
        checkpoints = as_address(root_chain, "root_chain")
        async with aiohttp.ClientSession() as session:
            transport = HttpTransport(session)
            side = NearHead(await _reader("side", side_rpc, transport, clock), _rule(side_confirmed), clock)
            root = NearHead(await _reader(ROOT_NAME, root_rpc, transport, clock), _rule(root_confirmed), clock)
            reader = side.reader.twin()
            view = SideView(reader, side.store, (StoredBlocks(side.store), FetchedBlocks(reader)))
            root_view = RootView(ROOT_NAME, root.reader.twin(), root.store, checkpoints, contracts)
            service = BurnService(view, (root_view,), clock, keep=keep)
            try:
                yield cls(side, root, service, clock)
            finally:
                await service.close()

    async def burns(self, transaction: str | bytes) -> BurnsReport:
        """Every burn of a side-chain transaction with its status. Raises CannotTell, EndpointFault, Busy."""
        hash_ = as_hash(transaction, "transaction")
        await self._look()
        return await self._service.burns(hash_)

    async def proof(self, transaction: str | bytes, log_index: int | None = None) -> BurnProof:
        """The verified exit payload of one burn; `log_index` counts the receipt's logs, and is needed among several.

        Raises any BurnError: BurnNotReady, with what is still missing, before a confirmed checkpoint holds it.
        """
        hash_ = as_hash(transaction, "transaction")
        await self._look()
        return await self._service.proof(hash_, log_index)

    async def watch(self, transaction: str | bytes) -> AsyncGenerator[BurnsReport, None]:
        """The report now, and again whenever more has changed than the time; it ends when nothing more can come.

        How often the chains are looked at follows from how long the burn is expected to take. What cannot be read for
        a while is read later; raises CannotTell or Busy when that does not help, and EndpointFault.
        """
        version = ""
        async with aclosing(self._looks(transaction)) as looks:
            async for report in looks:
                if report.version != version:
                    version = report.version
                    yield report
                if is_over(report):
                    return

    async def wait_until_ready(
        self, transaction: str | bytes, log_index: int | None = None, timeout_s: float | None = None
    ) -> BurnsReport:
        """The report once the proof of the burn at `log_index`, or of every burn, can be had.

        Raises BurnNotReady when `timeout_s` is over, BurnNotFound for a transaction that burns nothing or does not
        appear within two minutes, LogNotABurn, and what `watch` raises.
        """
        began_s = self._clock.monotonic()
        deadline_s = None if timeout_s is None else began_s + timeout_s
        async with aclosing(self._looks(transaction, deadline_s)) as looks:
            async for report in looks:
                if is_ready(report, log_index):
                    return report
                refuse_hopeless(report, log_index, self._clock.monotonic() - began_s)
                latest = report
        raise BurnNotReady(f"not ready within {timeout_s:g} s: {latest.text}", latest.status, latest.to_go)

    async def _looks(
        self, transaction: str | bytes, deadline_s: float | None = None
    ) -> AsyncGenerator[BurnsReport, None]:
        """One report after another, the last at the deadline; at least one."""
        failures = 0
        while True:
            pause_s = LOOK_EVERY_S_MIN
            try:
                report = await self.burns(transaction)
            except (CannotTell, Busy):
                failures += 1
                if failures == FAILED_LOOKS_MAX:
                    raise
            else:
                failures = 0
                yield report
                left_s = math.inf if deadline_s is None else deadline_s - self._clock.monotonic()
                if left_s <= 0:
                    return
                pause_s = min(look_again_s(report), left_s)
            await self._clock.sleep(pause_s)

    async def _look(self) -> None:
        await asyncio.gather(self._side.look(), self._root.look())


async def _reader(name: str, urls: Sequence[str], transport: Transport, clock: Clock) -> ChainReader:
    try:
        return await connect(name, urls, transport, clock)
    except ChainError as error:
        raise CannotTell(f"the {name} chain is not reached: {error}") from error


def _rule(confirmed: Confirmed) -> Confirmations:
    if isinstance(confirmed, str):
        return Confirmations(tag=confirmed)
    if confirmed < 0:
        raise ValueError(f"{confirmed} blocks upon a block cannot be")
    return Confirmations(depth=confirmed)
