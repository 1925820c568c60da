"""How long until a burn is READY: from the rule of ranges, the pace of checkpoints and the side chain's block time."""

import math
from dataclasses import dataclass

from bridge.burns.report import CheckpointOnRoot
from bridge.codec.types import BlockNumber

PACE_CHECKPOINTS = 4
"""The pace is the mean interval over this many past checkpoints: enough to smooth, short enough to follow a change."""


@dataclass(frozen=True, slots=True)
class RangeRule:
    """How a root chain's checkpoints are cut, in side-chain blocks, and how far apart they are at least."""

    minimum_blocks: int
    maximum_blocks: int
    multiple_blocks: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class Pace:
    """What was observed. `block_time_s` of the side chain; `root_lag_s`: how long the root chain takes to confirm."""

    last: CheckpointOnRoot | None
    interval_s: float
    block_time_s: float
    root_lag_s: float


@dataclass(frozen=True, slots=True)
class ToGo:
    """An estimate: whole blocks of the side chain, and whole seconds."""

    blocks: int
    seconds: int


def observed_interval_s(last: CheckpointOnRoot, earlier: CheckpointOnRoot, checkpoints_between: int) -> float:
    """Mean seconds from one checkpoint to the next."""
    return (last.created_at - earlier.created_at) / checkpoints_between


def to_go(burn_block: BlockNumber, confirmed_head: BlockNumber, rule: RangeRule, pace: Pace, now_s: float) -> ToGo:
    """What is missing until a checkpoint with the burn stands at the confirmed root head.

    Checkpoints of the greatest length come first while the burn is further away than that; the last one is as short
    as the rule allows. It lands when its blocks are there and its turn has come by the pace, and counts when the root
    chain confirms it.
    """
    last_end = -1 if pace.last is None else pace.last.end
    if burn_block <= last_end:
        return _until_confirmed(burn_block, confirmed_head, pace)
    distance = burn_block - last_end
    full = (distance - 1) // rule.maximum_blocks
    rest = max(distance - full * rule.maximum_blocks, rule.minimum_blocks)
    needed_head = last_end + full * rule.maximum_blocks + math.ceil(rest / rule.multiple_blocks) * rule.multiple_blocks
    blocks = max(0, needed_head - confirmed_head)
    by_blocks_s = blocks * pace.block_time_s
    by_turn_s = 0.0 if pace.last is None else pace.last.created_at + (full + 1) * pace.interval_s - now_s
    return ToGo(blocks, math.ceil(max(0.0, by_blocks_s, by_turn_s) + pace.root_lag_s))


def _until_confirmed(burn_block: BlockNumber, confirmed_head: BlockNumber, pace: Pace) -> ToGo:
    """The root chain is ahead of our own view of the side chain, which has to catch up."""
    blocks = max(0, burn_block - confirmed_head)
    return ToGo(blocks, math.ceil(blocks * pace.block_time_s))
