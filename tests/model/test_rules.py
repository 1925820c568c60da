"""The rules as they are: every property holds, and from every state a fair schedule leads to an ack."""

import pytest

from tests.model.explore import Explorer
from tests.model.rules import Rules
from tests.model.scenarios import EXPLORED, PROGRESS_EVERY_SMALL, STATES_SMALL, WALK_STEPS_SMALL, WALKS, Scenario
from tests.model.world import World


def world_of(scenario: Scenario) -> World:
    """A scenario under the true rules."""
    return World(Rules(scenario.parameters), scenario)


@pytest.mark.parametrize("scenario", EXPLORED, ids=lambda scenario: scenario.name)
def test_rules__every_order_of_actions_up_to_the_bound__no_property_breaks(scenario: Scenario) -> None:
    report = Explorer(world_of(scenario), progress_every=PROGRESS_EVERY_SMALL).breadth_first(STATES_SMALL)
    assert report.violation is None, str(report.violation)
    assert report.states > 1_000, "a world in which little can happen shows little"


@pytest.mark.parametrize("scenario", WALKS, ids=lambda scenario: scenario.name)
def test_rules__long_random_walk__no_property_breaks(scenario: Scenario) -> None:
    for seed in range(2):
        report = Explorer(world_of(scenario), progress_every=PROGRESS_EVERY_SMALL).walk(seed, WALK_STEPS_SMALL)
        assert report.violation is None, f"seed {seed}: {report.violation}"
        assert report.depth == WALK_STEPS_SMALL


def test_explorer__same_world_twice__finds_the_same() -> None:
    scenario = EXPLORED[0]
    first, second = (Explorer(world_of(scenario), progress_every=0).breadth_first(2_000) for _ in range(2))
    assert (first.states, first.transitions, first.depth) == (second.states, second.transitions, second.depth)


def test_explorer__at_its_limit__stops_there_and_says_so() -> None:
    report = Explorer(world_of(EXPLORED[0])).breadth_first(100)
    assert (report.states, report.is_complete) == (100, False)
