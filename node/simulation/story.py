"""The story of a simulation, for an operator: what went wrong, who was missing, why a checkpoint waited, what it cost.

One line a moment. What several validators say alike is one line, and what goes as it should is not told twice.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from node.duties.status import Reason
from node.simulation.events import Event, EventKind
from node.simulation.fault_words import sentence
from node.simulation.plan import MOMENTARY
from node.simulation.report import WEI_PER_ETHER
from node.simulation.run import Outcome
from node.simulation.settings import SimulationSettings
from node.simulation.timeline import Absence, AbsenceSpan, FaultSpan, Timeline, timeline_of
from node.simulation.words import clock, length, some_validators, times

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)

IN_ORDER = {
    Reason.NEXT_START_UNKNOWN: "for the first acknowledgement",
    Reason.WAITING_FOR_SIDE_BLOCKS: "for side-chain blocks",
    Reason.WAITING_FOR_INTERVAL: "for the interval",
    Reason.WAITING_FOR_TURN: "for the next turn",
    Reason.WAITING_FOR_PROPOSAL: "for a proposal",
    Reason.COLLECTING: "for signatures",
    Reason.GRACE: "for late signatures",
    Reason.WAITING_FOR_SUBMITTER: "for a submitter",
    Reason.WAITING_FOR_INCLUSION: "for a transaction to be mined",
    Reason.WAITING_FOR_CONFIRMATIONS: "for confirmations",
    Reason.WAITING_FOR_FEED_QUORUM: "for agreement on the root chain's events",
}
"""Reasons that are part of every checkpoint; they are told only of one that is late."""
TROUBLE = {
    Reason.ENGINE_NO_QUORUM: "too few validators are there to make blocks",
    Reason.L1_REORG_BELOW_CURSOR: "the root chain was changed below what was applied",
    Reason.CONTRACT_CHANGED: "the contracts' code has changed",
    Reason.L1_VIEWS_DIFFER: "validators see different root chains",
    Reason.ROOT_RPC_DOWN: "no endpoint of the root chain answers well",
    Reason.SIDE_RPC_DOWN: "no endpoint of the side chain answers well",
    Reason.FEE_CEILING: "gas costs more than the fee ceiling allows",
    Reason.NOT_FUNDED: "the submission account cannot pay",
    Reason.UNDERPRICED: "the root chain wants a better price",
    Reason.POOL_FULL: "the root chain has no room for the transaction",
    Reason.NONCE_GAP: "the transaction stands behind one that is not mined",
    Reason.NONCE_USED: "somebody else has used the transaction's nonce",
    Reason.L1_REFUSES: "the root chain refuses the submission",
    Reason.L1_CLOCK_AHEAD: "the root chain's clock is too far ahead to submit in time",
}
"""Reasons that something is wrong. Pauses, stops and restarts have lines of their own."""
LATE = 1.5
"""A checkpoint is late if it took so many times what one takes when all goes well."""
PART_MIN = 0.1
"""The least part of a wait that is worth naming."""


@dataclass(frozen=True, slots=True)
class _Line:
    at_s: float
    rank: int
    """Of lines at the same time: causes before effects."""
    text: str


def tell(outcome: Outcome, settings: SimulationSettings) -> list[str]:
    """The story, line by line."""
    timeline = timeline_of(outcome)
    lines = [
        *_faults(timeline.faults),
        *_starts(outcome.events),
        *_absences(timeline),
        *_troubles(outcome.events),
        *_checkpoints(outcome, timeline, settings),
        *_plain(outcome.events),
    ]
    lines.sort(key=lambda line: (line.at_s, line.rank))
    return [*(f"{clock(line.at_s):>8}  {line.text}" for line in lines), *_cost(outcome)]


def _faults(spans: Sequence[FaultSpan]) -> Iterator[_Line]:
    for span in spans:
        until = "" if span.fault.kind in MOMENTARY else f", until {clock(span.end_s)}"
        yield _Line(span.begin_s, 0, f"#{span.fault.number} {sentence(span.fault)}{until}")


def _starts(events: Sequence[Event]) -> Iterator[_Line]:
    first: dict[int, Event] = {}
    for event in events:
        if event.kind in (EventKind.UP, EventKind.DOWN) and event.validator is not None:
            first.setdefault(event.validator, event)
    started = ((index, event) for index, event in first.items() if event.kind is EventKind.UP)
    for at_s, group in _grouped(started, lambda item: item[1].at_s).items():
        yield _Line(at_s, 1, f"{some_validators(index for index, _ in group)} start{'s' if len(group) == 1 else ''}")


def _absences(timeline: Timeline) -> Iterator[_Line]:
    told = {(span.begin_s, span.fault.kind.value) for span in timeline.faults}
    """Where the fault's own line has said it all."""
    for (at_s, how, why), group in _grouped(timeline.absences, lambda span: (span.begin_s, span.how, span.why)).items():
        who, verb = some_validators(span.validator for span in group), "goes" if len(group) == 1 else "go"
        if how is Absence.STOPPED:
            yield _Line(at_s, 2, f"{who} will sign nothing more until an operator acts: {why}")
        elif how is Absence.DOWN and (at_s, why) not in told:
            yield _Line(at_s, 2, f"{who} {verb} down: {why.partition('. ')[0]}")
    returning = (span for span in timeline.absences if span.returns and span.how is Absence.DOWN)
    for at_s, group in _grouped(returning, lambda span: span.end_s).items():
        who, verb = some_validators(span.validator for span in group), "is" if len(group) == 1 else "are"
        failed = max(span.tries for span in group) - 1
        after = f", after {times(failed, 'failed start')}" if failed else ""
        yield _Line(at_s, 2, f"{who} {verb} back, {_away(group)}{after}")


