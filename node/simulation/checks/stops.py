"""Nobody stops signing, and no process ends, without one of the causes that may stop it."""

from collections.abc import Callable, Sequence

from node.app.state import State
from node.duties.status import Reason
from node.engine.commits import CommittedBlock
from node.simulation.checks.check import Check, Violation
from node.simulation.events import EventKind, Journal
from node.simulation.machine import Machine

OF_THE_DISK = {Reason.STALE_RECORD, Reason.TWIN_NODE}
DISK_WORDS = ("disk", "full", "I/O", "DatabaseUnwritable")


class NoCauselessStop(Check):
    """A stop that only a person ends needs a cause: a damaged disk, or a chain that left what was signed."""

    def __init__(
        self,
        journal: Journal,
        damaged: Callable[[], set[int]],
        *,
        side_may_change: bool,
        root_may_change: bool,
        disk_may_fail: frozenset[int],
    ) -> None:
        self._journal = journal
        self._damaged = damaged
        self._side_may_change = side_may_change
        self._root_may_change = root_may_change
        self._disk_may_fail = disk_may_fail
        self._read = 0
        self._told: set[tuple[int, Reason]] = set()

    def committed(self, machine: Machine, block: CommittedBlock, state: State) -> None:
        """Look at the validator's own stop, and at crashes so far."""
        self._look_at_crashes()
        validator = machine.validator
        stop = None if validator is None else validator.readiness.stop
        if stop is None or machine.liar is not None:
            return
        if (machine.index, stop.reason) not in self._told:
            self._told.add((machine.index, stop.reason))
            self._journal.note(
                machine.shared.loop.time(),
                EventKind.STOPPED_SIGNING,
                f"{stop.reason.value}: {stop.text}",
                validator=machine.index,
            )
        allowed = (
            (stop.reason in OF_THE_DISK and machine.index in self._damaged())
            or (stop.reason is Reason.SIDE_REORG_BELOW_SIGNED and self._side_may_change)
            or (stop.reason is Reason.GENESIS_CONTRADICTED and self._root_may_change)
        )
        if not allowed:
            raise Violation("no causeless stop", f"validator {machine.index}: {stop.reason.value}: {stop.text}")

    def duties(self, machines: Sequence[Machine]) -> None:
        """Look at what each validator's supervisor counts: an exception in a duty is a bug, unless the disk failed."""
        for machine in machines:
            validator = machine.validator
            if validator is None or not machine.is_up:
                continue
            for duty in validator.supervisor.statuses():
                error = duty.last_error or ""
                if duty.failures and not (machine.index in self._disk_may_fail and _is_of_the_disk(error)):
                    raise Violation("no duty fails", f"validator {machine.index}, {duty.name}: {error}")

    def _look_at_crashes(self) -> None:
        for event in self._journal.events[self._read :]:
            if event.kind is EventKind.CRASHED and not (
                event.validator in self._disk_may_fail and _is_of_the_disk(event.text)
            ):
                raise Violation("no crash", f"validator {event.validator}: {event.text}")
        self._read = len(self._journal.events)


def _is_of_the_disk(text: str) -> bool:
    return any(word in text for word in DISK_WORDS)
