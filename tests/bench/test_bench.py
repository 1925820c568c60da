"""That every quick benchmark still runs; what it measures is for people to judge."""

import pytest

from tests.bench.rows import Row, at_least, at_most, per_second, seconds
from tests.bench.runner import BENCHMARKS, Benchmark, table
from tests.bench.sizes import TINY


@pytest.mark.parametrize("benchmark", [one for one in BENCHMARKS if one.is_quick], ids=lambda one: one.name)
def test_benchmark__with_tiny_sizes__gives_rows_for_the_table(benchmark: Benchmark) -> None:
    rows = list(benchmark.measure(TINY))
    assert rows
    assert all(row.ratio is None or row.ratio > 0 for row in rows)
    assert len(table(rows).splitlines()) == len(rows) + 2


def test_table__row_with_and_without_aim__says_whether_it_was_met() -> None:
    rows = [
        Row("tree", "2 ms", "bare: 1 ms", 2.0, "0.5 ms", at_most(1.3, 2.0)),
        Row("ingest", "9/s", "download: 10/s", 0.9, "none", at_least(0.8, 0.9)),
        Row("gas", "1", "one", None, "none"),
    ]
    lines = table(rows).splitlines()
    assert [line.split("|")[-2].strip() for line in lines[2:]] == ["NO", "yes", ""]
    assert len({len(line) for line in lines}) == 1


def test_figures__of_any_size__have_three_digits_and_a_unit() -> None:
    assert [seconds(value) for value in (12.34, 0.0123456, 1.5e-6, 2e-8)] == ["12.3 s", "12.3 ms", "1.5 µs", "20 ns"]
    assert per_second(1_000, 0.5, "blocks") == "2,000 blocks/s"
