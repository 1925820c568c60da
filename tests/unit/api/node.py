"""A node without chains or an engine: a true genesis state and log entries that the test moves, a status to edit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bridge.burns.ranges import BlockSource, StoredBlocks
from bridge.burns.service import BurnService, ServiceLimits
from bridge.chain.endpoint import EndpointReport, EndpointState
from bridge.codec import secp256k1
from bridge.codec.checkpoint import DataForm
from bridge.codec.hash import keccak256
from bridge.codec.mmr import MountainRange
from bridge.codec.types import (
    ZERO_HASH,
    Address,
    BlockNumber,
    ChainId,
    Hash32,
    Signature,
    UnixSeconds,
    ValidatorId,
    Wei,
)
from config.presets import RootContracts, devnet_network, devnet_root_chain
from node.api.archive import CheckpointArchive
from node.api.routes_engine import EngineRpc
from node.api.server import ApiServer
from node.api.settings import ApiSettings
from node.api.view import ChainEndpoint, VerdictCount
from node.app import canonical
from node.app.errors import InvalidReason
from node.app.evidence import EvidenceEntry
from node.app.genesis import Genesis, GenesisValidator, RootChainGenesis
from node.app.genesis_state import genesis_state
from node.app.history import (
    CHECKPOINT_LOG,
    EVIDENCE_LOG,
    CheckpointEntry,
    HistoryEntry,
    LateEntry,
    RecordedSignature,
    ResetEntry,
    encode_entry,
)
from node.app.snapshots import CHUNK_ENTRIES
from node.app.state import Committed, Proposal, Stage, State, Verdict
from node.app.store import LOG_PAGE_MAX, LogEntry, MemoryStateStore, RestoredLog, StoredState
from node.duties.evidence import EvidenceLog
from node.duties.status import ChainStatus, ClockStatus, DutyStatus, Moment, NodeStatus, Reason, RootChainStatus, Why
from node.store.errors import StoreError
from tests.unit.burns.world import World, burn_world

KEYS = tuple(keccak256(bytes((index,))) for index in range(4))
STAKES = (100, 90, 80, 70)
GENESIS_TIME = UnixSeconds(1_700_000_000)
SIDE_CHAIN_ID = ChainId(15_001)


def genesis(root_chains: int = 1) -> Genesis:
    """Four validators, and root chains named root0, root1, …"""
    return Genesis(
        name="test",
        time_s=GENESIS_TIME,
        epoch=1,
        staking_root_chain=0,
        parameters=devnet_network(SIDE_CHAIN_ID),
        validators=tuple(_validator(index) for index in range(len(KEYS))),
        root_chains=tuple(_root_chain(index) for index in range(root_chains)),
        parent=b"",
    ).checked()


def _validator(index: int) -> GenesisValidator:
    key = secp256k1.public_key_of(KEYS[index])
    signer = secp256k1.address_of(key)
    return GenesisValidator(ValidatorId(index + 1), signer, key, Wei(STAKES[index] * 10**18), 1, 1, 0)


def _root_chain(index: int) -> RootChainGenesis:
    contract = Address(bytes((0xC0, index)) * 10)
    parameters = devnet_root_chain(
        f"root{index}",
        ChainId(1337 + index),
        SIDE_CHAIN_ID,
        RootContracts(contract, contract, contract),
        DataForm.BOUND,
    )
    return RootChainGenesis(
        parameters=parameters,
        filter=(),
        block_number=BlockNumber(10),
        block_hash=keccak256(b"genesis block"),
        block_time=GENESIS_TIME,
        last_header_id=0,
        last_end=BlockNumber(0),
        next_header_id=10_000,
        account_root=ZERO_HASH,
        state_id=0,
    )


class SyntheticNode:
    """A `NodeView` whose state moves by `acknowledge`, `propose` and `append`."""

    def __init__(self, world: World, root_chains: int = 1, rpc: EngineRpc | None = None) -> None:
        state = genesis_state(genesis(root_chains))
        self.world = world
        self.rpc = rpc
        self.committed = Committed(0, GENESIS_TIME * 10**9, ZERO_HASH, state)
        self.store = MemoryStateStore()
        self.archive = CheckpointArchive(self.store, lambda: self.committed)
        self.edited_status: NodeStatus | None = None
        self.failing_database: StoreError | None = None
        """What looking at the node's own view of the chains raises."""

    @property
    def evidence(self) -> EvidenceLog:
        """The log in the test's store."""
        return EvidenceLog(self.store, lambda: self.committed)

    @property
    def burns(self) -> BurnService:
        """The service over the test's chains."""
        return self.world.service

    @property
    def blocks(self) -> BlockSource:
        """The follower's headers."""
        return StoredBlocks(self.world.followers[0].store)

    @property
    def state(self) -> State:
        """The committed state."""
        return self.committed.state

    @property
    def engine_rpc(self) -> EngineRpc | None:
        return self.rpc

    def status(self) -> NodeStatus:
        """A healthy status, unless the test put another one."""
        if self.failing_database is not None:
            raise self.failing_database
        return self.edited_status or healthy_status(self.state)

    def endpoints(self) -> tuple[ChainEndpoint, ...]:
        """One endpoint that failed twice."""
        report = EndpointReport("side#0", EndpointState.READY, 17, (("RPC_TIMEOUT", 2),), "timed out")
        return (ChainEndpoint("side", report),)

    def verdicts(self) -> tuple[VerdictCount, ...]:
        """Some verdicts."""
        return (VerdictCount("root0", "VALID", 3), VerdictCount("root0", "CANNOT_TELL", 1))

    def append(self, entry: HistoryEntry) -> None:
        """One more entry in the log, in one more block."""
        data = encode_entry(entry)
        log = self.state.checkpoint_log
        self.put(replace(self.state, checkpoint_log=log.append(data)))
        self.store.save(self.committed.height, 0, ZERO_HASH, (), (LogEntry(CHECKPOINT_LOG, log.count, data),))

    def append_evidence(self, entry: EvidenceEntry) -> None:
        """One more piece of evidence, in one more block."""
        data, log = canonical.encode(entry), self.state.evidence_log
        self.put(replace(self.state, evidence_log=log.append(data)))
        self.store.save(self.committed.height, 0, ZERO_HASH, (), (LogEntry(EVIDENCE_LOG, log.count, data),))

    def put(self, state: State) -> None:
        """Commit this state."""
        self.committed = replace(
            self.committed, height=self.committed.height + 1, time_ns=self.committed.time_ns + 10**9, state=state
        )

    def acknowledge(self, number: int, root_chain: int = 0) -> CheckpointEntry:
        """An ack of the checkpoint of blocks 8·(number − 1) … 8·number − 1, signed by all but the last validator."""
        members = self.state.validators.tally_set
        entry = CheckpointEntry(
            root_chain=root_chain,
            header_id=number * 10_000,
            proposer=members[0].signer,
            start=BlockNumber(8 * (number - 1)),
            end=BlockNumber(8 * number - 1),
            root_hash=root_hash(number),
            account_root_hash=ZERO_HASH,
            turn=number,
            is_foreign=False,
            ended_turn=number,
            block_number=BlockNumber(100 + number),
            block_time=UnixSeconds(GENESIS_TIME + 20 * number),
            step_number=number,
            log_index=0,
            time_s=UnixSeconds(GENESIS_TIME + 20 * number + 4),
            total_power=sum(STAKES),
            signatures=tuple(
                RecordedSignature(
                    member.id, member.signer, member.power, signature(index), GENESIS_TIME, is_late=index == 2
                )
                for index, member in enumerate(members[:3])
            ),
            missing=(members[3].id,),
        )
        self.append(entry)
        turns = list(self.state.turns)
        turns[root_chain] = replace(turns[root_chain], next_header_id=(number + 1) * 10_000)
        self.put(replace(self.state, turns=tuple(turns)))
        return entry

    def sign_late(self, number: int) -> None:
        """The last validator's signature, after the ack."""
        member = self.state.validators.tally_set[3]
        self.append(LateEntry(0, number * 10_000, member.id, member.signer, signature(3), GENESIS_TIME))

    def start_from_snapshot(self, name: str = CHECKPOINT_LOG) -> None:
        """Hold only what a snapshot of another node gave of the log: the last whole chunk is gone."""
        log, entries = MountainRange(), self.store.log_entries(name, 0, LOG_PAGE_MAX)
        missing = len(entries) // CHUNK_ENTRIES * CHUNK_ENTRIES
        for entry in entries[:missing]:
            log = log.append(entry)
        stored = StoredState(self.committed.height, 0, ZERO_HASH, ())
        self.store.restore(stored, (RestoredLog(name, log, entries[missing:]),))
        self.archive = CheckpointArchive(self.store, lambda: self.committed)

    def reset(self, number: int) -> None:
        """L1's owner deletes the checkpoints from this number on."""
        self.append(ResetEntry(0, number * 10_000, 1, BlockNumber(200), 9, GENESIS_TIME))

    def propose(self, number: int, stage: Stage = Stage.COLLECTING) -> Proposal:
        """An open proposal with one VALID and one INVALID."""
        members = self.state.validators.tally_set
        verdicts = (
            Verdict(members[0].id, members[0].signer, signature(0), None, GENESIS_TIME, is_late=False),
            Verdict(members[1].id, members[1].signer, None, InvalidReason(1), GENESIS_TIME, is_late=False),
        )
        proposal = Proposal(
            root_chain=0,
            turn=number,
            proposer=members[0].signer,
            start=BlockNumber(8 * (number - 1)),
            end=BlockNumber(8 * number - 1),
            root_hash=root_hash(number),
            account_root_hash=ZERO_HASH,
            header_id=number * 10_000,
            valid_until=UnixSeconds(GENESIS_TIME + 999),
            proposed_s=GENESIS_TIME,
            verdicts=verdicts,
            stage=stage,
            grace_left=0,
            opening=None,
        )
        books = list(self.state.proposals)
        books[0] = replace(books[0], current=proposal)
        self.put(replace(self.state, proposals=tuple(books)))
        return proposal


