"""What one root chain says of burns, all at one confirmed block."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bridge.burns.blocks import CheckpointedBlock
from bridge.burns.cadence import Pace, observed_intervals, observed_rule, to_go
from bridge.burns.checkpoints import CheckpointFinder
from bridge.burns.contracts import RootContracts
from bridge.burns.doors import Door, Doors, ExitMark, withdraws_before
from bridge.burns.errors import CannotTell, EndpointFalse
from bridge.burns.kinds import FoundBurn
from bridge.burns.paid import PaidExits
from bridge.burns.ranges import ProvedRange, ProvedRanges
from bridge.burns.report import BurnOnRoot, BurnStatus, CheckpointOnRoot, PaidExit, RootBlock, ToGo
from bridge.burns.transactions import MinedBurns
from bridge.burns.views import RootView, SideView
from bridge.chain.clock import Clock
from bridge.chain.header_store import BlockPoint, HeaderStore
from bridge.codec.exit_payload import branch_mask, exit_hash
from bridge.codec.types import BlockNumber, Hash32

BLOCK_TIME_SPAN = 16
"""A chain's block time is the median over this many confirmed blocks."""


@dataclass(frozen=True, slots=True)
class JudgedBurn:
    """A burn with what this root chain says of it."""

    burn: FoundBurn
    on_root: BurnOnRoot


class RootJudge:
    """Judges burns on one root chain."""

    def __init__(self, view: RootView, side: SideView, ranges: ProvedRanges, paid: PaidExits, clock: Clock) -> None:
        self.view = view
        self._side = side
        self._ranges = ranges
        self._paid = paid
        self._clock = clock
        self._finder = CheckpointFinder(view)
        self._doors = Doors(view)

    def confirmed(self) -> BlockPoint:
        """The block at which to judge now. Raises CannotTell before the first."""
        return confirmed_point(self.view.headers, f"root chain {self.view.name}")

    def forget(self) -> None:
        """Read anew what the contracts said: the endpoint that told us is no longer believed."""
        self._finder = CheckpointFinder(self.view)
        self._doors = Doors(self.view)

    async def doors(self, burns: Sequence[FoundBurn], at: BlockPoint) -> tuple[Door | None, ...]:
        """Where each burn is paid out; None where this root chain does not. Raises CannotTell, EndpointFalse."""
        return await self._doors.of(RootContracts(self.view, at), burns)

    async def holding(self, number: BlockNumber, at: BlockPoint) -> CheckpointOnRoot | None:
        """The checkpoint with a side-chain block. Raises CannotTell, EndpointFalse."""
        return await self._finder.holding(RootContracts(self.view, at), number)

    async def proved(self, block: CheckpointedBlock, checkpoint: CheckpointOnRoot) -> ProvedRange:
        """The checkpoint's range, under whose root the very block stands. Raises EndpointFault, CannotTell."""
        proved = await self._ranges.proved(checkpoint, self.view.reader.pool.latest_label)
        if proved.block(block.number) != block:
            raise EndpointFalse(
                f"the transaction's block {block.number} is not under checkpoint {checkpoint.header_id}",
                self._side.reader.pool.latest_label,
            )
        return proved

    async def judge(
        self, mined: MinedBurns, burns: Sequence[FoundBurn], at: BlockPoint, side_confirmed: BlockPoint
    ) -> tuple[JudgedBurn, ...]:
        """The burns that this root chain pays for. Raises CannotTell, EndpointFault."""
        contracts = RootContracts(self.view, at)
        block = mined.block
        marks = tuple(
            ExitMark(
                burn,
                door,
                _exit_hash(mined, burn.log_index),
                block.number,
                mined.transaction_index,
                withdraws_before(mined.receipt, burn.log_index),
            )
            for burn, door in zip(burns, await self._doors.of(contracts, burns), strict=True)
            if door is not None
        )
        if not marks:
            return ()
        checkpoint = await self._finder.holding(contracts, block.number)
        if checkpoint is None or block.number > side_confirmed.number:
            waits = await self.to_go(block.number, at, side_confirmed)
            is_pending = block.number > side_confirmed.number
            status = BurnStatus.PENDING if is_pending else BurnStatus.NOT_CHECKPOINTED
            return tuple(self._judged(mark, status, waits, None, None) for mark in marks)
        await self.proved(block, checkpoint)
        exits = await self._exits(contracts, marks, checkpoint)
        return tuple(
            self._judged(mark, status, None, checkpoint, paid)
            for mark, (status, paid) in zip(marks, exits, strict=True)
        )

    async def to_go(self, burn_block: BlockNumber, at: BlockPoint, side_confirmed: BlockPoint) -> ToGo:
        """What a burn in this block waits for until it is READY here. Raises CannotTell, EndpointFalse."""
        recent = await self._finder.recent(RootContracts(self.view, at))
        pace = Pace(
            last=recent[0] if recent else None,
            intervals=observed_intervals(recent, self.view.rule),
            block_time_s=_block_time_s(self._side.headers, side_confirmed.number),
            root_lag_s=_confirmation_lag_s(self.view.headers, at.number),
        )
        rule = self.view.rule or observed_rule(recent)
        return to_go(burn_block, side_confirmed.number, rule, pace, self._clock.now())

    async def _exits(
        self, contracts: RootContracts, marks: tuple[ExitMark, ...], checkpoint: CheckpointOnRoot
    ) -> list[tuple[BurnStatus, PaidExit | None]]:
        """READY or EXITED for each, and by which transaction; the exit of a burn's twin is its own."""
        known = {mark: self._paid.known(contracts, mark) for mark in marks}
        asked = [mark for mark in marks if known[mark] is None]
        taken = dict(zip(asked, await self._doors.taken(contracts, asked), strict=True))
        for mark in asked:
            if taken[mark] is not False:
                known[mark] = await self._paid.find(contracts, mark, checkpoint)
        by_log = {mark.burn.log_index: mark for mark in marks}
        exits = []
        for mark in marks:
            same = (mark, *(by_log[twin] for twin in mark.burn.twins if twin in by_log))
            paid = next((found for one in same if (found := known[one]) is not None), None)
            is_exited = paid is not None or any(taken.get(one) is True for one in same)
            exits.append((BurnStatus.EXITED if is_exited else BurnStatus.READY, paid))
        return exits

    def _judged(
        self,
        mark: ExitMark,
        status: BurnStatus,
        waits: ToGo | None,
        checkpoint: CheckpointOnRoot | None,
        paid: PaidExit | None,
    ) -> JudgedBurn:
        on_root = BurnOnRoot(
            root_chain=self.view.name,
            status=status,
            root_token=mark.door.root_token,
            exit_contract=mark.door.contract,
            exit_function=mark.door.function,
            exit_hash=mark.exit_hash,
            to_go=waits,
            checkpoint=checkpoint,
            exit=paid,
        )
        return JudgedBurn(mark.burn, on_root)


