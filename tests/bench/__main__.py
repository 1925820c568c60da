"""`python -m tests.bench [NAME …] [--write]`: run all benchmarks, or those named, and print their table.

With --write the table goes into docs/benchmarks.md too, with the date and this machine.
"""

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.rows import Row
from tests.bench.runner import BENCHMARKS, table
from tests.bench.sizes import Sizes

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
TABLE_BEGINS = "<!-- measured -->\n"


def main() -> None:
    """Measure and print."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, as ratios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which; all if none is named: {', '.join(names)}")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(names)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    rows: list[Row] = []
    for benchmark in BENCHMARKS:
        if not arguments.names or benchmark.name in arguments.names:
            sys.stderr.write(f"measuring {benchmark.name} …\n")
            rows.extend(benchmark.measure(Sizes()))
    measured = f"{machine()}\n\n{table(rows)}"
    sys.stdout.write(measured)
    if arguments.write:
        introduction = PAGE.read_text().partition(TABLE_BEGINS)[0]
        PAGE.write_text(introduction + TABLE_BEGINS + measured)


def machine() -> str:
    """The date, and what this machine is."""
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = cpus[0].partition(": ")[2] if cpus else platform.machine()
    today = datetime.now(UTC).date()
    return f"{today}, {os.cpu_count()} × {model}, Linux {platform.release()}, Python {platform.python_version()}"


main()
