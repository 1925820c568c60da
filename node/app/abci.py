"""ABCI 2.0's requests and responses, as far as this application has a use for them, by ABCI's own names.

Engines convert them from and to protobuf. Times are nanoseconds since 1970, as the engine has them; public keys are 64
bytes X ‖ Y, which the engine's conversion compresses.
"""

from dataclasses import dataclass
from enum import IntEnum

from bridge.codec.consensus import BlockIdFlag
from bridge.codec.types import Address, Hash32, PublicKey


@dataclass(frozen=True, slots=True)
class ValidatorUpdate:
    """A validator's new power in the engine; 0 removes it."""

    public_key: PublicKey
    power: int


@dataclass(frozen=True, slots=True)
class EventAttribute:
    """A detail of an event, as text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a block, for logs and stories; not part of the app hash."""

    type: str
    attributes: tuple[EventAttribute, ...] = ()

    def get(self, key: str) -> str | None:
        """The attribute's value, or None."""
        return next((attribute.value for attribute in self.attributes if attribute.key == key), None)


@dataclass(frozen=True, slots=True)
class ExecTxResult:
    """What became of a transaction. `code` goes into the engine's results hash, `log` and `events` do not."""

    code: int
    codespace: str = ""
    log: str = ""
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class InfoResponse:
    """Where the application stands, which decides what the engine replays."""

    version: str
    app_version: int
    last_block_height: int
    last_block_app_hash: bytes
    """Empty before the first block."""
    data: str = "sidewarden"


@dataclass(frozen=True, slots=True)
class InitChainRequest:
    """The engine starts a chain, which must be the one of the genesis that the application was made with."""

    chain_id: str
    time_ns: int
    initial_height: int
    validators: tuple[ValidatorUpdate, ...] = ()


@dataclass(frozen=True, slots=True)
class InitChainResponse:
    """The engine's first validators, and the app hash before the first block."""

    validators: tuple[ValidatorUpdate, ...]
    app_hash: Hash32


class CheckTxType(IntEnum):
    """Whether a transaction is new to the mempool or looked at again after a block."""

    NEW = 0
    RECHECK = 1


@dataclass(frozen=True, slots=True)
class CheckTxRequest:
    """May this transaction wait in the mempool?"""

    tx: bytes
    type: CheckTxType = CheckTxType.NEW


@dataclass(frozen=True, slots=True)
class CheckTxResponse:
    """0 is yes; else a TransactionCode."""

    code: int
    log: str = ""


@dataclass(frozen=True, slots=True)
class PrepareProposalRequest:
    """The engine's block proposer asks which of the waiting transactions to take."""

    max_tx_bytes: int
    txs: tuple[bytes, ...]
    height: int
    time_ns: int
    proposer_address: Address


@dataclass(frozen=True, slots=True)
class PrepareProposalResponse:
    """The block's transactions in order."""

    txs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ProcessProposalRequest:
    """Another node's proposed block."""

    txs: tuple[bytes, ...]
    height: int
    time_ns: int
    hash: bytes
    proposer_address: Address


class ProposalStatus(IntEnum):
    """The answer to a proposed block."""

    ACCEPT = 1
    REJECT = 2


@dataclass(frozen=True, slots=True)
class ProcessProposalResponse:
    """The answer; `reason` is for our own log."""

    status: ProposalStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CommitVote:
    """A validator's entry in the commit of the block before."""

    address: Address
    power: int
    flag: BlockIdFlag


class MisbehaviorType(IntEnum):
    """What the engine proved of a validator."""

    DUPLICATE_VOTE = 1
    LIGHT_CLIENT_ATTACK = 2


@dataclass(frozen=True, slots=True)
class Misbehavior:
    """Evidence that the engine has checked and a block carries."""

    type: MisbehaviorType
    address: Address
    power: int
    """Of the validator, at `height`."""
    height: int
    """Where it misbehaved."""
    time_ns: int
    """That block's time."""
    total_power: int
    """Of all validators, at `height`."""


