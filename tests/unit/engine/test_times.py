"""Block time: the weighted median of precommit times."""

from hypothesis import given, settings
from hypothesis import strategies as st

from node.engine.local.times import WeightedTime, precommit_time_ns, weighted_median_ns

votes = st.lists(st.builds(WeightedTime, st.integers(0, 2**62), st.integers(1, 1000)), min_size=1, max_size=20)


def test_median__of_three_equal_votes__is_the_middle_one() -> None:
    assert weighted_median_ns([WeightedTime(30, 10), WeightedTime(10, 10), WeightedTime(20, 10)]) == 20


def test_median__of_tiny_powers__rounds_the_half_down_as_cometbft_does() -> None:
    assert weighted_median_ns([WeightedTime(30, 1), WeightedTime(10, 1), WeightedTime(20, 1)]) == 10


def test_median__of_unequal_votes__goes_by_power() -> None:
    assert weighted_median_ns([WeightedTime(10, 6), WeightedTime(20, 3), WeightedTime(30, 3)]) == 10
    assert weighted_median_ns([WeightedTime(10, 5), WeightedTime(20, 3), WeightedTime(30, 3)]) == 10
    assert weighted_median_ns([WeightedTime(10, 4), WeightedTime(20, 3), WeightedTime(30, 3)]) == 20


@given(votes)
@settings(deadline=None)
def test_median__of_any_votes__has_half_of_the_power_on_each_side(times: list[WeightedTime]) -> None:
    median = weighted_median_ns(times)
    total = sum(vote.power for vote in times)
    assert sum(vote.power for vote in times if vote.time_ns <= median) >= total // 2
    assert 2 * sum(vote.power for vote in times if vote.time_ns >= median) >= total


@given(st.integers(0, 2**40), st.lists(st.tuples(st.floats(0, 1e9), st.integers(1, 100)), min_size=1, max_size=9))
@settings(deadline=None)
def test_median__of_precommits_for_a_block__is_beyond_the_block(block_ns: int, clocks: list[tuple[float, int]]) -> None:
    times = [WeightedTime(precommit_time_ns(clock_s, block_ns), power) for clock_s, power in clocks]
    assert weighted_median_ns(times) > block_ns
