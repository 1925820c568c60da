"""What the service says about burns, as values."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.burns.kinds import BurnKind
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds


class BurnStatus(StrEnum):
    """How far a burn has come; the order of the members is the order in which they happen."""

    NOT_FOUND = "NOT_FOUND"
    """No such transaction, or it burns nothing that a root chain could pay out."""
    REORGED = "REORGED"
    """It was in a side-chain block that the chain has replaced, and is in no other. It may come again, or never."""
    PENDING = "PENDING"
    """In the pool, or in a side-chain block that is not confirmed yet."""
    NOT_CHECKPOINTED = "NOT_CHECKPOINTED"
    """Confirmed on the side chain; no checkpoint at the confirmed root head holds its block."""
    READY = "READY"
    """A checkpoint holds it, whose root our headers reproduce: the proof can be had and the exit be made."""
    EXITED = "EXITED"
    """The root chain has taken the exit: paid, or for a Plasma exit, begun."""

    @property
    def rank(self) -> int:
        """Position in the order of the members."""
        return list(BurnStatus).index(self)


@dataclass(frozen=True, slots=True)
class RootBlock:
    """The confirmed block of a root chain at which an answer was judged; answers at later ones never go back."""

    root_chain: str
    number: BlockNumber
    hash: Hash32
    timestamp: UnixSeconds


@dataclass(frozen=True, slots=True)
class CheckpointOnRoot:
    """A header block of the RootChain contract. `number` is header_id / 10000, as Heimdall numbers checkpoints."""

    header_id: int
    root: Hash32
    start: BlockNumber
    end: BlockNumber
    created_at: UnixSeconds
    proposer: Address

    def holds(self, number: BlockNumber) -> bool:
        """Whether the block is in its range."""
        return self.start <= number <= self.end


@dataclass(frozen=True, slots=True)
class ToGo:
    """What a burn still waits for.

    `confirmations`: side-chain blocks until its own block is confirmed. `blocks`: side-chain blocks that must still
    come before a checkpoint with it can be proposed. The seconds until READY are an estimate: by the mean of the
    checkpoints' intervals, and by the shortest and the longest of them. They are None before the first checkpoint.
    """

    confirmations: int
    blocks: int
    seconds: int | None
    seconds_earliest: int | None
    seconds_latest: int | None


@dataclass(frozen=True, slots=True)
class PaidExit:
    """The root-chain transaction that an exit was taken in."""

    transaction_hash: Hash32
    block_number: BlockNumber


@dataclass(frozen=True, slots=True)
class BurnOnRoot:
    """One burn as seen from one root chain that could pay it out.

    An exit is made by calling `exit_function` of `exit_contract` with the payload; None where no such contract is
    configured. `exit_hash` is the key under which RootChainManager, or a tunnel, notes it. `exit` is None while the
    burn is not EXITED, and where the transaction could not be found with certainty. `to_go` is None once READY.
    """

    root_chain: str
    status: BurnStatus
    root_token: Address | None
    exit_contract: Address | None
    exit_function: str
    exit_hash: Hash32
    to_go: ToGo | None
    checkpoint: CheckpointOnRoot | None
    exit: PaidExit | None


@dataclass(frozen=True, slots=True)
class Burn:
    """A log that a root chain pays tokens for, or passes a message on for.

    `log_index` counts the logs inside the receipt, as exit payloads do; eth_getLogs counts over the block.
    `token_index` counts the receipt's logs of the same event, as matic.js does; None where it cannot name the log.
    `ids` and `amounts` are decimal strings, as they pass 2^53; `twins` are the burns of this receipt that release the
    very same tokens: one exit is for all of them. The rest is explained at `kinds.FoundBurn`.
    """

    log_index: int
    token_index: int | None
    kind: BurnKind
    event_signature: Hash32
    token: Address
    burner: Address | None
    ids: tuple[str, ...]
    amounts: tuple[str, ...]
    data: bytes
    twins: tuple[int, ...]
    status: BurnStatus
    root_chains: tuple[BurnOnRoot, ...]


@dataclass(frozen=True, slots=True)
class BurnsReport:
    """All burns of a transaction; `status` is that of the one that has come least far.

    `version` changes with whatever does not change by the mere passing of time: not with `judged_at` and `to_go`.
    The place in the chain is None while the transaction is not in a block; under REORGED it is where it was.
    `burns_left_out` counts burns beyond the limit of what is judged at once. `judged_at` names one block per root
    chain.
    """

    transaction_hash: Hash32
    version: str
    status: BurnStatus
    text: str
    block_number: BlockNumber | None
    block_hash: Hash32 | None
    block_time: UnixSeconds | None
    transaction_index: int | None
    to_go: ToGo | None
    burns: tuple[Burn, ...]
    burns_left_out: int
    judged_at: tuple[RootBlock, ...]


@dataclass(frozen=True, slots=True)
class BurnProof:
    """An exit payload that was verified down from the root which the root chain has. It never changes.

    `simulated`: the exit was run with it by eth_call and did not revert; False where no contract is configured, and
    where the exit had been taken before.
    """

    transaction_hash: Hash32
    log_index: int
    root_chain: str
    payload: bytes
    exit_contract: Address | None
    exit_function: str
    exit_hash: Hash32
    block_number: BlockNumber
    block_hash: Hash32
    checkpoint: CheckpointOnRoot
    simulated: bool
