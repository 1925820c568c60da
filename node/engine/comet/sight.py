"""What can be seen of the network through one CometBFT node: how far it is, and whose votes arrive.

While blocks come, the commit in each says who voted. When none has come for longer than the pulse, votes of the round
that hangs say who is still there. So ENGINE_NO_QUORUM needs no block to be known.
"""

from bridge.chain.clock import Clock
from bridge.codec.consensus import BlockIdFlag
from node.engine.comet.rpc import CometRpc, ConsensusState, Status
from node.engine.commits import CommittedBlock
from node.engine.trouble import Trouble, TroubleCode

LOOK_S = 1.0
LATE_S = 5.0
"""How much longer than the pulse a block may take before the votes of the hanging round count instead, and how long a
round may be without votes: it waits for its proposer first."""
STRANDED_S = 30.0
"""How long a node stands still below its peers before it is called stranded."""


class Sight:
    """What was seen last, and when; times are of a monotonic clock."""

    def __init__(self, now_s: float, pulse_s: int) -> None:
        self._pulse_s = pulse_s
        self._status: Status | None = None
        self._consensus: ConsensusState | None = None
        self._looked_s = now_s
        self._block_s = now_s
        self._round_since_s = now_s
        self._commit_permille = 0
        self._behind_since_s: float | None = None

    def begin(self, now_s: float) -> None:
        """Forget what was seen of an earlier process."""
        self._status = self._consensus = self._behind_since_s = None
        self._looked_s = self._block_s = self._round_since_s = now_s
        self._commit_permille = 0

    def seen(self, status: Status, consensus: ConsensusState | None, now_s: float) -> None:
        """Take what the node answered just now."""
        has_moved = self._status is None or self._status.height != status.height
        if _round(self._consensus) != _round(consensus):
            self._round_since_s = now_s
        self._status, self._consensus, self._looked_s = status, consensus, now_s
        ahead = [height for height in (consensus.peer_heights if consensus else ()) if height > status.height + 2]
        is_behind = consensus is not None and bool(ahead) and 3 * len(ahead) > len(consensus.peer_heights)
        if not is_behind:
            self._behind_since_s = None
        elif has_moved or self._behind_since_s is None:
            self._behind_since_s = now_s

    def block_committed(self, block: CommittedBlock, now_s: float) -> None:
        """Take the votes of a committed block."""
        self._block_s = now_s
        total = sum(vote.power for vote in block.last_commit)
        present = sum(vote.power for vote in block.last_commit if vote.flag is not BlockIdFlag.ABSENT)
        self._commit_permille = present * 1_000 // total if total else 1_000  # before the first block nobody voted

    def is_caught_up(self, height: int) -> bool:
        """Whether the node has every block that it knows of, and its application, at `height`, too."""
        status = self._status
        return status is not None and not status.is_catching_up and height >= status.height > 0

    def share_permille(self, now_s: float) -> int:
        """How much of the power votes."""
        if not self.is_late(now_s):
            return self._commit_permille
        if self._consensus is None:
            return 0
        is_new = now_s - self._round_since_s <= LATE_S
        return self._consensus.voted_permille(self._consensus.round - is_new)

    def is_late(self, now_s: float) -> bool:
        """Whether no block has come for longer than the pulse allows."""
        return now_s - self._block_s > self._pulse_s + LATE_S

    def silent_s(self, now_s: float) -> float:
        """How long the node has neither answered nor brought a block: one that replays blocks does only that."""
        return now_s - max(self._looked_s, self._block_s)

    @property
    def peers(self) -> int | None:
        """How many peers the node has, if it was asked."""
        return None if self._consensus is None else len(self._consensus.peer_heights)

    def stranded(self, now_s: float) -> Trouble | None:
        """That the node stands still below its peers, if it does."""
        since_s, status, consensus = self._behind_since_s, self._status, self._consensus
        if since_s is None or status is None or consensus is None or now_s - since_s < STRANDED_S:
            return None
        return Trouble(
            TroubleCode.ENGINE_STRANDED,
            f"this node stands at height {status.height} while its peers are at {max(consensus.peer_heights)}: they "
            "have pruned the blocks that it lacks; stop it, and run `sidewarden join --resync` to fetch a snapshot",
        )


def _round(consensus: ConsensusState | None) -> tuple[int, int] | None:
    return None if consensus is None else (consensus.height, consensus.round)


async def look(rpc: CometRpc, sight: Sight, clock: Clock) -> None:
    """Ask the node how far it is and whose votes it has. Raises EngineUnreachable."""
    status = await rpc.status()
    consensus = await rpc.consensus_state()
    sight.seen(status, consensus, clock.monotonic())
