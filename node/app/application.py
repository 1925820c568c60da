"""The application as an engine drives it: ABCI 2.0's calls over a state and a store.

FinalizeBlock writes nothing durable, and a second one for a height discards the first; Commit is the only write.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.codec.types import Address
from node.app import blocks
from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResponse,
    ApplySnapshotChunkResult,
    CheckTxRequest,
    CheckTxResponse,
    CheckTxType,
    CommitResponse,
    Event,
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
)
from node.app.apphash import HashedState, hash_state, state_of
from node.app.draft import NANOSECONDS_PER_SECOND
from node.app.engine_set import updates_of
from node.app.errors import GenesisError, HeightError, StoreError, TransactionCode, UpgradeNeeded
from node.app.execution import BlockInput, BlockOutcome, execute_block, nonce_refusal
from node.app.genesis import Genesis, genesis_hash
from node.app.genesis_state import genesis_state
from node.app.mempool import MempoolView
from node.app.opened import OpenedTransaction, TransactionOpener
from node.app.proofs import StateProofs
from node.app.snapshots import SnapshotRefused
from node.app.state import Committed
from node.app.state_sync import Restoration, SnapshotKeeper, SnapshotPolicy
from node.app.store import StateStore, StoredState
from node.app.versions import FIRST_VERSION, NEWEST_VERSION

SOFTWARE_VERSION = "0.1.0"
INITIAL_HEIGHT = 1


@dataclass(frozen=True, slots=True)
class _Executed:
    """A block that was executed and not committed yet."""

    committed: Committed
    hashed: HashedState
    outcome: BlockOutcome
    transactions: tuple[OpenedTransaction | TransactionCode, ...]


@dataclass(frozen=True, slots=True)
class _Senders:
    """Who sends, by the committed state."""

    last_nonces: Mapping[Address, int]
    """Of every signer that the set ever had."""
    present: frozenset[Address]
    """Whose transactions count for something now."""


class Application:
    """One validator's replicated state machine.

    `opener` remembers verified transactions by their bytes and may be shared by all nodes of a process. Raises
    StoreError if what the store holds does not have the app hash saved with it, or belongs to another network, and
    UpgradeNeeded if its rules are of a newer version than `newest_version`.
    """

    def __init__(
        self,
        genesis: Genesis,
        store: StateStore,
        opener: TransactionOpener | None = None,
        snapshots: SnapshotPolicy = SnapshotPolicy(),  # noqa: B008 - frozen
        newest_version: int = NEWEST_VERSION,
    ) -> None:
        self.genesis = genesis
        self._store = store
        self._newest_version = newest_version
        self._snapshots = SnapshotKeeper(store, snapshots)
        self._restoration: Restoration | None = None
        self._opener = opener or TransactionOpener(genesis_hash(genesis))
        self._proofs = StateProofs(store)
        self._mempool = MempoolView()
        self._hashed, self._committed = self._load()
        self._note_state()
        self._last_events: tuple[Event, ...] = ()
        self._executed: _Executed | None = None

    @property
    def committed(self) -> Committed:
        """The last committed block's state; the genesis state before the first."""
        return self._committed

    @property
    def last_events(self) -> tuple[Event, ...]:
        """What happened in the last block committed since the start of this process."""
        return self._last_events

    def info(self) -> InfoResponse:
        """Where the application stands: at the last committed block, whatever was executed since."""
        committed = self._committed
        return InfoResponse(
            version=SOFTWARE_VERSION,
            app_version=FIRST_VERSION,
            last_block_height=committed.height,
            last_block_app_hash=committed.app_hash if committed.height else b"",
        )

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        """Start from genesis. Raises GenesisError if the engine's chain is another one."""
        genesis_ns = self.genesis.time_s * NANOSECONDS_PER_SECOND
        expected = (self.genesis.name, genesis_ns, INITIAL_HEIGHT)
        if (request.chain_id, request.time_ns, request.initial_height) != expected:
            raise GenesisError(
                f"the engine starts chain {request.chain_id} at height {request.initial_height} and time "
                f"{request.time_ns} ns; the genesis says {expected[0]}, {expected[2]} and {expected[1]} ns"
            )
        members = self._committed.state.engine_set.members
        return InitChainResponse(validators=updates_of(members), app_hash=self._committed.app_hash)

    def check_tx(self, request: CheckTxRequest) -> CheckTxResponse:
        """Whether the transaction may wait in the mempool; whether it still matters is judged when it is executed."""
        code = self._check(request.tx, is_new=request.type is CheckTxType.NEW)
        return CheckTxResponse(int(code), code.name if code else "")

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        """Which transactions to put into a block, in order."""
        nonces, recent_bytes = self._senders.last_nonces, self._mempool.recent_bytes()
        return PrepareProposalResponse(
            blocks.choose(request.txs, self._opener, nonces, recent_bytes, request.max_tx_bytes)
        )

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        """Whether a proposed block keeps the limits that every correct proposer can keep."""
        reason = blocks.refusal(request.txs, self._opener)
        if reason is None:
            return ProcessProposalResponse(ProposalStatus.ACCEPT)
        return ProcessProposalResponse(ProposalStatus.REJECT, reason)

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        """Execute a decided block. Raises HeightError unless it follows the committed one, and UpgradeNeeded."""
        before = self._committed
        if request.height != before.height + 1:
            raise HeightError(f"block {request.height} does not follow the committed block {before.height}")
        transactions = tuple(self._opener.open(data) for data in request.txs)
        block = BlockInput(request.height, request.time_ns, transactions, request.misbehavior, self._newest_version)
        outcome = execute_block(before.state, block)
        hashed = hash_state(outcome.state, self._hashed)
        committed = Committed(request.height, request.time_ns, hashed.app_hash, outcome.state)
        self._executed = _Executed(committed, hashed, outcome, transactions)
        return FinalizeBlockResponse(
            tx_results=outcome.results,
            validator_updates=outcome.updates,
            app_hash=hashed.app_hash,
            events=outcome.events,
        )

    def commit(self) -> CommitResponse:
        """Make the executed block durable: the only write. Raises HeightError if there is none."""
        executed = self._executed
        if executed is None:
            raise HeightError("Commit without FinalizeBlock")
        committed, outcome = executed.committed, executed.outcome
        # Before the first block nothing is stored, so the first one brings every section.
        base = self._hashed if self._committed.height else None
        changed = executed.hashed.changed_since(base)
        height = committed.height
        snapshot = self._snapshots.take(height, executed.hashed, outcome.entries)
        self._store.save(height, committed.time_ns, committed.app_hash, changed, outcome.entries, snapshot)
        if snapshot is not None:
            self._snapshots.saved(height, snapshot)
        self._committed, self._hashed, self._executed = committed, executed.hashed, None
        self._last_events = outcome.events
        self._note_committed(executed)
        return CommitResponse(self._snapshots.retain_height(height))

    def query(self, request: QueryRequest) -> QueryResponse:
        """Read the committed state; the paths are those of `node.app.proofs`."""
        return self._proofs.answer(request, self._committed, self._hashed)

    def list_snapshots(self) -> ListSnapshotsResponse:
        """The snapshots that other nodes may fetch."""
        return self._snapshots.list()

    def offer_snapshot(self, request: OfferSnapshotRequest) -> OfferSnapshotResponse:
        """Whether to start from another node's snapshot."""
        stored = self._store.load()
        if stored is not None and not stored.is_restored:
            why = f"this node has a state at height {stored.height}; to start from a snapshot, delete state.db"
            return OfferSnapshotResponse(OfferSnapshotResult.ABORT, why)
        try:
            self._restoration = Restoration(request)
        except SnapshotRefused as refused:
            return OfferSnapshotResponse(refused.result, str(refused))
        return OfferSnapshotResponse(OfferSnapshotResult.ACCEPT)

    def load_snapshot_chunk(self, request: LoadSnapshotChunkRequest) -> LoadSnapshotChunkResponse:
        """A chunk of one of the listed snapshots."""
        return LoadSnapshotChunkResponse(self._snapshots.load(request))

    def apply_snapshot_chunk(self, request: ApplySnapshotChunkRequest) -> ApplySnapshotChunkResponse:
        """Take a chunk of the accepted snapshot; the last one makes the state durable."""
        restoration = self._restoration
        if restoration is None:
            return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.ABORT, reason="no snapshot was accepted")
        if not restoration.add(request.index, request.chunk):
            senders = (request.sender,) if request.sender else ()
            why = f"chunk {request.index} from peer {request.sender} is not the one that the app hash proves"
            return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.RETRY, (request.index,), senders, why)
        if not restoration.is_complete:
            return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.ACCEPT)
        self._restoration = None
        return self._restore(restoration)

    def _restore(self, restoration: Restoration) -> ApplySnapshotChunkResponse:
        try:
            hashed = restoration.state()
        except StoreError as error:
            return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.REJECT_SNAPSHOT, reason=str(error))
        if hashed.state.params.genesis_hash != genesis_hash(self.genesis):
            why = "the network has another genesis than this home: copy the network's genesis.json"
            return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.ABORT, reason=why)
        if hashed.state.params.version > self._newest_version:
            why = str(UpgradeNeeded(hashed.state.params.version, restoration.height + 1))
            return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.ABORT, reason=why)
        # Its block's time is not proved by anything; until the next block it is only known to be after the genesis.
        time_ns = self.genesis.time_s * NANOSECONDS_PER_SECOND
        stored = StoredState(restoration.height, time_ns, hashed.app_hash, hashed.sections)
        self._store.restore(stored, restoration.logs())
        self._hashed, self._executed = hashed, None
        self._committed = Committed(restoration.height, time_ns, hashed.app_hash, hashed.state)
        self._snapshots.forget()
        self._proofs = StateProofs(self._store)
        self._note_state()
        return ApplySnapshotChunkResponse(ApplySnapshotChunkResult.ACCEPT)

    def _load(self) -> tuple[HashedState, Committed]:
        stored = self._store.load()
        if stored is None:
            hashed = hash_state(genesis_state(self.genesis))
            time_ns = self.genesis.time_s * NANOSECONDS_PER_SECOND
            return hashed, Committed(0, time_ns, hashed.app_hash, hashed.state)
        hashed = hash_state(state_of(stored.sections))
        if hashed.app_hash != stored.app_hash:
            raise StoreError(f"the state at height {stored.height} does not have its app hash: restore state.db")
        if hashed.state.params.genesis_hash != genesis_hash(self.genesis):
            raise StoreError("the stored state belongs to another network than the genesis: use its own home")
        version = hashed.state.params.version
        if version > self._newest_version:
            raise UpgradeNeeded(version, stored.height + 1)
        return hashed, Committed(stored.height, stored.time_ns, stored.app_hash, hashed.state)

    def _check(self, data: bytes, *, is_new: bool) -> TransactionCode:
        opened = self._opener.open(data)
        if isinstance(opened, TransactionCode):
            return opened
        code = self._signer_refusal(opened)
        if code is TransactionCode.OK and is_new and not self._mempool.has_room(data, opened.sender):
            return TransactionCode.TOO_MANY_PENDING
        if code is TransactionCode.OK:
            self._mempool.add(data, opened, self._committed.height)
        else:
            self._mempool.remove(data)
        return code

    def _signer_refusal(self, opened: OpenedTransaction) -> TransactionCode:
        nonce = self._senders.last_nonces.get(opened.sender)
        is_present = opened.sender in self._senders.present
        is_known = is_present or self._mempool.is_known(opened.sender, self._committed.height)
        if nonce is None or not is_known:
            return TransactionCode.UNKNOWN_SIGNER
        return nonce_refusal(nonce, opened.nonce)

    def _note_state(self) -> None:
        self._senders = _senders_of(self._committed)
        self._mempool.know(self._senders.present, self._committed.height)

    def _note_committed(self, executed: _Executed) -> None:
        taken = [opened for opened in executed.transactions if isinstance(opened, OpenedTransaction)]
        height = executed.committed.height
        self._note_state()
        self._mempool.block_committed(height, taken, self._senders.last_nonces)


def _senders_of(committed: Committed) -> _Senders:
    state = committed.state
    members, tally_set = state.validators.members, state.validators.tally_set
    return _Senders(
        last_nonces={sender.address: sender.nonce for sender in state.senders},
        present=frozenset(member.signer for member in members) | frozenset(member.signer for member in tally_set),
    )
