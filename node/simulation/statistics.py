"""Many simulations summed up: how long recovery takes from each kind of fault, and what checkpoints cost.

Two settings are compared seed by seed: the same faults in both, so what differs is what the setting does.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from node.simulation.run import Outcome
from node.simulation.timeline import timeline_of

ALL_KINDS = "all faults over"


@dataclass(frozen=True, slots=True)
class Spread:
    """A few values, by their nearest ranks."""

    count: int
    median: float
    most: float
    """Nine of ten are not above it."""
    worst: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long it took from the end of the last fault of a kind to the next acknowledged checkpoint."""

    kind: str
    seeds: int
    never: int
    """Seeds that ended without another one."""
    seconds: Spread | None
    """None: in no seed was there another one."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of each simulation; None where it says nothing."""

    name: str
    unit: str
    of: Callable[[Outcome], float | None]
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure over many simulations."""

    measure: Measure
    mean: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One setting over many seeds."""

    title: str
    seeds: int
    measured: tuple[Measured, ...]
    recoveries: tuple[Recovery, ...]
    halts: tuple[tuple[str, int], ...]
    """Why networks waited for people to decide, and in how many seeds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure in the same seeds under two settings; counts are of seeds."""

    measure: Measure
    before: float
    after: float
    """Means over the seeds in which both have it."""
    lower: int
    equal: int
    higher: int


def _longest_gap_s(outcome: Outcome) -> float | None:
    acks = [event.at_s for event in timeline_of(outcome).acks]
    return max((later - earlier for earlier, later in pairwise(acks)), default=None)


def _per_ack(total: float, outcome: Outcome) -> float | None:
    return total / outcome.acks if outcome.acks else None


MEASURES = (
    Measure("checkpoints", "per hour", lambda outcome: 3_600 * outcome.acks / outcome.virtual_s),
    Measure("longest wait for one", "s", _longest_gap_s),
    Measure("converged after the faults", "s", lambda outcome: outcome.converged_after_s),
    Measure("no-acks", "per seed", lambda outcome: outcome.no_acks, 2),
    Measure("rejections", "per seed", lambda outcome: outcome.rejections, 2),
    Measure("failed submissions", "per seed", lambda outcome: outcome.costs.failed, 2),
    Measure("gas", "per checkpoint", lambda outcome: _per_ack(outcome.costs.gas, outcome), 0),
    Measure("fees", "ether per checkpoint", lambda outcome: _per_ack(outcome.costs.fees_wei / 10**18, outcome), 6),
    Measure("restarts", "per seed", lambda outcome: outcome.restarts, 2),
)


def summarise(title: str, outcomes: Sequence[Outcome]) -> Summary:
    """Sum up the outcomes of one setting."""
    halts = Counter(outcome.halted.partition(":")[0] for outcome in outcomes if outcome.halted is not None)
    return Summary(
        title=title,
        seeds=len(outcomes),
        measured=tuple(Measured(measure, _mean([measure.of(outcome) for outcome in outcomes])) for measure in MEASURES),
        recoveries=_recoveries(outcomes),
        halts=tuple(sorted(halts.items())),
    )


def compare(before: Sequence[Outcome], after: Sequence[Outcome]) -> tuple[Difference, ...]:
    """Two settings, seed by seed; both sequences are of the same seeds."""
    return tuple(difference for measure in MEASURES if (difference := _difference(measure, before, after)) is not None)


def _difference(measure: Measure, before: Sequence[Outcome], after: Sequence[Outcome]) -> Difference | None:
    both = [
        (old, new)
        for was, now in zip(before, after, strict=True)
        if (old := measure.of(was)) is not None and (new := measure.of(now)) is not None
    ]
    if not both:
        return None
    return Difference(
        measure=measure,
        before=sum(old for old, _ in both) / len(both),
        after=sum(new for _, new in both) / len(both),
        lower=sum(new < old for old, new in both),
        equal=sum(new == old for old, new in both),
        higher=sum(new > old for old, new in both),
    )


def _recoveries(outcomes: Sequence[Outcome]) -> tuple[Recovery, ...]:
    """By kind, in alphabetical order, with the end of all faults first."""
    times: dict[str, list[float | None]] = {ALL_KINDS: []}
    for outcome in outcomes:
        line = timeline_of(outcome)
        ends = {ALL_KINDS: line.healed_s} if line.healed_s is not None else {}
        for span in line.faults:
            kind = span.fault.kind.value
            ends[kind] = max(ends.get(kind, 0.0), span.end_s)
        for kind, end_s in ends.items():
            after = [event.at_s - end_s for event in line.acks if event.at_s >= end_s]
            times.setdefault(kind, []).append(after[0] if after else None)
    return tuple(_recovery(kind, times[kind]) for kind in sorted(times, key=lambda kind: (kind != ALL_KINDS, kind)))


def _recovery(kind: str, times: Sequence[float | None]) -> Recovery:
    known = sorted(seconds for seconds in times if seconds is not None)
    spread = Spread(len(known), _rank(known, 50), _rank(known, 90), known[-1]) if known else None
    return Recovery(kind, len(times), len(times) - len(known), spread)


def _rank(ascending: Sequence[float], percent: int) -> float:
    """The smallest value that so many of all values are not above."""
    return ascending[-(-len(ascending) * percent // 100) - 1]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
