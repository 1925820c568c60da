"""What `sidewarden simulate` does once its options are read: run one seed or many, and print what became of them."""

import json
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console

from bridge.codec.checkpoint import DataForm
from node.cli.simulation_tables import differences_table, measures_table, recoveries_table
from node.simulation.chains.worlds import ChainKind
from node.simulation.logs import log_at_virtual_time, log_event
from node.simulation.plan import Plan, draw_plan
from node.simulation.plot import draw_timeline
from node.simulation.report import (
    as_json,
    difference_json,
    headline,
    mix,
    mix_lines,
    replay_command,
    result_line,
    summary_json,
)
from node.simulation.run import Outcome, simulate
from node.simulation.seeds import Task, be_quiet, check_settings, cores, outcomes
from node.simulation.settings import PACES, SettingsRefused, SimulationSettings, with_overrides
from node.simulation.shrink import Shrunk, shrink_outcome
from node.simulation.soak import Kinds, keep_failure, soak_tasks
from node.simulation.statistics import compare, summarise
from node.simulation.story import tell
from node.simulation.words import times

SEED_BITS = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """The kind of network that was asked for; what is None was not said."""

    pace: Literal["devnet", "mainnet"] | None
    validators: int | None
    data_form: Literal["polygon", "bound"] | None
    contracts: Literal["model", "evm"] | None
    chaos_s: int | None
    faults: bool
    config: Path | None

    def settings(self, *, changed: bool = True) -> SimulationSettings:
        """The settings, with the numbers of --config or without them. Raises SettingsRefused, GenesisError."""
        pace = PACES[self.pace or "devnet"]
        if changed and self.config is not None:
            pace = with_overrides(pace, self.config)
        settings = SimulationSettings(
            pace,
            validators=self.validators or 4,
            data_form=None if self.data_form is None else DataForm[self.data_form.upper()],
            contracts=ChainKind(self.contracts or "model"),
            chaos_s=self.chaos_s,
            faults=self.faults,
        )
        if self.config is not None:
            check_settings(settings)
        return settings


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be shown."""

    story: bool
    plot: Path | None
    statistics: bool
    is_json: bool
    is_logged: bool
    shrinks: bool

    def say(self, *lines: str) -> None:
        """Print lines for people."""
        if not self.is_json:
            for line in lines:
                click.echo(line)

    def progress(self, line: str) -> None:
        """Print a line that is no result."""
        if not self.is_json:
            click.echo(line, err=True)

    def give(self, document: dict[str, Any]) -> None:
        """Print the document for programs."""
        if self.is_json:
            click.echo(json.dumps(document, indent=2))


def run_one(asked: Asked, seed: int | None, fault_numbers: str | None, heal_at_s: int | None, shown: Shown) -> bool:
    """Run one seed; whether no rule was broken."""
    settings = asked.settings()
    plan = _plan(_seed(seed), settings, fault_numbers, heal_at_s)
    if shown.plot is not None and not shown.plot.absolute().parent.is_dir():
        raise SettingsRefused(f"--plot: there is no directory {shown.plot.absolute().parent}; make it, or name another")
    shown.say(headline(plan, settings), *mix_lines(plan))
    if shown.is_logged:
        log_at_virtual_time()
    else:
        be_quiet()
    outcome = simulate(plan, settings, log_event if shown.is_logged else None)
    if shown.story:
        shown.say("", *tell(outcome, settings), "")
    if shown.plot is not None:
        shown.plot.write_text(draw_timeline(outcome, settings))
    shown.say(result_line(outcome))
    told = as_json(outcome, settings, with_events=shown.story)
    if outcome.violation is not None:
        _tell_violation(Task(plan, settings), outcome, shown, told)
    shown.give(told)
    return outcome.violation is None


def run_many(asked: Asked, seed: int | None, count: int, jobs: int | None, shown: Shown) -> bool:
    """Run seeds one after another, up to the first that breaks a rule; whether there is none."""
    settings, first = asked.settings(), _seed(seed)
    is_paired = shown.statistics and asked.config is not None
    variants = (asked.settings(changed=False), settings) if is_paired else (settings,)
    shown.say(f"seeds {first} to {first + count - 1} at {' and at '.join(each.pace.title for each in variants)} pace")
    tasks = (Task(draw_plan(number, each), each) for number in range(first, first + count) for each in variants)
    kept: list[Outcome] = []
    told = _run_all(tasks, jobs, shown, kept)
    is_well = "shrunk" not in told
    if shown.statistics and is_well:
        told["statistics"] = _sum_up([kept[place :: len(variants)] for place in range(len(variants))], variants, shown)
    shown.give(told)
    return is_well


def run_soak(asked: Asked, seed: int | None, minutes: int, jobs: int | None, shown: Shown) -> bool:
    """Run seeds of every kind for so long, or up to the first that breaks a rule; whether there is none."""
    settings, first = asked.settings(), _seed(seed)
    kinds = Kinds(
        pace=None if asked.pace is None and asked.config is None else settings.pace,
        validators=asked.validators,
        contracts=None if asked.contracts is None else settings.contracts,
    )
    until_s = time.monotonic() + 60 * minutes
    shown.say(f"seeds from {first} on, for {times(minutes, 'minute')}")
    tasks = takewhile(lambda _: time.monotonic() < until_s, soak_tasks(first, settings, kinds))
    told = _run_all(tasks, jobs, shown, [])
    is_well = "shrunk" not in told
    if is_well:
        ran = told["outcomes"]
        hours, acks = sum(each["virtual_s"] for each in ran) / 3_600, sum(each["acks"] for each in ran)
        shown.say(f"{times(len(ran), 'seed')}, {hours:.1f} virtual hours, {times(acks, 'checkpoint')}: no rule broken")
    shown.give(told)
    return is_well


def _run_all(tasks: Iterable[Task], jobs: int | None, shown: Shown, kept: list[Outcome]) -> dict[str, Any]:
    """Run tasks up to the first violation; what is told to programs. Whole outcomes are kept only to be summed up."""
    be_quiet()
    told: dict[str, Any] = {"outcomes": []}
    for task, outcome in outcomes(tasks, jobs or cores()):
        if shown.statistics:
            kept.append(outcome)
        told["outcomes"].append(as_json(outcome, task.settings))
        shown.say(f"{headline(outcome.plan, task.settings)}; {mix(outcome.plan)}: {result_line(outcome)}")
        if outcome.violation is not None:
            plan = _tell_violation(task, outcome, shown, told)
            directory = keep_failure(plan, task.settings, Path())
            shown.say(f"its story and timeline: {directory}/story.txt, {directory}/timeline.svg")
            break
    return told


def _tell_violation(task: Task, outcome: Outcome, shown: Shown, told: dict[str, Any]) -> Plan:
    """Look for the faults that it needs, and print how to see it again; the plan that is left."""
    settings, plan = task.settings, outcome.plan
    shrunk = Shrunk(plan, 0, is_least=False)
    if shown.shrinks:
        shrunk = shrink_outcome(outcome, settings, lambda less: shown.progress(_left(less, plan)))
        unsure = "" if shrunk.is_least else ", and maybe not all of it is needed"
        shown.say(f"shrunk to {_left(shrunk.plan, plan)} in {times(shrunk.runs, 'run')}{unsure}:")
        shown.say(*(f"  {fault.describe()}" for fault in shrunk.plan.faults))
    command = replay_command(shrunk.plan, settings)
    shown.say(f"replay: {command}")
    told["shrunk"] = {
        "faults": [fault.number for fault in shrunk.plan.faults],
        "runs": shrunk.runs,
        "is_least": shrunk.is_least,
        "replay": command,
    }
    return shrunk.plan


def _left(less: Plan, plan: Plan) -> str:
    return f"{len(less.faults)} of {times(len(plan.faults), 'fault')}, {less.chaos_s} s of chaos"


def _sum_up(
    groups: Sequence[Sequence[Outcome]], variants: Sequence[SimulationSettings], shown: Shown
) -> dict[str, Any]:
    """Print the tables, of one setting or of two beside each other; the same for programs."""
    summaries = [summarise(each.pace.title, group) for each, group in zip(variants, groups, strict=True)]
    told: dict[str, Any] = {"summaries": [summary_json(summary) for summary in summaries]}
    tables = [measures_table(summary) for summary in summaries[:1]]
    if len(groups) == 2:
        differences = compare(*groups)
        told["differences"] = [difference_json(each) for each in differences]
        tables = [differences_table(summaries[0], summaries[1], differences)]
        if any(was.plan != now.plan for was, now in zip(*groups, strict=True)):
            shown.say("block_time_s and confirmations change what is drawn, so the faults are not the same in both")
    if not shown.is_json:
        console = Console()
        for table in (*tables, recoveries_table(summaries)):
            console.print(table)
    return told


def _seed(seed: int | None) -> int:
    return secrets.randbits(SEED_BITS) if seed is None else seed


def _plan(seed: int, settings: SimulationSettings, fault_numbers: str | None, heal_at_s: int | None) -> Plan:
    """What a seed draws, or the part of it that was asked for. Raises SettingsRefused."""
    plan = draw_plan(seed, settings)
    if heal_at_s is not None:
        if heal_at_s > plan.chaos_s:
            raise SettingsRefused(f"--heal-at-s: the chaos ends at {plan.chaos_s} s already; --chaos-s makes it longer")
        plan = replace(plan, chaos_s=heal_at_s)
    if fault_numbers is None:
        return plan
    known = {str(fault.number): fault.number for fault in plan.faults}
    wanted = [part.strip() for part in fault_numbers.split(",")]
    unknown = [part for part in wanted if part not in known]
    if unknown:
        numbers = f"has 1 to {len(known)}" if known else "has none"
        raise SettingsRefused(f"--faults: there is no fault {unknown[0] or 'without a number'}; seed {seed} {numbers}")
    return plan.only(frozenset(known[part] for part in wanted))
