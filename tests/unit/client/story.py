"""A clock on which whoever waits brings the story forward."""

from collections.abc import Callable

from bridge.chain.clock import ManualClock


class StoryClock(ManualClock):
    """Each pause passes at once, and brings the next chapter of a test's story; none may be left to wait for."""

    def __init__(self, start_s: float = 1_700_000_000.0) -> None:
        super().__init__(start_s)
        self.chapters: list[Callable[[], object]] = []
        self.pauses_s: list[float] = []

    async def sleep(self, delay_s: float) -> None:
        """Let the delay pass, and the next chapter happen."""
        self.pauses_s.append(delay_s)
        self.advance(delay_s)
        self.chapters.pop(0)()
