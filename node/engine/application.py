"""An application behind its wire: every call of an engine goes through the real protobuf bytes, both ways.

`serve` is the application's end, which any engine uses; `WireApplication` is the engine's end within one process.
"""

from typing import Protocol, TypeVar

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
    QueryRequest,
    QueryResponse,
)
from node.engine import convert
from node.engine.convert import CommitRequest, InfoRequest, Request, Response
from node.engine.errors import WireError
from node.engine.wire_snapshots import ListSnapshotsRequest, SnapshotRequest, SnapshotResponse


class Application(Protocol):
    """The calls of ABCI 2.0 that engines make; `node.app.application.Application` answers them."""

    def info(self) -> InfoResponse:
        """Where the application stands."""
        ...

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        """Start from genesis."""
        ...

    def check_tx(self, request: CheckTxRequest) -> CheckTxResponse:
        """Whether the transaction may wait in the mempool."""
        ...

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        """Which transactions to put into a block, in order."""
        ...

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        """Whether to vote for a proposed block."""
        ...

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        """Execute a decided block; a second call for the height discards the first."""
        ...

    def commit(self) -> CommitResponse:
        """Make the executed block durable."""
        ...

    def query(self, request: QueryRequest) -> QueryResponse:
        """Read the committed state."""
        ...

    def list_snapshots(self) -> ListSnapshotsResponse:
        """The snapshots that other nodes may fetch."""
        ...

    def offer_snapshot(self, request: OfferSnapshotRequest) -> OfferSnapshotResponse:
        """Whether to start from another node's snapshot."""
        ...

    def load_snapshot_chunk(self, request: LoadSnapshotChunkRequest) -> LoadSnapshotChunkResponse:
        """A chunk of one of the listed snapshots."""
        ...

    def apply_snapshot_chunk(self, request: ApplySnapshotChunkRequest) -> ApplySnapshotChunkResponse:
        """Take a chunk of the accepted snapshot; the last one makes the state durable."""
        ...


def serve(application: Application, data: bytes) -> bytes:
    """Answer one encoded request. Raises WireError for bytes that are no request of ours."""
    return convert.response_to_bytes(answer(application, convert.request_from_bytes(data)))


def answer(application: Application, request: Request) -> Response:
    """The application's answer to a request."""
    match request:
        case InfoRequest():
            return application.info()
        case InitChainRequest():
            return application.init_chain(request)
        case CheckTxRequest():
            return application.check_tx(request)
        case PrepareProposalRequest():
            return application.prepare_proposal(request)
        case ProcessProposalRequest():
            return application.process_proposal(request)
        case FinalizeBlockRequest():
            return application.finalize_block(request)
        case CommitRequest():
            return application.commit()
        case QueryRequest():
            return application.query(request)
        case _:
            return _serve_snapshots(application, request)


def _serve_snapshots(application: Application, request: SnapshotRequest) -> SnapshotResponse:
    match request:
        case ListSnapshotsRequest():
            return application.list_snapshots()
        case OfferSnapshotRequest():
            return application.offer_snapshot(request)
        case LoadSnapshotChunkRequest():
            return application.load_snapshot_chunk(request)
        case ApplySnapshotChunkRequest():
            return application.apply_snapshot_chunk(request)


_Answer = TypeVar("_Answer", bound=Response)


class WireApplication:
    """The engine's end of the wire to an application in the same process. Every method raises WireError."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def info(self) -> InfoResponse:
        """Ask where the application stands."""
        return self._call(InfoRequest(), InfoResponse)

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        """Have it start from genesis."""
        return self._call(request, InitChainResponse)

    def check_tx(self, request: CheckTxRequest) -> CheckTxResponse:
        """Ask whether a transaction may wait."""
        return self._call(request, CheckTxResponse)

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        """Ask for a block's transactions."""
        return self._call(request, PrepareProposalResponse)

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        """Ask for a vote."""
        return self._call(request, ProcessProposalResponse)

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        """Have it execute a decided block."""
        return self._call(request, FinalizeBlockResponse)

    def commit(self) -> CommitResponse:
        """Have it make the block durable."""
        return self._call(CommitRequest(), CommitResponse)

    def query(self, request: QueryRequest) -> QueryResponse:
        """Read its committed state."""
        return self._call(request, QueryResponse)

    def list_snapshots(self) -> ListSnapshotsResponse:
        """Ask for the snapshots that it holds."""
        return self._call(ListSnapshotsRequest(), ListSnapshotsResponse)

    def offer_snapshot(self, request: OfferSnapshotRequest) -> OfferSnapshotResponse:
        """Ask whether to fetch a snapshot."""
        return self._call(request, OfferSnapshotResponse)

    def load_snapshot_chunk(self, request: LoadSnapshotChunkRequest) -> LoadSnapshotChunkResponse:
        """Ask for a chunk."""
        return self._call(request, LoadSnapshotChunkResponse)

    def apply_snapshot_chunk(self, request: ApplySnapshotChunkRequest) -> ApplySnapshotChunkResponse:
        """Have it take a chunk."""
        return self._call(request, ApplySnapshotChunkResponse)

    def _call(self, request: Request, expected: type[_Answer]) -> _Answer:
        response = convert.response_from_bytes(serve(self._application, convert.request_to_bytes(request)))
        if not isinstance(response, expected):
            raise WireError(f"{type(response).__name__} answers {type(request).__name__}")
        return response
