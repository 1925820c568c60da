"""Waiting for a burn to change: asked again when a confirmed head has moved, not more often than that can matter."""

from bridge.burns.proving import Heads
from bridge.burns.report import BurnsReport, BurnStatus
from bridge.burns.service import BurnService
from bridge.chain.clock import Clock
from bridge.codec.types import Hash32

LOOK_INTERVAL_S = 0.5
"""How often the heads are looked at, which costs nothing."""
UNSETTLED_INTERVAL_S = 4.0
"""How often a transaction is asked for that may come into a block, or change it, without a confirmed head moving."""
_UNSETTLED = (BurnStatus.NOT_FOUND, BurnStatus.REORGED, BurnStatus.PENDING)


class BurnWatch:
    """Reports of burns as they change. Many may watch one burn: they share what is read at the same heads."""

    def __init__(self, burns: BurnService, clock: Clock) -> None:
        self._burns = burns
        self._clock = clock

    async def change(self, transaction: Hash32, version: str | None, wait_s: float) -> BurnsReport:
        """The first report whose version is another one, or after `wait_s` the last. Raises what `burns` raises."""
        deadline = self._clock.monotonic() + wait_s
        while True:
            heads, asked_at = self._burns.heads(), self._clock.monotonic()
            report = await self._burns.burns(transaction)
            if report.version != version or not await self._until_it_may_change(report, heads, asked_at, deadline):
                return report

    async def _until_it_may_change(self, report: BurnsReport, heads: Heads, asked_at: float, deadline: float) -> bool:
        """Wait until another question could have another answer; False when the deadline comes first."""
        while (now := self._clock.monotonic()) < deadline:
            await self._clock.sleep(min(LOOK_INTERVAL_S, deadline - now))
            is_due = report.status in _UNSETTLED and self._clock.monotonic() - asked_at >= UNSETTLED_INTERVAL_S
            if is_due or self._burns.heads() != heads:
                return True
        return False
