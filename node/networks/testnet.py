"""`sidewarden testnet`: everything that a network's validators need to start, in one directory for each.

OUTPUT/genesis.json     the network, at a confirmed block of the root chain      OUTPUT/0/   the first validator's home
OUTPUT/contracts.json   where the contracts are                                  OUTPUT/1/   …
OUTPUT/summary.txt      who is who, and what goes to which machine; no secrets
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bridge.chain.clock import Clock, SystemClock
from bridge.chain.transport import HttpTransport, Transport
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import UnixSeconds, Wei
from config.schema import Comet
from contracts.deployment import DeploymentPlan, root_deployment, side_deployment
from node.app.genesis import ENGINE_CHAIN_ID_MAX, Genesis
from node.app.genesis_file import genesis_to_json
from node.app.genesis_state import genesis_state
from node.duties.genesis_check import check_genesis
from node.keys.keystore import STRONG, ScryptCost, open_keystores, read_password
from node.keys.private_key import PrivateKey
from node.networks.accounts import Account, new_account
from node.networks.agreed import Agreed, Pace, agree, chain_access
from node.networks.connect import Connected, connect
from node.networks.contracts_file import NetworkContracts, contracts_to_json, deployed
from node.networks.deploy import Deployer, Say, Staker, funding, has_base_fee, stakes
from node.networks.errors import ContractsUnfit, OutputRefused, SettingsImpossible
from node.networks.genesis import confirmed_header, read_genesis, registered_validators
from node.networks.homes import LOOPBACK, Member, Place, make_member, write_members
from node.networks.summary import summary
from node.store.files import write_private

VALIDATORS_MAX = 100
SUBMISSION_WEI = Wei(5 * 10**16)
"""What a submission account is given: enough for hundreds of checkpoints at a few gwei."""
PORTS_END = 65_536


@dataclass(frozen=True, slots=True)
class Deploy:
    """Contracts and validators of our own, paid for by `payer` on both chains."""

    payer: Account
    validators: int
    data_form: DataForm = DataForm.BOUND


@dataclass(frozen=True, slots=True)
class Adopt:
    """Contracts that are there, and the validators that they have. Without a payer nobody funds their submissions."""

    contracts: NetworkContracts
    keystores: Path
    """Of the registered signers."""
    password_file: Path
    payer: Account | None = None
    validators: int | None = None
    """How many there must be, if that was said."""


@dataclass(frozen=True, slots=True)
class TestnetSettings:
    """What a person asks for."""

    __test__ = False  # it is no test, whatever pytest makes of its name

    output: Path
    root_urls: tuple[str, ...]
    side_urls: tuple[str, ...]
    way: Deploy | Adopt
    name: str = ""
    """Empty: made from the side chain's id."""
    pace: Pace = "devnet"
    funds_wei: Wei = SUBMISSION_WEI
    """For each submission account."""
    hostnames: tuple[str, ...] = ()
    api_port: int = 1317
    p2p_port: int = 26_656
    keystore_cost: ScryptCost = STRONG

    def __post_init__(self) -> None:
        if isinstance(self.way, Deploy) and not 1 <= self.way.validators <= VALIDATORS_MAX:
            raise SettingsImpossible(f"--validators: 1 to {VALIDATORS_MAX}")
        if len(set(self.hostnames)) != len(self.hostnames):
            raise SettingsImpossible("--hostnames: each machine runs one validator, so they must differ")
        if len(self.name) > ENGINE_CHAIN_ID_MAX:
            raise SettingsImpossible(f"--name: at most {ENGINE_CHAIN_ID_MAX} characters")

    def places(self, count: int) -> tuple[Place, ...]:
        """Where the validators listen: on a machine each with the same ports, or all here on ports in a row."""
        if self.hostnames:
            if len(self.hostnames) != count:
                raise SettingsImpossible(f"there are {count} validators, and {len(self.hostnames)} --hostnames")
            return tuple(Place(host, self.api_port, self.p2p_port) for host in self.hostnames)
        ports = range(self.api_port, self.api_port + count), range(self.p2p_port, self.p2p_port + count)
        if max(ports[0].stop, ports[1].stop) > PORTS_END or set(ports[0]) & set(ports[1]):
            raise SettingsImpossible(f"--api-port and --p2p-port: {count} ports from each on must exist, and differ")
        return tuple(Place(LOOPBACK, self.api_port + index, self.p2p_port + index) for index in range(count))


@dataclass(frozen=True, slots=True)
class Testnet:
    """What was made."""

    __test__ = False

    genesis: Genesis
    contracts: NetworkContracts
    members: tuple[Member, ...]
    summary: str


def run_testnet(settings: TestnetSettings, say: Say) -> Testnet:
    """Make a network's files. Raises NetworkError, ChainError, GenesisError, KeystoreError, StoreError."""

    async def over_http() -> Testnet:
        async with aiohttp.ClientSession() as session:
            return await make_testnet(settings, HttpTransport(session), SystemClock(), say)

    return asyncio.run(over_http())


