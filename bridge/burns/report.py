"""What the service says about burns, as values."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds


class BurnStatus(StrEnum):
    """How far a burn has come; the order of the members is the order in which they happen."""

    NOT_FOUND = "NOT_FOUND"
    """No such transaction, or it burns nothing that a root chain could pay out."""
    PENDING = "PENDING"
    """In the pool, or in a side-chain block that is not confirmed yet."""
    NOT_CHECKPOINTED = "NOT_CHECKPOINTED"
    """Confirmed on the side chain; no checkpoint at the confirmed root head holds its block."""
    READY = "READY"
    """A checkpoint holds it, whose root our headers reproduce: the proof can be had and the exit be made."""
    EXITED = "EXITED"
    """The root chain has paid it out."""

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
class BurnOnRoot:
    """One burn as seen from one root chain that could pay it out.

    `exit_hash` is the key under which RootChainManager notes a paid exit. `blocks_to_go`: side-chain blocks that must
    still come before a checkpoint with this burn can be proposed. `seconds_to_go`: until READY, estimated from the
    pace so far. Both are None once READY. `root_token` is None where no RootChainManager is configured.
    """

    root_chain: str
    status: BurnStatus
    root_token: Address | None
    exit_hash: Hash32
    blocks_to_go: int | None
    seconds_to_go: int | None
    checkpoint: CheckpointOnRoot | None


@dataclass(frozen=True, slots=True)
class Burn:
    """A Transfer to the zero address by a child token.

    `log_index` counts the logs inside the receipt, as exit payloads do; eth_getLogs counts over the block.
    `token_index` counts only the receipt's Transfers to zero, whoever emitted them: the index that matic.js takes.
    """

    log_index: int
    token_index: int
    token: Address
    burner: Address
    amount: int
    status: BurnStatus
    root_chains: tuple[BurnOnRoot, ...]


@dataclass(frozen=True, slots=True)
class BurnsReport:
    """All burns of a transaction; `status` is that of the one that has come least far.

    The place in the chain is None while the transaction is not in a block. `burns_left_out` counts Transfers to zero
    beyond the limit of what is judged at once. `judged_at` names one block per root chain.
    """

    transaction_hash: Hash32
    status: BurnStatus
    text: str
    block_number: BlockNumber | None
    block_hash: Hash32 | None
    block_time: UnixSeconds | None
    transaction_index: int | None
    blocks_to_go: int | None
    seconds_to_go: int | None
    burns: tuple[Burn, ...]
    burns_left_out: int
    judged_at: tuple[RootBlock, ...]


@dataclass(frozen=True, slots=True)
class BurnProof:
    """An exit payload that was verified down from the root which the root chain has.

    `simulated`: RootChainManager.exit was run with it by eth_call and did not revert; False for what is already
    EXITED, or where no RootChainManager is configured.
    """

    transaction_hash: Hash32
    log_index: int
    token_index: int
    root_chain: str
    status: BurnStatus
    payload: bytes
    exit_hash: Hash32
    block_number: BlockNumber
    checkpoint: CheckpointOnRoot
    judged_at: RootBlock
    simulated: bool
