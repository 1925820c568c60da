"""The border of a validator's process as the engine meets it: a call into a dead process never returns."""

from typing import TYPE_CHECKING, TypeVar

from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResponse,
    CheckTxRequest,
    CheckTxResponse,
    CommitResponse,
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
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
    ProposalStatus,
    QueryRequest,
    QueryResponse,
)
from node.engine.application import Application
from node.engine.errors import MemberLostError
from node.simulation.loop import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.simulation.machine import Machine

Result = TypeVar("Result")


class BoundedApplication:
    """The application of one process of a machine; every method raises MemberLostError once that has ended."""

    def __init__(self, machine: "Machine", process: Process, application: Application | None) -> None:
        """Without an application it stands for a process that ended before it had one."""
        self._machine = machine
        self._process = process
        self._application = application

    def info(self) -> InfoResponse:
        """Ask where the application stands."""
        return self._inside("info", lambda application: application.info())

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        """Start from genesis."""
        return self._inside("init_chain", lambda application: application.init_chain(request))

    def check_tx(self, request: CheckTxRequest) -> CheckTxResponse:
        """Whether the transaction may wait."""
        return self._inside("check_tx", lambda application: application.check_tx(request))

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        """Which transactions to put into a block."""
        honest = self._inside("prepare_proposal", lambda application: application.prepare_proposal(request))
        liar = self._machine.liar
        return honest if liar is None else PrepareProposalResponse(liar.block(honest.txs))

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        """Whether to vote for a block."""
        honest = self._inside("process_proposal", lambda application: application.process_proposal(request))
        liar = self._machine.liar
        if liar is None or liar.accepts(honest=honest.status is ProposalStatus.ACCEPT):
            return honest
        return ProcessProposalResponse(ProposalStatus.REJECT, "")

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        """Execute a decided block."""
        return self._inside("finalize_block", lambda application: application.finalize_block(request))

    def commit(self) -> CommitResponse:
        """Make the executed block durable."""
        return self._inside("commit", lambda application: application.commit())

    def query(self, request: QueryRequest) -> QueryResponse:
        """Read the committed state."""
        return self._inside("query", lambda application: application.query(request))

    def list_snapshots(self) -> ListSnapshotsResponse:
        """Ask for the snapshots that it holds."""
        return self._inside("list_snapshots", lambda application: application.list_snapshots())

    def offer_snapshot(self, request: OfferSnapshotRequest) -> OfferSnapshotResponse:
        """Ask whether to fetch a snapshot."""
        return self._inside("offer_snapshot", lambda application: application.offer_snapshot(request))

    def load_snapshot_chunk(self, request: LoadSnapshotChunkRequest) -> LoadSnapshotChunkResponse:
        """Ask for a chunk."""
        return self._inside("load_snapshot_chunk", lambda application: application.load_snapshot_chunk(request))

    def apply_snapshot_chunk(self, request: ApplySnapshotChunkRequest) -> ApplySnapshotChunkResponse:
        """Have it take a chunk."""
        return self._inside("apply_snapshot_chunk", lambda application: application.apply_snapshot_chunk(request))

    def _inside(self, name: str, call: "Callable[[Application], Result]") -> Result:
        application = self._application
        if application is None:
            raise MemberLostError(f"{self._process.name} did not get so far")
        result = self._machine.inside(self._process, lambda: call(application))
        if self._machine.dies_in_call == name:
            self._machine.kill(f"killed after {name}")
            raise MemberLostError(f"{self._process.name} was killed after {name}")
        return result
