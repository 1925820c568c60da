"""A simulated network, put together: chains, endpoints, engine, machines, and what people do on the chains."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.codec.types import ChainId, UnixSeconds, Wei
from config.presets import devnet_config
from config.schema import Fees, NodeConfig, Paths
from node.app.genesis import Genesis, genesis_hash
from node.app.opened import TransactionOpener
from node.app.parameters import RootChainParameters
from node.devnet.accounts import DevnetAccounts, draw_accounts
from node.devnet.bootstrap import DevnetContracts, deployment_plan
from node.devnet.chain import Chain
from node.keys.private_key import PrivateKey
from node.networks.accounts import Account
from node.networks.genesis import read_genesis
from node.simulation.chains.model import ModelChain
from node.simulation.chains.rpc import ChainRpc
from node.simulation.chains.worlds import ChainKind, ChainOptions, root_world, side_world
from node.simulation.clock import EPOCH_S, MachineClock
from node.simulation.engine_host import SimulatedEngine
from node.simulation.events import Journal
from node.simulation.loop import SimulationLoop
from node.simulation.machine import Machine, MachineKeys, Shared
from node.simulation.network import SimulatedNetwork
from node.simulation.plan import Plan
from node.simulation.settings import ROOT, ROOT_CHAIN_ID, SIDE, SIDE_CHAIN_ID, SimulationSettings
from node.simulation.transport import ENDPOINTS, EndpointPlace, SimulatedTransport

GWEI = 10**9
SPARE_SIGNERS = 2
"""Signer keys that each machine holds beside that of genesis, for changes of signer."""


@dataclass(slots=True)
class MinedChain:
    """A chain and its block producer."""

    chain: Chain
    block_time_s: int
    is_stopped: bool = False


class World:
    """One simulated network. `run` makes time pass in it."""

    def __init__(self, plan: Plan, settings: SimulationSettings) -> None:
        self.plan = plan
        self.settings = settings
        self.loop = SimulationLoop()
        self.journal = Journal()
        self.clock = MachineClock(self.loop)
        self.accounts: DevnetAccounts = draw_accounts(plan.seed, settings.validators)
        self.spare_signers = draw_accounts(plan.seed + 1, settings.validators * SPARE_SIGNERS).signers
        self.source = random.Random(f"{plan.seed} world")
        self.network = SimulatedNetwork(self.loop, plan.seed)
        self.chains: dict[str, MinedChain] = {}
        self.contracts: DevnetContracts
        self.genesis: Genesis
        self.opener: TransactionOpener
        self.transport: SimulatedTransport
        self.engine: SimulatedEngine
        self.machines: tuple[Machine, ...] = ()
        self.leavers: set[int] = set()
        """Validators that were told to leave."""
        self.on_root_block: list[Callable[[], None]] = []
        """Called after each block of the root chain, and after a reorg of it."""

    @property
    def root(self) -> Chain:
        """The root chain."""
        return self.chains[ROOT].chain

    @property
    def side(self) -> Chain:
        """The side chain."""
        return self.chains[SIDE].chain

    @property
    def now_s(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()

    async def build(self) -> None:
        """Make the chains with their past, the genesis that is read from them, and the machines; start everything."""
        pace, settings = self.settings.pace, self.settings
        plan = deployment_plan(self.accounts, SIDE_CHAIN_ID, self.plan.data_form)
        confirmations = pace.root_chain.confirmations
        root = root_world(self._chain_options(settings.contracts, ROOT_CHAIN_ID), plan, self.accounts, confirmations)
        side = side_world(self._chain_options(ChainKind.MODEL, SIDE_CHAIN_ID), plan, self.accounts, root)
        self.contracts = DevnetContracts(root.contracts, side.contracts)
        self.chains = {
            ROOT: MinedChain(root.chain, pace.root_chain.block_time_s),
            SIDE: MinedChain(side.chain, pace.network.side_block_time_s),
        }
        rpcs = {name: ChainRpc(mined.chain) for name, mined in self.chains.items()}
        self.transport = SimulatedTransport(rpcs, settings.validators, self.loop, self.plan.seed)
        self.genesis = await self._read_genesis()
        self.opener = TransactionOpener(genesis_hash(self.genesis))
        self.engine = SimulatedEngine(self.plan.seed, self.loop, self.genesis, self.network, self.journal)
        shared = Shared(self.plan.seed, self.loop, self.genesis, self.opener, self.transport, self.journal, self.engine)
        self.machines = tuple(
            Machine(index, shared, self._config(index), self._keys(index)) for index in range(settings.validators)
        )

    def start(self) -> None:
        """Let time have its way: blocks come, and all validators run."""
        for name, mined in self.chains.items():
            self.loop.create_task(self._mine(name, mined))
        self.engine.start(self.machines)

    def dispose(self) -> None:
        """End everything that is left, and let go of it."""
        for machine in self.machines:
            machine.disk.kill()
        self.loop.dispose()
        for machine in self.machines:
            machine.disk.dispose()
        if self.machines:
            self.engine.dispose()

    def reader(self, chain: str, validator: int = 0) -> ChainReader:
        """A chain as a validator's endpoints show it."""
        chain_id = ROOT_CHAIN_ID if chain == ROOT else SIDE_CHAIN_ID
        urls = [EndpointPlace(chain, validator, endpoint).url for endpoint in ENDPOINTS]
        return ChainReader(RpcPool(chain, urls, chain_id, self.transport, self.clock))

    def spare_signers_of(self, index: int) -> tuple[Account, ...]:
        """The signer keys that a machine holds for changes."""
        return self.spare_signers[index * SPARE_SIGNERS : (index + 1) * SPARE_SIGNERS]

    def force_base_fee(self, factor: float | None) -> None:
        """Make L1 dear, by a factor over an ordinary gwei; None: let the market find its price again."""
        if isinstance(self.root, ModelChain):
            self.root.force_base_fee(None if factor is None else Wei(int(factor * GWEI)))

    def reorg(self, name: str, depth: int) -> None:
        """Replace the newest blocks of a chain by others."""
        chain = self.chains[name].chain
        chain.reorg(min(depth, max(1, chain.head.number - 1)), with_transactions=self.source.random() < 0.7)
        if name == ROOT:
            self._tell_of_root_block()

    def _chain_options(self, kind: ChainKind, chain_id: ChainId) -> ChainOptions:
        return ChainOptions(kind, chain_id, UnixSeconds(EPOCH_S), self.clock)

    async def _mine(self, name: str, mined: MinedChain) -> None:
        while True:
            await asyncio.sleep(mined.block_time_s)
            now_s = UnixSeconds(int(self.clock.now()))
            if not mined.is_stopped and now_s > mined.chain.head.timestamp:
                mined.chain.mine(timestamp=now_s)
                if name == ROOT:
                    self._tell_of_root_block()

    def _tell_of_root_block(self) -> None:
        for told in self.on_root_block:
            told()

    async def _read_genesis(self) -> Genesis:
        pace, contracts = self.settings.pace, self.contracts.root
        parameters: RootChainParameters = replace(
            pace.root_chain,
            data_form=self.plan.data_form,
            root_chain_address=contracts.root_chain,
            staking_info_address=contracts.staking_info,
            stake_manager_address=contracts.stake_manager,
        )
        return await read_genesis(
            f"simulation-{self.plan.seed}",
            pace.network,
            parameters,
            self.reader(ROOT),
            tuple(account.public_key for account in self.accounts.signers),
            UnixSeconds(EPOCH_S),
        )

    def _keys(self, index: int) -> MachineKeys:
        signers = (self.accounts.signers[index], *self.spare_signers_of(index))
        return MachineKeys(
            tuple(PrivateKey(account.private_key) for account in signers),
            PrivateKey(self.accounts.submitters[index].private_key),
        )

    def _config(self, index: int) -> NodeConfig:
        node = self.settings.pace.node

        def urls(chain: str) -> tuple[str, ...]:
            return tuple(EndpointPlace(chain, index, endpoint).url for endpoint in ENDPOINTS)

        config = devnet_config(
            moniker=f"validator {index}",
            api_port=0,
            paths=Paths(),
            signer=self.accounts.signers[index].address,
            submission=self.accounts.submitters[index].address,
            side_urls=urls(SIDE),
            root_name=ROOT,
            root_urls=urls(ROOT),
            root_chain_manager=self.contracts.root.root_chain_manager,
        )
        fees = Fees(fee_cap_wei=node.fee_cap_gwei * GWEI, replace_after_s=node.replace_after_s)
        (root_chain,) = config.root_chains
        return replace(
            config,
            poll_interval_s=node.poll_interval_s,
            side_chain=replace(config.side_chain, confirmations=node.extra_confirmations),
            root_chains=(replace(root_chain, fees=fees, confirmations=node.extra_confirmations),),
        )
