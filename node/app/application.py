"""The application as an engine drives it: ABCI 2.0's calls over a state and a store."""

from node.app.abci import (
    CheckTxRequest,
    CheckTxResponse,
    CommitResponse,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    InfoResponse,
    InitChainRequest,
    InitChainResponse,
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
    QueryRequest,
    QueryResponse,
)
from node.app.genesis import Genesis
from node.app.state import Committed
from node.app.store import StateStore


class Application:
    """One validator's replicated state machine."""

    def __init__(self, genesis: Genesis, store: StateStore) -> None:
        self.genesis = genesis
        self._store = store

    @property
    def committed(self) -> Committed:
        """The last committed block's state; the genesis state before the first."""
        raise NotImplementedError

    @property
    def last_events(self) -> tuple[object, ...]:
        """The events of the last committed block (abci.Event)."""
        raise NotImplementedError

    def info(self) -> InfoResponse:
        """Where the application stands."""
        raise NotImplementedError

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        """Start from genesis. Raises GenesisError if the engine's chain is another one."""
        raise NotImplementedError

    def check_tx(self, request: CheckTxRequest) -> CheckTxResponse:
        """Whether the transaction may wait in the mempool."""
        raise NotImplementedError

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        """Which transactions to put into a block, in order."""
        raise NotImplementedError

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        """Whether a proposed block keeps the limits that every correct proposer can keep."""
        raise NotImplementedError

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        """Execute a decided block; a second call for the height discards the first."""
        raise NotImplementedError

    def commit(self) -> CommitResponse:
        """Make the executed block durable: the only write."""
        raise NotImplementedError

    def query(self, request: QueryRequest) -> QueryResponse:
        """Read the committed state."""
        raise NotImplementedError
