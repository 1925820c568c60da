"""A whole devnet under a test's hand: real sockets, EVMs, contracts and HTTP, but time moves only by rounds.

    async with running_network() as network:
        await network.until(lambda: network.turn.acks == 1)
        network.pause(network.proposer)
        ...

A round moves the one clock by half a second, makes the blocks that have come due, lets every validator do its duties
once, in order, and steps the engine. Nothing else moves anything, so a scenario of minutes is the same at each run.
When a scenario ends well, the invariants that hold for all of them are checked (`invariants`).
"""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from secrets import token_bytes
from typing import cast

import aiohttp

from bridge.chain.clock import ManualClock
from bridge.codec.abi import encode_call
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds
from config.file import load_home, write_config
from contracts.deployment import DeploymentStep
from node.api.encoding import JsonValue
from node.app import queries
from node.app.errors import TransactionCode
from node.app.history import CHECKPOINT_LOG, HistoryEntry, decode_entry
from node.app.messages import Attest, Statement, Transaction, decode_transaction
from node.app.state import Proposal, State, Turn
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chains import ChainsSettings
from node.devnet.chains_local import LocalChains
from node.devnet.network import Devnet, DevnetOptions
from node.devnet.rpc.faults import NO_FAULTS, ChainFaults
from node.devnet.settings import DataForm, DevnetSettings
from node.devnet.wallet import Wallet
from node.duties.engine_view import LocalEngineView
from node.duties.identity import find_identity
from node.duties.status import NodeStatus, RootChainStatus
from node.duties.transactions import TransactionSender
from node.engine.commits import CommittedBlock
from node.keys.keystore import DEVNET, read_password, write_keystore
from node.keys.private_key import PrivateKey
from node.networks.accounts import Account
from node.validator.validator import Validator
from tests.e2e.invariants import check_invariants

ROUND_S = 0.5
BLOCK_TIMES_S = {ROOT: 2, SIDE: 1}
CALL_GAS_LIMIT = 6_000_000
ROUNDS_MAX = 400
"""Of one wait: over three minutes of the network's time."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - TemporaryDirectory makes a private directory in it
HOMES = _MEMORY if _MEMORY.is_dir() else None
"""Homes are made in memory where there is such a place: fsync, what it costs and saves, is tested elsewhere."""

Json = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Executed:
    """A transaction of a committed block, and its code."""

    height: int
    transaction: Transaction
    code: TransactionCode


@dataclass(frozen=True, slots=True)
class Submission:
    """A transaction to RootChain in a block of the root chain."""

    sender: Address
    block_number: BlockNumber
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API answered."""

    status: HTTPStatus
    json: Json


