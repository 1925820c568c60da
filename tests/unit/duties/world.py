"""One validator under a test's hand: its duties, wired as `node.validator` wires them, and all around it in the open.

    world.side.mine(count=20)            the side chain, a tiny chain behind two servers
    world.root.mine(logs, …)             the root chain likewise, whose contracts are what the test says
    await world.look()                   the duties that only look: follow both chains, readiness
    await world.attest.run_once()        one duty
    world.block(…)                       an engine block with what we sent and what the test lets others say

The application, the signer, its record and every signature are real. The other validators say what the test says.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp

from bridge.chain.clock import ManualClock
from bridge.chain.feed import StepBuilder
from bridge.chain.fees import GWEI, FeePolicy
from bridge.chain.header_store import MemoryHeaderStore
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.outbox import Outbox
from bridge.chain.outbox_store import MemoryOutboxStore
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.feed import DONE_INDEX, Cursor, genesis_digest
from bridge.codec.hash import keccak256
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from node.app.abci import FinalizeBlockResponse
from node.app.application import Application
from node.app.genesis import Genesis, genesis_hash
from node.app.messages import Attest, MessageKind, Statement, Steps, decode_body, decode_transaction
from node.app.state import Committed, State
from node.app.store import MemoryStateStore
from node.duties.attest import AttestDuty
from node.duties.contract_view import ValidatorView
from node.duties.contract_watch import ContractWatch
from node.duties.follow import FollowRoot, FollowSide, LookRhythm
from node.duties.funds import WatchFunds
from node.duties.genesis_check import contract_reader
from node.duties.identity import Identity, find_identity
from node.duties.propose import Propose, honest_proposals
from node.duties.readiness import Readiness
from node.duties.submit import SubmissionJudge, Submit
from node.duties.transactions import TransactionSender
from node.duties.verdicts import Judge
from node.engine.trouble import Trouble
from node.keys.errors import RecordError
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import Signer
from node.keys.submission import SubmissionKey
from tests.unit.app.network import L1, ROOT, Network, Validator, key
from tests.unit.chain.rpc_server import RpcServer
from tests.unit.chain.tiny_chain import CHAIN_ID, TinyChain
from tests.unit.closing import opened
from tests.unit.duties.nodes import Node, RootNode
from tests.unit.keys.helpers import MemoryFacts, counting_bytes

ROOT_GENESIS_BLOCK = 10
CONFIRMATIONS = 2
GAS_LIMIT = 500_000


class Engine:
    """Orders what one application takes: the mempool of one validator, and the switches that status shows."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.mempool: list[bytes] = []
        self.sent: list[bytes] = []
        """All that was ever handed over and taken."""
        self.is_caught_up = True
        self.is_paused = False
        self.quorum = True
        self.share_permille = 1000
        self.trouble: Trouble | None = None
        self.peers: int | None = None
        self.refused_vote: str | None = None
        self.refusal: str | None = None
        self.attempts = 0
        """How often a transaction was handed over, taken or not."""

    def submit(self, transaction: bytes) -> str | None:
        """CheckTx, then wait for a block."""
        self.attempts += 1
        if self.refusal is not None:
            return self.refusal
        response = self.network.check(transaction)
        if response.code:
            return f"CheckTx code {response.code}"
        self.mempool.append(transaction)
        self.sent.append(transaction)
        return None


