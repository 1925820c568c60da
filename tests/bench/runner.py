"""Which benchmarks there are, and their table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench import (
    burn_load,
    burns,
    consensus,
    footprint,
    gas,
    header_index,
    ingest,
    proofs,
    signatures,
    state_machine,
    submission,
    trees,
)
from tests.bench.rows import Row
from tests.bench.sizes import Sizes

HEADER = ("what", "figure", "baseline of the same run", "ratio", "limit", "aim", "met")


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A name for the command line, and the rows it measures."""

    name: str
    measure: Callable[[Sizes], Iterator[Row]]
    is_quick: bool = True
    """Whether it is over in a moment with tiny sizes; the others bring up a devnet."""


BENCHMARKS = (
    Benchmark("roots", trees.measure),
    Benchmark("signatures", signatures.measure),
    Benchmark("ingest", ingest.measure),
    Benchmark("state", state_machine.measure),
    Benchmark("block", consensus.measure_full_block),
    Benchmark("proofs", proofs.measure),
    Benchmark("burns", burns.measure),
    Benchmark("burn-load", burn_load.measure),
    Benchmark("index", header_index.measure),
    Benchmark("gas", gas.measure),
    Benchmark("submission", submission.measure, is_quick=False),
    Benchmark("help", footprint.measure_help),
    Benchmark("devnet", footprint.measure_devnet, is_quick=False),
    Benchmark("consensus", consensus.measure_rate, is_quick=False),
    Benchmark("node", consensus.measure_node, is_quick=False),
)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, its columns in line."""
    cells = [HEADER, *map(_cells, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    return "".join(f"| {line} |\n" if place != 1 else f"|-{line}-|\n" for place, line in enumerate(lines))


def _cells(row: Row) -> tuple[str, ...]:
    aim, met = ("", "") if row.aim is None else (row.aim.text, "yes" if row.aim.met else "NO")
    return row.name, row.figure, row.baseline, "" if row.ratio is None else f"{row.ratio:.3g}", row.limit, aim, met
