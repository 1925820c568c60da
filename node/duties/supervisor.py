"""The supervisor: runs the duties of one validator, restarts the one that failed, and counts.

A duty reports expected trouble as values. An exception that reaches the supervisor is either an expected error that a
duty let through or a bug; both end that duty's pass, are counted and logged with their cause, and the duty starts again
after a pause that doubles up to a limit and that no wake cuts short. Nothing else in the project catches broadly.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from bridge.chain.clock import Alarm, Bell, Clock
from node.duties.status import DutyStatus

RESTART_PAUSE_MAX_S = 30.0

log = logging.getLogger(__name__)


class Duty(Protocol):
    """One small loop of a validator."""

    @property
    def name(self) -> str:
        """The name that status, metrics and log show."""
        ...

    async def run_once(self) -> bool:
        """Do one bounded piece of work; True when there is more to do at once."""
        ...


class Supervisor:
    """Runs each duty in a task of its own, woken by a poll interval or by `wake`."""

    def __init__(self, duties: Iterable[Duty], clock: Clock, poll_interval_s: float) -> None:
        self._watched = tuple(_Watched(duty, clock, poll_interval_s) for duty in duties)

    def wake(self) -> None:
        """Let every duty look again now, for instance because a block was committed."""
        for watched in self._watched:
            watched.bell.ring()

    def statuses(self) -> tuple[DutyStatus, ...]:
        """When each duty last finished a pass, and what went wrong last."""
        return tuple(watched.status() for watched in self._watched)

    async def run(self) -> None:
        """Run all duties until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for watched in self._watched:
                tasks.create_task(watched.run(), name=f"duty {watched.duty.name}")

    async def run_once(self) -> None:
        """Run every duty, in order, until none has more to do; how tests step a validator."""
        for watched in self._watched:
            while await watched.attempt():
                pass


class _Watched:
    """One duty with its counters."""

    def __init__(self, duty: Duty, clock: Clock, poll_interval_s: float) -> None:
        self.duty = duty
        self.bell = Bell(clock)
        self._clock = clock
        self._poll_interval_s = poll_interval_s
        self._is_poll_due = True
        self._last_progress_s = clock.now()
        self._failures = 0
        self._failures_in_a_row = 0
        self._last_error: str | None = None

    async def run(self) -> None:
        poll: Alarm | None = None
        try:
            while True:
                self.bell.silence()  # before the pass: what happens during it is a reason to look again
                is_poll = self._is_poll_due
                if await self.attempt():
                    await asyncio.sleep(0)
                    continue
                if is_poll:
                    self._is_poll_due = False
                    poll = self._clock.call_later(self._poll_interval_s, self._poll)
                if self._failures_in_a_row:
                    await self._clock.sleep(self._restart_pause_s)
                else:
                    await self.bell.wait()
        finally:
            if poll is not None:
                poll.cancel()

    def _poll(self) -> None:
        """A pass is due, however often it was woken since the last poll."""
        self._is_poll_due = True
        self.bell.ring()

    async def attempt(self) -> bool:
        """One pass; a failure is counted and told, never passed on, except for cancellation."""
        try:
            more = await self.duty.run_once()
        except Exception as error:
            self._failures += 1
            self._failures_in_a_row += 1
            self._last_error = f"{type(error).__name__}: {error}"
            log.exception("duty failed", extra={"duty": self.duty.name, "in_a_row": self._failures_in_a_row})
            return False
        self._failures_in_a_row = 0
        self._last_progress_s = self._clock.now()
        return more

    @property
    def _restart_pause_s(self) -> float:
        return min(self._poll_interval_s * 2.0 ** min(self._failures_in_a_row, 10), RESTART_PAUSE_MAX_S)

    def status(self) -> DutyStatus:
        return DutyStatus(self.duty.name, self._last_progress_s, self._failures, self._last_error)