def signature(index: int) -> Signature:
    """Some true signature of a validator."""
    return secp256k1.sign(keccak256(b"checkpoint"), KEYS[index])


def root_hash(number: int) -> Hash32:
    """The root of the n-th checkpoint."""
    return keccak256(b"root" + bytes((number,)))


def healthy_status(state: State) -> NodeStatus:
    """A node with nothing to complain of, waiting for side-chain blocks."""
    member = state.validators.tally_set[0]
    return NodeStatus(
        version="0.1.0",
        moniker="validator-1",
        validator_id=member.id,
        signer=member.signer,
        power=member.power,
        total_power=sum(STAKES),
        engine_height=12,
        engine_time_s=float(GENESIS_TIME),
        engine_power_share_permille=1000,
        engine_quorum=True,
        app_hash=keccak256(b"app"),
        paused=False,
        caught_up=True,
        stopped_signing=None,
        leaving_acks=None,
        side_chain=chain_status("side"),
        root_chains=tuple(root_chain_status(rules.name, member.signer) for rules in state.params.root_chains),
        duties=(DutyStatus("follow", float(GENESIS_TIME), 1, "RPC_DOWN"),),
        cannot_tell=None,
        alarms=(),
        clock=ClockStatus(skew=None, offset_s=0.25, servers=4, answering=3),
        evidence=0,
    )


