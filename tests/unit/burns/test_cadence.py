"""The estimate of blocks and seconds to go, against the rule of ranges played out block by block."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.burns.cadence import Intervals, Pace, RangeRule, observed_intervals, observed_rule, to_go
from bridge.burns.report import CheckpointOnRoot, ToGo
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, BlockNumber, UnixSeconds

RULE = RangeRule(minimum_blocks=8, maximum_blocks=64, multiple_blocks=8, interval_s=10)


def every(seconds: float) -> Intervals:
    return Intervals(seconds, seconds, seconds)


TEN_S = every(10.0)


def last_checkpoint(end: int, created_at: int = 1_000) -> CheckpointOnRoot:
    return CheckpointOnRoot(10_000, ZERO_HASH, BlockNumber(0), BlockNumber(end), UnixSeconds(created_at), ZERO_ADDRESS)


def covering_end(rule: RangeRule, last_end: int, burn: int, head: int) -> int | None:
    """The end of the checkpoint that holds the burn, if all that can be proposed at this head is."""
    while True:
        length = min(head - last_end, rule.maximum_blocks) // rule.multiple_blocks * rule.multiple_blocks
        if length < rule.minimum_blocks:
            return None
        if burn <= last_end + length:
            return last_end + length
        last_end += length


@given(
    multiple=st.integers(1, 8),
    minimum=st.integers(1, 4),
    maximum=st.integers(4, 8),
    last_end=st.integers(-1, 50),
    distance=st.integers(1, 300),
    behind=st.integers(0, 300),
)
def test_blocks_to_go__for_any_rule__are_the_fewest_after_which_a_range_holds_the_burn(
    multiple: int, minimum: int, maximum: int, last_end: int, distance: int, behind: int
) -> None:
    rule = RangeRule(minimum * multiple, maximum * multiple, multiple, 10)
    burn = last_end + distance
    head = max(burn - behind, last_end)
    last = None if last_end < 0 else last_checkpoint(last_end)
    pace = Pace(last, TEN_S, 1.0, 0.0)
    blocks = to_go(BlockNumber(burn), BlockNumber(head), rule, pace, 0.0).blocks
    assert covering_end(rule, last_end, burn, head + blocks) is not None
    assert blocks == 0 or covering_end(rule, last_end, burn, head + blocks - 1) is None


def test_seconds_to_go__while_blocks_are_missing__follow_the_block_time() -> None:
    pace = Pace(last_checkpoint(7), intervals=every(10.0), block_time_s=2.0, root_lag_s=5.0)
    assert to_go(BlockNumber(9), BlockNumber(9), RULE, pace, 1_010.0).seconds == 6 * 2 + 5


def test_seconds_to_go__with_all_blocks_there__follow_the_pace_of_checkpoints() -> None:
    pace = Pace(last_checkpoint(7), intervals=every(20.0), block_time_s=2.0, root_lag_s=5.0)
    assert to_go(BlockNumber(9), BlockNumber(30), RULE, pace, 1_010.0).seconds == 10 + 5


def test_seconds_to_go__once_overdue__are_what_the_root_chain_lags() -> None:
    pace = Pace(last_checkpoint(7), intervals=every(20.0), block_time_s=2.0, root_lag_s=5.0)
    assert to_go(BlockNumber(9), BlockNumber(30), RULE, pace, 9_999.0).seconds == 5


def test_seconds_to_go__several_checkpoints_away__count_a_turn_for_each() -> None:
    pace = Pace(last_checkpoint(7), intervals=every(20.0), block_time_s=1.0, root_lag_s=0.0)
    assert to_go(BlockNumber(7 + 130), BlockNumber(500), RULE, pace, 1_000.0).seconds == 3 * 20


def test_to_go__under_a_checkpoint_that_our_own_view_has_not_reached__is_the_way_to_that_block() -> None:
    pace = Pace(last_checkpoint(63), intervals=every(20.0), block_time_s=2.0, root_lag_s=4.0)
    assert to_go(BlockNumber(40), BlockNumber(37), RULE, pace, 1_000.0) == ToGo(3, 3, 6, 6, 6)


def test_seconds_to_go__with_uneven_checkpoints__have_an_error_bar() -> None:
    pace = Pace(last_checkpoint(7), Intervals(20.0, 12.0, 31.5), block_time_s=1.0, root_lag_s=2.0)
    assert to_go(BlockNumber(9), BlockNumber(30), RULE, pace, 1_000.0) == ToGo(0, 0, 22, 14, 34)


def test_to_go__before_anything_is_known_of_the_pace__gives_no_seconds() -> None:
    pace = Pace(None, None, block_time_s=1.0, root_lag_s=2.0)
    assert to_go(BlockNumber(9), BlockNumber(5), None, pace, 0.0) == ToGo(4, 4, None, None, None)
    assert to_go(BlockNumber(9), BlockNumber(5), RULE, pace, 0.0).seconds is None


def test_observed__from_past_checkpoints__are_their_intervals_and_lengths() -> None:
    ends = ((30, 1_090), (9, 1_020), (5, 1_000))
    recent = [
        CheckpointOnRoot(0, ZERO_HASH, BlockNumber(start), BlockNumber(end), UnixSeconds(at), ZERO_ADDRESS)
        for (end, at), start in zip(ends, (10, 6, 0), strict=True)
    ]
    assert observed_intervals(recent, RULE) == Intervals(45.0, 20.0, 70.0)
    assert observed_intervals(recent[:1], RULE) == TEN_S
    assert observed_intervals(recent[:1], None) is None
    assert observed_rule(recent) == RangeRule(4, 21, 1, 0)
    assert observed_rule([]) is None
