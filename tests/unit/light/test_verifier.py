"""Whether a header follows from a trusted one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.light.errors import HeaderForged, TrustExpired, TrustUnusable
from bridge.light.trust import TrustRules, trust_in
from bridge.light.verifier import OverlapTooSmall, verify, verify_named
from tests.unit.codec.strategies import law
from tests.unit.light.chain import GENESIS_NS, SECOND_NS, Chain, member, members, sign_header

RULES = TrustRules(trusting_period_s=3_600, clock_drift_s=10)
NOW = GENESIS_NS + 100 * SECOND_NS
FOUR = members(4)


def grown(blocks: int = 10) -> Chain:
    """A chain of four validators of equal power."""
    chain = Chain(FOUR)
    chain.grow(blocks)
    return chain


def test_verify__block_1_from_genesis__follows_at_the_genesis_time() -> None:
    chain = grown(1)
    assert chain.block(1).header.time_ns == chain.genesis.time_ns
    assert verify(chain.genesis, chain.block(1), RULES, NOW).power == 40


@pytest.mark.parametrize("height", [2, 3, 10])
def test_verify__same_validators__follows_at_any_distance(height: int) -> None:
    chain = grown()
    assert verify(trust_in(chain.block(1)), chain.block(height), RULES, NOW).total == 40


@pytest.mark.parametrize("height", [4, 5])
def test_verify__a_height_that_is_not_later__is_refused(height: int) -> None:
    chain = grown()
    with pytest.raises(HeaderForged, match="does not come after"):
        verify(trust_in(chain.block(5)), chain.block(height), RULES, NOW)


@pytest.mark.parametrize("height", [6, 8])
def test_verify__a_time_that_is_not_later__is_refused(height: int) -> None:
    chain = grown()
    trusted = trust_in(chain.block(5))
    header = replace(chain.block(height).header, time_ns=trusted.time_ns)
    with pytest.raises(HeaderForged, match="not later"):
        verify(trusted, sign_header(header, FOUR), RULES, NOW)
    verify(trusted, sign_header(replace(header, time_ns=trusted.time_ns + 1), FOUR), RULES, NOW)


def test_verify__a_header_from_the_future__is_refused_from_the_drift_on() -> None:
    chain = grown()
    block = chain.block(10)
    edge_ns = block.header.time_ns - RULES.clock_drift_s * SECOND_NS
    with pytest.raises(HeaderForged, match="ahead of this machine's clock"):
        verify(chain.genesis, block, RULES, edge_ns)
    verify(chain.genesis, block, RULES, edge_ns + 1)


def test_verify__trust_that_expired__is_refused_from_its_last_moment_on() -> None:
    chain = grown()
    trusted = trust_in(chain.block(3))
    end_ns = trusted.time_ns + RULES.trusting_period_s * SECOND_NS
    with pytest.raises(TrustExpired, match="--trust-height"):
        verify(trusted, chain.block(4), RULES, end_ns)
    verify(trusted, chain.block(4), RULES, end_ns - 1)


def test_verify__next_header_with_other_validators__is_refused_though_the_old_ones_signed_too() -> None:
    chain = grown(5)
    intruders = [*FOUR, member(9)]
    header = replace(chain.next_header(), validators_hash=Chain(intruders).next_header().validators_hash)
    with pytest.raises(HeaderForged, match="other validators"):
        verify(trust_in(chain.block(5)), sign_header(header, intruders), RULES, NOW)


def test_verify__validators_who_all_changed__do_not_follow_but_by_the_header_between() -> None:
    chain = grown(3)
    chain.add(then=members(4, first=100))
    chain.grow(4)
    trusted = trust_in(chain.block(3))
    with pytest.raises(OverlapTooSmall, match="0 of 40"):
        verify(trusted, chain.block(8), RULES, NOW)
    for height in (5, 6, 8):
        verify(trusted, chain.block(height), RULES, NOW)
        trusted = trust_in(chain.block(height))
    assert trusted.validators == chain.block(8).validators


def test_verify__overlap_of_exactly_a_third__is_refused_and_more_is_enough() -> None:
    for power, is_enough in ((10, False), (11, True)):
        stays = member(0, power)
        chain = Chain([stays, member(1, 10), member(2, 10)])
        chain.add(then=[stays, *members(20, power=1, first=50)])
        chain.grow(3)
        if is_enough:
            verify(chain.genesis, chain.block(4), RULES, NOW)
        else:
            with pytest.raises(OverlapTooSmall, match="10 of 30"):
                verify(chain.genesis, chain.block(4), RULES, NOW)


def test_verify__a_forger_with_a_third_of_the_trusted_power__is_refused() -> None:
    """Validators with exactly a third sign a chain of their own, with friends that nobody elected."""
    honest = Chain([member(0), member(1), member(2)])
    honest.grow(2)
    forgers = [member(0), *members(2, first=77)]
    header = replace(
        honest.next_header(), height=9, validators_hash=Chain(forgers).next_header().validators_hash, app_hash=b"x" * 32
    )
    with pytest.raises(OverlapTooSmall):
        verify(trust_in(honest.block(2)), sign_header(header, forgers), RULES, NOW)


def test_verify__powers_that_the_trusted_set_had__count_and_not_those_of_the_new_set() -> None:
    """One of small power then, great power now: its signature is worth what it was."""
    small = member(0, 1)
    chain = Chain([small, member(1, 10)])
    chain.add(then=[replace(small, power=1_000), member(2, 1)])
    chain.grow(3)
    with pytest.raises(OverlapTooSmall, match="1 of 11"):
        verify(chain.genesis, chain.block(4), RULES, NOW)


def test_verify_named__the_header_that_was_named__is_trusted_and_no_other() -> None:
    chain = grown()
    block = chain.block(7)
    assert verify_named(block, 7, block.header.hash()) == trust_in(block)
    for height, header_hash in ((6, block.header.hash()), (7, chain.block(6).header.hash())):
        with pytest.raises(TrustUnusable):
            verify_named(block, height, header_hash)


def test_verify_named__without_its_commit__is_refused() -> None:
    chain = grown()
    block = sign_header(chain.block(7).header, FOUR, silent=FOUR[:2])
    with pytest.raises(HeaderForged):
        verify_named(block, 7, block.header.hash())


@law
@given(st.lists(st.integers(0, 15), min_size=2, max_size=10), st.data())
def test_verify__any_changes_of_the_set__follows_exactly_if_over_a_third_of_the_trusted_signed(
    choices: list[int], data: st.DataObject
) -> None:
    chain = Chain(FOUR)
    for choice in choices:
        who = [member(number) for number in range(16) if number == choice or number < choice // 4]
        chain.add(then=who)
    low = data.draw(st.integers(1, chain.height - 1))
    high = data.draw(st.integers(low + 1, chain.height))
    trusted, block = trust_in(chain.block(low)), chain.block(high)
    shared = {one.address for one in trusted.validators} & {one.address for one in block.validators}
    if high == low + 1 or 3 * len(shared) > len(trusted.validators):
        assert verify(trusted, block, RULES, NOW).power == 10 * len(block.validators)
    else:
        with pytest.raises(OverlapTooSmall):
            verify(trusted, block, RULES, NOW)