def _exit_hash(mined: MinedBurns, log_index: int) -> Hash32:
    return exit_hash(mined.block.number, branch_mask(mined.transaction_index), log_index)


def confirmed_point(headers: HeaderStore, what: str) -> BlockPoint:
    """The highest confirmed block of a chain. Raises CannotTell before the first."""
    number = headers.confirmed()
    header = None if number is None else headers.header(number)
    if header is None:
        raise CannotTell(f"{what}: no confirmed block is known yet")
    return header.point


def root_block(root_chain: str, at: BlockPoint) -> RootBlock:
    """The block with the name of its chain."""
    return RootBlock(root_chain, at.number, at.hash, at.timestamp)


def _block_time_s(headers: HeaderStore, confirmed: BlockNumber) -> float:
    """The median of the last intervals: one long pause does not count."""
    first = BlockNumber(max(0, confirmed - BLOCK_TIME_SPAN))
    times = [header.timestamp for header in headers.headers(first, confirmed - first + 1)]
    intervals = [later - earlier for earlier, later in pairwise(times)]
    return float(median(intervals)) if intervals else 1.0


def _confirmation_lag_s(headers: HeaderStore, confirmed: BlockNumber) -> float:
    """How long a block waits from its time to its confirmation."""
    last = headers.last()
    depth = 0 if last is None else last.number - confirmed
    return (depth + 1) * _block_time_s(headers, confirmed)
