"""`python -m tests.mutants [--only NAME …] [--list] [--jobs N] [--write]`: break the code, and see which test notices.

Exit code 1 if a mutant lives, or could not be tried. With --write the table goes into docs/mutants.md too.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.runner import JOBS_MAX, TREE, BaselineFailed, Judged, judge_all
from tests.mutants.table import line, table
from tests.mutants.worker import Verdict

PAGE = Path(TREE, "docs", "mutants.md")
TABLE_BEGINS = "<!-- judged -->\n"


def main() -> int:
    """Judge and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Break the code; see what notices.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this mutant; may be repeated")
    parser.add_argument("--list", action="store_true", help="name the mutants and try none")
    parser.add_argument("--jobs", type=int, choices=range(1, JOBS_MAX + 1), default=JOBS_MAX, help="copies at a time")
    parser.add_argument("--write", action="store_true", help=f"put the table into docs/{PAGE.name}")
    arguments = parser.parse_args()
    chosen = _chosen(parser, arguments.only)
    if arguments.list:
        sys.stdout.writelines(f"{mutant.name}: {mutant.danger}\n" for mutant in chosen)
        return 0
    if arguments.write and arguments.only:
        parser.error("--write needs all mutants, so it cannot go with --only")
    started_s = time.monotonic()
    try:
        judged = judge_all(chosen, arguments.jobs, lambda one: _say(line(one)))
    except BaselineFailed as error:
        _say(str(error))
        return 1
    _say(f"{_sum(judged)} in {time.monotonic() - started_s:.0f} s")
    if arguments.write:
        introduction = PAGE.read_text().partition(TABLE_BEGINS)[0]
        PAGE.write_text(introduction + TABLE_BEGINS + table(judged))
    return int(any(one.outcome.verdict is not Verdict.CAUGHT for one in judged))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _chosen(parser: argparse.ArgumentParser, names: list[str]) -> tuple[Mutant, ...]:
    by_name = {mutant.name: mutant for mutant in MUTANTS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        parser.error(f"no mutant {', '.join(unknown)}; --list names all")
    return tuple(by_name[name] for name in names) or MUTANTS


def _sum(judged: tuple[Judged, ...]) -> str:
    counts = {verdict: sum(one.outcome.verdict is verdict for one in judged) for verdict in Verdict}
    return ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)


if __name__ == "__main__":
    sys.exit(main())