class Network:
    """One devnet and its clock."""

    def __init__(self, settings: DevnetSettings, options: DevnetOptions) -> None:
        """Use `running_network`."""
        self.clock = ManualClock()
        self.settings = settings
        self.options = options
        self.round_s = ROUND_S
        """How far a round moves the clock."""
        self.block_times_s: dict[str, float] = dict(BLOCK_TIMES_S)
        """A chain that is left out makes no blocks."""
        self.leads_s = {ROOT: 0, SIDE: 0}
        """How far the timestamps of a chain's new blocks are ahead of the clock."""
        self.dormant: set[int] = set()
        """Validators that do no duties; their votes for blocks go on."""
        self.executed: list[Executed] = []
        """Every transaction of every block since the start."""
        self.devnet: Devnet
        self.chains: LocalChains
        self._session: aiohttp.ClientSession

    async def start(self) -> None:
        """Bring everything up."""
        self._session = aiohttp.ClientSession()
        try:
            self.devnet = await Devnet.start(self.settings, self.clock, self._start_chains, self.options)
        except BaseException:
            await self._session.close()
            raise
        for index in range(len(self.validators)):
            self.devnet.local_engine.subscribe(index, self._note)

    async def close(self) -> None:
        """Take everything down."""
        await self._session.close()
        await self.devnet.close()
        self.devnet.files.description.unlink()  # its ports may be another test's at the next start

    async def restart(self) -> None:
        """Stop, and start again on the same home."""
        await self.close()
        await self.start()

    async def _start_chains(self, settings: ChainsSettings) -> LocalChains:
        self.chains = await LocalChains.start(settings, self.clock)
        return self.chains

    def _note(self, block: CommittedBlock) -> None:
        if self.executed and self.executed[-1].height >= block.height:
            return
        for raw, result in zip(block.transactions, block.response.tx_results, strict=True):
            self.executed.append(Executed(block.height, decode_transaction(raw), TransactionCode(result.code)))

    # Time

    async def round(self) -> None:
        """Half a second of the network's life, unless it was told to go faster."""
        self.clock.advance(self.round_s)
        await self._make_due_blocks()
        for index, validator in enumerate(self.validators):
            if index not in self.dormant:
                await validator.supervisor.run_once()
        await self.devnet.local_engine.step()

    async def rounds(self, count: int) -> None:
        """Several rounds."""
        for _ in range(count):
            await self.round()

    async def until(self, happened: Callable[[], bool], rounds_max: int = ROUNDS_MAX) -> int:
        """Rounds until something has happened; how many it took. Fails with the network's story if it does not."""
        for count in range(rounds_max):
            if happened():
                return count
            await self.round()
        assert happened(), f"nothing came of it in {rounds_max} rounds:\n{self.story()}"
        return rounds_max

    async def until_acks(self, count: int) -> None:
        """Rounds until so many checkpoints are acknowledged."""
        await self.until(lambda: self.turn.acks >= count)

    async def _make_due_blocks(self) -> None:
        for name, block_time_s in self.block_times_s.items():
            due_s = self.chain(name).head.timestamp + block_time_s
            shown_s = int(self.clock.now()) + self.leads_s[name]
            if due_s <= shown_s:
                await self.chains.mine(name, timestamp=UnixSeconds(shown_s))

    # Who and what

    @property
    def validators(self) -> tuple[Validator, ...]:
        """All validators, paused ones too."""
        return self.devnet.validators

    @property
    def state(self) -> State:
        """The newest committed state."""
        return max((validator.committed for validator in self.validators), key=lambda one: one.height).state

    @property
    def turn(self) -> Turn:
        """The root chain's turn."""
        return self.state.turns[0]

    @property
    def proposal(self) -> Proposal | None:
        """The proposal of the turn."""
        return self.state.proposals[0].current

    @property
    def proposer(self) -> int:
        """The index of the validator whose turn it is."""
        return self.index_of(queries.proposer(self.state, 0))

    def index_of(self, signer: Address) -> int:
        """The validator with this signer."""
        return [account.address for account in self.devnet.accounts.signers].index(signer)

    def submitter_of(self, sender: Address) -> int:
        """The validator with this submission account."""
        return [account.address for account in self.devnet.accounts.submitters].index(sender)

    def status(self, index: int = 0) -> NodeStatus:
        """A validator's status."""
        return self.validators[index].status()

    def root_status(self, index: int = 0) -> RootChainStatus:
        """A validator's status of the root chain."""
        return self.status(index).root_chains[0]

    def history(self) -> tuple[HistoryEntry, ...]:
        """The agreed log of checkpoints."""
        validator = max(self.validators, key=lambda one: one.committed.height)
        count = validator.committed.state.checkpoint_log.count
        return tuple(map(decode_entry, validator.opened.state_store.log_entries(CHECKPOINT_LOG, 0, count)))

    def codes(self, sender: int) -> set[TransactionCode]:
        """The codes of a validator's transactions, OK left out."""
        signer = self.devnet.accounts.signers[sender].address
        return {one.code for one in self.executed if one.transaction.sender == signer} - {TransactionCode.OK}

    def story(self) -> str:
        """Where everybody stands, for a failed wait."""
        heads = ", ".join(f"{name} {self.chain(name).head.number}" for name in (ROOT, SIDE))
        lines = [f"clock {self.clock.now()}, heads {heads}", str(self.turn), *map(str, self.history())]
        for index, validator in enumerate(self.validators):
            duties = [duty for duty in validator.status().duties if duty.last_error]
            lines.append(f"{validator.moniker}: {self.root_status(index).why} {duties}")
        return "\n".join(lines)

    # Trouble

    def pause(self, *indexes: int) -> None:
        """Pause validators."""
        for index in indexes:
            self.devnet.pause_validator(index)

    def resume(self, *indexes: int) -> None:
        """Resume validators."""
        for index in indexes:
            self.devnet.resume_validator(index)

    def say(self, index: int, *statements: Statement) -> None:
        """Have a validator say what it does not believe, as if its own duty had said it."""
        validator = self.validators[index]
        signer, committed = validator.opened.signer, validator.committed
        identity = find_identity(committed.state, signer.ring)
        assert identity is not None
        attest_id = signer.next_attest_id()
        sender = TransactionSender(signer, LocalEngineView(self.devnet.local_engine, index).submit)
        sender.send(Attest(attest_id.node_id, attest_id.counter, statements, (), None), committed, identity)

    async def fault(self, chain: str, faults: ChainFaults) -> None:
        """Let a chain's RPC misbehave towards the validators."""
        await self.chains.set_faults(chain, faults)

    async def heal(self, chain: str) -> None:
        """Let a chain's RPC be true again."""
        await self.chains.set_faults(chain, NO_FAULTS)

    # The chains

    def chain(self, name: str) -> EmbeddedChain:
        """A chain itself."""
        return self.chains.chain(name)

    def read_uint(self, contract: Address, signature: str, *arguments: object, block: BlockNumber | None = None) -> int:
        """The number that a view function of a root-chain contract returns at a block, or at the newest."""
        return int.from_bytes(self.chain(ROOT).call(contract, encode_call(signature, *arguments), block=block))

    def submissions(self) -> tuple[Submission, ...]:
        """Every transaction to RootChain that is in a block, failed ones too."""
        chain, root_chain = self.chain(ROOT), self.devnet.contracts.root.root_chain
        found = []
        for number in range(self.devnet.genesis.root_chains[0].block_number, chain.head.number + 1):
            block = chain.block(number)
            for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
                if transaction.to == root_chain:
                    found.append(Submission(transaction.sender, BlockNumber(number), receipt.status_or_root == b"\x01"))
        return tuple(found)

    def sent_count(self) -> int:
        """How many root-chain transactions the validators have sent, waiting ones too."""
        chain = self.chain(ROOT)
        return sum(chain.pending_nonce(account.address) for account in self.devnet.accounts.submitters)

    def wallet(self, chain: str, account: int = 0) -> Wallet:
        """The wallet of a demo account."""
        return self.devnet.wallet(self.devnet.accounts.demo[account], chain)

    async def mined(self, chain: str, sent: Awaitable[Hash32]) -> bool:
        """Send a transaction and go on until it is in a block; whether it succeeded."""
        transaction = await sent
        await self.until(lambda: self.chain(chain).mined(transaction) is not None)
        place = self.chain(chain).mined(transaction)
        assert place is not None
        return place.block.receipts[place.index].status_or_root == b"\x01"

    async def send(self, account: Account, *steps: DeploymentStep) -> tuple[Hash32, ...]:
        """Send root-chain calls of an account."""
        wallet = self.devnet.wallet(account, ROOT)
        return tuple([await wallet.send(step.to, step.data, gas_limit=CALL_GAS_LIMIT) for step in steps])

    async def settled(self, *sent: Hash32) -> BlockNumber:
        """Go on until root-chain transactions are in a block: the same one, which is returned; all must succeed."""
        chain = self.chain(ROOT)
        await self.until(lambda: all(chain.mined(transaction) is not None for transaction in sent))
        places = [place for transaction in sent if (place := chain.mined(transaction)) is not None]
        assert all(place.block.receipts[place.index].status_or_root == b"\x01" for place in places)
        (number,) = {place.block.header.number for place in places}
        return BlockNumber(number)

    async def succeed(self, account: Account, *steps: DeploymentStep) -> BlockNumber:
        """Send root-chain calls of an account, and go on until they have succeeded, all in the block returned."""
        return await self.settled(*await self.send(account, *steps))

    def add_signer_key(self, index: int, account: Account) -> None:
        """Put another signer's key into a validator's ring; it counts from the next start on."""
        path = self.devnet.files.validator(index)
        config = load_home(path).config
        password = read_password(path / config.keys.password_file)
        write_keystore(path / config.keys.keystore_dir, PrivateKey(account.private_key), password, DEVNET, token_bytes)
        keys = replace(config.keys, signers=(*config.keys.signers, account.address))
        write_config(path, replace(config, keys=keys))

    # The API

    async def get(self, path: str, validator: int = 0) -> Answer:
        """Ask a validator's API."""
        async with self._session.get(self.devnet.api_urls[validator] + path) as response:
            return Answer(HTTPStatus(response.status), cast(Json, await response.json()))

    async def rpc(self, chain: str, method: str, *params: object) -> object:
        """Ask a chain's true RPC, with nothing of ours in between."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self._session.post(self.chains.rpc_url(chain), json=request) as response:
            return cast(Json, await response.json())["result"]


@asynccontextmanager
async def running_network(
    data_form: DataForm = "bound",
    validators: int = 4,
    options: DevnetOptions | None = None,
    *,
    bridges: bool = False,
) -> AsyncIterator[Network]:
    """A network for one scenario; its invariants are checked once the scenario is told."""
    with tempfile.TemporaryDirectory(dir=HOMES) as home:
        settings = DevnetSettings(Path(home), validators, data_form, api_port=0, traffic=False, bridges=bridges)
        network = Network(settings, options or DevnetOptions(periodic_blocks=False))
        await network.start()
        try:
            yield network
            check_invariants(network)
        finally:
            await network.close()
