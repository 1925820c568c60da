"""The circuit breaker as a value."""

from bridge.chain.breaker import Breaker, BreakerRules

RULES = BreakerRules(failures_max=3, open_s=2.0, open_s_max=10.0)


def fail(breaker: Breaker, times: int, now_s: float) -> Breaker:
    for _ in range(times):
        breaker = breaker.failed(now_s, RULES)
    return breaker


def test_breaker__fewer_failures_than_the_limit__stays_closed() -> None:
    assert fail(Breaker(), 2, 0.0).is_closed


def test_breaker__failures_reach_the_limit__opens_for_the_first_pause() -> None:
    breaker = fail(Breaker(), 3, 100.0)
    assert breaker.open_until_s == 102.0
    assert not breaker.may_probe(101.9)
    assert breaker.may_probe(102.0)


def test_breaker__a_success_between_failures__counts_anew() -> None:
    assert fail(fail(Breaker(), 2, 0.0).succeeded(), 2, 0.0).is_closed


def test_breaker__probes_keep_failing__pauses_double_up_to_the_limit() -> None:
    breaker, now_s, pauses = fail(Breaker(), 3, 0.0), 0.0, []
    for _ in range(5):
        assert breaker.open_until_s is not None
        pauses.append(breaker.open_until_s - now_s)
        now_s = breaker.open_until_s
        breaker = breaker.failed(now_s, RULES)
    assert pauses == [2.0, 4.0, 8.0, 10.0, 10.0]


def test_breaker__a_probe_runs__nobody_else_may_probe() -> None:
    breaker = fail(Breaker(), 3, 0.0).probing(2.0, 1.5)
    assert not breaker.may_probe(3.0)
    assert breaker.may_probe(3.5)


def test_breaker__a_probe_succeeds__is_as_new() -> None:
    assert fail(Breaker(), 3, 0.0).succeeded() == Breaker()
