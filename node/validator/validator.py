"""One validator, wired: its chains, its duties, and what the API asks of it.

opened = open_home(home, genesis)                          # files and keys
engine = LocalEngine([opened.member(clock)], …)
validator = Validator(opened, LocalEngineView(engine, 0), transport, clock)
engine.subscribe(0, validator.on_commit)
engine.start()
await validator.run()                                      # until cancelled
"""

from importlib.metadata import version

from bridge.burns.cadence import RangeRule
from bridge.burns.ranges import BlockSource, FetchedBlocks, StoredBlocks
from bridge.burns.service import BurnService, ServiceLimits
from bridge.burns.sharing import SharingLimits
from bridge.burns.views import ExitContracts
from bridge.burns.views import RootView as BurnRoot
from bridge.burns.views import SideView as BurnSide
from bridge.chain.clock import Clock
from bridge.chain.feed import StepBuilder
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.outbox import Outbox
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import Transport
from bridge.codec.consensus import BlockIdFlag
from bridge.codec.types import BlockNumber
from node.api.archive import ArchivedCheckpoints, CheckpointArchive
from node.api.routes_engine import EngineRpc
from node.api.view import ChainEndpoint, VerdictCount
from node.app.errors import TransactionCode
from node.app.messages import decode_transaction
from node.app.parameters import Finality
from node.app.state import Committed
from node.duties.attest import AttestDuty
from node.duties.clock_watch import ClockWatch, TimeSource
from node.duties.contract_watch import ContractWatch, parse_fingerprint
from node.duties.engine_view import EngineView
from node.duties.evidence import EvidenceLog
from node.duties.follow import FollowRoot, FollowSide, LookRhythm
from node.duties.funds import WatchFunds
from node.duties.genesis_check import contract_reader
from node.duties.overview import Parts, node_status
from node.duties.propose import ProposalMaker, Propose, honest_proposals
from node.duties.readiness import Readiness
from node.duties.status import NodeStatus
from node.duties.submit import SubmissionJudge, Submit
from node.duties.supervisor import Duty, Supervisor
from node.duties.transactions import TransactionSender
from node.duties.verdicts import Judge
from node.engine.commits import CommittedBlock
from node.validator.home import OpenHome


