"""What one root chain says of burns, all at one confirmed block."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bridge.burns.cadence import Pace, ToGo, to_go
from bridge.burns.checkpoints import CheckpointFinder, Survey
from bridge.burns.contracts import RootContracts
from bridge.burns.errors import CannotTell, EndpointFalse
from bridge.burns.leaves import ProvedRanges
from bridge.burns.report import BurnOnRoot, BurnStatus, CheckpointOnRoot, RootBlock
from bridge.burns.transactions import FoundBurn, MinedBurns
from bridge.burns.views import RootView, SideView
from bridge.chain.clock import Clock
from bridge.chain.header_store import BlockPoint, HeaderStore
from bridge.chain.headers import leaf_of_stored
from bridge.codec.exit_payload import branch_mask, exit_hash
from bridge.codec.types import BlockNumber

BLOCK_TIME_SPAN = 16
"""A chain's block time is the median over this many confirmed blocks."""


@dataclass(frozen=True, slots=True)
class JudgedBurn:
    """A burn with what this root chain says of it."""

    burn: FoundBurn
    on_root: BurnOnRoot


class RootJudge:
    """Judges burns on one root chain."""

    def __init__(self, view: RootView, side: SideView, ranges: ProvedRanges, clock: Clock) -> None:
        self.view = view
        self._side = side
        self._ranges = ranges
        self._clock = clock
        self._finder = CheckpointFinder(view)

    def confirmed(self) -> BlockPoint:
        """The block at which to judge now. Raises CannotTell before the first."""
        return confirmed_point(self.view.headers, f"root chain {self.view.name}")

    async def judge(
        self, mined: MinedBurns, burns: tuple[FoundBurn, ...], at: BlockPoint, side_confirmed: BlockPoint
    ) -> tuple[JudgedBurn, ...]:
        """The burns whose tokens are mapped on this root chain. Raises CannotTell, EndpointFalse."""
        contracts = RootContracts(self.view, at)
        root_tokens = {token: await contracts.root_token(token) for token in dict.fromkeys(one.token for one in burns)}
        mapped = tuple(burn for burn in burns if root_tokens[burn.token] is not None)
        if not mapped:
            return ()
        survey = await self._finder.survey(contracts, mined.block.number)
        is_confirmed = mined.block.number <= side_confirmed.number
        estimate: ToGo | None = None
        if survey.holding is None or not is_confirmed:
            estimate = await self._estimate(contracts, survey, mined.block.number, side_confirmed)
        else:
            await self._prove_leaf(mined, survey.holding)
        judged = []
        for burn in mapped:
            key = exit_hash(mined.block.number, branch_mask(mined.transaction_index), burn.log_index)
            if not is_confirmed:
                status = BurnStatus.PENDING
            elif survey.holding is None:
                status = BurnStatus.NOT_CHECKPOINTED
            else:
                status = BurnStatus.EXITED if await contracts.is_exited(key) else BurnStatus.READY
            on_root = BurnOnRoot(
                root_chain=self.view.name,
                status=status,
                root_token=root_tokens[burn.token] if self.view.root_chain_manager is not None else None,
                exit_hash=key,
                blocks_to_go=None if estimate is None else estimate.blocks,
                seconds_to_go=None if estimate is None else estimate.seconds,
                checkpoint=survey.holding if estimate is None else None,
            )
            judged.append(JudgedBurn(burn, on_root))
        return tuple(judged)

    async def _prove_leaf(self, mined: MinedBurns, checkpoint: CheckpointOnRoot) -> None:
        """READY is only said when the very leaf is under the root that the root chain has: a proof will follow."""
        endpoint = self.view.reader.pool.latest_label
        leaves = await self._ranges.leaves(checkpoint, endpoint)
        if leaves[mined.block.number - checkpoint.start] != leaf_of_stored(mined.block):
            raise EndpointFalse(
                f"the transaction's block {mined.block.number} is not under checkpoint {checkpoint.header_id}",
                self._side.reader.pool.latest_label,
            )

    async def _estimate(
        self, contracts: RootContracts, survey: Survey, burn_block: BlockNumber, side_confirmed: BlockPoint
    ) -> ToGo:
        last = survey.last
        rule = self.view.rule
        now_s = self._clock.now()
        interval_s = float(rule.interval_s) if last is None else await self._finder.interval_s(contracts, last)
        pace = Pace(
            last=last,
            interval_s=interval_s,
            block_time_s=_block_time_s(self._side.headers, side_confirmed.number),
            root_lag_s=_confirmation_lag_s(self.view.headers, contracts.at.number),
        )
        return to_go(burn_block, side_confirmed.number, rule, pace, now_s)


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
