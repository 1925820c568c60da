"""The chains of a devnet in this process: for tests on a manual clock, and as the inside of the child process."""

import asyncio
import errno
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from bridge.chain.clock import Clock
from bridge.codec.receipts import SUCCESS
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.devnet.chain import ChainGenesis, EmbeddedChainError
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chains import (
    HOST,
    MINE_BLOCKS_MAX,
    REORG_DEPTH_MAX,
    SUBMIT_BLOCKS_MAX,
    SUBMITTED_MAX,
    ChainCommandRefused,
    ChainSettings,
    ChainsSettings,
    ChainStatus,
    SubmittedTransaction,
    chain_url,
    endpoint_urls,
)
from node.devnet.miner import PeriodicMiner
from node.devnet.rpc.documents import RpcLimits
from node.devnet.rpc.faults import ChainFaults
from node.devnet.rpc.server import ServedChain, rpc_app
from node.devnet.settings import PortBusy

SHUTDOWN_TIMEOUT_S = 0.05
"""For requests in flight; a client of a devnet that ends gets no answer anyway."""


@dataclass(frozen=True, slots=True)
class _RunningChain:
    chain: EmbeddedChain
    served: ServedChain
    miner: PeriodicMiner
    runner: web.AppRunner
    rpc_url: str


class LocalChains:
    """The chains, opened and served. Blocks come periodically only while `run_miners` runs."""

    def __init__(self, running: dict[str, _RunningChain]) -> None:
        """Use `start`."""
        self._running = running

    @classmethod
    async def start(cls, settings: ChainsSettings, clock: Clock) -> Self:
        """Open the files and listen. Raises PortBusy, and ChainFileRefused for a file that is of another chain."""
        running: dict[str, _RunningChain] = {}
        started = cls(running)
        try:
            for chain in settings.chains:
                running[chain.name] = await _start_chain(chain, settings.seed, clock)
        except BaseException:
            await started.close()
            raise
        return started

    async def run_miners(self) -> None:
        """Make blocks periodically on every chain that has a block time; never returns."""
        async with asyncio.TaskGroup() as miners:
            for running in self._running.values():
                miners.create_task(running.miner.run())

    def chain(self, name: str) -> EmbeddedChain:
        """The chain itself, to look at in process."""
        return self._named(name).chain

    def rpc_url(self, name: str) -> str:
        """The true RPC of a chain, which has no faults."""
        return self._named(name).rpc_url

    def validator_urls(self, name: str, validator: int) -> tuple[str, str]:
        """The two RPC endpoints of one validator, which show it the faults set for it."""
        return endpoint_urls(self.rpc_url(name), validator)

    async def status(self, name: str) -> ChainStatus:
        """Where a chain stands."""
        running = self._named(name)
        head = running.chain.head
        return ChainStatus(head.number, head.hash, head.timestamp, running.miner.paused, running.chain.waiting_count)

    async def pause(self, name: str) -> ChainStatus:
        """Make no more blocks, except on demand."""
        self._named(name).miner.pause()
        return await self.status(name)

    async def resume(self, name: str) -> ChainStatus:
        """Make blocks periodically again."""
        self._named(name).miner.resume()
        return await self.status(name)

    async def mine(self, name: str, blocks: int = 1, timestamp: UnixSeconds | None = None) -> ChainStatus:
        """Make blocks at once. Raises ChainCommandRefused."""
        _check_range("blocks", blocks, MINE_BLOCKS_MAX)
        try:
            self._named(name).chain.mine(blocks, timestamp)
        except EmbeddedChainError as error:
            raise ChainCommandRefused(str(error)) from error
        return await self.status(name)

    async def reorg(self, name: str, depth: int) -> ChainStatus:
        """Replace the newest `depth` blocks by others and one more. Raises ChainCommandRefused."""
        _check_range("depth", depth, REORG_DEPTH_MAX)
        try:
            self._named(name).chain.reorg(depth)
        except EmbeddedChainError as error:
            raise ChainCommandRefused(str(error)) from error
        return await self.status(name)

    async def set_faults(self, name: str, faults: ChainFaults) -> ChainStatus:
        """From now on let the chain's RPC misbehave so."""
        self._named(name).served.faults.set(faults)
        return await self.status(name)

    async def submit(
        self, name: str, raw_transactions: Sequence[bytes], timestamp: UnixSeconds | None = None
    ) -> tuple[SubmittedTransaction, ...]:
        """Send transactions and make blocks until all are in one. Raises ChainCommandRefused."""
        _check_range("transactions", len(raw_transactions), SUBMITTED_MAX)
        chain = self._named(name).chain
        try:
            sent = [chain.send_raw(raw) for raw in raw_transactions]
            waiting = len(sent)
            for position in range(SUBMIT_BLOCKS_MAX):
                chain.mine(timestamp=None if timestamp is None else UnixSeconds(timestamp + position))
                waiting, before = sum(chain.waiting(each) is not None for each in sent), waiting
                if waiting in (0, before):
                    break
        except EmbeddedChainError as error:
            raise ChainCommandRefused(str(error)) from error
        return tuple(_submitted(chain, each) for each in sent)

    async def close(self) -> None:
        """Stop serving and close the files."""
        for running in self._running.values():
            await running.runner.cleanup()
            running.chain.close()
        self._running.clear()

    def _named(self, name: str) -> _RunningChain:
        if name not in self._running:
            raise ChainCommandRefused(f"there is no chain {name!r}; the chains are {', '.join(self._running)}")
        return self._running[name]


async def _start_chain(settings: ChainSettings, seed: int, clock: Clock) -> _RunningChain:
    chain = EmbeddedChain(
        settings.path,
        settings.chain_id,
        clock,
        ChainGenesis({each.address: each.balance_wei for each in settings.allocations}, settings.genesis_timestamp),
        safe_confirmations=settings.safe_confirmations,
        finalized_confirmations=settings.finalized_confirmations,
    )
    # Not for secrets: which calls fail must be the same for the same seed.
    served = ServedChain(chain, random.Random(f"{seed} {settings.name}"))  # noqa: S311
    app = rpc_app({settings.name: served}, clock, RpcLimits())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, settings.port).start()
    except OSError as error:
        await runner.cleanup()
        chain.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortBusy(
            f"port {settings.port} for the {settings.name} chain is taken: give another --api-port "
            "(the chains listen 100 and 101 above it), or --api-port 0 for free ports"
        ) from error
    port = runner.addresses[0][1]
    miner = PeriodicMiner(chain, settings.block_time_s, clock, paused=settings.paused)
    return _RunningChain(chain, served, miner, runner, chain_url(port, settings.name))


def _submitted(chain: EmbeddedChain, transaction_hash: Hash32) -> SubmittedTransaction:
    place = chain.mined(transaction_hash)
    if place is None:
        raise ChainCommandRefused(
            f"transaction 0x{transaction_hash.hex()} does not get into a block: see its fees, nonce and gas limit"
        )
    block, index = place.block, place.index
    succeeded = block.receipts[index].status_or_root == SUCCESS
    return SubmittedTransaction(transaction_hash, BlockNumber(block.header.number), succeeded, block.gas_used_by(index))


def _check_range(what: str, value: int, maximum: int) -> None:
    if not 1 <= value <= maximum:
        raise ChainCommandRefused(f"{what}: {value} is not from 1 to {maximum}")
