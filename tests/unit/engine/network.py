"""A small network for engine tests: an application that follows ABCI's contract and writes down how it was called.

The application's state is the list of transactions executed; its hash changes only when there were any. A transaction
says what it does: `refuse…` fails CheckTx, `stale…` fails the recheck, `power:<validator>:<power>` changes the
engine's set, anything else is accepted. What it commits goes to a `Disk` that outlives it, as a database would.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.chain.clock import Clock, ManualClock
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import address_of, public_key_of
from bridge.codec.types import Address, Hash32, PublicKey
from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResponse,
    ApplySnapshotChunkResult,
    CheckTxRequest,
    CheckTxResponse,
    CheckTxType,
    CommitResponse,
    ExecTxResult,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    InfoResponse,
    InitChainRequest,
    InitChainResponse,
    ListSnapshotsResponse,
    LoadSnapshotChunkRequest,
    LoadSnapshotChunkResponse,
    OfferSnapshotRequest,
    OfferSnapshotResponse,
    OfferSnapshotResult,
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
    ProposalStatus,
    QueryRequest,
    QueryResponse,
    ValidatorUpdate,
)
from node.app.errors import UpgradeNeeded
from node.engine.local.block import BlockReport
from node.engine.local.block_store import BlockStore
from node.engine.local.engine import LocalEngine
from node.engine.local.gossip import Network
from node.engine.local.mempool import MempoolLimits
from node.engine.local.node import Member
from tests.unit.closing import opened

GENESIS_TIME_NS = 1_700_000_000 * 10**9
BLOCK_INTERVAL_S = 0.5
PULSE_S = 10.0


def private_key(index: int) -> bytes:
    """The private key of test validator `index`."""
    return bytes(31) + bytes((index + 1,))


def key(index: int) -> PublicKey:
    """The public key of test validator `index`."""
    return public_key_of(private_key(index))


def address(index: int) -> Address:
    """The address of test validator `index`."""
    return address_of(key(index))


def genesis(powers: Sequence[int]) -> InitChainRequest:
    """A genesis of validators 0, 1, … with these powers."""
    validators = tuple(ValidatorUpdate(key(index), power) for index, power in enumerate(powers))
    return InitChainRequest("test", GENESIS_TIME_NS, 1, validators)


@dataclass(slots=True)
class Disk:
    """What an application has committed."""

    height: int = 0
    executed: tuple[bytes, ...] = ()


def app_hash(executed: Sequence[bytes]) -> Hash32:
    """The application's hash after these transactions."""
    return keccak256(b"".join(map(keccak256, executed)))


@dataclass(slots=True)
class RecordingApplication:
    """An application that writes each call into a journal shared by all, as `name call(height)`."""

    name: str
    journal: list[str]
    disk: Disk = field(default_factory=Disk)
    accepts: bool = True
    needs_upgrade_at: int | None = None
    """The height that only a newer application can execute."""
    commit_write: Callable[[Callable[[], None]], None] = lambda write: write()
    _executed: tuple[int, tuple[bytes, ...]] | None = None

    def info(self) -> InfoResponse:
        self._note("info")
        self._executed = None
        height = self.disk.height
        return InfoResponse("test", 1, height, app_hash(self.disk.executed) if height else b"")

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        self._note("init_chain")
        assert self.disk.height == 0
        return InitChainResponse(request.validators, app_hash(()))

    def check_tx(self, request: CheckTxRequest) -> CheckTxResponse:
        is_recheck = request.type is CheckTxType.RECHECK
        self._note(f"{'recheck' if is_recheck else 'check'}({request.tx.decode()})")
        refused = request.tx.startswith(b"refuse") or (is_recheck and request.tx.startswith(b"stale"))
        return CheckTxResponse(int(refused), "refused" if refused else "")

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        self._note(f"prepare({request.height})")
        assert request.height == self.disk.height + 1
        return PrepareProposalResponse(request.txs)

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        self._note(f"process({request.height})")
        assert request.height == self.disk.height + 1
        return ProcessProposalResponse(ProposalStatus.ACCEPT if self.accepts else ProposalStatus.REJECT)

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        if request.height == self.needs_upgrade_at:
            raise UpgradeNeeded(2, request.height)
        self._note(f"finalize({request.height})")
        assert request.height == self.disk.height + 1
        executed = self.disk.executed + request.txs
        self._executed = (request.height, executed)
        updates = tuple(map(_update, (tx for tx in request.txs if tx.startswith(b"power:"))))
        results = tuple(ExecTxResult(0) for _ in request.txs)
        return FinalizeBlockResponse(results, updates, app_hash(executed), ())

    def commit(self) -> CommitResponse:
        assert self._executed is not None
        height, executed = self._executed
        self._note(f"commit({height})")
        self._executed = None

        def write() -> None:
            self.disk.height, self.disk.executed = height, executed

        self.commit_write(write)
        return CommitResponse(0)

    def query(self, request: QueryRequest) -> QueryResponse:
        self._note(f"query({request.path})")
        return QueryResponse(0, value=app_hash(self.disk.executed), height=self.disk.height)

    def list_snapshots(self) -> ListSnapshotsResponse:
        return ListSnapshotsResponse(())

    def offer_snapshot(self, request: OfferSnapshotRequest) -> OfferSnapshotResponse:
        return OfferSnapshotResponse(OfferSnapshotResult.REJECT, "none is wanted")

    def load_snapshot_chunk(self, request: LoadSnapshotChunkRequest) -> LoadSnapshotChunkResponse:
        return LoadSnapshotChunkResponse(b"")

    def apply_snapshot_chunk(self, request: ApplySnapshotChunkRequest) -> ApplySnapshotChunkResponse:
        return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.ABORT)

    def _note(self, what: str) -> None:
        self.journal.append(f"{self.name} {what}")


