"""What may happen next in a small world: whatever honest validators, a Byzantine one, and L1 can do, in any order.

A statement is recorded when an engine block holds it, so "says" means that. Delays, losses and different views of the
chains are other orders of the same actions: whoever is slow speaks later, or never.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.model import vector
from tests.model.actions import Action, EngineBlock, Kind, Propose, RootBlock, Say, SideBlock
from tests.model.rules import Rules
from tests.model.scenarios import Scenario
from tests.model.state import (
    SILENT,
    App,
    Event,
    Header,
    Landed,
    Log,
    Member,
    Mined,
    Other,
    Proposal,
    Proposed,
    Quiet,
    Reset,
    RootChain,
    State,
    Turn,
    Unstake,
)

KINDS: tuple[Kind, ...] = ("HEAD", "VALID", "LATE", "INVALID", "QUIET", "STEPS")
FAR = 100
"""Beyond any block or time that a scenario reaches: what a liar says."""


class Transition(NamedTuple):
    """An action, where it led from and to, and what happened."""

    before: State
    action: Action
    after: State
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class World:
    """The rules, in a scenario."""

    rules: Rules
    scenario: Scenario

    def initial(self) -> State:
        """Genesis."""
        members = tuple(Member(place, power, 0) for place, power in enumerate(self.scenario.powers))
        genesis_l1_s = self.scenario.genesis_l1_s
        voice = SILENT if "HEAD" in self.scenario.said else SILENT._replace(head=self.scenario.side_min)
        voices = (voice,) * len(members)
        app = App(0, 1, members, vector.first(members), Turn(), None, (), (), 0, genesis_l1_s, voices)
        return State(app, RootChain(genesis_l1_s, 1, members, (), (), 0, 0, 0), self.scenario.side_min, ())

    def successors(self, state: State) -> Iterator[Transition]:
        """Everything that may happen next; some of it changes nothing."""
        return (self.take(state, action) for action in self.actions(state))

    def actions(self, state: State) -> Iterator[Action]:
        """Everything that may happen next."""
        bounds, app, l1 = self.scenario, state.app, state.l1
        if app.turn.number > bounds.turns_max:
            return
        yield from self._statements(state)
        yield from self._proposals(state)
        for seconds in bounds.engine_steps_s:
            if app.now + seconds <= bounds.engine_s_max:
                yield EngineBlock(seconds)
        for seconds in bounds.root_steps_s:
            if l1.time + seconds <= bounds.root_s_max:
                for log in self.logs(state, l1.time + seconds):
                    yield RootBlock(seconds, log)
        if state.side < bounds.side_max:
            yield SideBlock()

    def take(self, state: State, action: Action) -> Transition:
        """What an action does."""
        match action:
            case Say():
                app = state.app
                for validator in action.who:
                    app = self._said(app, action.kind, validator, action.value)
                return Transition(state, action, state._replace(app=app))
            case Propose():
                proposal = self.proposal(state.app.turn, action)
                app = self.rules.propose(state.app, action.who, proposal)
                events = (Proposed(proposal),) if app.current is not state.app.current and app.current else ()
                return Transition(state, action, state._replace(app=app), events)
            case EngineBlock():
                after, happened = self.rules.engine_block(state, action.seconds)
                return Transition(state, action, self._without_dead(after), happened)
            case RootBlock():
                return self._mine(state, action)
            case SideBlock():
                return Transition(state, action, state._replace(side=state.side + 1))

    # --- validators

    def can_say(self, state: State, kind: Kind, validator: int) -> bool:
        """Whether it would be something new, and true if the validator is honest."""
        app, l1 = state.app, state.l1
        if all(member.id != validator for member in app.members):
            return False
        voice, is_foe = app.voices[validator], validator == self.scenario.byzantine
        match kind:
            case "HEAD":
                return voice.head != state.side
            case "STEPS":
                return voice.named < app.step + len(l1.pending)
            case "QUIET":
                deadline = app.turn.deadline
                if deadline is None or (voice.quiet and voice.quiet[:2] == (app.step, deadline)):
                    return False
                return is_foe or (l1.time > deadline and all(block.time > deadline for block in l1.pending))
            case "LATE":
                last = app.closed[-1] if app.closed else None
                return (
                    last is not None and validator not in last.valid and (is_foe or self.rules.signs(last, state.side))
                )
            case _:
                proposal = app.current
                if proposal is None or not proposal.is_committed or validator in proposal.valid:
                    return False
                if kind == "VALID":
                    return is_foe or self.rules.signs(proposal, state.side)
                is_wrong = not proposal.is_right and state.side >= proposal.end
                return validator not in proposal.invalid and (is_foe or is_wrong)

    def value(self, state: State, kind: Kind) -> int:
        """What an honest statement of this kind holds: the head, QUIET's head time, how many steps are ahead."""
        return {"HEAD": state.side, "QUIET": state.l1.time, "STEPS": len(state.l1.pending)}.get(kind, 0)

    def _statements(self, state: State) -> Iterator[Action]:
        foe = self.scenario.byzantine
        for kind in KINDS:
            if kind not in self.scenario.said:
                continue
            able = tuple(v for v in self.scenario.honest if self.can_say(state, kind, v))
            value = self.value(state, kind)
            if kind in self.scenario.together:
                if able:
                    yield Say(kind, able, value)
            else:
                yield from (Say(kind, (validator,), value) for validator in able)
            if foe is not None and kind in self.scenario.lies:
                for lie in (0, FAR) if kind == "HEAD" else (FAR,):
                    if kind == "HEAD" or self.can_say(state, kind, foe):
                        yield Say(kind, (foe,), lie)

    def _proposals(self, state: State) -> Iterator[Action]:
        turn, foe = state.app.turn, self.scenario.byzantine
        proposer = state.app.vector.proposer
        if proposer != foe and state.app.current is None and (range_ := self.honest_range(state)) is not None:
            yield Propose(proposer, *range_, is_right=True)
            if proposer == self.scenario.careless:
                yield Propose(proposer, *range_, is_right=False)
        if foe is not None and "PROPOSE" in self.scenario.lies:
            for end in {turn.next_start, turn.next_start + self.rules.parameters.maximum_blocks - 1}:
                for is_right in (True, False):
                    yield Propose(foe, turn.next_start, end, is_right)

    def honest_range(self, state: State) -> tuple[int, int] | None:
        """P5: the proposer takes the greatest end that is allowed, if it holds those blocks itself."""
        turn, p = state.app.turn, self.rules.parameters
        if turn.deadline is None or turn.head_limit is None:
            return None
        length = min(turn.head_limit - turn.next_start + 1, p.maximum_blocks)
        if not self.rules.is_forced(turn, state.app.now):
            length -= length % p.multiple_blocks
        end = turn.next_start + length - 1
        return (turn.next_start, end) if length >= 1 and state.side >= end else None

    def proposal(self, turn: Turn, action: Propose) -> Proposal:
        """The proposal of a validator for a turn."""
        deadline = 0 if turn.deadline is None else turn.deadline
        return Proposal(turn.number, action.who, action.start, action.end, action.is_right, turn.next_header, deadline)

    def _said(self, app: App, kind: Kind, validator: int, value: int) -> App:
        if kind == "LATE":
            last = app.closed[-1]
            return app._replace(closed=(*app.closed[:-1], last._replace(valid=last.valid | {validator})))
        if kind in {"VALID", "INVALID"}:
            current = app.current
            assert current is not None
            valid, invalid = current.valid, current.invalid - {validator}
            if kind == "VALID":
                return app._replace(current=current._replace(valid=valid | {validator}, invalid=invalid))
            return app._replace(current=current._replace(invalid=invalid | {validator}))
        voice = app.voices[validator]
        if kind == "HEAD":
            voice = voice._replace(head=value)
        elif kind == "STEPS":
            voice = voice._replace(named=app.step + value)
        else:
            assert app.turn.deadline is not None
            voice = voice._replace(quiet=Quiet(app.step, app.turn.deadline, value))
        return app._replace(voices=(*app.voices[:validator], voice, *app.voices[validator + 1 :]))

    # --- L1

    def logs(self, state: State, time: int) -> Iterator[Log | None]:
        """What an L1 block of this time may hold: nothing, or one log."""
        bounds, l1 = self.scenario, state.l1
        yield None
        if l1.others < bounds.others_max:
            yield Other()
        if l1.unstakes < bounds.unstakes_max:
            for member in l1.members:
                if member.leaves == 0 and member.id in bounds.leavers:
                    yield Unstake(member.id, l1.epoch + 1)
        if l1.resets < bounds.resets_max:
            yield from (Reset(header) for header in range(1, len(l1.ends) + 1))
        seen: set[Header] = set()
        for proposal in self.submittable(state):
            if self.rules.contract_accepts(l1, proposal, time):
                header = header_of(state, proposal)
                if header not in seen:
                    seen.add(header)
                    yield header

    def submittable(self, state: State) -> Iterator[Proposal]:
        """Every proposal whose signatures somebody may hold, with those of the Byzantine validator."""
        current = () if state.app.current is None else (state.app.current,)
        for proposal in (*current, *state.app.closed, *state.forgotten):
            yield self.with_foe(proposal)

    def with_foe(self, proposal: Proposal) -> Proposal:
        """A proposal that a Byzantine validator has signed too, as it always may."""
        foe = self.scenario.byzantine
        if foe is None or "VALID" not in self.scenario.lies or not proposal.valid:
            return proposal
        return proposal._replace(valid=proposal.valid | {foe})

    def _mine(self, state: State, action: RootBlock) -> Transition:
        l1, log = state.l1, action.log
        time = l1.time + action.seconds
        events: tuple[Event, ...] = ()
        l1 = l1._replace(time=time)
        if log is not None:
            l1 = l1._replace(pending=(*l1.pending, Mined(time, log)))
        match log:
            case Header():
                submitted = next(p for p in self.submittable(state) if header_of(state, p) == log)
                events = (Landed(log, time, submitted),)
                epoch = l1.epoch + 1
                stay = tuple(member for member in l1.members if not 0 < member.leaves <= epoch)
                l1 = l1._replace(ends=(*l1.ends, log.end), epoch=epoch, members=stay)
            case Unstake():
                members = tuple(
                    member._replace(leaves=log.epoch) if member.id == log.validator else member for member in l1.members
                )
                l1 = l1._replace(members=members, unstakes=l1.unstakes + 1)
            case Reset():
                l1 = l1._replace(ends=l1.ends[: log.header - 1], resets=l1.resets + 1)
            case Other():
                l1 = l1._replace(others=l1.others + 1)
        return Transition(state, action, self._without_dead(state._replace(l1=l1)), events)

    def _without_dead(self, state: State) -> State:
        """Without forgotten proposals that the contract would never take again."""
        if not state.forgotten:
            return state
        l1, rules = state.l1, self.rules
        last_end = l1.ends[-1] if l1.ends else -1
        alive = tuple(
            proposal
            for proposal in dict.fromkeys(state.forgotten)
            if (not rules.parameters.is_bound or rules.is_in_time(proposal, l1.time + 1))
            and (proposal.start > last_end or l1.resets < self.scenario.resets_max)
        )
        return state if alive == state.forgotten else state._replace(forgotten=alive)


def header_of(state: State, proposal: Proposal) -> Header:
    """The event of a proposal that lands now."""
    return Header(
        proposal.proposer,
        proposal.start,
        proposal.end,
        proposal.is_right,
        len(state.l1.ends) + 1,
        proposal.turn,
        proposal.valid_until,
    )
