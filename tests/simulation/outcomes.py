"""Outcomes that tests write down by hand, and one that was really simulated."""

from dataclasses import replace
from functools import cache

from bridge.codec.checkpoint import DataForm
from node.simulation.checks.check import Violation
from node.simulation.costs import Costs
from node.simulation.events import Event, EventKind
from node.simulation.plan import Fault, FaultKind, Plan, draw_plan
from node.simulation.run import Outcome, simulate
from node.simulation.settings import PACES, SimulationSettings

SETTINGS = SimulationSettings(PACES["devnet"])
QUIET = replace(SETTINGS, validators=1, chaos_s=15, faults=False)
"""Of one validator, for it costs a quarter."""


def fault(number: int, kind: FaultKind, at_s: float, for_s: float = 0.0, validator: int | None = None) -> Fault:
    """A fault of one validator, or of the whole network."""
    return Fault(number, kind, at_s, for_s, validator)


def plan_of(*faults: Fault, chaos_s: int = 60) -> Plan:
    """A plan that no seed has drawn."""
    return Plan(7, DataForm.BOUND, chaos_s, faults)


def event(
    at_s: float, kind: EventKind, text: str = "", validator: int | None = None, number: int | None = None
) -> Event:
    """Something that happened."""
    return Event(at_s, kind, text, validator, number)


def ack(at_s: float, count: int) -> Event:
    """The ack of the header of this count."""
    return event(
        at_s, EventKind.ACKNOWLEDGED, f"header {count}0000, up to side-chain block {count * 8}", None, count * 10_000
    )


def begins(one: Fault) -> Event:
    """A fault begins."""
    return event(one.at_s, EventKind.FAULT_BEGINS, one.describe(), one.validator, one.number)


def ends(one: Fault) -> Event:
    """A fault ends."""
    return event(one.until_s, EventKind.FAULT_ENDS, one.describe(), one.validator, one.number)


def outcome_of(
    *events: Event, plan: Plan | None = None, violation: Violation | None = None, costs: Costs | None = None
) -> Outcome:
    """An outcome of these events, in their order of time."""
    told = tuple(sorted(events, key=lambda one: one.at_s))
    counts = {kind: sum(one.kind is kind for one in told) for kind in EventKind}
    return Outcome(
        plan=plan or plan_of(),
        violation=violation,
        events=told,
        halted=next((one.text for one in told if one.kind is EventKind.HALTED), None),
        virtual_s=told[-1].at_s if told else 0.0,
        real_s=1.0,
        converged_after_s=None if violation else 20.0,
        acks=counts[EventKind.ACKNOWLEDGED],
        no_acks=counts[EventKind.NO_ACK],
        heights=100,
        rejections=counts[EventKind.REJECTED],
        costs=costs or Costs(),
        restarts=0,
        trace="",
    )


@cache
def quiet_outcome() -> Outcome:
    """A real simulation in which nothing goes wrong."""
    return simulate(draw_plan(1, QUIET), QUIET)
