"""When blocks are due."""

import pytest

from bridge.chain.clock import ManualClock
from node.engine.local.pace import Pace


def test_pace__after_a_start__is_due_at_once() -> None:
    assert Pace(ManualClock(), 0.5, 10, 1).is_due(something_waits=False)


def test_pace__after_a_block__waits_for_the_interval_if_something_waits_else_for_the_pulse() -> None:
    clock = ManualClock()
    pace = Pace(clock, 0.5, 10, 1)
    pace.block_made()
    assert (pace.rest_s(something_waits=True), pace.rest_s(something_waits=False)) == (0.5, 10)
    assert not pace.is_due(something_waits=True)
    clock.advance(0.5)
    assert pace.is_due(something_waits=True)
    assert not pace.is_due(something_waits=False)
    clock.advance(9.5)
    assert pace.is_due(something_waits=False)


def test_pace__after_a_lost_round__waits_a_round_and_then_for_nothing() -> None:
    clock = ManualClock()
    pace = Pace(clock, 0.5, 10, 1)
    pace.round_lost()
    assert not pace.is_due(something_waits=True)
    clock.advance(1)
    assert pace.is_due(something_waits=False)


@pytest.mark.parametrize("times", [(-1, 10, 1), (5, 4, 1), (1, 2, -1)])
def test_pace__of_impossible_times__is_refused(times: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"must|may not"):
        Pace(ManualClock(), *times)
