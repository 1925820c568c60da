"""What must hold over every transition, whatever the rules say.

Each is a function that tells what is wrong, or None. They count power for themselves, and look at L1 as it is, not as
the state believes it to be.
"""

from collections.abc import Callable, Iterable

from tests.model.actions import EngineBlock
from tests.model.state import (
    Ack,
    Due,
    Header,
    Landed,
    Member,
    NoAck,
    Opened,
    Proposal,
    Proposed,
    ProposerLeft,
    Rejected,
    State,
    StepApplied,
    WasReset,
)
from tests.model.world import Transition, World

Property = Callable[[World, Transition], str | None]


def headers_form_one_chain(_world: World, transition: Transition) -> str | None:
    """The headers on L1 follow each other without gap or overlap, each of a right root and signed by over 2/3."""
    for event in transition.events:
        if isinstance(event, Landed):
            ends = transition.before.l1.ends
            if event.header.start != (ends[-1] + 1 if ends else 0) or event.header.header != len(ends) + 1:
                return f"header {event.header.header} starts at {event.header.start}"
            if not event.header.is_right:
                return f"header {event.header.header} has a wrong root"
            if not _is_quorum(event.proposal.valid, transition.before.l1.members):
                return f"header {event.header.header} is signed by {sorted(event.proposal.valid)} alone"
    return None


def expired_bound_checkpoint_never_lands(world: World, transition: Transition) -> str | None:
    """In bound form no header lands after its T, nor any whose turn has ended with a no-ack."""
    if world.rules.parameters.is_bound:
        for event in transition.events:
            if isinstance(event, Landed) and (
                event.time > event.proposal.valid_until or event.proposal.stage == "expired"
            ):
                return f"the header of turn {event.header.turn} lands at {event.time}, T was {event.header.valid_until}"
    return None


def no_ack_means_no_header(_world: World, transition: Transition) -> str | None:
    """A no-ack of T implies that no header that is not applied yet landed at or before T."""
    applied = {event.block for event in transition.events if isinstance(event, StepApplied)}
    for event in transition.events:
        if isinstance(event, NoAck):
            for block in transition.before.l1.pending:
                if isinstance(block.log, Header) and block.time <= event.deadline and block not in applied:
                    return f"turn {event.turn} had T = {event.deadline}, and a header landed at {block.time}"
    return None


def acks_follow_l1(_world: World, transition: Transition) -> str | None:
    """Each header is applied once, in L1's order, and the state then stands where L1 stood."""
    before, after = transition.before.l1.pending, transition.after.l1.pending
    applied = [event.block for event in transition.events if isinstance(event, StepApplied)]
    if tuple(applied) != before[: len(applied)] or (applied and after != before[len(applied) :]):
        return "steps are not applied in order"
    acked = [event.header for event in transition.events if isinstance(event, Ack)]
    if acked != [block.log for block in applied if isinstance(block.log, Header)]:
        return f"headers {acked} were acknowledged"
    app, l1 = transition.after.app, transition.after.l1
    if not after and (app.ends, app.turn.next_header) != (l1.ends, len(l1.ends) + 1):
        return f"the state has headers to {app.ends}, L1 to {l1.ends}"
    return None


def no_header_of_ours_is_foreign(world: World, transition: Transition) -> str | None:
    """While the owner deletes nothing, each header that lands is of a proposal that the state still holds."""
    if world.scenario.resets_max:
        return None
    foreign = [event.header for event in transition.events if isinstance(event, Ack) and event.is_foreign]
    return f"the header of turn {foreign[0].turn} is foreign to the state" if foreign else None


def one_digest_per_slot(_world: World, transition: Transition) -> str | None:
    """The proposals of a turn have one digest, so nobody honest is ever asked to sign two in its slot."""
    for event in transition.events:
        if isinstance(event, Proposed):
            state = transition.before
            held = [*state.app.closed, *state.forgotten, *([state.app.current] if state.app.current else [])]
            digest = _signed(event.proposal)
            if any(other.turn == digest[0] and _signed(other) != digest for other in held):
                return f"turn {event.proposal.turn} has a second proposal"
    return None


def turn_numbers_only_rise(_world: World, transition: Transition) -> str | None:
    """Each end of a turn raises the number by one, and nothing else does."""
    ends = [e for e in transition.events if isinstance(e, NoAck | Ack | Rejected | ProposerLeft | WasReset)]
    before, after = transition.before.app.turn.number, transition.after.app.turn.number
    if after != before + len(ends):
        return f"turn {before} is followed by {after} after {len(ends)} ends"
    return None