async def make_testnet(settings: TestnetSettings, transport: Transport, clock: Clock, say: Say) -> Testnet:
    """As `run_testnet`, over any transport and on any clock."""
    if settings.output.exists() and any(settings.output.iterdir()):
        raise OutputRefused(f"{settings.output} is not empty: give another --output, or remove it")
    root = await connect("root", settings.root_urls, transport, clock)
    side = await connect("side", settings.side_urls, transport, clock)
    if not await has_base_fee(root.reader):
        raise ContractsUnfit("the root chain's blocks have no base fee: checkpoints are submitted by EIP-1559 alone")
    maker = _Maker(settings, root, side, clock, say)
    way = settings.way
    return await (maker.deploy(way) if isinstance(way, Deploy) else maker.adopt(way))


class _Maker:
    """The two ways to a network, which end in the same files."""

    def __init__(self, settings: TestnetSettings, root: Connected, side: Connected, clock: Clock, say: Say) -> None:
        self._settings = settings
        self._root = root
        self._side = side
        self._clock = clock
        self._say = say

    async def deploy(self, way: Deploy) -> Testnet:
        """Contracts and validators of our own."""
        payer = way.payer
        on_root, on_side = self._deployer(self._root, payer), self._deployer(self._side, payer)
        plan = DeploymentPlan(
            deployer=payer.address,
            state_syncer=payer.address,
            side_chain_id=self._side.chain_id,
            data_form=way.data_form,
            first_root_nonce=await on_root.next_nonce(),
            first_side_nonce=await on_side.next_nonce(),
        )
        signers = [_new_key() for _ in range(way.validators)]
        members = self._make_members(signers)
        deployment = root_deployment(plan)
        stakers = [Staker(key.public_key, one.submission) for key, one in zip(signers, members, strict=True)]
        steps = (*deployment.steps, *stakes(deployment.contracts, payer.address, stakers))
        money = funding([member.submission for member in members], self._settings.funds_wei)
        async with asyncio.TaskGroup() as both:
            both.create_task(on_root.send((*steps, *money)))
            both.create_task(on_side.send(side_deployment(plan).steps))
        contracts = deployed(plan)
        agreed = await self._agreed(contracts)
        self._say(f"waiting until the contracts are {agreed.root_chain.confirmations} blocks deep")
        await self._confirm(on_root, agreed)
        return await self._finish(agreed, contracts, signers, members)

    async def adopt(self, way: Adopt) -> Testnet:
        """Contracts that are there, and the validators that are registered in them."""
        agreed = await self._agreed(way.contracts)
        block = (await confirmed_header(self._root.reader, agreed.root_chain)).number
        registered = await registered_validators(self._root.reader, agreed.root_chain, block)
        if way.validators not in (None, len(registered)):
            raise ContractsUnfit(
                f"StakeManager has {len(registered)} validators in force, and --validators says {way.validators}"
            )
        password = read_password(way.password_file)
        signers = open_keystores(way.keystores, [one.view.signer for one in registered], password)
        members = self._make_members(signers)
        if way.payer is not None:
            on_root = self._deployer(self._root, way.payer)
            await on_root.send(funding([member.submission for member in members], self._settings.funds_wei))
        return await self._finish(agreed, way.contracts, signers, members)

    async def _finish(
        self, agreed: Agreed, contracts: NetworkContracts, signers: Sequence[PrivateKey], members: tuple[Member, ...]
    ) -> Testnet:
        """The genesis, compared with the contracts once more as every node will do, and all files."""
        name = self._settings.name or f"sidewarden-{self._side.chain_id}"
        keys = [key.public_key for key in signers]
        now_s = UnixSeconds(int(self._clock.now()))
        genesis = await read_genesis(name, agreed.network, agreed.root_chain, self._root.reader, keys, now_s)
        await check_genesis(genesis, 0, self._root.reader, genesis_state(genesis))
        text = genesis_to_json(genesis)
        access = chain_access(agreed.root_chain.block_time_s, self._root, self._side, contracts.root_chain_manager)
        write_members(members, access, text, Comet())
        output = self._settings.output
        write_private(output / "genesis.json", text.encode())
        write_private(output / "contracts.json", contracts_to_json(contracts).encode())
        told = summary(genesis, contracts, members, is_funded=self._settings.way.payer is not None)
        write_private(output / "summary.txt", told.encode())
        return Testnet(genesis, contracts, members, told)

    async def _agreed(self, contracts: NetworkContracts) -> Agreed:
        return await agree(self._settings.pace, self._root, self._side.chain_id, contracts)

    async def _confirm(self, deployer: Deployer, agreed: Agreed) -> None:
        """Wait until the contracts are part of what the network calls confirmed."""
        last = await deployer.confirm(agreed.root_chain.confirmations)
        while (await confirmed_header(self._root.reader, agreed.root_chain)).number < last:
            await self._clock.sleep(float(agreed.root_chain.block_time_s))

    def _make_members(self, signers: Sequence[PrivateKey]) -> tuple[Member, ...]:
        """Homes with keys, before anything is staked or funded for those keys."""
        settings = self._settings
        places = settings.places(len(signers))
        settings.output.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.output.chmod(0o700)
        return tuple(
            make_member(
                *(f"validator {index + 1}", settings.output / str(index), signer, _new_key(), place),
                settings.keystore_cost,
            )
            for index, (signer, place) in enumerate(zip(signers, places, strict=True))
        )

    def _deployer(self, chain: Connected, payer: Account) -> Deployer:
        return Deployer(chain.name, payer, chain.chain_id, chain.reader, self._clock, self._say)


def _new_key() -> PrivateKey:
    return PrivateKey(new_account(secrets.token_bytes).private_key)
