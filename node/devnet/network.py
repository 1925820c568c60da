"""A devnet that is up: two chains, the local engine, validators with their APIs, and the control URL.

devnet = await Devnet.start(settings, clock, start_chains)
await devnet.run()           # until cancelled; tests step engine and validators by themselves instead
await devnet.close()
"""

import errno
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from typing import Self

import aiohttp
from aiohttp import web

from bridge.chain.clock import Clock
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport, Transport
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import Address, ChainId, UnixSeconds, Wei
from config.burns import Exits
from config.file import Home, load_home
from config.presets import DEVNET_ROOT_BLOCK_S, DEVNET_SIDE_BLOCK_S, devnet_network, devnet_root_chain
from config.presets import RootContracts as PresetContracts
from config.table import RpcUrl
from node.api.server import ApiServer
from node.app.genesis import Genesis, genesis_hash
from node.app.genesis_file import genesis_from_json, genesis_to_json
from node.app.opened import TransactionOpener
from node.devnet.accounts import draw_accounts
from node.devnet.bootstrap import ROOT, SIDE, Bootstrap, contracts_of, deployment_plan, with_bridges
from node.devnet.chains import Allocation, Chains, ChainSettings, ChainsSettings
from node.devnet.control import control_app
from node.devnet.description import ChainPlace, ControlPlace, Description, ValidatorPlace
from node.devnet.engine import CometDevnetEngine, DevnetEngine, LocalDevnetEngine
from node.devnet.homes import (
    DevnetFiles,
    ValidatorEndpoints,
    engine_config,
    make_validator_keys,
    write_true_port,
    write_validator_config,
)
from node.devnet.ports import HOST, Ports, choose_ports, port_busy
from node.devnet.relayer import DepositRelayer
from node.devnet.rpc.faults import ChainFaults
from node.devnet.settings import DevnetSettings, PortBusy, remember_settings
from node.devnet.traffic import DemoTraffic
from node.devnet.wallet import Wallet
from node.duties.propose import ProposalMaker
from node.duties.supervisor import Duty, Supervisor
from node.engine.comet.process import find_binary
from node.engine.local.block_store import BlockStore
from node.engine.local.engine import LocalEngine
from node.networks.accounts import Account
from node.networks.genesis import feed_filter, read_genesis
from node.store.files import write_private
from node.store.lock import HomeLock
from node.validator.home import OpenHome, local_engine, open_home
from node.validator.together import run_together
from node.validator.validator import Validator

ROOT_CHAIN_ID = ChainId(190_001)
SIDE_CHAIN_ID = ChainId(190_002)
FUNDS_WEI = Wei(10_000 * 10**18)
"""Of each account, on both chains."""
BACK_DATED_S = 60
"""How long before now the chains begin, so that bootstrap blocks a second apart stay in the past."""
TOKEN_BYTES = 16
HELPERS_POLL_S = 0.25

StartChains = Callable[[ChainsSettings], Awaitable[Chains]]
"""How the chains come up: in a child process, or in this one."""


@dataclass(frozen=True, slots=True)
class DevnetOptions:
    """What only tests choose."""

    periodic_blocks: bool = True
    """Whether the chains make blocks by themselves; else only on demand."""
    proposal_makers: tuple[ProposalMaker | None, ...] = ()
    """Per validator, what it proposes; None or left out: what the rules ask for."""
    staking_info: Address | None = None
    """Whose logs a new network takes for staking's, if not StakingInfo's."""

    def proposal_maker(self, index: int) -> ProposalMaker | None:
        """What a validator proposes, if not what the rules ask for."""
        return self.proposal_makers[index] if index < len(self.proposal_makers) else None


