"""Whether our clock is right: precommits carry its time, and their median is the time of the next block.

Evidence are NTP servers alone. The chain's time is none: a chain that stands still looks like a clock that is ahead.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from bridge.chain.clock import Clock
from node.duties.status import ClockStatus
from node.keys.signer import Signer

SKEW_MAX_S = 30.0
AGREEING_MIN = 3
"""Fewer servers prove nothing."""
LOOK_EVERY_S = 300.0
LOOK_AGAIN_S = 30.0
"""While the clock is wrong, so that precommits begin soon after it was set."""


class TimeSource(Protocol):
    """Who knows the time of a server; SntpClient."""

    async def offset_s(self, server: str) -> float | None:
        """How far the server's clock is ahead of ours; None without an answer."""
        ...


@dataclass(frozen=True, slots=True)
class Skew:
    """Our clock is wrong: `offset_s` would put it right, as `agreeing` servers say."""

    offset_s: float
    agreeing: int


def find_skew(offsets_s: Sequence[float]) -> Skew | None:
    """Whether our clock is over 30 s from that of at least 3 servers who agree, over half of those that answered."""
    if not offsets_s:
        return None
    middle = median(offsets_s)
    agreeing = [one for one in offsets_s if abs(one - middle) <= SKEW_MAX_S and abs(one) > SKEW_MAX_S]
    if len(agreeing) < AGREEING_MIN or 2 * len(agreeing) <= len(offsets_s):
        return None
    return Skew(median(agreeing), len(agreeing))


class ClockWatch:
    """A duty that asks NTP servers now and then, and has the signer refuse precommits while our clock is wrong."""

    name = "clock"

    def __init__(
        self,
        servers: tuple[str, ...],
        source: TimeSource,
        signer: Signer,
        block_time_s: Callable[[], float],
        clock: Clock,
    ) -> None:
        """`block_time_s`: the time of the last committed block."""
        self._servers = servers
        self._source = source
        self._signer = signer
        self._block_time_s = block_time_s
        self._clock = clock
        self._looked_at_s: float | None = None
        self._offsets_s: tuple[float, ...] = ()

    async def run_once(self) -> bool:
        """Ask all servers, every 5 minutes, or every half minute while our clock is wrong."""
        now_s = self._clock.monotonic()
        every_s = LOOK_EVERY_S if self._signer.clock_skew is None else LOOK_AGAIN_S
        if self._looked_at_s is not None and now_s - self._looked_at_s < every_s:
            return False
        self._looked_at_s = now_s
        answers = await asyncio.gather(*map(self._source.offset_s, self._servers))
        self._offsets_s = tuple(offset_s for offset_s in answers if offset_s is not None)
        skew = find_skew(self._offsets_s)
        self._signer.clock_skew = None if skew is None else _text(skew, len(self._offsets_s))
        return False

    @property
    def status(self) -> ClockStatus:
        """What is known of our clock."""
        return ClockStatus(
            skew=self._signer.clock_skew,
            offset_s=median(self._offsets_s) if self._offsets_s else None,
            servers=len(self._servers),
            answering=len(self._offsets_s),
        )

    @property
    def alarm(self) -> str | None:
        """That our clock may be behind, where too few servers answer to know."""
        ahead_s = self._block_time_s() - self._clock.now()
        if len(self._offsets_s) >= AGREEING_MIN or ahead_s <= SKEW_MAX_S:
            return None
        return (
            f"CLOCK_UNSURE: the last block's time is {ahead_s:.0f} s ahead of our clock, and "
            f"{len(self._offsets_s)} of {len(self._servers)} NTP servers (clock.ntp_servers) answer, too few to know"
        )


def _text(skew: Skew, answering: int) -> str:
    side = "behind" if skew.offset_s > 0 else "ahead of"
    return (
        f"our clock is {abs(skew.offset_s):.0f} s {side} that of {skew.agreeing} of the {answering} NTP servers that "
        "answer: set it, and see why it is not kept; no precommit is signed until it is right"
    )
