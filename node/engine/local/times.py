"""Block time as CometBFT makes it: the weighted median of the last block's precommit times.

Times are whole nanoseconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

NANOSECONDS = 1_000_000_000
_STEP_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class WeightedTime:
    """When a validator says that it precommitted, and its power."""

    time_ns: int
    power: int


def precommit_time_ns(clock_s: float, block_time_ns: int) -> int:
    """The time that a validator puts on its precommit: its own clock, but at least 1 ms after the block's own time.

    The 1 ms is what makes block times rise strictly: the median of times that are all beyond a block's time is beyond
    it.
    """
    return max(int(clock_s * NANOSECONDS), block_time_ns + _STEP_NS)


def weighted_median_ns(times: Sequence[WeightedTime]) -> int:
    """The time by which half of the power has spoken; `times` may not be empty.

    Those with less than half cannot move it out of the range of what the others said. The half is rounded down, as in
    CometBFT, which matters for powers of a few units only.
    """
    entries = sorted(times, key=lambda entry: entry.time_ns)
    half = sum(entry.power for entry in entries) // 2
    reached = accumulate(entry.power for entry in entries)
    return next(entry.time_ns for entry, power in zip(entries, reached, strict=True) if power >= half)
