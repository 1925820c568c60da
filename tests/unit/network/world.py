"""A new devnet's chains after the bootstrap, in this process, on a manual clock: real EVMs, contracts and sockets."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bridge.chain.clock import ManualClock
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import Address
from config.presets import RootContracts, devnet_network, devnet_root_chain
from node.app.genesis import Genesis
from node.devnet.accounts import draw_accounts
from node.devnet.bootstrap import ROOT, SIDE, Bootstrap, contracts_of, deployment_plan
from node.devnet.chains_local import LocalChains
from node.devnet.homes import DevnetFiles
from node.devnet.network import ROOT_CHAIN_ID, SIDE_CHAIN_ID, chains_settings
from node.devnet.ports import Ports
from node.devnet.relayer import DepositRelayer
from node.devnet.settings import DevnetSettings
from node.devnet.wallet import Wallet
from node.networks.accounts import Account
from node.networks.genesis import read_genesis


class Chains:
    """Both chains, who acts on them, and where the contracts are."""

    def __init__(self, local: LocalChains, session: aiohttp.ClientSession, clock: ManualClock, validators: int) -> None:
        """Use `bootstrapped`."""
        self.local = local
        self.clock = clock
        self.accounts = draw_accounts(0, validators)
        self.plan = deployment_plan(self.accounts, SIDE_CHAIN_ID, DataForm.BOUND)
        self.contracts = contracts_of(self.plan)
        self.root = ChainReader(RpcPool(ROOT, (local.rpc_url(ROOT),), ROOT_CHAIN_ID, HttpTransport(session), clock))
        self.side = ChainReader(RpcPool(SIDE, (local.rpc_url(SIDE),), SIDE_CHAIN_ID, HttpTransport(session), clock))
        there = self.contracts.root
        self.parameters = devnet_root_chain(
            ROOT,
            ROOT_CHAIN_ID,
            SIDE_CHAIN_ID,
            RootContracts(there.root_chain, there.staking_info, there.stake_manager),
            DataForm.BOUND,
        )

    async def bootstrap(self) -> None:
        """Give both chains their past."""
        maker = Bootstrap(self.local, self.root, ROOT_CHAIN_ID, SIDE_CHAIN_ID, self.accounts)
        await maker.run(self.plan, self.contracts, self.parameters.confirmations)

    async def genesis(self) -> Genesis:
        """The genesis as the contracts have it now."""
        keys = tuple(account.public_key for account in self.accounts.signers)
        now_s = int(self.clock.now())
        network = devnet_network(SIDE_CHAIN_ID)
        return await read_genesis("test", network, self.parameters, self.root, keys, now_s)  # type: ignore[arg-type]  # seconds

    def wallet(self, account: Account, chain: str) -> Wallet:
        """An account on one of the chains."""
        reader, chain_id = (self.side, SIDE_CHAIN_ID) if chain == SIDE else (self.root, ROOT_CHAIN_ID)
        return Wallet(account, chain_id, reader, self.clock)

    def relayer(self) -> DepositRelayer:
        """The relayer, as after a start."""
        return DepositRelayer(
            self.root,
            self.contracts.root.state_sender,
            self.wallet(self.accounts.relayer, SIDE),
            self.contracts.receivers,
            self.parameters.confirmations,
        )

    async def while_blocks_come(self, work: Coroutine[None, None, None]) -> None:
        """Do something that waits for blocks and for time."""
        working = asyncio.ensure_future(work)
        while not working.done():
            for name in (ROOT, SIDE):
                await self.local.mine(name)
            self.clock.advance(1)
            await asyncio.wait({working}, timeout=0.01)
        await working

    async def tokens(self, holder: Address, chain: str = SIDE) -> int:
        """An account's demo tokens in wei."""
        token = self.contracts.side.demo_token if chain == SIDE else self.contracts.root.demo_token
        reader = self.side if chain == SIDE else self.root
        return int.from_bytes(await reader.call(token, encode_call("balanceOf(address)", holder)))


@asynccontextmanager
async def bootstrapped(home: Path, session: aiohttp.ClientSession, validators: int = 4) -> AsyncIterator[Chains]:
    """Chains with contracts, stakes and deposits."""
    clock = ManualClock()
    settings = DevnetSettings(home, validators, api_port=0)
    ports = Ports((0,) * validators, 0, 0, 0)
    local = await LocalChains.start(chains_settings(settings, DevnetFiles(home), ports, clock, periodic=False), clock)
    try:
        chains = Chains(local, session, clock, validators)
        await chains.bootstrap()
        yield chains
    finally:
        await local.close()
