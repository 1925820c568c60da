"""The statistics of simulations as tables for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from node.simulation.statistics import Difference, Measure, Recovery, Summary


def measures_table(summary: Summary) -> Table:
    """One setting: each measure's mean."""
    table = Table(title=f"{summary.title}: {summary.seeds} seeds")
    table.add_column("measure")
    table.add_column("mean", justify="right")
    table.add_column("unit")
    for measured in summary.measured:
        table.add_row(measured.measure.name, _number(measured.mean, measured.measure), measured.measure.unit)
    for reason, seeds in summary.halts:
        table.add_row(f"halted: {reason}", str(seeds), "seeds")
    return table


def differences_table(before: str, after: str, seeds: int, differences: Sequence[Difference]) -> Table:
    """Two settings in the same seeds."""
    table = Table(title=f"{before} and {after}: the same {seeds} seeds")
    table.add_column("measure, mean")
    table.add_column(before, justify="right")
    table.add_column(after, justify="right")
    table.add_column("unit")
    for words in ("lower in", "equal in", "higher in"):
        table.add_column(words, justify="right")
    for each in differences:
        table.add_row(
            each.measure.name,
            _number(each.before, each.measure),
            _number(each.after, each.measure),
            each.measure.unit,
            *(str(count) for count in (each.lower, each.equal, each.higher)),
        )
    return table


def recoveries_table(summaries: Sequence[Summary]) -> Table:
    """Seconds from the end of the last fault of a kind to the next checkpoint, for one setting or for two."""
    table = Table(title="seconds from the end of the last fault of a kind to the next checkpoint")
    table.add_column("fault")
    for summary in summaries:
        prefix = "" if len(summaries) == 1 else f"{summary.title}\n"
        for words in ("seeds", "median", "90 %", "worst", "never"):
            table.add_column(prefix + words if words == "seeds" else words, justify="right")
    kinds = {recovery.kind: None for summary in summaries for recovery in summary.recoveries}
    for kind in kinds:
        cells: list[str] = []
        for summary in summaries:
            cells += _cells(next((each for each in summary.recoveries if each.kind == kind), None))
        table.add_row(kind, *cells)
    return table


def _cells(recovery: Recovery | None) -> list[str]:
    if recovery is None:
        return [""] * 5
    spread = recovery.seconds
    values = (
        ["", "", ""] if spread is None else [f"{value:.0f}" for value in (spread.median, spread.most, spread.worst)]
    )
    return [str(recovery.seeds), *values, str(recovery.never or "")]


def _number(value: float | None, measure: Measure) -> str:
    return "" if value is None else f"{value:,.{measure.digits}f}"