def _away(group: Sequence[AbsenceSpan]) -> str:
    return f"{length(max(span.end_s - span.begin_s for span in group))} after going down"


def _troubles(events: Sequence[Event]) -> Iterator[_Line]:
    told = (event for event in events if event.kind is EventKind.REASON and Reason(event.text) in TROUBLE)
    for (at_s, text), group in _grouped(told, lambda event: (event.at_s, event.text)).items():
        who = some_validators(event.validator for event in group if event.validator is not None)
        yield _Line(at_s, 3, f"{who}: {TROUBLE[Reason(text)]} ({text})")


def _checkpoints(outcome: Outcome, timeline: Timeline, settings: SimulationSettings) -> Iterator[_Line]:
    landed = {event.number: event for event in outcome.events if event.kind is EventKind.LANDED}
    for before, ack in pairwise((None, *timeline.acks)):
        assert ack is not None
        before_s = 0.0 if before is None else before.at_s
        header, took_s = landed.get(ack.number), ack.at_s - before_s
        parts = [f"checkpoint: {ack.text}"]
        if header is not None and header.validator is not None:
            parts.append(f"submitted by validator {header.validator}")
        if took_s > LATE * _usual_s(settings):
            parts.append(f"late, after {length(took_s)}: {_waits(outcome.events, before_s, ack.at_s)}")
        over = [span for span in timeline.faults if before_s < span.end_s <= ack.at_s]
        if over:
            numbers = ", ".join(f"#{number}" for number in sorted(span.fault.number for span in over))
            parts.append(f"{length(ack.at_s - max(span.end_s for span in over))} after the end of {numbers}")
        yield _Line(ack.at_s, 4, "; ".join(parts))


def _plain(events: Sequence[Event]) -> Iterator[_Line]:
    """What has a line of its own as it is."""
    for event in events:
        match event.kind:
            case EventKind.NO_ACK:
                yield _Line(event.at_s, 4, f"no-ack: {event.text} without a checkpoint; another validator proposes")
            case EventKind.REJECTED:
                yield _Line(event.at_s, 4, f"rejected: {event.text}; another validator proposes")
            case EventKind.SUBMISSION_FAILED:
                yield _Line(event.at_s, 4, f"a submission of validator {event.validator} fails {event.text}")
            case EventKind.OPERATOR:
                yield _Line(event.at_s, 2, f"the operator of validator {event.validator} {event.text}")
            case EventKind.HEALED:
                yield _Line(event.at_s, 5, f"all faults are over: {event.text}")
            case EventKind.CONVERGED:
                yield _Line(event.at_s, 5, f"converged: all who must be there are in step, {event.text}")
            case EventKind.HALTED:
                yield _Line(event.at_s, 5, f"halted until people decide: {event.text}")
            case EventKind.VIOLATION:
                yield _Line(event.at_s, 6, f"VIOLATION: {event.text}")
            case _:
                pass


def _usual_s(settings: SimulationSettings) -> float:
    """From one ack to the next when all goes well: the range fills, then a submission is mined and confirmed."""
    network, root = settings.pace.network, settings.pace.root_chain
    range_s = max(root.interval_s, root.minimum_blocks * network.side_block_time_s)
    return range_s + root.confirmation_lag_s + 2 * root.block_time_s


def _waits(events: Sequence[Event], from_s: float, to_s: float) -> str:
    """What most validators waited for in a span of time, longest first."""
    spent: dict[Reason, float] = {}
    holds: dict[int, Reason] = {}
    for event, following in pairwise((*events, None)):
        assert event is not None
        if event.validator is not None:
            if event.kind is EventKind.REASON:
                holds[event.validator] = Reason(event.text)
            elif event.kind is EventKind.DOWN:
                holds.pop(event.validator, None)
        until_s = to_s if following is None else min(to_s, following.at_s)
        seconds = until_s - max(from_s, event.at_s)
        if seconds > 0 and holds:
            held = list(holds.values())
            most = max(Reason, key=held.count)
            spent[most] = spent.get(most, 0.0) + seconds
    longest = sorted(spent.items(), key=lambda item: -item[1])
    named = [
        f"{length(seconds)} {IN_ORDER.get(reason, f'with {reason.value}')}"
        for reason, seconds in longest
        if seconds >= PART_MIN * (to_s - from_s)
    ]
    return ", ".join(named) or "nobody was there to say why"


def _cost(outcome: Outcome) -> Iterator[str]:
    costs, acks = outcome.costs, outcome.acks
    failed = f", {costs.failed} of them failed" if costs.failed else ""
    line = f"cost: {times(costs.submissions, 'submission')}{failed}, {costs.gas:,} gas"
    line += f", {costs.fees_wei / WEI_PER_ETHER:.6f} of the root chain's coin"
    yield line + (f"; {costs.gas // acks:,} gas for each checkpoint" if acks else "")


def _grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
