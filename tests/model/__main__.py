"""`python -m tests.model [SCENARIO …]`: explore to the deep bounds, walk far, replay, break each rule."""

import argparse
import sys

from tests.model.explore import TABLE_HEAD, Explorer, Report
from tests.model.mutants import MUTANTS
from tests.model.replay import replayed
from tests.model.rules import Rules
from tests.model.scenarios import (
    EXPLORED,
    PROGRESS_EVERY_SMALL,
    REPLAY_STEPS_DEEP,
    STATES_ALL,
    STATES_DEEP,
    STATES_SMALL,
    WALK_STEPS_DEEP,
    WALKS,
    WIDER,
    Scenario,
)
from tests.model.world import World

SEEDS = range(3)


def main() -> int:
    """Run all, or the named scenarios; 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Explore the model of turns.")
    scenarios = {scenario.name: scenario for scenario in (*EXPLORED, *WIDER, *WALKS)}
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help=f"all if none is named: {', '.join(scenarios)}")
    names = parser.parse_args().names
    if unknown := set(names) - scenarios.keys():
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(scenarios)}")
    chosen = [scenario for scenario in scenarios.values() if not names or scenario.name in names]
    is_well = _explored([scenario for scenario in chosen if scenario not in WALKS])
    is_well &= _walked([scenario for scenario in chosen if scenario in WALKS])
    if not names:
        is_well &= _broken()
    return 0 if is_well else 1


def _explored(scenarios: list[Scenario]) -> bool:
    if not scenarios:
        return True
    _say("Every state, each asked for its way to an ack:\n", TABLE_HEAD)
    is_well = True
    for scenario in scenarios:
        states_max = STATES_ALL if scenario in EXPLORED else STATES_DEEP
        is_well &= _reported(_explorer(scenario).breadth_first(states_max))
    return is_well


def _walked(scenarios: list[Scenario]) -> bool:
    if not scenarios:
        return True
    _say("\nRandom walks, each replayed on the application:\n", TABLE_HEAD)
    is_well = True
    for scenario in scenarios:
        for seed in SEEDS:
            is_well &= _reported(_explorer(scenario, PROGRESS_EVERY_SMALL).walk(seed, WALK_STEPS_DEEP))
            counts, difference = replayed(_world(scenario), seed, REPLAY_STEPS_DEEP)
            if difference is not None:
                _say(f"{scenario.name}, seed {seed}: the application differs\n{difference}")
                is_well = False
            else:
                _say(f"| {scenario.name}, seed {seed}, replayed | {counts['engine blocks']:,} blocks alike | | | | | |")
    return is_well


def _broken() -> bool:
    _say("\nBroken rules:\n", "| rule | scenario | caught by | states | actions |\n|---|---|---|--:|--:|")
    is_well = True
    for mutant in MUTANTS:
        report = mutant.hunted(STATES_SMALL)
        found = report.violation
        is_well &= found is not None
        caught = "**lives**" if found is None else found.property
        actions = "" if found is None else f"{found.actions}"
        _say(f"| {mutant.name} | {mutant.scenario.name} | {caught} | {report.states:,} | {actions} |")
    return is_well


def _world(scenario: Scenario) -> World:
    return World(Rules(scenario.parameters), scenario)


def _explorer(scenario: Scenario, progress_every: int = 1) -> Explorer:
    return Explorer(_world(scenario), progress_every=progress_every)


def _reported(report: Report) -> bool:
    _say(report.row())
    if report.violation is not None:
        _say(str(report.violation))
    return report.violation is None


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