class Devnet:
    """Everything of one devnet; it is what the control URL controls."""

    def __init__(
        self,
        settings: DevnetSettings,
        clock: Clock,
        transport: Transport,
        chains: Chains,
        cleanup: AsyncExitStack,
    ) -> None:
        """Use `start`."""
        self.settings = settings
        self.files = DevnetFiles(settings.home)
        self.accounts = draw_accounts(settings.seed, settings.validators)
        self.plan = deployment_plan(self.accounts, SIDE_CHAIN_ID, DataForm[settings.data_form.upper()])
        bridged = settings.bridges
        self.contracts = with_bridges(self.plan, self.accounts) if bridged else contracts_of(self.plan)
        self.chains = chains
        self.side = ChainReader(RpcPool(SIDE, (chains.rpc_url(SIDE),), SIDE_CHAIN_ID, transport, clock))
        self.root = ChainReader(RpcPool(ROOT, (chains.rpc_url(ROOT),), ROOT_CHAIN_ID, transport, clock))
        self.validators: tuple[Validator, ...] = ()
        self.api_urls: tuple[str, ...] = ()
        self.genesis: Genesis
        self.engine: DevnetEngine
        self._clock = clock
        self._transport = transport
        self._cleanup = cleanup
        self._is_new = not self.files.genesis.exists()

    @classmethod
    async def start(
        cls,
        settings: DevnetSettings,
        clock: Clock,
        start_chains: StartChains,
        options: DevnetOptions = DevnetOptions(),
    ) -> Self:
        """Bring everything up on a home, new or used. Raises DevnetError, KeystoreError, StoreError, HaltError."""
        async with AsyncExitStack() as cleanup:
            cleanup.callback(HomeLock(settings.home).release)
            remember_settings(settings)
            files = DevnetFiles(settings.home)
            if not files.genesis.exists():
                files.clear()
            ports = choose_ports(
                settings.api_port, settings.validators, files.description, comet=settings.engine == "comet"
            )
            if settings.engine == "comet":
                find_binary("")  # before anything is made
            asked = chains_settings(settings, files, ports, clock, periodic=options.periodic_blocks)
            chains = await start_chains(asked)
            cleanup.push_async_callback(chains.close)
            session = await cleanup.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
            devnet = cls(settings, clock, HttpTransport(session), chains, cleanup)
            await devnet._come_up(ports, options)
            devnet._cleanup = cleanup.pop_all()
        return devnet

    async def run(self) -> None:
        """Make blocks, do all duties, relay deposits and send demo traffic, until cancelled. Raises HaltError."""
        for name in self.chain_names:
            await self.chains.resume(name)
        helpers = Supervisor(self.helpers(), self._clock, HELPERS_POLL_S)
        await run_together(self.engine.run(), *(validator.run() for validator in self.validators), helpers.run())

    @property
    def local_engine(self) -> LocalEngine:
        """The local engine of a devnet that has it, for tests that step it."""
        if not isinstance(self.engine, LocalDevnetEngine):
            raise AssertionError("this devnet runs on CometBFT")
        return self.engine.engine

    def helpers(self) -> tuple[Duty, ...]:
        """What runs beside the validators: the deposit relayer, and demo traffic unless it was turned off."""
        accounts, contracts = self.accounts, self.contracts
        relayer = DepositRelayer(
            self.root,
            contracts.root.state_sender,
            self.wallet(accounts.relayer, SIDE),
            contracts.receivers,
            self.genesis.root_chains[0].parameters.confirmations,
        )
        if not self.settings.traffic:
            return (relayer,)
        # The first demo account is left to the exit that the devnet shows, so that its nonces are counted once.
        wallets = tuple(self.wallet(account, SIDE) for account in accounts.demo[1:])
        source = random.Random(self.settings.seed)  # noqa: S311 - demo traffic, the same for the same seed
        return (relayer, DemoTraffic(self.side, wallets, contracts.side.demo_token, source))

    def wallet(self, account: Account, chain: str) -> Wallet:
        """An account on one of the chains."""
        on_side = chain == SIDE
        reader, chain_id = (self.side, SIDE_CHAIN_ID) if on_side else (self.root, ROOT_CHAIN_ID)
        return Wallet(account, chain_id, reader, self._clock)

    async def close(self) -> None:
        """Stop serving and let go of all files, in the reverse order of `start`."""
        await self._cleanup.aclose()

    # What the control URL does

    @property
    def validator_count(self) -> int:
        """How many validators there are."""
        return len(self.validators)

    @property
    def chain_names(self) -> tuple[str, ...]:
        """The chains."""
        return (ROOT, SIDE)

    def pause_validator(self, index: int) -> None:
        """Stop a validator's duties, mempool and votes; its API stays up."""
        self.engine.pause(index)

    def resume_validator(self, index: int) -> None:
        """Undo a pause."""
        self.engine.resume(index)
        self.validators[index].supervisor.wake()

    async def pause_chain(self, name: str) -> None:
        """Stop making blocks."""
        await self.chains.pause(name)

    async def resume_chain(self, name: str) -> None:
        """Make blocks again."""
        await self.chains.resume(name)

    async def mine(self, name: str, blocks: int) -> int:
        """Make blocks at once; the new head's number."""
        return (await self.chains.mine(name, blocks)).head_number

    async def reorg(self, name: str, depth: int) -> int:
        """Replace the newest blocks; the new head's number."""
        return (await self.chains.reorg(name, depth)).head_number

    async def set_faults(self, name: str, faults: ChainFaults) -> None:
        """From now on let the chain's RPC misbehave so."""
        await self.chains.set_faults(name, faults)

    # Coming up

    async def _come_up(self, ports: Ports, options: DevnetOptions) -> None:
        self.genesis = await self._genesis(options)
        opener = TransactionOpener(genesis_hash(self.genesis))
        opened = [self._open_validator(index, ports, opener) for index in range(self.settings.validators)]
        self.engine = self._open_engine(opened)
        self.validators = tuple(
            Validator(
                home,
                self.engine.view(index),
                self._transport,
                self._clock,
                options.proposal_maker(index),
                self.engine.rpc(index),
            )
            for index, home in enumerate(opened)
        )
        for index, validator in enumerate(self.validators):
            self._cleanup.push_async_callback(validator.close)
            self.engine.subscribe(index, validator.on_commit)
        self.engine.start()
        self.api_urls = tuple([await self._serve(validator) for validator in self.validators])
        control = await self._serve_control(ports.control)
        write_private(self.files.description, self._description(control).to_json().encode())

    def _description(self, control: ControlPlace) -> Description:
        def chain(name: str, chain_id: ChainId, contracts: Mapping[str, Address]) -> ChainPlace:
            return ChainPlace(name, chain_id, self.chains.rpc_url(name), contracts)

        validators = (
            ValidatorPlace(account.address, url, str(self.files.validator(index)))
            for index, (account, url) in enumerate(zip(self.accounts.signers, self.api_urls, strict=True))
        )
        return Description(
            side_chain=chain(SIDE, SIDE_CHAIN_ID, self.contracts.side_by_name()),
            root_chain=chain(ROOT, ROOT_CHAIN_ID, self.contracts.root_by_name()),
            validators=tuple(validators),
            accounts=self.accounts.demo,
            control=control,
        )

    async def _genesis(self, options: DevnetOptions) -> Genesis:
        """The genesis on disk, or that of a new devnet, for which the chains get their past first."""
        if not self._is_new:
            return genesis_from_json(self.files.genesis.read_text())
        contracts = self.contracts.root
        root_chain = devnet_root_chain(
            ROOT,
            ROOT_CHAIN_ID,
            SIDE_CHAIN_ID,
            PresetContracts(contracts.root_chain, contracts.staking_info, contracts.stake_manager),
            DataForm[self.settings.data_form.upper()],
        )
        bootstrap = Bootstrap(self.chains, self.root, ROOT_CHAIN_ID, SIDE_CHAIN_ID, self.accounts)
        await bootstrap.run(self.plan, self.contracts, root_chain.confirmations)
        genesis = await read_genesis(
            f"sidewarden-devnet-{self.settings.seed}",
            devnet_network(SIDE_CHAIN_ID),
            root_chain,
            self.root,
            tuple(account.public_key for account in self.accounts.signers),
            UnixSeconds(int(self._clock.now())),
        )
        if options.staking_info is not None:
            genesis = _staking_logged_by(genesis, options.staking_info)
        for index in range(self.settings.validators):
            make_validator_keys(self.files, index, self.accounts)
        write_private(self.files.genesis, genesis_to_json(genesis).encode())
        return genesis

    def _open_engine(self, opened: Sequence[OpenHome]) -> DevnetEngine:
        if self.settings.engine == "comet":
            return CometDevnetEngine(opened, self._clock)
        store = self._cleanup.enter_context(closing(BlockStore(self.files.engine)))
        return LocalDevnetEngine(local_engine(self.genesis, opened, store, self._clock))

    def _open_validator(self, index: int, ports: Ports, opener: TransactionOpener) -> OpenHome:
        endpoints = ValidatorEndpoints(
            api_port=ports.apis[index],
            side_urls=tuple(map(RpcUrl, self.chains.validator_urls(SIDE, index))),
            root_urls=tuple(map(RpcUrl, self.chains.validator_urls(ROOT, index))),
            engine=engine_config(self.files, index, self.settings.engine, ports.p2p),
        )
        contracts = self.contracts
        exits = Exits() if contracts.bridges is None else contracts.bridges.bridges.exits()
        manager = contracts.root.root_chain_manager
        write_validator_config(self.files, index, self.accounts, endpoints, manager, exits)
        home = load_home(self.files.validator(index))
        return self._cleanup.enter_context(closing(open_home(home, self.genesis, opener)))

    async def _serve(self, validator: Validator) -> str:
        server = ApiServer(validator, validator.opened.config.api.settings)
        self._cleanup.push_async_callback(server.close)
        try:
            url = await server.start()
        except OSError as error:
            raise _named(error, f"the API of {validator.moniker}", validator.opened.config.api.port) from error
        write_true_port(Home(validator.opened.path, validator.opened.config), url)
        return url

    async def _serve_control(self, port: int) -> ControlPlace:
        token = secrets.token_hex(TOKEN_BYTES)
        runner = web.AppRunner(control_app(self, token), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._cleanup.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise _named(error, "the control URL", port) from error
        return ControlPlace(f"http://{HOST}:{runner.addresses[0][1]}", token)


def _staking_logged_by(genesis: Genesis, staking_info: Address) -> Genesis:
    """The same network, which listens to another contract for its staking."""
    root_chain = genesis.root_chains[0]
    parameters = replace(root_chain.parameters, staking_info_address=staking_info)
    listening = replace(root_chain, parameters=parameters, filter=feed_filter(parameters))
    return replace(genesis, root_chains=(listening,)).checked()


def chains_settings(
    settings: DevnetSettings, files: DevnetFiles, ports: Ports, clock: Clock, *, periodic: bool
) -> ChainsSettings:
    """The two chains of a devnet; they begin to make blocks when they are resumed."""
    accounts = draw_accounts(settings.seed, settings.validators)
    began = UnixSeconds(int(clock.now()) - BACK_DATED_S)
    files.chain(ROOT).parent.mkdir(parents=True, exist_ok=True)

    def chain(name: str, chain_id: ChainId, port: int, block_time_s: int) -> ChainSettings:
        return ChainSettings(
            name=name,
            chain_id=chain_id,
            allocations=tuple(Allocation(account.address, FUNDS_WEI) for account in accounts.all()),
            genesis_timestamp=began,
            path=files.chain(name),
            port=port,
            block_time_s=block_time_s if periodic else None,
            paused=True,
        )

    return ChainsSettings(
        chains=(
            chain(ROOT, ROOT_CHAIN_ID, ports.root, DEVNET_ROOT_BLOCK_S),
            chain(SIDE, SIDE_CHAIN_ID, ports.side, DEVNET_SIDE_BLOCK_S),
        ),
        seed=settings.seed,
    )


def _named(error: OSError, who: str, port: int) -> OSError | PortBusy:
    return port_busy(port, who) if error.errno == errno.EADDRINUSE else error
