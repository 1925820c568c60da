"""Exploring a world: breadth first, so that the first violation is the shortest, or by long random walks."""

import random
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from tests.model.actions import Action, RootBlock, Say
from tests.model.fair import Progress
from tests.model.properties import PROPERTIES, Property
from tests.model.state import State
from tests.model.world import Transition, World

WEIGHTS = {
    "HEAD": 10,
    "VALID": 20,
    "LATE": 5,
    "INVALID": 5,
    "QUIET": 10,
    "STEPS": 15,
    "Propose": 10,
    "EngineBlock": 20,
    "SideBlock": 5,
    "NoneType": 5,
    "Header": 5,
    "Other": 2,
    "Unstake": 1,
    "Reset": 1,
}
"""How a random walk draws among kinds of actions; L1's blocks go by their log."""
PROGRESS = "a_fair_schedule_leads_to_an_ack"


@dataclass(frozen=True)
class Violation:
    """Which property does not hold, what is wrong, and the way there."""

    property: str
    problem: str
    story: tuple[Transition, ...]
    actions: int
    """How many lead there; what is told behind them is the fair schedule that finds no ack."""

    def __str__(self) -> str:
        lines = [f"{self.property}: {self.problem}"]
        for number, transition in enumerate(self.story, start=1):
            lines.append(f"{number:4}. {transition.action}")
            lines += [f"          {event}" for event in transition.events]
        return "\n".join(lines)


@dataclass
class Report:
    """What an exploration found."""

    name: str
    states: int = 0
    transitions: int = 0
    depth: int = 0
    rounds_max: int = 0
    """Of the fair schedule, from the state that is furthest from an ack."""
    cpu_s: float = 0.0
    is_complete: bool = True
    violation: Violation | None = None

    def row(self) -> str:
        """One line of a table."""
        found = "holds" if self.violation is None else self.violation.property
        extent = "all" if self.is_complete else "cut"
        return (
            f"| {self.name} | {self.states:,} ({extent}) | {self.transitions:,} | {self.depth} | {self.rounds_max} "
            f"| {self.cpu_s:.1f} | {found} |"
        )


TABLE_HEAD = (
    "| scenario | states | transitions | depth | rounds to an ack | CPU s | properties |\n|---|--:|--:|--:|--:|--:|---|"
)


@dataclass
class Explorer:
    """Checks the properties over a world."""

    world: World
    properties: tuple[Property, ...] = PROPERTIES
    progress_every: int = 1
    """Of so many states one is asked how far it is from an ack; with 0 none is."""
    progress: tuple[Progress, ...] = field(init=False)

    def __post_init__(self) -> None:
        has_foe = self.world.scenario.byzantine is not None
        self.progress = tuple(Progress(self.world, foe) for foe in (("silent", "hostile") if has_foe else ("silent",)))

    def breadth_first(self, states_max: int) -> Report:
        """Every state within the scenario's bounds, up to a number; the shortest violation ends it."""
        report, began = Report(self.world.scenario.name), time.process_time()
        initial = self.world.initial()
        came_from: dict[State, Transition | None] = {initial: None}
        depths = {initial: 0}
        queue = deque([initial])
        for number in count():
            if not queue or report.violation is not None:
                break
            state = queue.popleft()
            report.depth = depths.pop(state)
            if self.progress_every and number % self.progress_every == 0:
                report.violation = self._stuck(report, state, came_from)
            for transition in self.world.successors(state):
                report.transitions += 1
                problem = self._broken(transition)
                if problem is not None:
                    story = (*_way(came_from, state), transition)
                    report.violation = report.violation or Violation(*problem, story, len(story))
                    break
                after = transition.after
                if after in came_from:
                    continue
                if len(came_from) >= states_max:
                    report.is_complete = False
                    continue
                came_from[after] = transition
                depths[after] = report.depth + 1
                queue.append(after)
        report.states, report.cpu_s = len(came_from), time.process_time() - began
        return report

    def walk(self, seed: int, steps_max: int) -> Report:
        """One random walk, from the start again where nothing can follow."""
        report, began = Report(f"{self.world.scenario.name}, seed {seed}", is_complete=False), time.process_time()
        draw = random.Random(seed)
        state, story = self.world.initial(), list[Transition]()
        seen: set[State] = set()
        while report.transitions < steps_max and report.violation is None:
            action = drawn(draw, self.world, state)
            if action is None:
                state, story = self.world.initial(), list[Transition]()
                continue
            transition = self.world.take(state, action)
            report.transitions += 1
            story.append(transition)
            report.depth = max(report.depth, len(story))
            state = transition.after
            problem = self._broken(transition)
            if problem is not None:
                report.violation = Violation(*problem, tuple(story), len(story))
            elif self.progress_every and report.transitions % self.progress_every == 0:
                report.violation = self._stuck(report, state, story)
            seen.add(state)
        report.states, report.cpu_s = len(seen), time.process_time() - began
        return report

    def _broken(self, transition: Transition) -> tuple[str, str] | None:
        if isinstance(transition.action, Say):
            return None  # a statement only records: nothing that a property speaks of can change
        for holds in self.properties:
            problem = holds(self.world, transition)
            if problem is not None:
                return holds.__name__, problem
        return None

    def _stuck(
        self, report: Report, state: State, way: dict[State, Transition | None] | Iterable[Transition]
    ) -> Violation | None:
        for progress in self.progress:
            rounds = progress.rounds_to_ack(state)
            if rounds is None:
                told = _way(way, state) if isinstance(way, dict) else tuple(way)
                problem = f"no ack with a {progress.foe} Byzantine validator"
                return Violation(PROGRESS, problem, (*told, *progress.story(state)), len(told))
            report.rounds_max = max(report.rounds_max, rounds)
        return None


def drawn(draw: random.Random, world: World, state: State) -> Action | None:
    """A random next action: first its kind, by weight, so that rare kinds are not drowned by many variants."""
    choices: dict[str, list[Action]] = {}
    for action in world.actions(state):
        named = action.log if isinstance(action, RootBlock) else action
        kind = action.kind if isinstance(action, Say) else type(named).__name__
        choices.setdefault(kind, []).append(action)
    if not choices:
        return None
    names = sorted(choices)
    (name,) = draw.choices(names, [WEIGHTS[name] for name in names])
    return draw.choice(choices[name])


def _way(came_from: dict[State, Transition | None], state: State) -> tuple[Transition, ...]:
    way: list[Transition] = []
    while (transition := came_from[state]) is not None:
        way.append(transition)
        state = transition.before
    return tuple(reversed(way))
