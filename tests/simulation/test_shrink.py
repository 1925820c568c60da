"""Shrinking: what is left is needed, what was left out is not, and the runs are bounded."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from node.simulation.plan import FaultKind, Plan
from node.simulation.run import simulate
from node.simulation.shrink import RUNS_MAX, shrink
from tests.simulation.outcomes import QUIET, fault, plan_of

COUNT = 12
TWELVE = plan_of(*(fault(number, FaultKind.PAUSE, float(number), 1.0, 0) for number in range(1, COUNT + 1)))


def needs(*numbers: int) -> Callable[[Plan], bool]:
    """A rule that is broken whenever these faults are there together."""
    return lambda plan: set(numbers) <= {one.number for one in plan.faults}


@given(st.sets(st.integers(1, COUNT), max_size=4))
def test_shrink__of_any_needed_faults__leaves_exactly_these(needed: set[int]) -> None:
    shrunk = shrink(TWELVE, needs(*needed), violated_at_s=30.0)

    assert {one.number for one in shrunk.plan.faults} == needed
    assert shrunk.is_least
    assert shrunk.runs <= RUNS_MAX


def test_shrink__when_any_one_of_several_will_do__leaves_one() -> None:
    shrunk = shrink(TWELVE, lambda plan: len(plan.faults) >= 1, violated_at_s=30.0)

    assert len(shrunk.plan.faults) == 1


def test_shrink__of_faults_after_the_violation__leaves_them_out_in_one_run() -> None:
    asked: list[int] = []

    def violates(plan: Plan) -> bool:
        asked.append(len(plan.faults))
        return needs(1, 2)(plan)

    shrink(TWELVE, violates, violated_at_s=3.5)

    assert asked[:2] == [0, 3]


def test_shrink__at_the_limit_of_runs__gives_the_least_so_far_and_says_so() -> None:
    all_needed = needs(*range(1, COUNT + 1))

    shrunk = shrink(TWELVE, all_needed, violated_at_s=30.0, runs_max=5)

    assert (shrunk.runs, shrunk.is_least) == (5, False)
    assert shrunk.plan == TWELVE


def test_shrink__of_what_breaks_after_the_chaos__ends_the_chaos_with_the_last_needed_fault() -> None:
    shrunk = shrink(TWELVE, needs(3), violated_at_s=TWELVE.chaos_s + 10.0)

    assert shrunk.plan.chaos_s == 5


def test_shrink__twice__asks_and_answers_the_same() -> None:
    told: list[list[Plan]] = [[], []]

    results = [shrink(TWELVE, needs(2, 9), violated_at_s=30.0, told=each.append) for each in told]

    assert results[0] == results[1]
    assert told[0] == told[1]


def test_shrink__of_real_runs__finds_the_fault_that_takes_the_validator_down() -> None:
    plan = plan_of(
        fault(1, FaultKind.CLOCK_OFFSET, 1.0, 4.0, 0), fault(2, FaultKind.KILL, 3.0, 2.0, 0), chaos_s=QUIET.trouble_s
    )

    shrunk = shrink(plan, lambda less: simulate(less, QUIET).restarts > 0, violated_at_s=3.0)

    assert [one.number for one in shrunk.plan.faults] == [2]
