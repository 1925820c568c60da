"""What a benchmark gives: rows of one table, and the ways to write figures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aim:
    """What was aimed at, and whether this run got there. It judges nothing else: no test depends on it."""

    text: str
    met: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `baseline` says what it is compared with and that figure, measured in the same run."""

    name: str
    figure: str
    baseline: str
    ratio: float | None
    """The figure to the baseline's: times to times, rates to rates."""
    limit: str
    """What no program on this machine could go below (or above), in words with its figure."""
    aim: Aim | None = None


def at_most(bound: float, ratio: float) -> Aim:
    """The aim of a ratio not above a bound."""
    return Aim(f"ratio ≤ {bound:.3g}", ratio <= bound)


def at_least(bound: float, ratio: float) -> Aim:
    """The aim of a ratio not below a bound."""
    return Aim(f"ratio ≥ {bound:.3g}", ratio >= bound)


def seconds(value_s: float) -> str:
    """A time with three digits, in the unit that suits it."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value_s * factor >= 1:
            return f"{value_s * factor:.3g} {unit}"
    return f"{value_s * 1e9:.0f} ns"


def per_second(count: float, value_s: float, what: str) -> str:
    """How many of something a second."""
    return f"{count / value_s:,.0f} {what}/s"