class World:
    """Validator 1 and its duties; use `running_world`."""

    def __init__(self, home: Path, session: aiohttp.ClientSession, servers: tuple[RpcServer, ...], nodes: "Nodes"):
        self.home = home
        self.clock = ManualClock()
        self.side, self.root = nodes.side_a.chain, nodes.root_a.chain
        self.side_a, self.side_b, self.root_a, self.root_b = nodes.side_a, nodes.side_b, nodes.root_a, nodes.root_b
        self.network = _network_over(self.root)
        self.engine = Engine(self.network)
        self.me = self.network.validators[0]
        self.facts = MemoryFacts()
        self._session = session
        self.servers = servers
        """Of the side chain's two nodes, then of the root chain's."""
        self._urls = tuple(server.url for server in servers)
        SigningRecord.create(home / "signing.db", counting_bytes)
        self.record: SigningRecord | RecordError = opened(SigningRecord.open(home / "signing.db", self.facts))
        self.side_store, self.root_store = MemoryHeaderStore(), MemoryHeaderStore()
        self.outbox_store = MemoryOutboxStore()
        self.start()

    def start(self) -> None:
        """Wire the duties, as after a start of the node: what is stored stays."""
        genesis = self.network.genesis
        self.signer = Signer(
            KeyRing((PrivateKey(self.me.key.private),)), self.record, genesis_hash(genesis), genesis.name
        )
        self.follow_side = self._follow_side()
        self.follow_root = self.follow_root_again()
        self.follow_root.contract_seen = True
        self.readiness = Readiness(
            genesis,
            self.signer,
            lambda: self.committed,
            self.engine,
            self.follow_side,
            (self.follow_root.reader,),
            self.facts,
        )
        self.sender = TransactionSender(self.signer, self.engine.submit)
        self.judge = Judge(self.follow_side, self.signer)
        self.attest = AttestDuty(
            lambda: self.committed,
            self.readiness,
            self.sender,
            self.signer,
            self.judge,
            self.follow_side,
            (self.follow_root,),
        )
        self.propose = Propose(lambda: self.committed, self.readiness, self.sender, honest_proposals(self.follow_side))
        self.submit = self._submit()

    def watch(self, confirmed_by_operator: Hash32 | None = None) -> ContractWatch:
        """The watch over the root chain's contracts, as after a start."""
        parameters = self.network.genesis.root_chains[0].parameters
        return ContractWatch(
            self.follow_root, parameters, self.facts, lambda: self.committed, confirmed_by_operator, self.clock
        )

    def funds(self) -> WatchFunds:
        """The watch over what an account can pay for."""
        policy = FeePolicy(ceiling_wei=Wei(50 * GWEI))
        return WatchFunds("root", Address(b"\x01" * 20), self.follow_root.reader, policy, GAS_LIMIT, self.clock)

    # --- reading

    @property
    def committed(self) -> Committed:
        """The state after the last engine block."""
        return self.network.app.committed

    @property
    def state(self) -> State:
        """The committed state."""
        return self.network.state

    @property
    def identity(self) -> Identity:
        """Who we are."""
        found = find_identity(self.state, self.signer.ring)
        assert found is not None
        return found

    @property
    def others(self) -> list[Validator]:
        """The other three."""
        return self.network.validators[1:]

    def last_attest(self) -> Attest:
        """The last attestation that we sent."""
        for raw in reversed(self.engine.sent):
            transaction = decode_transaction(raw)
            if transaction.kind is MessageKind.ATTEST:
                body = decode_body(transaction)
                assert isinstance(body, Attest)
                return body
        raise AssertionError("nothing was attested yet")

    def said(self) -> set[type[Statement]]:
        """The kinds of statements in our last attestation."""
        return {type(statement) for statement in self.last_attest().statements}

    # --- what happens

    async def look(self) -> None:
        """Follow both chains and check whether we may sign, until there is no more to do."""
        for duty in (self.follow_side, self.follow_root, self.readiness):
            while await duty.run_once():
                pass

    async def work_submit(self) -> None:
        """A pass of the submit duty, after one of the duty that follows its root chain."""
        await self.follow_root.run_once()
        await self.submit.run_once()

    def block(self, *of_others: bytes, seconds: float = 0.5) -> FinalizeBlockResponse:
        """An engine block with what we sent, as far as the application puts it into a block, and what others say."""
        ours = self.network.prepare(*self.engine.mempool)
        self.engine.mempool = [waiting for waiting in self.engine.mempool if waiting not in ours]
        response = self.network.block(*of_others, *ours, seconds=seconds)
        for transaction in (*of_others, *ours):
            self.readiness.observe(decode_transaction(transaction))
        return response

    def honest_root(self, start: int, end: int) -> Hash32:
        """The root over the side chain as our own headers have it."""
        found = self.follow_side.roots.root(BlockNumber(start), BlockNumber(end))
        assert found is not None
        return found

    async def proposed(self, *, by: Validator | None = None, root: Hash32 | None = None) -> None:
        """Blocks 0 to 7 are confirmed, due and proposed; the look at them is done."""
        if self.side.head.number < 10:
            self.side.mine(count=10)
        await self.look()
        self.network.make_due(7)
        assert by is None or by is self.network.proposer
        assert self.network.propose(0, 7, root or self.honest_root(0, 7)) == 0

    def attest_steps(self, *who: Validator) -> None:
        """A block in which these say the steps that we see, the first of them with the bodies."""
        view = self.follow_root.view
        assert view is not None
        found = view.scan.steps
        said = Steps(0, view.position.generation, found[0].step.number, tuple(one.digest for one in found))
        bodies = [one.step for one in found]
        transactions = [self.network.attest(who[0], said, steps=bodies)]
        self.network.block(*transactions, *(self.network.attest(one, said) for one in who[1:]))

    # --- wiring

    def _reader(self, name: str, first: int) -> ChainReader:
        urls = self._urls[first : first + 2]
        return ChainReader(RpcPool(name, urls, ChainId(CHAIN_ID), HttpTransport(self._session), self.clock))

    def _follow_side(self) -> FollowSide:
        reader = self._reader("side", 0)
        follower = HeaderFollower(reader, self.side_store, Confirmations(CONFIRMATIONS), BlockNumber(0))
        return FollowSide(follower, reader, lambda: self.committed, ROOT.maximum_blocks, LookRhythm(self.clock, 0))

    def follow_root_again(self, look_every_s: float = 0) -> FollowRoot:
        """Another duty that follows the root chain, over the same headers; it looks at each pass, or so often."""
        reader = self._reader("root", 2)
        start = BlockNumber(ROOT_GENESIS_BLOCK)
        follower = HeaderFollower(reader, self.root_store, Confirmations(CONFIRMATIONS), start)
        builder = StepBuilder(reader, self.root_store, ROOT.feed_anchor_blocks)
        return FollowRoot(
            0, "root", follower, reader, builder, lambda: self.committed, LookRhythm(self.clock, look_every_s)
        )

    def _submit(self) -> Submit:
        reader = self.follow_root.reader
        contracts = contract_reader(reader, ROOT)
        policy = FeePolicy(ceiling_wei=Wei(50 * GWEI))
        outbox = Outbox(
            ChainId(CHAIN_ID),
            SubmissionKey(PrivateKey(keccak256(b"gas"))),
            reader,
            self.outbox_store,
            policy,
            Confirmations(CONFIRMATIONS),
            SubmissionJudge(contracts, reader, ROOT.data_form),
            self.clock,
        )
        return Submit(
            0,
            "root",
            lambda: self.committed,
            self.readiness,
            lambda: self.follow_root.head,
            reader,
            contracts,
            outbox,
            GAS_LIMIT,
        )


