"""The fair schedule: what happens when everybody honest does its duty and L1 includes what it gets.

One round: the Byzantine validator does its worst or nothing; every honest one reports its head, proposes if it is its
turn, judges, names steps, says quiet if it is true; the engine makes its block. After every BLOCKS_PER_S rounds both
clocks go on by a second, and L1 makes a block, with the submission once it is open for `inclusion_s`. From every state
this must lead to an ack.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tests.model.actions import Action, EngineBlock, Kind, Propose, RootBlock, Say
from tests.model.state import Ack, Header, State
from tests.model.world import FAR, Transition, World, header_of

Foe = Literal["silent", "hostile"]
ROUNDS_MAX = 400
"""A fair schedule that has no ack by then has none."""
BLOCKS_PER_S = 6
"""Engine blocks in a second of the schedule: enough for a turn from due to open, as genesis asks of the buffer."""
ORDER: tuple[Kind, ...] = ("HEAD", "VALID", "INVALID", "QUIET", "STEPS")
HOSTILE: tuple[Kind, ...] = ("INVALID", "QUIET")
"""What a hostile validator says whenever it can, beside wrong proposals and a head that is now far ahead, now 0."""
STORY_MAX = 60
"""So many actions of a schedule without an ack are told."""


class Moment(NamedTuple):
    """A state, and at which of a second's engine blocks the schedule is."""

    state: State
    place: int

    @property
    def next_place(self) -> int:
        """That of the block after it."""
        return (self.place + 1) % BLOCKS_PER_S


@dataclass
class Progress:
    """How many rounds every state is away from an ack; remembered, as schedules soon meet."""

    world: World
    foe: Foe
    rounds: dict[Moment, int] = field(default_factory=dict)

    def rounds_to_ack(self, state: State) -> int | None:
        """How many rounds the schedule takes; None if there is no ack within ROUNDS_MAX."""
        moment = Moment(self._with_blocks(state), 0)
        path: list[Moment] = []
        while moment not in self.rounds:
            path.append(moment)
            if len(path) > ROUNDS_MAX:
                return None
            transitions = self.round(moment)
            if _has_ack(transitions):
                self.rounds[path.pop()] = 1
                break
            moment = Moment(transitions[-1].after, moment.next_place)
        ahead = self.rounds[moment]
        for earlier in reversed(path):
            ahead += 1
            self.rounds[earlier] = ahead
        return ahead

    def story(self, state: State) -> list[Transition]:
        """The first actions of the schedule from a state on."""
        moment, told = Moment(self._with_blocks(state), 0), list[Transition]()
        while len(told) < STORY_MAX:
            told += self.round(moment)
            moment = Moment(told[-1].after, moment.next_place)
        return told

    def round(self, moment: Moment) -> list[Transition]:
        """One round."""
        state = moment.state
        done: list[Transition] = []

        def take(action: Action) -> None:
            nonlocal state
            done.append(self.world.take(state, action))
            state = done[-1].after

        foe = self.world.scenario.byzantine
        if foe is not None and self.foe == "hostile":
            start = state.app.turn.next_start
            take(Propose(foe, start, start, is_right=False))
            if any(member.id == foe for member in state.app.members):
                take(Say("HEAD", (foe,), 0 if state.app.turn.deadline is None else FAR))
            for kind in HOSTILE:
                if self.world.can_say(state, kind, foe):
                    take(Say(kind, (foe,), FAR))
        proposer, range_ = state.app.vector.proposer, self.world.honest_range(state)
        if range_ is not None and state.app.current is None and proposer != foe:
            take(Propose(proposer, *range_, is_right=True))
        for kind in ORDER:
            able = tuple(v for v in self.world.scenario.honest if self.world.can_say(state, kind, v))
            if able:
                take(Say(kind, able, self.world.value(state, kind)))
        is_last = moment.next_place == 0
        take(EngineBlock(1 if is_last else 0))
        if is_last:
            take(RootBlock(1, self._included(state)))
        return done

    def _included(self, state: State) -> Header | None:
        """The submission that L1 includes now: open for long enough, sent when there was time, and accepted."""
        app, l1, p = state.app, state.l1, self.world.rules.parameters
        proposal = app.current
        if proposal is None or proposal.opened_s is None:
            return None
        waited_s = app.now - proposal.opened_s
        is_sent = l1.time - waited_s + p.inclusion_allowance_s <= proposal.valid_until
        if waited_s < self.world.scenario.inclusion_s or not is_sent:
            return None
        is_accepted = self.world.rules.contract_accepts(l1, proposal, l1.time + 1)
        return header_of(state, proposal) if is_accepted else None

    def _with_blocks(self, state: State) -> State:
        """With a side chain long enough for the next range, whatever is still to be applied."""
        p = self.world.rules.parameters
        last_end = state.l1.ends[-1] if state.l1.ends else -1
        needed = max(last_end, state.app.turn.head_limit or 0, state.app.turn.next_start) + p.maximum_blocks
        return state._replace(side=max(state.side, needed))


def _has_ack(transitions: list[Transition]) -> bool:
    return any(isinstance(event, Ack) for transition in transitions for event in transition.events)
