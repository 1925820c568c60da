"""Which root-chain transactions took exits, as far as is known; what was found once is kept."""

from bridge.burns.contracts import RootContracts
from bridge.burns.doors import ExitMark
from bridge.burns.keeping import Keep, KeepKind
from bridge.burns.report import CheckpointOnRoot, PaidExit
from bridge.codec.types import BlockNumber, Hash32


class PaidExits:
    """Exits of one root chain that confirmed blocks have taken."""

    def __init__(self, root_chain: str, keep: Keep) -> None:
        self._root_chain = root_chain
        self._keep = keep

    def known(self, contracts: RootContracts, mark: ExitMark) -> PaidExit | None:
        """The transaction that took an exit, if it was found before and stands at the block of the question."""
        kept = self._keep.get(KeepKind.EXIT, self._key(mark))
        if kept is None:
            return None
        paid = PaidExit(Hash32(kept[8:]), BlockNumber(int.from_bytes(kept[:8])))
        return paid if paid.block_number <= contracts.at.number else None

    async def find(self, contracts: RootContracts, mark: ExitMark, checkpoint: CheckpointOnRoot) -> PaidExit | None:
        """Look for the transaction that took an exit; None where none is found with certainty."""
        return None

    def _key(self, mark: ExitMark) -> bytes:
        return self._root_chain.encode() + b"\x00" + mark.exit_hash
