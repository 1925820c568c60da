"""What happened, put together from the events: spans in which a fault lasted, a validator was missing, a turn ran."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from node.simulation.events import Event, EventKind
from node.simulation.plan import MOMENTARY, Fault, FaultKind
from node.simulation.run import Outcome

TURN_ENDS = (EventKind.ACKNOWLEDGED, EventKind.NO_ACK, EventKind.REJECTED)
NO_LIFE_S = 1.0
"""A validator that is up for less than this between two crashes was not up."""


class Absence(StrEnum):
    """How a validator is missing."""

    DOWN = "down"
    PAUSED = "paused"
    STOPPED = "stopped signing"


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """A fault while it was felt; one of a moment has no length."""

    fault: Fault
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class AbsenceSpan:
    """A validator that is missing."""

    validator: int
    how: Absence
    begin_s: float
    end_s: float
    why: str
    tries: int = 1
    """How often it went down in the span, because it crashed again as soon as it was up."""
    returns: bool = True
    """Whether it came back before the end."""


@dataclass(frozen=True, slots=True)
class TurnSpan:
    """A turn from its proposal to its end."""

    number: int
    text: str
    proposed_s: float
    opened_s: float | None
    landed_s: float | None
    end_s: float
    end: EventKind | None
    """None: it was still running."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One simulation, ready to be told and drawn."""

    faults: tuple[FaultSpan, ...]
    absences: tuple[AbsenceSpan, ...]
    turns: tuple[TurnSpan, ...]
    acks: tuple[Event, ...]
    no_acks: tuple[Event, ...]
    rejections: tuple[Event, ...]
    healed_s: float | None
    end_s: float


def timeline_of(outcome: Outcome) -> Timeline:
    """The timeline of a simulation."""
    events = outcome.events

    def of(kind: EventKind) -> tuple[Event, ...]:
        return tuple(event for event in events if event.kind is kind)

    healed = of(EventKind.HEALED)
    absences = [*_down(events, outcome.virtual_s), *_stopped(events, outcome.virtual_s)]
    faults = tuple(_faults(outcome))
    absences += [
        AbsenceSpan(span.fault.validator, Absence.PAUSED, span.begin_s, span.end_s, "paused")
        for span in faults
        if span.fault.kind is FaultKind.PAUSE and span.fault.validator is not None
    ]
    return Timeline(
        faults=faults,
        absences=tuple(sorted(absences, key=lambda span: (span.begin_s, span.validator, span.how))),
        turns=tuple(_turns(events, outcome.virtual_s)),
        acks=of(EventKind.ACKNOWLEDGED),
        no_acks=of(EventKind.NO_ACK),
        rejections=of(EventKind.REJECTED),
        healed_s=healed[0].at_s if healed else None,
        end_s=outcome.virtual_s,
    )


def _faults(outcome: Outcome) -> Iterator[FaultSpan]:
    by_number = {fault.number: fault for fault in outcome.plan.faults}
    ends = {event.number: event.at_s for event in outcome.events if event.kind is EventKind.FAULT_ENDS}
    for event in outcome.events:
        if event.kind is EventKind.FAULT_BEGINS and event.number is not None:
            fault = by_number[event.number]
            # One that ends by itself, as a kill at the next write, lasts as long as it may strike.
            last_s = event.at_s if fault.kind in MOMENTARY else min(fault.until_s, outcome.virtual_s)
            yield FaultSpan(fault, event.at_s, max(event.at_s, ends.get(event.number, last_s)))


def _down(events: tuple[Event, ...], end_s: float) -> Iterator[AbsenceSpan]:
    spans: dict[int, list[AbsenceSpan]] = {}
    crashes: dict[int, str] = {}
    for event in events:
        if event.validator is None:
            continue
        of_one = spans.setdefault(event.validator, [])
        if event.kind is EventKind.CRASHED:
            crashes[event.validator] = event.text
        elif event.kind is EventKind.DOWN:
            why = crashes.pop(event.validator, event.text)
            last = of_one[-1] if of_one else None
            if last is not None and event.at_s - last.end_s < NO_LIFE_S:
                of_one[-1] = replace(last, end_s=end_s, tries=last.tries + 1, returns=False)
            else:
                of_one.append(AbsenceSpan(event.validator, Absence.DOWN, event.at_s, end_s, why, returns=False))
        elif event.kind is EventKind.UP and of_one and not of_one[-1].returns:
            of_one[-1] = replace(of_one[-1], end_s=event.at_s, returns=True)
    for of_one in spans.values():
        yield from of_one


def _stopped(events: tuple[Event, ...], end_s: float) -> Iterator[AbsenceSpan]:
    for event in events:
        if event.kind is EventKind.STOPPED_SIGNING and event.validator is not None:
            yield AbsenceSpan(event.validator, Absence.STOPPED, event.at_s, end_s, event.text, returns=False)


def _turns(events: tuple[Event, ...], end_s: float) -> Iterator[TurnSpan]:
    turn: TurnSpan | None = None
    for event in events:
        if event.kind is EventKind.PROPOSED and event.number is not None:
            if turn is not None:
                yield turn
            turn = TurnSpan(event.number, event.text, event.at_s, None, None, end_s, None)
        elif turn is None:
            continue
        elif event.kind is EventKind.OPENED:
            turn = replace(turn, opened_s=event.at_s)
        elif event.kind is EventKind.LANDED and turn.landed_s is None:
            turn = replace(turn, landed_s=event.at_s)
        elif event.kind in TURN_ENDS:
            yield replace(turn, end_s=event.at_s, end=event.kind)
            turn = None
    if turn is not None:
        yield turn
