"""Who counts as one client, and how fast it may ask."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.api.budgets import Budgets
from node.api.clients import client_of
from node.api.settings import networks

PROXIES = networks(["10.0.0.0/8", "fd00::/8", "192.0.2.1"])


@pytest.mark.parametrize(
    ("remote", "forwarded_for", "client"),
    [
        ("198.51.100.7", (), "198.51.100.7"),
        ("198.51.100.7", ("203.0.113.1",), "198.51.100.7"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.1",), "203.0.113.1"),
        ("10.0.0.1", ("198.51.100.99, 203.0.113.1",), "203.0.113.1"),
        ("10.0.0.1", ("198.51.100.99", "203.0.113.1, 10.0.0.2"), "203.0.113.1"),
        ("10.0.0.1", ("203.0.113.1, 192.0.2.1",), "203.0.113.1"),
        ("10.0.0.1", ("10.0.0.3,10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("203.0.113.1:4711",), "203.0.113.1"),
        ("10.0.0.1", ("203.0.113.1, unknown, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("fd00::1", ("[2001:db8:0:1::5]:4711",), "2001:db8:0:1::/64"),
        ("2001:db8:0:1::5", (), "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::6", (), "2001:db8:0:1::/64"),
        ("::ffff:10.0.0.1", ("::ffff:203.0.113.1",), "203.0.113.1"),
        ("fe80::1%eth0", (), "fe80::/64"),
        (None, ("203.0.113.1",), ""),
    ],
)
def test_client__behind_trusted_proxies_only__is_who_they_name(
    remote: str | None, forwarded_for: tuple[str, ...], client: str
) -> None:
    assert client_of(remote, forwarded_for, PROXIES) == client


@given(st.lists(st.text(max_size=40), max_size=5))
def test_client__whatever_it_writes_before_what_a_proxy_adds__is_the_same(invented: list[str]) -> None:
    assert client_of("10.0.0.1", (*invented, "203.0.113.1"), PROXIES) == "203.0.113.1"
    assert client_of("198.51.100.7", invented, PROXIES) == "198.51.100.7"


def test_budget__at_its_burst__refuses_until_a_token_has_come_back() -> None:
    budgets = Budgets(per_s=2.0, burst=3, clients_max=10)
    assert [budgets.take("a", 100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert budgets.take("b", 100.0) == 0.0, "another client has its own"
    assert budgets.take("a", 100.25) == 0.25
    assert budgets.take("a", 100.5) == 0.0
    assert budgets.take("a", 100.5) == 0.5


def test_budget__unused_for_a_day__holds_no_more_than_its_burst() -> None:
    budgets = Budgets(per_s=2.0, burst=3, clients_max=10)
    assert budgets.take("a", 0.0) == 0.0
    assert [budgets.take("a", 86_400.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


@given(
    per_s=st.floats(0.1, 100),
    burst=st.integers(1, 50),
    pauses_s=st.lists(st.just(0.0) | st.floats(0, 10), min_size=1, max_size=200),
)
def test_budget__over_any_stretch_of_time__gives_no_more_than_burst_and_speed(
    per_s: float, burst: int, pauses_s: list[float]
) -> None:
    budgets, now_s, given_at_s = Budgets(per_s, burst, 10), 0.0, cast("list[float]", [])
    for pause_s in pauses_s:
        now_s += pause_s
        if not budgets.take("a", now_s):
            given_at_s.append(now_s)
    for first, start_s in enumerate(given_at_s):
        for last in range(first, len(given_at_s)):
            assert last - first + 1 <= burst + (given_at_s[last] - start_s) * per_s + 1e-6


def test_budgets__of_more_clients_than_are_remembered__forget_who_was_away_longest() -> None:
    budgets = Budgets(per_s=0.001, burst=1, clients_max=2)
    assert [budgets.take(client, 0.0) for client in "abab"] == [0.0, 0.0, 1000.0, 1000.0]
    assert budgets.take("c", 0.0) == 0.0
    assert len(budgets) == 2
    assert budgets.take("b", 0.0) == 1000.0
    assert budgets.take("a", 0.0) == 0.0, "forgotten, so full again"
