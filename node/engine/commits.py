"""What every engine tells those who want to hear of its blocks."""

from collections.abc import Callable
from dataclasses import dataclass

from node.app.abci import CommitVote, FinalizeBlockResponse


@dataclass(frozen=True, slots=True)
class CommittedBlock:
    """What a subscriber hears after its application has committed a block."""

    height: int
    time_ns: int
    transactions: tuple[bytes, ...]
    response: FinalizeBlockResponse
    last_commit: tuple[CommitVote, ...] = ()
    """Who signed the block before it, as far as this engine has votes."""


OnCommit = Callable[[CommittedBlock], None]