def a_turn_ends_once(_world: World, transition: Transition) -> str | None:
    """What ends a turn is about that turn: its quiet and its ack are never both counted."""
    expected = transition.before.app.turn.number
    for event in _in_order(transition):
        turn = event.proposal.turn if isinstance(event, Rejected) else event.turn
        if turn != expected:
            return f"turn {turn} ends where turn {expected} was"
        expected += 1
    return None


def an_ack_rotates_once(_world: World, transition: Transition) -> str | None:
    """An ack rotates the proposer if and only if its header is, by all that L1 shows, of the turn that it ends."""
    for event in transition.events:
        if isinstance(event, Ack):
            is_of_turn = event.open_proposal is not None and _shown(event.open_proposal) == _shown(event.header)
            if event.has_rotated != is_of_turn:
                return f"the header of turn {event.header.turn} ends turn {event.turn}: rotated is {event.has_rotated}"
    return None


def late_header_finds_its_turn_ended(_world: World, transition: Transition) -> str | None:
    """A header mined after T never ends its own turn as an ack."""
    for event in transition.events:
        if isinstance(event, Ack) and event.turn == event.header.turn and event.time > event.header.valid_until:
            return (
                f"the header of turn {event.turn}, mined at {event.time} after {event.header.valid_until}, is its ack"
            )
    return None


def power_is_there(_world: World, transition: Transition) -> str | None:
    """No-acks, steps and openings have over 2/3 of the power of that moment, rejections at least 1/3."""
    for event in transition.events:
        match event:
            case NoAck():
                told = {voter for voter in event.voters if _has_told_quiet(transition.before, voter, event.deadline)}
                if not _is_quorum(told, event.members):
                    return f"turn {event.turn} ended without an ack, and only {sorted(told)} told of quiet"
            case StepApplied():
                if not _is_quorum(event.voters, event.members):
                    return f"a step was applied by {sorted(event.voters)} alone"
            case Opened():
                if not _is_quorum(event.proposal.opened, event.members):
                    return f"opened with signatures of {sorted(event.proposal.opened)} alone"
            case Rejected():
                if 3 * _power(event.proposal.invalid, event.members) < _total(event.members):
                    return f"rejected by {sorted(event.proposal.invalid)} alone"
    return None


def a_blocked_proposal_is_rejected(_world: World, transition: Transition) -> str | None:
    """After a block no proposal is left that at least 1/3 calls wrong, and no right one was rejected."""
    app = transition.after.app
    if app.current is not None and isinstance(transition.action, EngineBlock):
        is_blocked = 3 * _power(app.current.invalid, app.members) >= _total(app.members)
        if is_blocked:
            return f"the proposal of turn {app.current.turn} can get no quorum and holds its turn"
    for event in transition.events:
        if isinstance(event, Rejected) and event.proposal.is_right:
            return f"the right proposal of turn {event.proposal.turn} was rejected"
    return None


def nothing_armed_when_nothing_is_due(world: World, transition: Transition) -> str | None:
    """A deadline needs blocks to checkpoint that an honest validator holds: an idle side chain makes no no-acks."""
    turn, state = transition.after.app.turn, transition.after
    if turn.deadline is not None and (turn.head_limit is None or not turn.next_start <= turn.head_limit <= state.side):
        return f"turn {turn.number} is armed for {turn.next_start} to {turn.head_limit}, the head is {state.side}"
    for event in transition.events:
        if isinstance(event, Due):
            last_ack_s, p = turn.last_ack_s, world.rules.parameters
            if last_ack_s is not None and event.now < last_ack_s + p.interval_s:
                return f"turn {event.turn} is due at {event.now}, the last ack was at {last_ack_s}"
            is_forced = event.now >= (last_ack_s or 0) + p.force_after_s
            if (turn.head_limit or 0) < turn.next_start + (0 if is_forced else p.minimum_blocks - 1):
                return f"turn {event.turn} is due with {turn.head_limit} for a start of {turn.next_start}"
    return None


def what_was_due_stays_due(_world: World, transition: Transition) -> str | None:
    """A start whose turn was due keeps its head limit until it is acknowledged or reset: no liar takes it back."""
    before, after = transition.before.app.turn, transition.after.app.turn
    has_moved = any(isinstance(event, Ack | WasReset) for event in transition.events)
    if before.head_limit is not None and not has_moved and after.head_limit != before.head_limit:
        return f"start {before.next_start} had the head limit {before.head_limit}, then {after.head_limit}"
    return None