class Validator:
    """One validator at work; it is the API's `NodeView`."""

    def __init__(
        self,
        opened: OpenHome,
        engine: EngineView,
        transport: Transport,
        clock: Clock,
        proposal_maker: ProposalMaker | None = None,
        engine_rpc: EngineRpc | None = None,
        time_source: TimeSource | None = None,
    ) -> None:
        """`proposal_maker` decides what to propose; left out, what the rules ask for.

        `time_source` asks NTP servers; left out, this machine's clock is not watched, because no precommit is signed.
        """
        self._engine_rpc = engine_rpc
        self.moniker = opened.config.moniker
        self.opened = opened
        self._transport = transport
        self._clock = clock
        self.side = self._follow_side()
        self.roots = tuple(self._follow_root(index) for index in range(len(opened.genesis.root_chains)))
        self.readiness = Readiness(
            opened.genesis,
            opened.signer,
            lambda: self.committed,
            engine,
            self.side,
            tuple(root.reader for root in self.roots),
            opened.local_store,
        )
        sender = TransactionSender(opened.signer, engine.submit)
        self.judge = Judge(self.side, opened.signer)
        self.propose = Propose(
            lambda: self.committed, self.readiness, sender, proposal_maker or honest_proposals(self.side)
        )
        self.attest = AttestDuty(
            lambda: self.committed,
            self.readiness,
            sender,
            opened.signer,
            self.judge,
            self.side,
            self.roots,
            opened.config.upgrade.statement,
        )
        self.submits = tuple(self._submit(root) for root in self.roots)
        self.watches = tuple(self._watch_contracts(root) for root in self.roots)
        self.funds = tuple(funds for root in self.roots if (funds := self._watch_funds(root)) is not None)
        self.clock_watch = None if time_source is None else self._watch_clock(time_source)
        self.supervisor = Supervisor(self._duties(), clock, opened.config.poll_interval_s)
        self._archive = CheckpointArchive(opened.state_store, lambda: self.committed)
        self._evidence = EvidenceLog(opened.state_store, lambda: self.committed)
        self._burns = self._burn_service()
        self._parts = Parts(
            moniker=self.moniker,
            version=version("sidewarden"),
            ring=opened.signer.ring,
            engine=engine,
            readiness=self.readiness,
            side=self.side,
            roots=self.roots,
            propose=self.propose,
            attest=self.attest,
            judge=self.judge,
            submits=self.submits,
            funds=self.funds,
            evidence=self._evidence,
            duties=self.supervisor.statuses,
            clock=self.clock_watch,
        )

    async def run(self) -> None:
        """Run all duties until cancelled."""
        await self.supervisor.run()

    async def close(self) -> None:
        """Stop what answers the API, and let go of the files. To be called once `run` has ended."""
        await self._burns.close()
        self.opened.close()

    def on_commit(self, block: CommittedBlock) -> None:
        """Look at a block that this validator's application has committed, and let the duties look again."""
        for transaction, result in zip(block.transactions, block.response.tx_results, strict=True):
            if TransactionCode(result.code).is_executed:
                self.readiness.observe(decode_transaction(transaction))
        for vote in block.last_commit:
            if vote.flag is not BlockIdFlag.ABSENT:
                self.opened.signer.observe_vote(vote.address, block.height - 1)
        self.supervisor.wake()

    # What the API asks

    @property
    def committed(self) -> Committed:
        """The replicated state after the last committed block."""
        return self.opened.application.committed

    @property
    def archive(self) -> CheckpointArchive:
        """The acknowledged checkpoints."""
        return self._archive

    @property
    def evidence(self) -> EvidenceLog:
        """What the engine proved of validators."""
        return self._evidence

    @property
    def burns(self) -> BurnService:
        """Status and proofs of burns."""
        return self._burns

    @property
    def blocks(self) -> BlockSource:
        """The side chain's own confirmed blocks."""
        return StoredBlocks(self.side.follower.store)

    @property
    def engine_rpc(self) -> EngineRpc | None:
        """The door to this node's CometBFT, if it has one."""
        return self._engine_rpc

    def status(self) -> NodeStatus:
        """What the node knows about itself now."""
        return node_status(self._parts, self.committed)

    def endpoints(self) -> tuple[ChainEndpoint, ...]:
        """Health of every RPC endpoint."""
        return tuple(
            ChainEndpoint(follow.chain, report)
            for follow in (self.side, *self.roots)
            for report in follow.reader.pool.endpoints
        )

    def verdicts(self) -> tuple[VerdictCount, ...]:
        """This node's verdicts since its start."""
        names = tuple(root.chain for root in self.roots)
        return tuple(
            VerdictCount(names[root_chain], verdict, count)
            for (root_chain, verdict), count in sorted(self.judge.counts.items())
        )

    # Wiring

    def _duties(self) -> tuple[Duty, ...]:
        return (
            self.side,
            *self.roots,
            self.readiness,
            self.attest,
            self.propose,
            *self.submits,
            *self.watches,
            *self.funds,
            *(() if self.clock_watch is None else (self.clock_watch,)),
        )

    def _follow_side(self) -> FollowSide:
        opened, network = self.opened, self.opened.genesis.parameters
        configured = opened.config.side_chain
        pool = RpcPool(
            "side", configured.rpc_urls, network.side_chain_id, self._transport, self._clock, opened.config.rpc.limits
        )
        reader = ChainReader(pool)
        starts = (root_chain.next_start for root_chain in opened.genesis.root_chains)
        follower = HeaderFollower(
            reader,
            opened.local_store.headers("side"),
            _confirmations(network.side_confirmations, network.side_finality, configured.confirmations),
            min(starts),
            keep_blooms=False,
        )
        longest = max(root_chain.parameters.maximum_blocks for root_chain in opened.genesis.root_chains)
        return FollowSide(follower, reader, lambda: self.committed, longest, self._rhythm())

    def _follow_root(self, index: int) -> FollowRoot:
        opened, genesis = self.opened, self.opened.genesis.root_chains[index]
        agreed = genesis.parameters
        configured = opened.config.root_chain(agreed.name)
        pool = RpcPool(
            agreed.name, configured.rpc_urls, agreed.chain_id, self._transport, self._clock, opened.config.rpc.limits
        )
        reader = ChainReader(pool)
        follower = HeaderFollower(
            reader,
            opened.local_store.headers(agreed.name),
            _confirmations(agreed.confirmations, agreed.finality, configured.confirmations),
            BlockNumber(genesis.block_number),
        )
        return FollowRoot(
            index,
            agreed.name,
            follower,
            reader,
            StepBuilder(
                reader,
                follower.store,
                agreed.feed_anchor_blocks,
                blooms_are_true=configured.feed_source == "bloom",
            ),
            lambda: self.committed,
            self._rhythm(),
        )

    def _rhythm(self) -> LookRhythm:
        return LookRhythm(self._clock, self.opened.config.poll_interval_s)

    def _submit(self, root: FollowRoot) -> Submit:
        opened, key = self.opened, self.opened.submission_key
        agreed = opened.genesis.root_chains[root.index].parameters
        configured = opened.config.root_chain(agreed.name)
        contracts = contract_reader(root.reader, agreed)
        outbox = None
        if key is not None:
            outbox = Outbox(
                agreed.chain_id,
                key,
                root.reader,
                opened.local_store.outbox(agreed.chain_id, key.address),
                configured.fees.policy,
                _confirmations(agreed.confirmations, agreed.finality, configured.confirmations),
                SubmissionJudge(contracts, root.reader, agreed.data_form),
                self._clock,
            )
        return Submit(
            root.index,
            agreed.name,
            lambda: self.committed,
            self.readiness,
            lambda: root.head,
            root.reader,
            contracts,
            outbox,
            configured.submission_gas_limit,
        )

    def _watch_contracts(self, root: FollowRoot) -> ContractWatch:
        return ContractWatch(
            root,
            self.opened.genesis.root_chains[root.index].parameters,
            self.opened.local_store,
            lambda: self.committed,
            parse_fingerprint(self.opened.config.root_chain(root.chain).confirmed_contracts),
            self._clock,
        )

    def _watch_funds(self, root: FollowRoot) -> WatchFunds | None:
        configured, key = self.opened.config.root_chain(root.chain), self.opened.submission_key
        if key is None:
            return None
        return WatchFunds(
            root.chain,
            key.address,
            root.reader,
            configured.fees.policy,
            configured.submission_gas_limit,
            self._clock,
        )

    def _watch_clock(self, source: TimeSource) -> ClockWatch:
        return ClockWatch(
            self.opened.config.clock.ntp_servers,
            source,
            self.opened.signer,
            lambda: self.committed.time_ns / 1e9,
            self._clock,
        )

    def _burn_service(self) -> BurnService:
        headers, reader = self.side.follower.store, self.side.reader.twin()
        sources: tuple[BlockSource, ...] = (StoredBlocks(headers), FetchedBlocks(reader))
        limits = self.opened.config.burns
        return BurnService(
            BurnSide(reader, headers, sources),
            [self._burn_root(root) for root in self.roots],
            self._clock,
            ServiceLimits(SharingLimits(limits.running_max, limits.queued_max)),
            self.opened.burn_keep,
        )

    def _burn_root(self, root: FollowRoot) -> BurnRoot:
        agreed = self.opened.genesis.root_chains[root.index].parameters
        configured = self.opened.config.root_chain(root.chain)
        return BurnRoot(
            name=root.chain,
            reader=root.reader.twin(),
            headers=root.follower.store,
            root_chain=agreed.root_chain_address,
            exits=ExitContracts(
                root_chain_manager=configured.root_chain_manager,
                withdraw_manager=configured.exits.withdraw_manager,
                plasma_erc20_predicate=configured.exits.plasma_erc20_predicate,
                plasma_erc721_predicate=configured.exits.plasma_erc721_predicate,
                tunnels=dict(configured.exits.pairs()),
            ),
            rule=RangeRule(agreed.minimum_blocks, agreed.maximum_blocks, agreed.multiple_blocks, agreed.interval_s),
            book=ArchivedCheckpoints(self._archive, root.index),
        )


def _confirmations(agreed: int, finality: Finality, configured: int) -> Confirmations:
    """What the network agreed on, or more blocks if the operator wants to wait for them."""
    match finality:
        case Finality.DEPTH:
            return Confirmations(max(agreed, configured))
        case Finality.SAFE:
            return Confirmations(tag="safe")
        case Finality.FINALIZED:
            return Confirmations(tag="finalized")