def chain_status(name: str, down_reason: str | None = None) -> ChainStatus:
    """A chain that is seen, or not."""
    return ChainStatus(
        name=name,
        chain_id=ChainId(1),
        head=BlockNumber(20),
        confirmed=BlockNumber(18),
        confirmed_hash=keccak256(b"block 18"),
        confirmed_time_s=GENESIS_TIME,
        last_progress_s=float(GENESIS_TIME),
        down_reason=down_reason,
    )


def root_chain_status(name: str, proposer: Address) -> RootChainStatus:
    """A root chain that waits for side-chain blocks."""
    return RootChainStatus(
        name=name,
        chain=chain_status(name),
        why=Why(Reason.WAITING_FOR_SIDE_BLOCKS, "5 side-chain blocks are missing", 5),
        turn=3,
        proposer_id=ValidatorId(1),
        proposer=proposer,
        deadline_s=None,
        next_start=BlockNumber(16),
        proposed_start=None,
        proposed_end=None,
        signed_permille=0,
        cursor=BlockNumber(17),
        step_number=4,
        last_built=None,
        last_signed=Moment(2, GENESIS_TIME + 1.5),
        last_submitted=None,
        last_acknowledged=Moment(20_000, GENESIS_TIME + 9.0),
        no_acks=0,
        submitter_balance_wei=Wei(3 * 10**18),
        submitter_checkpoints_left=4_000,
        outbox_state=None,
    )


@dataclass(frozen=True, slots=True)
class Served:
    """A node and the URL of its API."""

    node: SyntheticNode
    url: str


@asynccontextmanager
async def served_node(
    settings: ApiSettings | None = None,
    root_chains: int = 1,
    rpc: EngineRpc | None = None,
    limits: ServiceLimits | None = None,
) -> AsyncIterator[Served]:
    """A synthetic node behind a real server; `rpc` leads to its CometBFT, if it has one."""
    async with burn_world(root_chains, limits=limits) as world:
        node = SyntheticNode(world, root_chains, rpc)
        server = ApiServer(node, settings or ApiSettings(port=0))
        url = await server.start()
        try:
            yield Served(node, url)
        finally:
            await server.close()