def _update(transaction: bytes) -> ValidatorUpdate:
    _, index, power = transaction.split(b":")
    return ValidatorUpdate(key(int(index)), int(power))


@dataclass(slots=True)
class FaultyNetwork:
    """Drops all gossip, all proposals to some, or keeps decided blocks from some."""

    drops_gossip: bool = False
    deaf: frozenset[int] = frozenset()
    behind: frozenset[int] = frozenset()

    def delivers_transaction(self, sender: int, receiver: int, transaction: bytes) -> bool:
        return not self.drops_gossip

    def delivers_proposal(self, proposer: int, receiver: int, height: int, round_number: int) -> bool:
        return receiver not in self.deaf

    def delivers_block(self, receiver: int, height: int) -> bool:
        return receiver not in self.behind


class LocalNetwork:
    """Applications, clock and engine; `restart` makes all anew but the disks, engine.db and the clock."""

    def __init__(
        self,
        path: Path,
        powers: Sequence[int] = (10, 10, 10, 10),
        *,
        members: int | None = None,
        network: Network | None = None,
        limits: MempoolLimits = MempoolLimits(),  # noqa: B008 - frozen
        clocks: Sequence[Clock] | None = None,
        kinds: Mapping[int, type[RecordingApplication]] | None = None,
    ) -> None:
        """`members` may be fewer or more than `powers`; `kinds` names members whose application is another one."""
        self.path = path / "engine.db"
        self.genesis = genesis(powers)
        self.kinds = kinds or {}
        self.clock = ManualClock(GENESIS_TIME_NS / 10**9)
        self.clocks = clocks or [self.clock] * (len(powers) if members is None else members)
        self.network = network
        self.limits = limits
        self.journal: list[str] = []
        self.disks = [Disk() for _ in self.clocks]
        self.open()

    def open(self, store: BlockStore | None = None) -> None:
        """Make applications and engine anew over what is on disk."""
        self.applications = [
            self.kinds.get(index, RecordingApplication)(f"v{index}", self.journal, disk)
            for index, disk in enumerate(self.disks)
        ]
        self.store = store or opened(BlockStore(self.path))
        self.engine = LocalEngine(
            [
                Member(application.name, (key(index),), application, self.clocks[index])
                for index, application in enumerate(self.applications)
            ],
            self.store,
            self.clock,
            genesis=self.genesis,
            block_interval_s=BLOCK_INTERVAL_S,
            pulse_s=PULSE_S,
            mempool_limits=self.limits,
            network=self.network,
        )

    def start(self) -> "LocalNetwork":
        """Start the engine."""
        self.engine.start()
        return self

    def restart(self) -> None:
        """What a kill and a new start do."""
        self.engine.close()
        self.open()
        self.engine.start()

    async def block(self, *transactions: bytes, member: int = 0, steps: int = 20) -> BlockReport:
        """Submit, let time pass, and step until there is a block."""
        for transaction in transactions:
            self.engine.submit(member, transaction)
        for _ in range(steps):
            report = await self.engine.step()
            if report is not None:
                return report
            self.clock.advance(PULSE_S)
        raise AssertionError(f"no block within {steps} steps")

    def calls(self, name: str) -> list[str]:
        """The calls of one application since the journal was cleared."""
        return [entry.removeprefix(f"{name} ") for entry in self.journal if entry.startswith(f"{name} ")]
