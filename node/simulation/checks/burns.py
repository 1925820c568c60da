"""A burn's status never goes back while the root chain's block that it was judged at stands."""

from dataclasses import dataclass

from bridge.burns.report import BurnStatus
from bridge.codec.types import BlockNumber, Hash32
from node.devnet.chain import Chain
from node.simulation.checks.check import Violation


@dataclass(frozen=True, slots=True)
class _Seen:
    status: BurnStatus
    block_number: BlockNumber
    block_hash: Hash32


class BurnsNeverGoBack:
    """Compares the answers of each validator's API about each burn."""

    def __init__(self, root: Chain) -> None:
        self._root = root
        self._seen: dict[tuple[int, Hash32], _Seen] = {}

    def answered(
        self, validator: int, burn: Hash32, status: BurnStatus, block_number: BlockNumber, block_hash: Hash32
    ) -> None:
        """A validator has answered. Raises Violation."""
        before = self._seen.get((validator, burn))
        if before is not None and before.status in (BurnStatus.READY, BurnStatus.EXITED):
            stands = (
                before.block_number <= self._root.head.number
                and self._root.header(before.block_number).hash == before.block_hash
            )
            if stands and status.rank < before.status.rank:
                text = f"validator {validator} said {before.status} at block {before.block_number}, then {status}"
                raise Violation("burns never go back", text)
        self._seen[validator, burn] = _Seen(status, block_number, block_hash)
