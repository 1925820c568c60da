"""Which checkpoint of a root chain holds a block, and how fast checkpoints come."""

from dataclasses import dataclass

from bridge.burns.cadence import PACE_CHECKPOINTS, observed_interval_s
from bridge.burns.contracts import RootContracts, header_id_of
from bridge.burns.errors import EndpointFalse
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.sharing import Recent
from bridge.burns.views import RootView
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.types import BlockNumber

KNOWN_KEPT = 1_024


@dataclass(frozen=True, slots=True)
class Survey:
    """The last checkpoint at the confirmed root head, and the one that holds the block; None where there is none."""

    last: CheckpointOnRoot | None
    holding: CheckpointOnRoot | None


class CheckpointFinder:
    """Searches one root chain's contract: at most log2(checkpoints) + 2 calls, two where the place is known.

    Checkpoints seen before only narrow the search; the one that is answered was read at the block of this question,
    for an owner can reset the contract's list.
    """

    def __init__(self, view: RootView) -> None:
        self._view = view
        self._known: Recent[int, CheckpointOnRoot] = Recent(KNOWN_KEPT)

    async def survey(self, contracts: RootContracts, number: BlockNumber) -> Survey:
        """Where the block stands at the block of `contracts`. Raises CannotTell, EndpointFalse."""
        last_id = await contracts.last_header_id()
        if last_id == 0:
            return Survey(None, None)
        last = await self._read(contracts, last_id)
        if number > last.end:
            return Survey(last, None)
        return Survey(last, await self._holding(contracts, number, last))

    async def interval_s(self, contracts: RootContracts, last: CheckpointOnRoot) -> float:
        """Mean seconds between the last few checkpoints, or the rule's interval after the first; one call at most."""
        steps = min(PACE_CHECKPOINTS, last.header_id // HEADER_ID_STEP - 1)
        if steps < 1:
            return float(self._view.rule.interval_s)
        earlier_id = last.header_id - header_id_of(steps)
        earlier = self._known.get(earlier_id) or await self._read(contracts, earlier_id)
        return observed_interval_s(last, earlier, steps)

    async def _holding(self, contracts: RootContracts, number: BlockNumber, last: CheckpointOnRoot) -> CheckpointOnRoot:
        if last.holds(number):
            return last
        agreed = self._view.agreed.holding(number) if self._view.agreed is not None else None
        if agreed is not None and agreed.header_id < last.header_id:
            found = await self._read(contracts, agreed.header_id)
            if (found.start, found.end, found.root) != (agreed.start, agreed.end, agreed.root):
                raise self._false(f"checkpoint {found.header_id} is not the one that the validators agreed on")
            return found
        count = last.header_id // HEADER_ID_STEP - 1
        searched = await self._search(contracts, number, *self._narrowed(number, count))
        if searched is None:
            # What we remember may be from before a reset of the contract's list.
            searched = await self._search(contracts, number, 1, count)
        if searched is None:
            raise self._false(f"no checkpoint holds block {number}, though the last one ends at {last.end}")
        return searched

    def _narrowed(self, number: BlockNumber, count: int) -> tuple[int, int]:
        """The first and last checkpoint that can hold the block, by what was seen before."""
        low, high = 1, count
        for known in self._known.values():
            position = known.header_id // HEADER_ID_STEP
            if known.end >= number:
                high = min(high, position)
            if known.start <= number:
                low = max(low, position)
        return low, high

    async def _search(
        self, contracts: RootContracts, number: BlockNumber, low: int, high: int
    ) -> CheckpointOnRoot | None:
        while low <= high:
            middle = (low + high) // 2
            found = await self._read(contracts, header_id_of(middle))
            if found.holds(number):
                return found
            if found.end < number:
                low = middle + 1
            else:
                high = middle - 1
        return None

    async def _read(self, contracts: RootContracts, header_id: int) -> CheckpointOnRoot:
        found = await contracts.checkpoint(header_id)
        if found is None or header_id % HEADER_ID_STEP:
            raise self._false(f"checkpoint {header_id} is missing, though later ones are there")
        self._known.put(header_id, found)
        return found

    def _false(self, message: str) -> EndpointFalse:
        return EndpointFalse(f"{self._view.name}: {message}", self._view.reader.pool.latest_label)
