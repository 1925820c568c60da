"""The statistics of simulations as tables that fit a terminal of 80 columns."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from node.simulation.statistics import Difference, Measure, Recovery, Summary


def measures_table(summary: Summary) -> Table:
    """One setting: each measure's mean."""
    table = _table(f"{summary.title}: {summary.seeds} seeds", "", "mean")
    for measured in summary.measured:
        table.add_row(_name(measured.measure), _number(measured.mean, measured.measure))
    return _with_halts(table, (summary,))


def differences_table(before: Summary, after: Summary, differences: Sequence[Difference]) -> Table:
    """Two settings in the same seeds: means, and in how many seeds the second one is lower or higher."""
    title = f"{after.title} after {before.title}: the same {before.seeds} seeds"
    table = _table(title, "mean, and seeds", "before", "after", "lower", "equal", "higher")
    for each in differences:
        numbers = (_number(each.before, each.measure), _number(each.after, each.measure))
        table.add_row(_name(each.measure), *numbers, *map(str, (each.lower, each.equal, each.higher)))
    return _with_halts(table, (before, after))


def recoveries_table(summaries: Sequence[Summary]) -> Table:
    """Recovery from the end of the last fault of a kind to the next checkpoint, for one setting or for two."""
    names = ("recovery",) if len(summaries) == 1 else ("before", "after")
    table = _table("seconds to the next checkpoint, median / 90 % / worst", "after the fault", "seeds", *names)
    of_each = [{recovery.kind: recovery for recovery in summary.recoveries} for summary in summaries]
    for kind in dict.fromkeys(kind for recoveries in of_each for kind in recoveries):
        found = [recoveries.get(kind) for recoveries in of_each]
        table.add_row(kind, str(max(each.seeds for each in found if each is not None)), *map(_spread, found))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    return table


def _with_halts(table: Table, summaries: Sequence[Summary]) -> Table:
    for reason in dict.fromkeys(reason for summary in summaries for reason, _ in summary.halts):
        counts = (str(dict(summary.halts).get(reason, 0)) for summary in summaries)
        table.add_row(f"halted: {reason}, seeds", *counts)
    return table


def _spread(recovery: Recovery | None) -> str:
    if recovery is None:
        return ""
    spread = recovery.seconds
    told = [] if spread is None else [f"{spread.median:.0f} / {spread.most:.0f} / {spread.worst:.0f}"]
    return ", ".join(told + ([f"{recovery.never} never"] if recovery.never else []))


def _name(measure: Measure) -> str:
    return f"{measure.name}, {measure.unit}"


def _number(value: float | None, measure: Measure) -> str:
    return "" if value is None else f"{value:,.{measure.digits}f}"
