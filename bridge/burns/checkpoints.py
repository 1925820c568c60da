"""Which checkpoint of a root chain holds a block, and which came last."""

from bridge.burns.cadence import PACE_CHECKPOINTS
from bridge.burns.contracts import RootContracts, header_id_of
from bridge.burns.errors import EndpointFalse
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.sharing import Recent
from bridge.burns.views import RootView
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.types import BlockNumber, Hash32

KNOWN_KEPT = 1_024
HEADS_KEPT = 4


class CheckpointFinder:
    """Finds one root chain's checkpoints, from its book without a call where that knows them, else in the contract.

    A search costs at most log2(checkpoints) + 2 calls. Checkpoints seen before only narrow it; the one that is
    answered was read at the block of this question, for an owner can reset the contract's list.
    """

    def __init__(self, view: RootView) -> None:
        self._view = view
        self._known: Recent[int, CheckpointOnRoot] = Recent(KNOWN_KEPT)
        self._shown_once: Recent[CheckpointOnRoot, CheckpointOnRoot] = Recent(KNOWN_KEPT)
        """Those of a book that nobody vouches for, as the contract has shown them."""
        self._last_at: Recent[Hash32, CheckpointOnRoot | None] = Recent(HEADS_KEPT)
        """The contract's last checkpoint, by the block of the question."""

    async def holding(self, contracts: RootContracts, number: BlockNumber) -> CheckpointOnRoot | None:
        """The checkpoint with this block as of the block of `contracts`. Raises CannotTell, EndpointFalse."""
        book = self._view.book
        booked = None if book is None else book.holding(number)
        # What came after the block of the question is not there yet.
        if book is not None and booked is not None and booked.created_at <= contracts.at.timestamp:
            shown = booked if book.is_agreed else await self._shown(contracts, booked)
            if shown is not None:
                return shown
        last = await self.last(contracts)
        if last is None or number > last.end:
            return None
        return last if last.holds(number) else await self._found(contracts, number, last)

    async def last(self, contracts: RootContracts) -> CheckpointOnRoot | None:
        """The last checkpoint as of the block of `contracts`, None before the first; two calls per block at most."""
        at = contracts.at.hash
        if at in self._last_at:
            return self._last_at.get(at)
        last_id = await contracts.last_header_id()
        last = None if last_id == 0 else await self._read(contracts, last_id)
        self._last_at.put(at, last)
        return last

    async def recent(self, contracts: RootContracts) -> tuple[CheckpointOnRoot, ...]:
        """The last checkpoints as of the block of `contracts`, newest first; with an agreed book, at no cost."""
        count = PACE_CHECKPOINTS + 1
        last = await self.last(contracts)
        if last is None:
            return ()
        book = self._view.book
        booked = book.latest(count) if book is not None and book.is_agreed else ()
        if booked and booked[0].header_id >= last.header_id:
            return tuple(one for one in booked if one.header_id <= last.header_id)
        first_id = max(HEADER_ID_STEP, last.header_id - (count - 1) * HEADER_ID_STEP)
        missing = [at for at in range(first_id, last.header_id, HEADER_ID_STEP) if self._known.get(at) is None]
        for found in await contracts.checkpoints(missing):
            self._known.put(found.header_id, found)
        earlier = (self._known.get(at) for at in range(last.header_id - HEADER_ID_STEP, first_id - 1, -HEADER_ID_STEP))
        return (last, *(one for one in earlier if one is not None))

    async def _shown(self, contracts: RootContracts, booked: CheckpointOnRoot) -> CheckpointOnRoot | None:
        """A checkpoint as the contract has it, or None where that has another under its id: the book is out of date."""
        shown = self._shown_once.get(booked)
        if shown is None:
            shown = await contracts.checkpoint(booked.header_id)
            if shown is None or (shown.start, shown.end, shown.root) != (booked.start, booked.end, booked.root):
                return None
            self._shown_once.put(booked, shown)
        return shown

    async def _found(self, contracts: RootContracts, number: BlockNumber, last: CheckpointOnRoot) -> CheckpointOnRoot:
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
