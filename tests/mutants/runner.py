"""Judging many mutants, at two copies of the tree at a time."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.mutant import Killer, Mutant
from tests.mutants.worker import Outcome, Verdict, Worker

TREE = Path(__file__).parents[2]
JOBS_MAX = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """A mutant and what became of it."""

    mutant: Mutant
    outcome: Outcome


class BaselineFailed(Exception):
    """A killer fails on the unbroken tree, so that its failing says nothing."""


def judge_all(
    mutants: Sequence[Mutant], jobs: int, tell: Callable[[Judged], None], tree: Path = TREE
) -> tuple[Judged, ...]:
    """Judge mutants, in their order; `tell` hears of each as soon as it is known. Raises BaselineFailed."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as stack:
        workers = [Worker(tree, Path(folder) / str(number)) for number in range(jobs)]
        threads = stack.enter_context(ThreadPoolExecutor(jobs))
        killers = _distinct(mutants)
        shares = [(worker, killers[place::jobs]) for place, worker in enumerate(workers)]
        for outcome in threads.map(lambda share: share[0].baseline(share[1]), shares):
            if outcome.verdict is not Verdict.LIVES:
                raise BaselineFailed(f"{outcome.by} fails with nothing broken: {outcome.why}")
        free: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            free.put(worker)

        def judge(mutant: Mutant) -> Judged:
            worker = free.get()
            try:
                judged = Judged(mutant, worker.judge(mutant))
            finally:
                free.put(worker)
            tell(judged)
            return judged

        return tuple(threads.map(judge, mutants))


def _distinct(mutants: Iterable[Mutant]) -> list[Killer]:
    return sorted({killer for mutant in mutants for killer in mutant.killers}, key=str)
