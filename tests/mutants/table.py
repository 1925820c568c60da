"""Judged mutants for people: a line each while they are tried, and the table of docs/mutants.md."""

from collections.abc import Sequence
from itertools import groupby

from tests.mutants.runner import Judged
from tests.mutants.worker import Verdict


def line(judged: Judged) -> str:
    """One mutant in one line."""
    outcome = judged.outcome
    words = (f"{outcome.verdict.value:<7}", judged.mutant.name, f"{outcome.seconds:.0f} s", outcome.by, outcome.why)
    return "  ".join(word for word in words if word)


def table(judged: Sequence[Judged]) -> str:
    """A Markdown table for each file that mutants break, both ascending by name."""
    ordered = sorted(judged, key=lambda one: (one.mutant.file, one.mutant.name))
    return "\n".join(
        f"### {file}\n\n| mutant | what it would cost | caught by | s |\n|---|---|---|--:|\n"
        + "".join(f"| {' | '.join(_cells(one))} |\n" for one in group)
        for file, group in groupby(ordered, key=lambda one: one.mutant.file)
    )


def _cells(judged: Judged) -> tuple[str, ...]:
    mutant, outcome = judged.mutant, judged.outcome
    if outcome.verdict is not Verdict.CAUGHT:
        return mutant.name, mutant.danger, f"**{outcome.verdict.value}**", ""
    by = f"`{outcome.by.rpartition('::')[2]}`"
    return mutant.name, mutant.danger, f"{by}: {outcome.why}" if outcome.is_hang else by, f"{outcome.seconds:.0f}"
