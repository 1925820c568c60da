"""The rules of docs/protocol.md about turns, one method each: a mutant replaces one.

Statements only record (P2). `engine_block` then does, once per block and in this order: countdowns, quiet, steps,
proposals, turns. One root chain, which holds StakeManager; keys are all usable, so that both quorums are over one set.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.model import vector
from tests.model.draft import Draft
from tests.model.state import (
    SILENT,
    Ack,
    App,
    Due,
    Event,
    Header,
    Member,
    Mined,
    NoAck,
    Opened,
    Other,
    Parameters,
    Proposal,
    ProposerLeft,
    Quiet,
    Rejected,
    Reset,
    RootChain,
    State,
    StepApplied,
    Turn,
    Unstake,
    Voice,
    WasReset,
)

REJECTION_WAIT_MAX = 64


@dataclass(frozen=True)
class Rules:
    """The rules under some parameters."""

    parameters: Parameters

    # --- power (P2)

    def is_quorum(self, part: int, total: int) -> bool:
        """Words: over 2/3."""
        return 3 * part > 2 * total

    def is_third(self, part: int, total: int) -> bool:
        """Words: at least 1/3."""
        return 3 * part >= total

    def greatest_shared(self, members: tuple[Member, ...], values: Mapping[int, int]) -> int | None:
        """P4: the greatest value that over 2/3 of the power reaches."""
        total, reached = sum(member.power for member in members), 0
        held = sorted(((values[m.id], m.power) for m in members if m.id in values), reverse=True)
        for value, power in held:
            reached += power
            if self.is_quorum(reached, total):
                return value
        return None

    # --- one block (P2)

    def engine_block(self, state: State, seconds: int) -> tuple[State, tuple[Event, ...]]:
        """P2: the order within a block; the next one is `seconds` later."""
        draft = Draft(state)
        self.tick(draft)
        self.count_quiet(draft)
        self.apply_steps(draft)
        self.advance(draft)
        self.arm(draft)
        if draft.current is not None and not draft.current.is_committed:
            draft.current = draft.current._replace(is_committed=True)
        draft.voices = [self.living(draft, voice) for voice in draft.voices]
        draft.now += seconds
        return draft.freeze(), tuple(draft.events)

    def tick(self, draft: Draft) -> None:
        """P2: countdowns fall at the beginning of the block."""
        if draft.turn.wait_blocks > 0:
            draft.turn = draft.turn._replace(wait_blocks=draft.turn.wait_blocks - 1)
        if draft.current is not None and draft.current.grace_left > 0:
            draft.current = draft.current._replace(grace_left=draft.current.grace_left - 1)

    # --- quiet and no-ack (P4)

    def count_quiet(self, draft: Draft) -> None:
        """P4, No-ack: over 2/3 on QUIET(T)."""
        deadline = draft.turn.deadline
        if deadline is None:
            return
        times = self.quiet_times(draft, deadline)
        if not self.is_quorum(draft.power(times), draft.total):
            return
        shown = self.greatest_shared(draft.members, times)
        draft.events.append(NoAck(draft.turn.number, deadline, frozenset(times), draft.members))
        self.end_without_ack(draft, deadline, deadline if shown is None else shown)

    def quiet_times(self, draft: Draft, deadline: int) -> dict[int, int]:
        """P4, QUIET(T): who says it, with the L1 time shown; power on a next step in a block later than T says it."""
        times: dict[int, int] = {}
        for member in draft.members:
            voice = draft.voices[member.id]
            if voice.quiet is not None and self.quiet_counts(draft, voice.quiet, deadline):
                times[member.id] = voice.quiet.head_time
            if draft.pending and voice.named > draft.step and self.is_beyond(draft.pending[0], deadline):
                times[member.id] = max(draft.pending[0].time, times.get(member.id, 0))
        return times

    def quiet_counts(self, draft: Draft, quiet: Quiet, deadline: int) -> bool:
        """P4, QUIET(T): while its step number and T are the state's."""
        return (quiet.step, quiet.deadline) == (draft.step, deadline)

    def living(self, draft: Draft, voice: Voice) -> Voice:
        """Without what can count no more: quiet about an earlier cursor, or up to a T that no later turn can have."""
        quiet, named = voice.quiet, max(voice.named, draft.step)
        if quiet is not None and quiet.deadline != draft.turn.deadline:
            quiet = None if quiet.deadline <= draft.latest_time else quiet
        if quiet is not None and quiet.step != draft.step:
            quiet = None
        return voice if quiet is voice.quiet and named == voice.named else Voice(voice.head, quiet, named)

    def is_beyond(self, block: Mined, deadline: int) -> bool:
        """P4, QUIET(T): a step in a block later than T says the same; a log at or before T always wins."""
        return block.time > deadline

    def end_without_ack(self, draft: Draft, deadline: int, shown: int) -> None:
        """P4, No-ack: the open proposal expires, the proposer rotates; L learns of T and of the time that was shown."""
        current, turn = draft.current, draft.turn
        is_backed = current is not None and self.is_third(draft.power(current.valid), draft.total)
        draft.close("expired")
        self.drop_outlived(draft, deadline)
        draft.latest_time = max(draft.latest_time, deadline, shown)
        draft.turn = turn._replace(
            rejections=0,
            no_acks_backed=turn.no_acks_backed + is_backed,
            no_acks_other=turn.no_acks_other + (not is_backed),
        )
        self.start_turn(draft, rotate=True)

    # --- steps (P3)

    def apply_steps(self, draft: Draft) -> None:
        """P2, P3: agreed steps one after another; before each, quiet is counted again with that step's votes."""
        while draft.pending:
            voters = frozenset(m.id for m in draft.members if draft.voices[m.id].named > draft.step)
            if not self.is_quorum(draft.power(voters), draft.total):
                return
            self.before_step(draft)
            draft.events.append(StepApplied(draft.pending[0], voters, draft.members))
            self.apply_step(draft)

    def before_step(self, draft: Draft) -> None:
        """P2: quiet is counted again, so that a header mined after T finds its turn ended."""
        self.count_quiet(draft)

    def apply_step(self, draft: Draft) -> None:
        """P3: the cursor always moves; L is at least the step's time."""
        block, draft.pending = draft.pending[0], draft.pending[1:]
        draft.step += 1
        draft.latest_time = max(draft.latest_time, block.time)
        match block.log:
            case Header():
                self.acknowledge(draft, block.log, block.time)
            case Reset():
                self.reset(draft, block.log)
            case Unstake():
                self.unstake(draft, block.log)
            case Other():
                pass
        self.drop_outlived(draft, block.time - 1)

    # --- ack and reset (P4)

    def acknowledge(self, draft: Draft, header: Header, time: int) -> None:
        """P4, Ack: record; rotate if it was of the open proposal; epoch + 1; leavers leave."""
        matched, open_proposal, ended = self.match(draft, header), draft.current, draft.turn.number
        rotates = self.ack_rotates(matched, open_proposal)
        draft.close("superseded")
        self.settle(draft, header.end)
        draft.ends = (*draft.ends[: header.header - 1], header.end)
        draft.turn = draft.turn._replace(
            head_limit=None,
            rejections=0,
            no_acks_backed=0,
            no_acks_other=0,
            next_start=header.end + 1,
            next_header=header.header + 1,
            last_ack_s=draft.now,
        )
        self.start_turn(draft, rotate=rotates)
        draft.events.append(Ack(header, time, ended, open_proposal, matched is None, rotates))
        draft.epoch += 1
        self.remove_leavers(draft)

    def match(self, draft: Draft, header: Header) -> Proposal | None:
        """P4, Ack: by proposer, start, end, root (bound: header id); the open one, then closed ones, newest first."""
        wanted = (header.proposer, header.start, header.end, header.is_right)
        for proposal in (draft.current, *reversed(draft.closed)):
            if proposal is None or (proposal.proposer, proposal.start, proposal.end, proposal.is_right) != wanted:
                continue
            if not self.parameters.is_bound or proposal.header == header.header:
                return proposal
        return None

    def ack_rotates(self, matched: Proposal | None, open_proposal: Proposal | None) -> bool:
        """P4, Ack: matching the open one rotates the proposer; else the turn only starts again."""
        return matched is not None and matched is open_proposal

    def settle(self, draft: Draft, end: int) -> None:
        """P5, Closed proposals: they stay until an ack passes their start."""
        draft.forget(proposal for proposal in draft.closed if proposal.start <= end)

    def drop_outlived(self, draft: Draft, quiet_until: int) -> None:
        """P5, Closed proposals: in bound form they stay until their T is quiet or a later step is applied."""
        if self.parameters.is_bound:
            draft.forget(proposal for proposal in draft.closed if proposal.valid_until <= quiet_until)

    def reset(self, draft: Draft, reset: Reset) -> None:
        """P4, Reset: the turn starts again at the end of the header before it: new number, same proposer, no T."""
        ended = draft.turn.number
        draft.close("superseded")
        draft.ends = draft.ends[: reset.header - 1]
        next_start = draft.ends[-1] + 1 if draft.ends else 0
        draft.turn = draft.turn._replace(head_limit=None, next_start=next_start, next_header=reset.header)
        self.start_turn(draft, rotate=False)
        draft.events.append(WasReset(ended))

    # --- the contract's set (P3)

    def unstake(self, draft: Draft, unstake: Unstake) -> None:
        """P3, UnstakeInit: leaves with the ack that brings its epoch; at its own step if that is here."""
        draft.members = tuple(
            member._replace(leaves=unstake.epoch) if member.id == unstake.validator else member
            for member in draft.members
        )
        self.remove_leavers(draft)

    def has_left(self, member: Member, epoch: int) -> bool:
        """P3: with the ack that brings the epoch to its deactivation epoch."""
        return 0 < member.leaves <= epoch

    def remove_leavers(self, draft: Draft) -> None:
        """P4: leavers leave the vector; if the proposer of a turn leaves, the turn ends and the vector rotates once."""
        stay = tuple(member for member in draft.members if not self.has_left(member, draft.epoch))
        if len(stay) == len(draft.members) or not stay:
            return
        for member in draft.members:
            if member not in stay:
                draft.voices[member.id] = SILENT
        draft.vector = vector.without(draft.members, stay, draft.vector)
        draft.members = stay
        if draft.vector.proposer not in {member.id for member in stay}:
            draft.events.append(ProposerLeft(draft.turn.number))
            draft.close("left")
            self.start_turn(draft, rotate=True)

    # --- a checkpoint's life (P5)

    def propose(self, app: App, sender: int, proposal: Proposal) -> App:
        """P5, At execution: a proposal that fails a check is a no-op and does not use up the turn."""
        if self.is_refused(app, sender, proposal):
            return self.refuse(app)
        return app._replace(current=proposal)

    def is_refused(self, app: App, sender: int, proposal: Proposal) -> bool:
        """P5, At execution: turn, proposer, deadline, one proposal per turn, start, length, head limit."""
        turn, length = app.turn, proposal.end - proposal.start + 1
        p = self.parameters
        is_regular = length >= p.minimum_blocks and length % p.multiple_blocks == 0
        return (
            proposal.turn != turn.number
            or sender != app.vector.proposer
            or turn.deadline is None
            or turn.head_limit is None
            or self.has_proposal(app)
            or proposal.start != turn.next_start
            or not 1 <= length <= p.maximum_blocks
            or not (is_regular or self.is_forced(turn, app.now))
            or proposal.end > turn.head_limit
        )

    def has_proposal(self, app: App) -> bool:
        """P5, At execution: one proposal per turn."""
        return app.current is not None

    def refuse(self, app: App) -> App:
        """P1, Execution: a refused proposal does not use up the turn."""
        return app

    def advance(self, draft: Draft) -> None:
        """P5: rejected, or quorum, grace and opening."""
        proposal = draft.current
        if proposal is None:
            return
        if self.is_third(draft.power(proposal.invalid), draft.total):
            self.reject(draft, proposal)
            return
        if proposal.stage == "open":
            return
        power = draft.power(proposal.valid)
        if not self.is_quorum(power, draft.total):
            draft.current = proposal._replace(stage="collecting", grace_left=0)
            return
        if proposal.stage == "collecting":
            proposal = proposal._replace(stage="grace", grace_left=self.parameters.grace_blocks)
        if proposal.grace_left == 0 or power == draft.total:
            opened = frozenset(member.id for member in draft.members if member.id in proposal.valid)
            proposal = proposal._replace(stage="open", grace_left=0, opened_s=draft.now, opened=opened)
            draft.events.append(Opened(proposal, draft.members))
        draft.current = proposal

    def reject(self, draft: Draft, proposal: Proposal) -> None:
        """P5, Rejected: the turn ends, the proposer rotates, the next one waits min(2^n, 64) blocks."""
        draft.events.append(Rejected(proposal, draft.members))
        draft.close("rejected")
        rejections = draft.turn.rejections + 1
        draft.turn = draft.turn._replace(rejections=rejections)
        self.start_turn(draft, rotate=True, wait_blocks=min(2 ** min(rejections, 7), REJECTION_WAIT_MAX))

    # --- turns (P4)

    def start_turn(self, draft: Draft, *, rotate: bool, wait_blocks: int = 1) -> None:
        """P4: numbers are never reused; a turn becomes due at the earliest in the block after it began."""
        number = draft.turn.number + 1
        draft.turn = draft.turn._replace(number=number, deadline=None, wait_blocks=wait_blocks)
        if rotate:
            draft.rotate()

    def arm(self, draft: Draft) -> None:
        """P4, Due and Head limit: a turn that is due gets its deadline, and its start the head that limits ranges."""
        turn = draft.turn
        if turn.deadline is not None or turn.wait_blocks > 0:
            return
        heads = {place: voice.head for place, voice in enumerate(draft.voices) if voice.head is not None}
        head = self.greatest_shared(draft.members, heads)
        limit = self.limit(turn, head)
        if not self.is_due(turn, limit, draft.now):
            return
        deadline = self.deadline(draft)
        draft.turn = turn._replace(deadline=deadline, head_limit=limit)
        draft.events.append(Due(turn.number, deadline, draft.now, draft.latest_time))

    def limit(self, turn: Turn, head: int | None) -> int | None:
        """P4, Head limit: the head when the first turn for a start became due, for all turns of that start."""
        return head if turn.head_limit is None else turn.head_limit

    def is_due(self, turn: Turn, limit: int | None, now: int) -> bool:
        """P4, Due: enough blocks and the interval; or one block and force_after; later turns of a start at once."""
        if turn.head_limit is not None:
            return True
        p = self.parameters
        needed = turn.next_start + (0 if self.is_forced(turn, now) else p.minimum_blocks - 1)
        has_waited = turn.last_ack_s is None or now >= turn.last_ack_s + p.interval_s
        return limit is not None and limit >= needed and has_waited

    def is_forced(self, turn: Turn, now: int) -> bool:
        """P4, Due: force_after_s since the last ack, or since genesis."""
        return now >= (turn.last_ack_s or 0) + self.parameters.force_after_s

    def deadline(self, draft: Draft) -> int:
        """P4, Deadline: T = base + buffer · 2^min(n, cap)."""
        growth = min(self.doublings(draft), self.parameters.no_ack_growth_cap)
        return self.base(draft) + (self.parameters.no_ack_buffer_s << growth)

    def base(self, draft: Draft) -> int:
        """P4, Deadline: the later of engine time, and L with the confirmation lag."""
        return max(draft.now, draft.latest_time + self.parameters.confirmation_lag_s)

    def doublings(self, draft: Draft) -> int:
        """P4, Deadline: n = floor(m / N) + b."""
        return draft.turn.no_acks_other // len(draft.members) + draft.turn.no_acks_backed

    # --- the contract (P6)

    def contract_accepts(self, l1: RootChain, proposal: Proposal, time: int) -> bool:
        """P6: the next start, over 2/3 of the contract's stake; in bound form the next id, and no time beyond T."""
        total = sum(member.power for member in l1.members)
        signed = sum(member.power for member in l1.members if member.id in proposal.valid)
        next_start = l1.ends[-1] + 1 if l1.ends else 0
        if proposal.start != next_start or 3 * signed <= 2 * total:
            return False
        if not self.parameters.is_bound:
            return True
        return self.is_in_time(proposal, time) and proposal.header == len(l1.ends) + 1

    def is_in_time(self, proposal: Proposal, time: int) -> bool:
        """P6: the contract refuses a block time beyond validUntil."""
        return time <= proposal.valid_until

    # --- what an honest validator signs (P5, P7)

    def signs(self, proposal: Proposal, side: int) -> bool:
        """P5, VALID: over its own confirmed blocks, whose root is the proposal's."""
        return proposal.is_right and side >= proposal.end
