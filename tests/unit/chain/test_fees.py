"""Prices: never above the ceiling, and every replacement is one that a pool takes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.fees import GWEI, FeePolicy, Market, Price, first_price, market_of, raised, replacement_price
from bridge.chain.reader import FeeHistory
from bridge.codec.types import Wei

POLICY = FeePolicy(ceiling_wei=Wei(100 * GWEI), tip_floor_wei=Wei(GWEI), tip_cap_wei=Wei(10 * GWEI))

wei = st.integers(0, 300 * GWEI).map(Wei)
markets = st.builds(Market, wei, wei)


def market(base_gwei: int, tip_gwei: int) -> Market:
    return Market(Wei(base_gwei * GWEI), Wei(tip_gwei * GWEI))


def price(max_gwei: int, tip_gwei: int) -> Price:
    return Price(Wei(max_gwei * GWEI), Wei(tip_gwei * GWEI))


def test_market__odd_tips__is_their_median_and_the_next_base_fee() -> None:
    history = FeeHistory((Wei(5), Wei(6), Wei(7), Wei(9)), (Wei(1), Wei(90), Wei(3)))
    assert market_of(history) == Market(Wei(9), Wei(3))
    assert market_of(FeeHistory((Wei(5),), ())) == Market(Wei(5), Wei(0))


def test_first_price__usual_market__is_twice_the_base_fee_and_the_tip() -> None:
    assert first_price(POLICY, market(20, 2)) == price(42, 2)


def test_first_price__tip_outside_its_limits__is_brought_within() -> None:
    assert first_price(POLICY, market(20, 0)) == price(41, 1)
    assert first_price(POLICY, market(20, 50)) == price(50, 10)


def test_first_price__twice_the_base_fee_is_too_dear__offers_the_ceiling() -> None:
    assert first_price(POLICY, market(60, 2)) == price(100, 2)
    assert first_price(POLICY, market(98, 2)) == price(100, 2)


def test_first_price__even_the_next_block_is_too_dear__waits() -> None:
    assert first_price(POLICY, market(99, 2)) is None


def test_replacement__calm_market__is_one_eighth_up() -> None:
    assert replacement_price(POLICY, market(1, 1), price(40, 8)) == price(45, 9)


def test_replacement__market_ran_away__offers_the_market() -> None:
    assert replacement_price(POLICY, market(40, 4), price(40, 2)) == price(84, 4)


def test_replacement__step_would_pass_the_ceiling__waits() -> None:
    assert replacement_price(POLICY, market(1, 1), price(88, 8)) == price(99, 9)
    assert replacement_price(POLICY, market(1, 1), price(89, 8)) is None


def test_replacement__market_above_the_ceiling__waits_instead_of_raising_for_nothing() -> None:
    assert replacement_price(POLICY, market(98, 2), price(40, 8)) == price(100, 9)
    assert replacement_price(POLICY, market(99, 2), price(40, 8)) is None


@settings(max_examples=200, deadline=None)
@given(first=markets, later=st.lists(markets, max_size=40))
def test_replacement__any_run_of_markets__each_step_is_valid_and_within_the_ceiling(
    first: Market, later: list[Market]
) -> None:
    offered = first_price(POLICY, first)
    for one in later:
        if offered is None:
            return
        assert offered.tip_wei <= offered.max_fee_wei <= POLICY.ceiling_wei
        following = replacement_price(POLICY, one, offered)
        if following is not None:
            assert following.max_fee_wei * 10 >= offered.max_fee_wei * 11
            assert following.tip_wei * 10 >= offered.tip_wei * 11
        offered = following


@given(old=st.integers(0, 10**30))
def test_raised__any_price__is_at_least_an_eighth_and_one_wei_up(old: int) -> None:
    assert raised(Wei(old)) - old >= max(1, old / 8 * 0.999999)
