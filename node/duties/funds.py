"""What the submission account can still pay for, so that an operator hears of it before checkpoints stop."""

from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.chain.errors import ChainError
from bridge.chain.fees import FeePolicy, first_price, market_of
from bridge.chain.reader import ChainReader
from bridge.codec.types import Address, Wei

LOOK_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's balance, and how many submissions it pays for at the present price."""

    wei: Wei
    checkpoints_left: int


class WatchFunds:
    """A duty that looks at the submission account of one root chain now and then."""

    def __init__(
        self, chain: str, sender: Address, reader: ChainReader, fees: FeePolicy, gas_limit: int, clock: Clock
    ) -> None:
        self.name = f"funds {chain}"
        self.balance: Balance | None = None
        self._sender = sender
        self._reader = reader
        self._fees = fees
        self._gas_limit = gas_limit
        self._clock = clock
        self._looked_at_s: float | None = None

    async def run_once(self) -> bool:
        """Read balance and price, at most every half minute."""
        now_s = self._clock.monotonic()
        if self._looked_at_s is not None and now_s - self._looked_at_s < LOOK_EVERY_S:
            return False
        self._looked_at_s = now_s
        try:
            wei = await self._reader.balance(self._sender)
            history = await self._reader.fee_history(self._fees.history_blocks, self._fees.tip_percentile)
        except ChainError:
            return False
        price = first_price(self._fees, market_of(history))
        price_wei = self._fees.ceiling_wei if price is None else price.max_fee_wei
        self.balance = Balance(wei, wei // (self._gas_limit * price_wei))
        return False
