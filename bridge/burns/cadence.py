"""How long until a burn is READY: from the rule of ranges, the pace of checkpoints and the side chain's block time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bridge.burns.report import CheckpointOnRoot, ToGo
from bridge.codec.types import BlockNumber

PACE_CHECKPOINTS = 16
"""The pace is taken from this many past checkpoints: enough for an error bar, short enough to follow a change."""


@dataclass(frozen=True, slots=True)
class RangeRule:
    """How a root chain's checkpoints are cut, in side-chain blocks, and how far apart they are at least."""

    minimum_blocks: int
    maximum_blocks: int
    multiple_blocks: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds from one checkpoint to the next: their mean, the shortest and the longest."""

    mean_s: float
    shortest_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """What was observed. `block_time_s` of the side chain; `root_lag_s`: how long the root chain takes to confirm.

    `intervals` is None where neither the past nor a rule tells anything.
    """

    last: CheckpointOnRoot | None
    intervals: Intervals | None
    block_time_s: float
    root_lag_s: float


def observed_intervals(recent: Sequence[CheckpointOnRoot], rule: RangeRule | None) -> Intervals | None:
    """The intervals between checkpoints, newest first; before there are two, the rule's."""
    seconds = [float(later.created_at - earlier.created_at) for later, earlier in pairwise(recent)]
    if seconds:
        return Intervals(sum(seconds) / len(seconds), min(seconds), max(seconds))
    if rule is None:
        return None
    return Intervals(float(rule.interval_s), float(rule.interval_s), float(rule.interval_s))


def observed_rule(recent: Sequence[CheckpointOnRoot]) -> RangeRule | None:
    """What the lengths of past checkpoints look like, for who does not know the validators' rule."""
    lengths = [one.end + 1 - one.start for one in recent]
    return RangeRule(min(lengths), max(lengths), 1, 0) if lengths else None


def to_go(
    burn_block: BlockNumber, confirmed_head: BlockNumber, rule: RangeRule | None, pace: Pace, now_s: float
) -> ToGo:
    """What is missing until a checkpoint with the burn stands at the confirmed root head.

    Checkpoints of the greatest length come first while the burn is further away than that; the last one is as short
    as the rule allows. It lands when its blocks are there and its turn has come by the pace, and counts when the root
    chain confirms it.
    """
    confirmations = max(0, burn_block - confirmed_head)
    last_end = -1 if pace.last is None else pace.last.end
    if burn_block <= last_end:
        # The root chain is ahead of our own view of the side chain, which has to catch up.
        seconds = math.ceil(confirmations * pace.block_time_s)
        return ToGo(confirmations, confirmations, seconds, seconds, seconds)
    if rule is None:
        return ToGo(confirmations, confirmations, None, None, None)
    distance = burn_block - last_end
    full = (distance - 1) // rule.maximum_blocks
    rest = max(distance - full * rule.maximum_blocks, rule.minimum_blocks)
    needed_head = last_end + full * rule.maximum_blocks + math.ceil(rest / rule.multiple_blocks) * rule.multiple_blocks
    blocks = max(0, needed_head - confirmed_head)

    def seconds_by(interval_s: float) -> int:
        by_turn_s = 0.0 if pace.last is None else pace.last.created_at + (full + 1) * interval_s - now_s
        return math.ceil(max(0.0, blocks * pace.block_time_s, by_turn_s) + pace.root_lag_s)

    if pace.intervals is None:
        return ToGo(confirmations, blocks, None, None, None)
    return ToGo(
        confirmations=confirmations,
        blocks=blocks,
        seconds=seconds_by(pace.intervals.mean_s),
        seconds_earliest=seconds_by(pace.intervals.shortest_s),
        seconds_latest=seconds_by(pace.intervals.longest_s),
    )