@dataclass(frozen=True, slots=True)
class FinalizeBlockRequest:
    """A decided block."""

    txs: tuple[bytes, ...]
    height: int
    time_ns: int
    hash: bytes
    proposer_address: Address
    last_commit: tuple[CommitVote, ...] = ()
    """Who had signed the block before, as this block's proposer saw it."""
    misbehavior: tuple[Misbehavior, ...] = ()


@dataclass(frozen=True, slots=True)
class FinalizeBlockResponse:
    """What the block did; nothing of it lasts before Commit."""

    tx_results: tuple[ExecTxResult, ...]
    validator_updates: tuple[ValidatorUpdate, ...]
    """Act two heights later."""
    app_hash: Hash32
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class CommitResponse:
    """`retain_height`: below it the engine may forget blocks; 0 keeps all."""

    retain_height: int


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """Read the committed state. The paths are in `node.app.proofs`."""

    path: str
    data: bytes = b""
    height: int = 0
    prove: bool = False


@dataclass(frozen=True, slots=True)
class QueryResponse:
    """`code` 0, or 1 with the reason in `log`, or 2 if asking again will do."""

    code: int
    log: str = ""
    key: bytes = b""
    value: bytes = b""
    height: int = 0
    proof: tuple[Hash32, ...] = ()
    """Siblings from the section's leaf to the app hash (bridge.codec.section_tree)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of the state at a height, in chunks, as one node offers it to another."""

    height: int
    format: int
    chunks: int
    """How many there are, numbered from 0."""
    hash: bytes
    """Equal for equal snapshots; proves nothing."""
    metadata: bytes


@dataclass(frozen=True, slots=True)
class ListSnapshotsResponse:
    """The snapshots that this node holds whole."""

    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True)
class OfferSnapshotRequest:
    """Another node has this snapshot: should its chunks be fetched?"""

    snapshot: Snapshot
    app_hash: bytes
    """Of the snapshot's height, which the engine has verified by its light client."""


class OfferSnapshotResult(IntEnum):
    """The answer to an offered snapshot."""

    ACCEPT = 1
    ABORT = 2
    """No snapshot at all will do."""
    REJECT = 3
    """Not this one."""
    REJECT_FORMAT = 4
    REJECT_SENDER = 5
    """Nothing from those who offer it."""


@dataclass(frozen=True, slots=True)
class OfferSnapshotResponse:
    """Whether to fetch the chunks."""

    result: OfferSnapshotResult
    reason: str = ""
    """For our own log."""


@dataclass(frozen=True, slots=True)
class LoadSnapshotChunkRequest:
    """Another node asks for a chunk of a snapshot that this one listed."""

    height: int
    format: int
    chunk: int


@dataclass(frozen=True, slots=True)
class LoadSnapshotChunkResponse:
    """The chunk; empty if it is not held."""

    chunk: bytes


@dataclass(frozen=True, slots=True)
class ApplySnapshotChunkRequest:
    """A fetched chunk of the accepted snapshot."""

    index: int
    chunk: bytes
    sender: str
    """The peer that it came from."""


class ApplySnapshotChunkResult(IntEnum):
    """The answer to a chunk."""

    ACCEPT = 1
    ABORT = 2
    RETRY = 3
    """Give this chunk again."""
    RETRY_SNAPSHOT = 4
    """Give all chunks again."""
    REJECT_SNAPSHOT = 5
    """Take another snapshot."""


@dataclass(frozen=True, slots=True)
class ApplySnapshotChunkResponse:
    """What to do with the chunk, which ones to fetch again, and whom to ask no more."""

    result: ApplySnapshotChunkResult
    refetch_chunks: tuple[int, ...] = ()
    reject_senders: tuple[str, ...] = ()
    reason: str = ""
    """For our own log."""
