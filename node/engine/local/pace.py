"""When the next block is due.

Blocks stand at least an interval apart. One is made when transactions wait, when the last block changed the app hash
(so that the new hash gets a block of its own, and countdowns in blocks run on), or when the pulse is due.
"""

from bridge.chain.clock import Clock


class Pace:
    """Remembers when the last block was made and says whether the next one is due."""

    def __init__(self, clock: Clock, block_interval_s: float, pulse_s: float, round_timeout_s: float) -> None:
        """A round whose proposer is silent lasts `round_timeout_s`; the first block after a start is due at once."""
        if not 0 <= block_interval_s <= pulse_s:
            raise ValueError("0 ≤ block_interval_s ≤ pulse_s must hold: the pulse is a block too")
        if round_timeout_s < 0:
            raise ValueError("round_timeout_s may not be negative")
        self._clock = clock
        self._block_interval_s = block_interval_s
        self._pulse_s = pulse_s
        self._round_timeout_s = round_timeout_s
        self._earliest_s = self._latest_s = clock.monotonic()

    def is_due(self, something_waits: bool) -> bool:
        """Whether to make a block now; `something_waits` stands for transactions or a changed app hash."""
        return self.rest_s(something_waits) == 0

    def rest_s(self, something_waits: bool) -> float:
        """How long it is until then; 0 once it is due."""
        return max(0.0, (self._earliest_s if something_waits else self._latest_s) - self._clock.monotonic())

    def block_made(self) -> None:
        """Start the count to the next block."""
        now_s = self._clock.monotonic()
        self._earliest_s = now_s + self._block_interval_s
        self._latest_s = now_s + self._pulse_s

    def round_lost(self) -> None:
        """Wait a round's time; the next round then takes place whether or not anything waits."""
        self._earliest_s = self._latest_s = self._clock.monotonic() + self._round_timeout_s
