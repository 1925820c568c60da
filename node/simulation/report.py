"""What a simulation was and how it ended: lines for people, JSON for programs, and the command that repeats it."""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from node.simulation.chains.worlds import ChainKind
from node.simulation.events import Event
from node.simulation.plan import Plan, draw_plan
from node.simulation.run import Outcome
from node.simulation.settings import SimulationSettings
from node.simulation.statistics import Difference, Measure, Summary
from node.simulation.words import times

WEI_PER_ETHER = 10**18


def headline(plan: Plan, settings: SimulationSettings) -> str:
    """The seed, and what kind of network it is."""
    contracts = "the real contracts" if settings.contracts is ChainKind.EVM else "a model of the contracts"
    return (
        f"seed {plan.seed}: {times(settings.validators, 'validator')} at {settings.pace.title} pace, "
        f"{plan.data_form.name.lower()} form, {contracts}"
    )


def mix_lines(plan: Plan) -> list[str]:
    """What goes wrong, one fault a line."""
    if not plan.faults:
        return [f"nothing goes wrong, for {plan.chaos_s} s"]
    first = f"{times(len(plan.faults), 'fault')} in {plan.chaos_s} s: {mix(plan)}"
    return [first, *(f"  {fault.describe()}" for fault in plan.faults)]


def mix(plan: Plan) -> str:
    """The kinds of fault and how many of each."""
    kinds = Counter(fault.kind.value for fault in plan.faults)
    return ", ".join(kind if times == 1 else f"{kind} ×{times}" for kind, times in kinds.items()) or "no faults"


def result_line(outcome: Outcome) -> str:
    """How it ended, in one line."""
    if outcome.violation is not None:
        how = f'VIOLATION of "{outcome.violation.rule}" at {outcome.violated_at_s:.1f} s: {outcome.violation.text}'
    elif outcome.halted is not None:
        how = f"halted, as it must: {outcome.halted}"
    else:
        how = f"ok, converged {outcome.converged_after_s:.0f} s after the faults ended"
    return f"{how} ({facts(outcome)}; {outcome.virtual_s:.0f} s in {outcome.real_s:.1f} s)"


def facts(outcome: Outcome) -> str:
    """The counts that are not zero, and the acks."""
    counts = (
        ("ack", outcome.acks, True),
        ("no-ack", outcome.no_acks, False),
        ("rejection", outcome.rejections, False),
        ("failed submission", outcome.costs.failed, False),
        ("restart", outcome.restarts, False),
    )
    told = (times(count, name) for name, count, always in counts if count or always)
    return ", ".join(told)


def replay_command(plan: Plan, settings: SimulationSettings) -> str:
    """The one command that runs exactly this again."""
    words = ["sidewarden", "simulate", "--seed", str(plan.seed), "--pace", settings.pace.name]
    if settings.validators != SimulationSettings(settings.pace).validators:
        words += ["--validators", str(settings.validators)]
    if settings.data_form is not None:
        words += ["--data-form", settings.data_form.name.lower()]
    if settings.contracts is not ChainKind.MODEL:
        words += ["--contracts", settings.contracts.value]
    if settings.chaos_s is not None:
        words += ["--chaos-s", str(settings.chaos_s)]
    if settings.pace.config is not None:
        words += ["--config", str(settings.pace.config)]
    if not settings.faults or not plan.faults:
        words.append("--no-faults")
    elif plan.faults != draw_plan(plan.seed, settings).faults:
        words += ["--faults", ",".join(str(number) for number in sorted(fault.number for fault in plan.faults))]
    if plan.chaos_s != settings.trouble_s:
        words += ["--heal-at-s", str(plan.chaos_s)]
    return shlex.join(words)


def as_json(outcome: Outcome, settings: SimulationSettings, *, with_events: bool = False) -> dict[str, Any]:
    """Everything about one simulation that does not depend on the machine it ran on, and `real_s`."""
    plan, violation = outcome.plan, outcome.violation
    told: dict[str, Any] = {
        "seed": plan.seed,
        "pace": settings.pace.title,
        "validators": settings.validators,
        "data_form": plan.data_form.name.lower(),
        "contracts": settings.contracts.value,
        "chaos_s": plan.chaos_s,
        "faults": [{**asdict(fault), "text": fault.describe()} for fault in plan.faults],
        "violation": None if violation is None else {"rule": violation.rule, "text": violation.text},
        "halted": outcome.halted,
        "converged_after_s": outcome.converged_after_s,
        "virtual_s": outcome.virtual_s,
        "real_s": round(outcome.real_s, 3),
        "acks": outcome.acks,
        "no_acks": outcome.no_acks,
        "rejections": outcome.rejections,
        "heights": outcome.heights,
        "restarts": outcome.restarts,
        "costs": asdict(outcome.costs),
        "trace": outcome.trace,
        "replay": replay_command(plan, settings),
    }
    if with_events:
        told["events"] = [_event(event) for event in outcome.events]
    return told


def _event(event: Event) -> Mapping[str, Any]:
    return {**asdict(event), "kind": event.kind.value}


def summary_json(summary: Summary) -> dict[str, Any]:
    """The statistics of one setting."""
    return {
        "setting": summary.title,
        "seeds": summary.seeds,
        "means": {_key(each.measure): each.mean for each in summary.measured},
        "recovery_s": {each.kind: asdict(each) for each in summary.recoveries},
        "halts": dict(summary.halts),
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    """One measure under two settings."""
    return {
        "measure": _key(difference.measure),
        "before": difference.before,
        "after": difference.after,
        "lower": difference.lower,
        "equal": difference.equal,
        "higher": difference.higher,
    }


def _key(measure: Measure) -> str:
    return f"{measure.name}, {measure.unit}"
