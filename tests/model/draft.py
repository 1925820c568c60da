"""The replicated state while an engine block executes, and what happens meanwhile."""

from collections.abc import Iterable

from tests.model import vector
from tests.model.state import NOBODY, App, Event, Mined, Proposal, Stage, State


class Draft:
    """A state in the making; `pending` and `forgotten` are the world's."""

    def __init__(self, state: State) -> None:
        app = state.app
        self.now, self.epoch, self.members, self.vector = app.now, app.epoch, app.members, app.vector
        self.turn, self.current, self.closed, self.ends = app.turn, app.current, app.closed, app.ends
        self.step, self.latest_time = app.step, app.latest_time
        self.voices = list(app.voices)
        self.pending: tuple[Mined, ...] = state.l1.pending
        self.forgotten = list(state.forgotten)
        self.events: list[Event] = []
        self._base = state

    def power(self, who: Iterable[int]) -> int:
        """Of those who are members."""
        named = frozenset(who)
        return sum(member.power for member in self.members if member.id in named)

    @property
    def total(self) -> int:
        """The power of the whole set."""
        return sum(member.power for member in self.members)

    def rotate(self) -> None:
        """The next proposer."""
        self.vector = vector.rotated(self.members, self.vector)

    def close(self, stage: Stage) -> None:
        """End the open proposal; it keeps its signatures and may land all the same."""
        if self.current is not None:
            self.closed = (*self.closed, ended(self.current, stage))
            self.current = None

    def forget(self, gone: Iterable[Proposal]) -> None:
        """Hold these closed proposals no more; their signatures stay with whoever kept them."""
        dropped = tuple(gone)
        if dropped:
            self.closed = tuple(proposal for proposal in self.closed if proposal not in dropped)
            self.forgotten.extend(proposal for proposal in dropped if proposal.valid)

    def freeze(self) -> State:
        """The state that the block leaves."""
        app = App(
            self.now,
            self.epoch,
            self.members,
            self.vector,
            self.turn,
            self.current,
            self.closed,
            self.ends,
            self.step,
            self.latest_time,
            tuple(self.voices),
        )
        base = self._base
        l1 = base.l1 if self.pending is base.l1.pending else base.l1._replace(pending=self.pending)
        return State(app, l1, base.side, tuple(self.forgotten))


def ended(proposal: Proposal, stage: Stage) -> Proposal:
    """A proposal as it is kept once its turn has ended: what it says, and its signatures."""
    return proposal._replace(stage=stage, grace_left=0, invalid=NOBODY, opened_s=None, opened=NOBODY, is_committed=True)
