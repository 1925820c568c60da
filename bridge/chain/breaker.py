"""When to leave a failing endpoint alone: a circuit breaker as a value.

Closed while it works; after `failures_max` failures in a row it opens for a while that doubles each time; when that is
over one probe decides whether it closes or opens again. Pure: the time is an argument.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """How patient a breaker is."""

    failures_max: int = 3
    open_s: float = 2.0
    """The first pause; each further one doubles."""
    open_s_max: float = 60.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one circuit breaker. Times are monotonic seconds."""

    failures: int = 0
    """In a row, since the last success or the last opening."""
    openings: int = 0
    """In a row, since the last success."""
    open_until_s: float | None = None

    @property
    def is_closed(self) -> bool:
        """Whether calls may simply be made."""
        return self.open_until_s is None

    def may_probe(self, now_s: float) -> bool:
        """Whether an open breaker's pause is over, so that one probe may be made."""
        return self.open_until_s is not None and now_s >= self.open_until_s

    def probing(self, now_s: float, probe_s: float) -> "Breaker":
        """The breaker while a probe runs: nobody else may probe for `probe_s` seconds."""
        return Breaker(self.failures, self.openings, now_s + probe_s)

    def succeeded(self) -> "Breaker":
        """The breaker after a success."""
        return Breaker()

    def failed(self, now_s: float, rules: BreakerRules) -> "Breaker":
        """The breaker after one more failure."""
        if self.is_closed and self.failures + 1 < rules.failures_max:
            return Breaker(self.failures + 1, self.openings)
        return self.opened(now_s, rules)

    def opened(self, now_s: float, rules: BreakerRules) -> "Breaker":
        """The breaker opened at once, whatever the count: the endpoint asked for a pause or is of no use."""
        pause_s = min(rules.open_s * 2 ** min(self.openings, 16), rules.open_s_max)
        return Breaker(0, self.openings + 1, now_s + pause_s)
