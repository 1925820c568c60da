"""Broken rules: each is caught by the property that is there for it, within the scenario's bounds."""

import pytest

from tests.model.mutants import MUTANTS, Mutant
from tests.model.rules import Rules
from tests.model.scenarios import STATES_SMALL


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant__explored__breaks_its_property(mutant: Mutant) -> None:
    report = mutant.hunted(STATES_SMALL)
    assert report.violation is not None, f"{mutant.name} lives"


def test_mutants__all_of_the_file__are_in_the_table() -> None:
    assert {mutant.rules for mutant in MUTANTS} == set(Rules.__subclasses__())


def test_counterexample__printed__is_the_shortest_way_in_sentences() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "SecondProposalAllowed")
    lines = str(mutant.hunted(STATES_SMALL).violation).splitlines()
    assert lines[0] == "one_digest_per_slot: turn 1 has a second proposal"
    assert [line for line in lines if line.lstrip()[0].isdigit()] == [
        "   1. the engine block is executed; the next one's time is 0 s later",
        "   2. v0 proposes 0 to 0",
        "   3. v0 proposes 0 to 0 with a wrong root",
    ]
