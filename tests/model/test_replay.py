"""The model against the application: the same actions lead both to the same turns, deadlines, proposals and sets."""

import pytest

from tests.model.mutants import MUTANTS, OUTSIDE
from tests.model.replay import replayed
from tests.model.rules import Rules
from tests.model.scenarios import WALKS, Scenario
from tests.model.world import World

SEEDS = range(2)
STEPS = 2_000
STEPS_TO_DIFFER = 1_500
EVENTS = {"Due", "Proposed", "Opened", "Landed", "StepApplied", "Ack", "NoAck", "Rejected", "WasReset"}


@pytest.mark.parametrize("scenario", WALKS, ids=lambda scenario: scenario.name)
def test_replay__random_walks__application_says_the_same_after_each_block(scenario: Scenario) -> None:
    for seed in SEEDS:
        counts, difference = replayed(World(Rules(scenario.parameters), scenario), seed, STEPS)
        assert difference is None, f"seed {seed}\n{difference}"
        assert counts["engine blocks"] > STEPS // 10
        assert counts.keys() >= EVENTS, "a walk on which little happens shows little"


@pytest.mark.parametrize(
    "broken", [mutant.rules for mutant in MUTANTS if mutant.rules not in OUTSIDE], ids=lambda broken: broken.__name__
)
def test_replay__of_a_broken_rule__application_differs(broken: type[Rules]) -> None:
    differences = (
        replayed(World(broken(scenario.parameters), scenario), seed, STEPS_TO_DIFFER)[1]
        for seed in range(4)
        for scenario in WALKS
    )
    assert any(differences), "the replay does not see this rule"
