"""Tells the journal what becomes of checkpoints, and which state is the newest."""

from node.app.state import Stage, State
from node.duties.status import Reason
from node.engine.commits import CommittedBlock
from node.simulation.checks.check import Check
from node.simulation.events import EventKind, Journal
from node.simulation.loop import SimulationLoop
from node.simulation.machine import Machine


class Reporter(Check):
    """Compares each newest state with the one before."""

    def __init__(self, journal: Journal, loop: SimulationLoop) -> None:
        self.newest: State | None = None
        """The state of whoever is first at the highest height."""
        self._height = 0
        self._journal = journal
        self._loop = loop
        self._reasons: dict[int, Reason] = {}

    def committed(self, machine: Machine, block: CommittedBlock, state: State) -> None:
        """Tell what is new at a new height."""
        if block.height <= self._height:
            return
        before, self.newest, self._height = self.newest, state, block.height
        if before is not None:
            self._tell_turn(before, state)
            self._tell_proposal(before, state)

    def reason(self, validator: int, reason: Reason) -> None:
        """Tell what a validator waits for, when it changes."""
        if self._reasons.get(validator) is not reason:
            self._reasons[validator] = reason
            self._note(EventKind.REASON, reason.value, validator=validator)

    def _tell_turn(self, before: State, state: State) -> None:
        old, new = before.turns[0], state.turns[0]
        if new.acks > old.acks:
            header = new.headers[-1]
            text = f"header {header.header_id}, up to side-chain block {header.end}"
            self._note(EventKind.ACKNOWLEDGED, text, number=header.header_id)
        if new.no_acks > old.no_acks:
            self._note(EventKind.NO_ACK, f"turn {old.number} ran out", number=old.number)
        if new.rejections > old.rejections:
            self._note(EventKind.REJECTED, f"turn {old.number}: its root was called invalid", number=old.number)

    def _tell_proposal(self, before: State, state: State) -> None:
        old, new = before.proposals[0].current, state.proposals[0].current
        if new is None:
            return
        if old is None or old.turn != new.turn:
            text = f"turn {new.turn}: blocks {new.start} to {new.end}"
            self._note(EventKind.PROPOSED, text, number=new.turn)
        if new.stage is Stage.OPEN and (old is None or old.turn != new.turn or old.stage is not Stage.OPEN):
            signed = 0 if new.opening is None else len(new.opening.signatures)
            self._note(EventKind.OPENED, f"turn {new.turn}, {signed} signatures", number=new.turn)

    def _note(self, kind: EventKind, text: str, *, validator: int | None = None, number: int | None = None) -> None:
        self._journal.note(self._loop.time(), kind, text, validator=validator, number=number)
