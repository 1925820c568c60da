"""Which root-chain transactions took exits, as far as is known; what was found once is kept."""

from bridge.burns.contracts import RootContracts
from bridge.burns.doors import ExitMark
from bridge.burns.exits import ExitFinder, block_before
from bridge.burns.keeping import Keep, KeepKind
from bridge.burns.report import CheckpointOnRoot, PaidExit
from bridge.burns.sharing import Recent
from bridge.burns.views import RootView
from bridge.chain.errors import ChainError
from bridge.codec.types import BlockNumber, Hash32

MISSED_KEPT = 1_024
SEARCH_AGAIN_BLOCKS = 64
"""A search that found nothing certain is made again after this many root-chain blocks."""


class PaidExits:
    """Exits of one root chain that confirmed blocks have taken."""

    def __init__(self, view: RootView, keep: Keep) -> None:
        self._view = view
        self._keep = keep
        self._finder = ExitFinder(view)
        self._missed: Recent[Hash32, BlockNumber] = Recent(MISSED_KEPT)
        """Exits that could not be found, and up to which block."""

    def known(self, contracts: RootContracts, mark: ExitMark) -> PaidExit | None:
        """The transaction that took an exit, if it was found before and stands at the block of the question."""
        kept = self._keep.get(KeepKind.EXIT, self._key(mark))
        if kept is None:
            return None
        paid = PaidExit(Hash32(kept[8:]), BlockNumber(int.from_bytes(kept[:8])))
        return paid if paid.block_number <= contracts.at.number else None

    async def find(self, contracts: RootContracts, mark: ExitMark, checkpoint: CheckpointOnRoot) -> PaidExit | None:
        """Look for the transaction that took an exit; None where none is found with certainty."""
        at = contracts.at
        missed = self._missed.get(mark.exit_hash)
        if missed is not None and at.number < missed + SEARCH_AGAIN_BLOCKS:
            return None
        try:
            since = await block_before(self._view.reader, self._view.headers, checkpoint.created_at, at)
        except ChainError:
            return None
        found = await self._finder.find(mark, since, at)
        if found is None:
            self._missed.put(mark.exit_hash, at.number)
        else:
            self._keep.put(KeepKind.EXIT, self._key(mark), found.block_number.to_bytes(8) + found.transaction_hash)
        return found

    def _key(self, mark: ExitMark) -> bytes:
        return self._view.name.encode() + b"\x00" + mark.exit_hash