class Nodes:
    """Two nodes of each chain."""

    def __init__(self) -> None:
        side, root = TinyChain(block_time_s=1), TinyChain(block_time_s=2)
        root.mine(count=ROOT_GENESIS_BLOCK + CONFIRMATIONS)
        validators = {
            number: ValidatorView(key(number).address, Wei(stake * 10**18), 1, 0)
            for number, stake in enumerate((100, 90, 80, 70), start=1)
        }
        self.side_a, self.side_b = Node(side), Node(side)
        self.root_a, self.root_b = RootNode(root, validators), RootNode(root, validators)


@asynccontextmanager
async def running_world(home: Path, session: aiohttp.ClientSession) -> AsyncIterator[World]:
    """Chains behind servers, and a validator that has looked at nothing yet."""
    nodes = Nodes()
    async with (
        RpcServer(nodes.side_a.answer) as side_a,
        RpcServer(nodes.side_b.answer) as side_b,
        RpcServer(nodes.root_a.answer) as root_a,
        RpcServer(nodes.root_b.answer) as root_b,
    ):
        yield World(home, session, (side_a, side_b, root_a, root_b), nodes)


def as_logs(*feed_logs: object) -> list[Log]:
    """What a contract logged, as a block's receipts have it."""
    return [Log(log.address, log.topics, log.data) for log in feed_logs]  # type: ignore[attr-defined]  # FeedLogs


def _network_over(root: TinyChain) -> Network:
    """The usual network of four, whose feed begins at a block of the tiny root chain."""
    network = Network()
    header = root.blocks[ROOT_GENESIS_BLOCK].header
    chain = replace(
        network.genesis.root_chains[0],
        block_number=header.number,
        block_hash=header.hash,
        block_time=UnixSeconds(header.timestamp),
    )
    genesis: Genesis = replace(network.genesis, root_chains=(chain,)).checked()
    network.genesis, network.store = genesis, MemoryStateStore()
    network.app = Application(genesis, network.store)
    network.l1 = [L1(0, genesis_digest(0, 1, header.number, header.hash))]
    assert network.state.feeds[0].cursor == Cursor(header.number, header.hash, DONE_INDEX)
    return network
