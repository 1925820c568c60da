"""Find the few faults that a violation needs: delta debugging over a plan.

Each fault draws from a source of its own, so a plan without some of them is the same seed in everything else.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from node.simulation.plan import Plan
from node.simulation.run import Outcome, simulate
from node.simulation.settings import SimulationSettings

RUNS_MAX = 48


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest plan that was found."""

    plan: Plan
    runs: int
    """How many simulations it took."""
    is_least: bool
    """Whether each fault that is left is needed; if not, the runs were used up."""


def shrink(
    plan: Plan,
    violates: Callable[[Plan], bool],
    *,
    violated_at_s: float,
    runs_max: int = RUNS_MAX,
    told: Callable[[Plan], None] | None = None,
) -> Shrunk:
    """Leave out faults, and then some of the chaos, as long as `violates` says that the same rule is broken.

    `plan` itself violates, at `violated_at_s`. The same plan and answers give the same result. `told` hears each
    smaller plan that still violates.
    """
    search = _Search(plan, violates, runs_max, told)
    numbers = [fault.number for fault in plan.faults]
    begun = [fault.number for fault in plan.faults if fault.at_s <= violated_at_s]
    for kept in ([], begun):
        if len(kept) < len(numbers) and search.still(plan.only(frozenset(kept))):
            numbers = kept
            break
    numbers = search.without_pieces(numbers)
    if violated_at_s > plan.chaos_s:
        search.end_early()
    return Shrunk(search.least, search.runs, search.is_least)


class _Search:
    def __init__(
        self, plan: Plan, violates: Callable[[Plan], bool], runs_max: int, told: Callable[[Plan], None] | None
    ) -> None:
        self.least = plan
        self.runs = 0
        self.is_least = True
        self._plan = plan
        self._violates = violates
        self._runs_max = runs_max
        self._told = told
        self._harmless: set[Plan] = set()

    def still(self, plan: Plan) -> bool:
        """Whether a smaller plan violates; it is kept if so."""
        if plan in self._harmless:
            return False
        if self.runs >= self._runs_max:
            self.is_least = False
            return False
        self.runs += 1
        if self._violates(plan):
            self.least = plan
            if self._told is not None:
                self._told(plan)
            return True
        self._harmless.add(plan)
        return False

    def without_pieces(self, numbers: list[int]) -> list[int]:
        """Leave out halves, then quarters, down to single faults, until none can go any more."""
        size = max(1, len(numbers) // 2)
        while numbers:
            before, start = len(numbers), 0
            while start < len(numbers):
                kept = numbers[:start] + numbers[start + size :]
                if self.still(self._plan.only(frozenset(kept))):
                    numbers = kept
                else:
                    start += size
            if size == 1 and len(numbers) == before:
                break
            size = max(1, size // 2)
        return numbers

    def end_early(self) -> None:
        """Heal the network as soon as the last fault is over, or at least in half of the time."""
        plan = self.least
        last_s = max((fault.until_s for fault in plan.faults), default=0.0)
        for chaos_s in (math.ceil(last_s) + 1, plan.chaos_s // 2):
            if 0 < chaos_s < plan.chaos_s and self.still(replace(plan, chaos_s=chaos_s)):
                return


def shrink_outcome(
    outcome: Outcome, settings: SimulationSettings, told: Callable[[Plan], None] | None = None
) -> Shrunk:
    """The least plan that breaks the same rule as a simulation that has ended with a violation."""
    assert outcome.violation is not None
    rule = outcome.violation.rule

    def violates(plan: Plan) -> bool:
        violation = simulate(plan, settings).violation
        return violation is not None and violation.rule == rule

    return shrink(outcome.plan, violates, violated_at_s=outcome.violated_at_s, told=told)
