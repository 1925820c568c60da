"""One member of the engine: its application behind the wire, its mempool, and how far it is."""

from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.codec.types import PublicKey
from node.app.abci import CheckTxRequest, CheckTxResponse, CheckTxType, FinalizeBlockResponse
from node.engine.application import Application, WireApplication
from node.engine.commits import CommittedBlock, OnCommit
from node.engine.errors import ApplicationFaultError
from node.engine.local.block import Block
from node.engine.local.mempool import Mempool, MempoolLimits


@dataclass(frozen=True, slots=True)
class Member:
    """A validator whose keys are held here.

    All its keys are named, so that it votes with whichever the validator set has, also after a change of signer.
    """

    name: str
    public_keys: tuple[PublicKey, ...]
    application: Application
    clock: Clock
    """Its own clock, which stands on its precommits."""


class Node:
    """A member at work. `height` is the last block that its application has committed.

    `has_caught_up` is false after a start or a pause until every decided block is committed, and then stays true: in
    the moments between two members' commits nobody counts as behind.
    """

    def __init__(self, index: int, member: Member, limits: MempoolLimits) -> None:
        self.index = index
        self.name = member.name
        self.public_keys = member.public_keys
        self.clock = member.clock
        self.application = WireApplication(member.application)
        self.mempool = Mempool(self._check, limits)
        self.height = 0
        self.is_paused = False
        self.has_caught_up = False
        self.subscribers: list[OnCommit] = []

    def execute(self, block: Block) -> FinalizeBlockResponse:
        """Have the application execute a decided block; nothing of it lasts before `commit`."""
        response = self.application.finalize_block(block.request)
        expected, found = len(block.request.txs), len(response.tx_results)
        if found != expected:
            raise ApplicationFaultError(f"{self.name} gave {found} results for {expected} transactions")
        return response

    def commit(self, block: Block, response: FinalizeBlockResponse) -> None:
        """Have the application commit what it executed, clear the mempool, and tell the subscribers."""
        self.application.commit()
        self.height = block.height
        self.mempool.update(block.height, block.request.txs)
        committed = CommittedBlock(block.height, block.request.time_ns, block.request.txs, response)
        for subscriber in tuple(self.subscribers):
            subscriber(committed)

    def _check(self, transaction: bytes, is_recheck: bool) -> CheckTxResponse:
        kind = CheckTxType.RECHECK if is_recheck else CheckTxType.NEW
        return self.application.check_tx(CheckTxRequest(transaction, kind))
