"""What a new localnet is made of: its chains, the contracts on them, homes, and money for people to play with.

All kinds of chains are used alike, over JSON-RPC. Embedded ones make a block whenever one is waited for meanwhile; they
begin a minute ago, so that blocks a second apart stay in the past.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bridge.chain.clock import SystemClock
from bridge.chain.transport import HttpTransport, Transport
from bridge.codec.checkpoint import DataForm
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address, UnixSeconds, Wei
from config.file import load_home, write_config
from config.presets import DEVNET_ROOT_BLOCK_S, DEVNET_SIDE_BLOCK_S
from config.table import RpcUrl
from contracts import calls
from contracts.deployment import DeploymentStep, RootContracts
from node.app.state import WEI_PER_TOKEN
from node.devnet.bootstrap import DEPOSIT_WEI, ROOT, SIDE
from node.devnet.chains import Allocation, ChainSettings, ChainsSettings, chain_url, endpoint_urls
from node.devnet.chains_process import ChainsProcess
from node.devnet.description import ChainPlace, ControlPlace, Description, ValidatorPlace
from node.devnet.network import BACK_DATED_S, FUNDS_WEI, ROOT_CHAIN_ID, SIDE_CHAIN_ID, TOKEN_BYTES
from node.devnet.ports import HOST
from node.keys.keystore import DEVNET
from node.localnet.anvil import fund, start_anvils
from node.localnet.files import LocalnetFiles
from node.localnet.served import ServedChains, write_served
from node.localnet.settings import LocalnetSettings
from node.networks.accounts import Account, new_account, read_account
from node.networks.connect import Connected, connect
from node.networks.contracts_file import read_contracts
from node.networks.deploy import Deployer, Say, funding
from node.networks.testnet import SUBMISSION_WEI as GIVEN_SUBMISSION_WEI
from node.networks.testnet import Adopt, Deploy, Testnet, TestnetSettings, make_testnet
from node.store.files import write_private

PEOPLE = 5
PEOPLE_WEI = Wei(10 * WEI_PER_TOKEN)
"""For each of the accounts that people play with, on each chain of our own."""
GIVEN_PEOPLE_WEI = Wei(WEI_PER_TOKEN // 10)
"""The same on the side chain alone where the chains are somebody else's: enough for transfers and burns."""
SUBMISSION_WEI = Wei(WEI_PER_TOKEN)
"""For each submission account, on chains of our own."""
BLOCK_EVERY_S = 0.1
"""While an embedded localnet is made."""

Result = TypeVar("Result")


async def make(files: LocalnetFiles, settings: LocalnetSettings, say: Say) -> None:
    """Make everything but what runs later; localnet.json is written last.

    Raises LocalnetError, NetworkError, DevnetError, ChainError, and what keys and files raise.
    """
    files.clear()
    clock = SystemClock()
    async with AsyncExitStack() as cleanup:
        session = await cleanup.enter_async_context(aiohttp.ClientSession())
        transport = HttpTransport(session)
        maker = _Maker(files, settings, transport, say)
        if settings.chains == "embedded":
            payer = maker.own_payer()
            served = _embedded(files, settings, payer.address, UnixSeconds(int(clock.now()) - BACK_DATED_S))
            on_demand = tuple(replace(chain, block_time_s=None) for chain in served.chains.chains)
            chains = await ChainsProcess.start(replace(served.chains, chains=on_demand))
            cleanup.push_async_callback(chains.close)
            description = await _while_blocks_come(chains, maker.network(payer))
            control = ControlPlace(f"http://{HOST}:{served.control_port}", served.control_token)
            write_served(files, served)
            description = replace(description, control=control)
        elif settings.chains == "anvil":
            payer = maker.own_payer()
            await start_anvils(files, settings, transport, clock)
            for url in (*maker.root_urls, *maker.side_urls):
                await fund(transport, clock, url, payer.address, FUNDS_WEI)
            description = await maker.network(payer)
        else:
            key_file = settings.funded_key_file
            description = await maker.network(None if key_file is None else read_account(Path(key_file)))
    write_private(files.description, description.to_json().encode())


