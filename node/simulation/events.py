"""What happened in a simulation, in order: the material of its story, its plot and its statistics."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What kind of thing happened."""

    FAULT_BEGINS = "fault begins"
    FAULT_ENDS = "fault ends"
    PROPOSED = "proposed"
    OPENED = "open for submission"
    LANDED = "landed on the root chain"
    SUBMISSION_FAILED = "submission failed"
    ACKNOWLEDGED = "acknowledged"
    NO_ACK = "no-ack"
    REJECTED = "rejected"
    DOWN = "down"
    UP = "up"
    CRASHED = "crashed"
    STOPPED_SIGNING = "stopped signing"
    REASON = "waits for"
    OPERATOR = "operator"
    HEALED = "all faults end"
    CONVERGED = "converged"
    HALTED = "halted, as it must"
    VIOLATION = "violation"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, `at_s` virtual seconds after the beginning."""

    at_s: float
    kind: EventKind
    text: str
    validator: int | None = None
    number: int | None = None
    """Of the fault, the turn, or the header, as the kind says."""


class Journal:
    """The events of a simulation so far."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.told: Callable[[Event], None] | None = None
        """Who hears each event at once."""

    def note(
        self, at_s: float, kind: EventKind, text: str, *, validator: int | None = None, number: int | None = None
    ) -> None:
        """Write down what happened."""
        event = Event(at_s, kind, text, validator, number)
        self.events.append(event)
        if self.told is not None:
            self.told(event)
