"""Seeds without end, of every kind of network, until one breaks a rule or the time is over."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from node.simulation.chains.worlds import ChainKind
from node.simulation.plan import Plan, draw_plan
from node.simulation.plot import draw_timeline
from node.simulation.report import headline, mix_lines, replay_command, result_line
from node.simulation.run import simulate
from node.simulation.seeds import Task
from node.simulation.settings import PACES, Pace, SimulationSettings
from node.simulation.story import tell

EVM_SHARE = 0.1
MAINNET_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Kinds:
    """What was asked for; None: each seed draws it."""

    pace: Pace | None = None
    validators: int | None = None
    contracts: ChainKind | None = None


def soak_tasks(first_seed: int, asked: SimulationSettings, kinds: Kinds) -> Iterator[Task]:
    """One task for each seed from the first on."""
    for seed in count(first_seed):
        settings = soak_settings(seed, asked, kinds)
        yield Task(draw_plan(seed, settings), settings)


def soak_settings(seed: int, asked: SimulationSettings, kinds: Kinds) -> SimulationSettings:
    """What kind of network a seed is run in."""
    source = random.Random(f"{seed} soak")
    pace = PACES["mainnet" if source.random() < MAINNET_SHARE else "devnet"]
    validators = source.choice((4, 4, 4, 5, 7))
    contracts = ChainKind.EVM if source.random() < EVM_SHARE else ChainKind.MODEL
    return replace(
        asked,
        pace=kinds.pace or pace,
        validators=kinds.validators or validators,
        contracts=kinds.contracts or contracts,
    )


def keep_failure(plan: Plan, settings: SimulationSettings, beside: Path) -> Path:
    """Run a plan that violates again, and write its story, its plot and the command into a directory of its own."""
    outcome = simulate(plan, settings)
    directory = beside / f"simulation-{plan.seed}"
    directory.mkdir(exist_ok=True)
    told = [headline(plan, settings), *mix_lines(plan), "", *tell(outcome, settings), "", result_line(outcome)]
    (directory / "story.txt").write_text("\n".join(told) + "\n")
    (directory / "timeline.svg").write_text(draw_timeline(outcome, settings))
    (directory / "replay.txt").write_text(replay_command(plan, settings) + "\n")
    return directory