class _Maker:
    """The part that is the same on all kinds of chains."""

    def __init__(self, files: LocalnetFiles, settings: LocalnetSettings, transport: Transport, say: Say) -> None:
        self._files = files
        self._settings = settings
        self._transport = transport
        self._say = say
        self.root_urls, self.side_urls = settings.root_urls, settings.side_urls
        if settings.chains == "embedded":
            self.root_urls = (chain_url(settings.root_port, ROOT),)
            self.side_urls = (chain_url(settings.side_port, SIDE),)
        elif settings.chains == "anvil":
            self.root_urls = (f"http://{HOST}:{settings.root_port}",)
            self.side_urls = (f"http://{HOST}:{settings.side_port}",)

    def own_payer(self) -> Account:
        """A new account, whose key is kept for whoever relays deposits later."""
        payer = new_account(secrets.token_bytes)
        write_private(self._files.payer, f"{to_hex(payer.private_key)}\n".encode())
        return payer

    async def network(self, payer: Account | None) -> Description:
        """Contracts, homes and people."""
        clock, settings = SystemClock(), self._settings
        made = await make_testnet(self._testnet_settings(payer), self._transport, clock, self._say)
        root = await connect("root", self.root_urls, self._transport, clock)
        side = await connect("side", self.side_urls, self._transport, clock)
        people: tuple[Account, ...] = ()
        if settings.traffic and settings.contracts_file is None and payer is not None:
            people = tuple(new_account(secrets.token_bytes) for _ in range(PEOPLE))
            on_root, on_side = (
                Deployer(chain.name, payer, chain.chain_id, chain.reader, clock, self._say) for chain in (root, side)
            )
            addresses = [person.address for person in people]
            is_own = settings.chains != "given"
            exit_money = funding(addresses, PEOPLE_WEI) if is_own else ()
            async with asyncio.TaskGroup() as both:
                both.create_task(on_root.send((*_deposits(made, payer.address, people), *exit_money)))
                both.create_task(on_side.send(funding(addresses, PEOPLE_WEI if is_own else GIVEN_PEOPLE_WEI)))
        if settings.chains == "embedded":
            self._give_own_endpoints(made)
        return _described(made, root, side, people)

    def _testnet_settings(self, payer: Account | None) -> TestnetSettings:
        settings = self._settings
        way: Deploy | Adopt
        if settings.contracts_file is not None and settings.keystores and settings.password_file:
            contracts = read_contracts(Path(settings.contracts_file))
            keystores, password_file = Path(settings.keystores), Path(settings.password_file)
            way = Adopt(contracts, keystores, password_file, payer, settings.validators)
        elif payer is not None:
            way = Deploy(payer, settings.validators, DataForm[settings.data_form.upper()])
        else:
            raise AssertionError("the command asks for a key, or for contracts with keystores")
        return TestnetSettings(
            output=self._files.validators,
            root_urls=self.root_urls,
            side_urls=self.side_urls,
            way=way,
            name=f"sidewarden-localnet-{secrets.token_hex(4)}",
            funds_wei=GIVEN_SUBMISSION_WEI if settings.chains == "given" else SUBMISSION_WEI,
            api_port=settings.api_port,
            p2p_port=settings.p2p_port,
            keystore_cost=DEVNET,
        )

    def _give_own_endpoints(self, made: Testnet) -> None:
        """Two URLs of its own for each validator, which show it the faults set for it alone."""
        for index, member in enumerate(made.members):
            config = load_home(member.home).config
            side_urls = tuple(map(RpcUrl, endpoint_urls(self.side_urls[0], index)))
            root_urls = tuple(map(RpcUrl, endpoint_urls(self.root_urls[0], index)))
            root_chains = tuple(replace(chain, rpc_urls=root_urls) for chain in config.root_chains)
            side_chain = replace(config.side_chain, rpc_urls=side_urls)
            write_config(member.home, replace(config, side_chain=side_chain, root_chains=root_chains))


def _deposits(made: Testnet, payer: Address, people: tuple[Account, ...]) -> tuple[DeploymentStep, ...]:
    """DemoToken of the root chain, to be credited to people on the side chain."""
    contracts = RootContracts.from_names(made.contracts.on_root)
    steps = [calls.mint(contracts.demo_token, payer, Wei(DEPOSIT_WEI * len(people)))]
    for person in people:
        steps += calls.deposit(contracts, person.address, DEPOSIT_WEI)
    return tuple(steps)


def _described(made: Testnet, root: Connected, side: Connected, people: tuple[Account, ...]) -> Description:
    return Description(
        side_chain=ChainPlace("side", side.chain_id, side.urls[0], made.contracts.on_side),
        root_chain=ChainPlace("root", root.chain_id, root.urls[0], made.contracts.on_root),
        validators=tuple(
            ValidatorPlace(member.signer, f"http://{HOST}:{member.place.api_port}", str(member.home))
            for member in made.members
        ),
        accounts=people,
        control=None,
    )


def _embedded(files: LocalnetFiles, settings: LocalnetSettings, payer: Address, began: UnixSeconds) -> ServedChains:
    files.chains.mkdir(mode=0o700, parents=True)

    def chain(name: str, chain_id: Any, port: int, block_time_s: int) -> ChainSettings:
        return ChainSettings(
            name=name,
            chain_id=chain_id,
            allocations=(Allocation(payer, FUNDS_WEI),),
            genesis_timestamp=began,
            path=files.chains / f"{name}.db",
            port=port,
            block_time_s=block_time_s,
        )

    chains = ChainsSettings(
        (
            chain(ROOT, ROOT_CHAIN_ID, settings.root_port, DEVNET_ROOT_BLOCK_S),
            chain(SIDE, SIDE_CHAIN_ID, settings.side_port, DEVNET_SIDE_BLOCK_S),
        )
    )
    return ServedChains(chains, settings.validators, settings.control_port, secrets.token_hex(TOKEN_BYTES))


async def _while_blocks_come(chains: ChainsProcess, work: Coroutine[Any, Any, Result]) -> Result:
    """Do something that waits for blocks on chains that make them on demand."""
    working = asyncio.ensure_future(work)
    try:
        while not working.done():
            for name in (ROOT, SIDE):
                head = await chains.status(name)
                await chains.mine(name, 1, UnixSeconds(head.head_timestamp + 1))
            await asyncio.wait({working}, timeout=BLOCK_EVERY_S)
        return await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
