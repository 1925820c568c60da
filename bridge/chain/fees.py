"""What to pay for a transaction (EIP-1559): pure functions of a policy and the market.

price = first_price(policy, market)                   # None: the market is above the ceiling
price = replacement_price(policy, market, price)      # None: a valid replacement would be above the ceiling
"""

from dataclasses import dataclass

from bridge.chain.reader import FeeHistory
from bridge.codec.types import Wei

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """How much may be paid, and when to offer more. All prices are per gas."""

    ceiling_wei: Wei = Wei(500 * GWEI)
    """No transaction, also no replacement, ever offers more in all."""
    tip_floor_wei: Wei = Wei(GWEI)
    tip_cap_wei: Wei = Wei(10 * GWEI)
    """For the first offer; replacements raise the tip beyond it, as pools demand."""
    base_fee_factor: int = 2
    """The first offer stays valid while the base fee grows by this factor (six full blocks for 2)."""
    history_blocks: int = 10
    tip_percentile: int = 50
    replace_after_s: int = 60
    """Of the chain's time, unmined: then a replacement is signed."""


@dataclass(frozen=True, slots=True)
class Price:
    """The two prices of an EIP-1559 transaction, per gas."""

    max_fee_wei: Wei
    tip_wei: Wei


@dataclass(frozen=True, slots=True)
class Market:
    """The base fee of the next block and the usual tip."""

    base_fee_wei: Wei
    tip_wei: Wei


def market_of(history: FeeHistory) -> Market:
    """The market as recent blocks show it: the median of their tips, the next base fee."""
    tips = sorted(history.tips_wei)
    return Market(history.base_fees_wei[-1], tips[len(tips) // 2] if tips else Wei(0))


def first_price(policy: FeePolicy, market: Market) -> Price | None:
    """The offer for a fresh nonce; None when not even the next block's base fee and the tip fit under the ceiling."""
    tip = min(max(market.tip_wei, policy.tip_floor_wei), policy.tip_cap_wei)
    if market.base_fee_wei + tip > policy.ceiling_wei:
        return None
    max_fee = min(market.base_fee_wei * policy.base_fee_factor + tip, policy.ceiling_wei)
    return Price(Wei(max_fee), Wei(tip))


def replacement_price(policy: FeePolicy, market: Market, replaced: Price) -> Price | None:
    """The offer in place of `replaced`: both prices 12.5 % up, or the market's if that is more; None: too dear.

    Pools take a replacement only if both prices rise by at least 10 %. While the market is above the ceiling, no offer
    below it is mined, and raising it would only spend the steps, and the tip, that are of use afterwards.
    """
    least = Price(raised(replaced.max_fee_wei), raised(replaced.tip_wei))
    fresh = first_price(policy, market)
    if fresh is None or least.max_fee_wei > policy.ceiling_wei:
        return None
    max_fee = max(least.max_fee_wei, fresh.max_fee_wei)
    return Price(max_fee, min(max(least.tip_wei, fresh.tip_wei), max_fee))


def raised(price_wei: Wei) -> Wei:
    """A price 12.5 % up, rounded up, and at least 1 wei."""
    return Wei(price_wei + max(1, -(-price_wei // 8)))