def a_due_turn_has_its_time(world: World, transition: Transition) -> str | None:
    """A new T is at least the buffer beyond the engine's time and all L1 time that the state knows."""
    buffer_s = world.rules.parameters.no_ack_buffer_s
    for event in transition.events:
        if isinstance(event, Due) and event.deadline < max(event.now, event.latest_time) + buffer_s:
            return f"turn {event.turn} is due at {event.now} with T = {event.deadline}"
        if isinstance(event, Due) and _in_order(transition):
            return f"turn {event.turn} is due in the block in which it began"
    return None


def sets_agree(_world: World, transition: Transition) -> str | None:
    """Once all of L1 is applied, members and epoch are the contract's; the proposer is always a member."""
    app, l1 = transition.after.app, transition.after.l1
    if app.vector.proposer not in {member.id for member in app.members}:
        return f"v{app.vector.proposer} proposes and is no member"
    if not l1.pending and (app.members, app.epoch) != (l1.members, l1.epoch):
        return f"{app.members} at epoch {app.epoch} here, {l1.members} at {l1.epoch} on L1"
    return None


def ranges_are_allowed(world: World, transition: Transition) -> str | None:
    """A proposal in the state is its proposer's, for the next start, within lengths and the head limit."""
    for event in transition.events:
        if isinstance(event, Proposed):
            proposal, app = event.proposal, transition.before.app
            is_in_place = proposal.start == app.turn.next_start and proposal.proposer == app.vector.proposer
            length, limit = proposal.end - proposal.start + 1, app.turn.head_limit
            if not is_in_place or limit is None or proposal.end > limit:
                return f"turn {proposal.turn} has {proposal.start} to {proposal.end} by v{proposal.proposer}"
            if not 1 <= length <= world.rules.parameters.maximum_blocks:
                return f"turn {proposal.turn} has a range of {length} blocks"
    return None


def the_open_proposal_is_of_this_turn(_world: World, transition: Transition) -> str | None:
    """A turn that ended has no open proposal any more."""
    app = transition.after.app
    if app.current is not None and app.current.turn != app.turn.number:
        return f"the proposal of turn {app.current.turn} is open in turn {app.turn.number}"
    return None


PROPERTIES: tuple[Property, ...] = (
    headers_form_one_chain,
    expired_bound_checkpoint_never_lands,
    no_ack_means_no_header,
    acks_follow_l1,
    no_header_of_ours_is_foreign,
    one_digest_per_slot,
    turn_numbers_only_rise,
    a_turn_ends_once,
    an_ack_rotates_once,
    late_header_finds_its_turn_ended,
    power_is_there,
    a_blocked_proposal_is_rejected,
    nothing_armed_when_nothing_is_due,
    what_was_due_stays_due,
    a_due_turn_has_its_time,
    sets_agree,
    ranges_are_allowed,
    the_open_proposal_is_of_this_turn,
)


def _in_order(transition: Transition) -> list[NoAck | Ack | Rejected | ProposerLeft | WasReset]:
    return [e for e in transition.events if isinstance(e, NoAck | Ack | Rejected | ProposerLeft | WasReset)]


def _has_told_quiet(state: State, voter: int, deadline: int) -> bool:
    """By a statement for this T, or by naming a step later than it."""
    voice = state.app.voices[voter]
    named = state.l1.pending[: max(0, voice.named - state.app.step)]
    return (voice.quiet is not None and voice.quiet.deadline == deadline) or any(b.time > deadline for b in named)


def _shown(subject: Header | Proposal) -> tuple[int, int, int, bool, int]:
    """What the event tells of a header."""
    return (subject.proposer, subject.start, subject.end, subject.is_right, subject.header)


def _signed(proposal: Proposal) -> tuple[object, ...]:
    """What its signatures are over, from its turn to its T."""
    return proposal[:7]


def _power(who: Iterable[int], members: tuple[Member, ...]) -> int:
    named = frozenset(who)
    return sum(member.power for member in members if member.id in named)


def _total(members: tuple[Member, ...]) -> int:
    return sum(member.power for member in members)


def _is_quorum(who: Iterable[int], members: tuple[Member, ...]) -> bool:
    return 3 * _power(who, members) > 2 * _total(members)
