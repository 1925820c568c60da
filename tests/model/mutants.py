"""Broken rules, one each, and the scenario in which it shows: how we know that the properties can fail.

Each mutant replaces one method of Rules. It must break a property, or keep the fair schedule from an ack, within the
scenario's bounds. The same mutants show that a replay would tell if model and application differed.

No mutant lets QUIET count after the cursor has moved: while less than a third lies, that is the same rule. Quiet up to
T is said only when no log after the cursor stands at or before T, so a step that moves the cursor later is later than T
too, and says quiet by itself. The rule lets a validator that erred be right again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.model import properties, scenarios
from tests.model.draft import Draft
from tests.model.explore import Explorer, Report
from tests.model.properties import Property
from tests.model.rules import Rules
from tests.model.scenarios import Scenario
from tests.model.state import (
    NOBODY,
    App,
    Header,
    Member,
    Mined,
    NoAck,
    Proposal,
    ProposerLeft,
    Quiet,
    Reset,
    RootChain,
    Turn,
    Voice,
)
from tests.model.world import World


class QuorumAtTwoThirds(Rules):
    """A quorum is at least 2/3 instead of over 2/3."""

    def is_quorum(self, part: int, total: int) -> bool:
        return 3 * part >= 2 * total


class RejectionOverAThird(Rules):
    """A proposal is rejected over 1/3 instead of from 1/3 on."""

    def is_third(self, part: int, total: int) -> bool:
        return 3 * part > total


class RejectionByOne(Rules):
    """One INVALID is enough."""

    def is_third(self, part: int, total: int) -> bool:
        return part > 0


class QuietAtTheDeadline(Rules):
    """A step in a block at T says quiet: a log at T does not win."""

    def is_beyond(self, block: Mined, deadline: int) -> bool:
        return block.time >= deadline


class LaterStepIsNotQuiet(Rules):
    """Power on a step later than T does not count as quiet."""

    def is_beyond(self, block: Mined, deadline: int) -> bool:
        return False


class QuietCountedOnceABlock(Rules):
    """Quiet is not counted again before each step."""

    def before_step(self, draft: Draft) -> None:
        pass


class QuietOfAnyDeadline(Rules):
    """QUIET counts for whatever T is armed."""

    def quiet_counts(self, draft: Draft, quiet: Quiet, deadline: int) -> bool:
        return quiet.step == draft.step

    def living(self, draft: Draft, voice: Voice) -> Voice:
        return voice._replace(named=max(voice.named, draft.step))


class SilenceIsQuiet(Rules):
    """A turn ends when the engine's clock is beyond T, without a word about L1."""

    def count_quiet(self, draft: Draft) -> None:
        if draft.turn.deadline is not None and draft.now > draft.turn.deadline:
            draft.events.append(NoAck(draft.turn.number, draft.turn.deadline, NOBODY, draft.members))
            self.end_without_ack(draft, draft.turn.deadline, draft.turn.deadline)
        super().count_quiet(draft)


class NoAckKeepsTheProposer(Rules):
    """A no-ack does not rotate."""

    def end_without_ack(self, draft: Draft, deadline: int, shown: int) -> None:
        proposer = draft.vector
        super().end_without_ack(draft, deadline, shown)
        draft.vector = proposer


class NoAckKeepsTheProposal(Rules):
    """A no-ack leaves the proposal open."""

    def end_without_ack(self, draft: Draft, deadline: int, shown: int) -> None:
        proposal, draft.current = draft.current, None
        super().end_without_ack(draft, deadline, shown)
        draft.current = proposal


class ArmedAtOnce(Rules):
    """A turn may become due in the block in which it begins."""

    def start_turn(self, draft: Draft, *, rotate: bool, wait_blocks: int = 1) -> None:
        super().start_turn(draft, rotate=rotate, wait_blocks=wait_blocks - 1)


class LeavingProposerKeepsTheTurn(Rules):
    """A turn goes on when its proposer has left the set."""

    def remove_leavers(self, draft: Draft) -> None:
        turn, proposal, proposer = draft.turn, draft.current, draft.vector.proposer
        super().remove_leavers(draft)
        if any(isinstance(event, ProposerLeft) for event in draft.events):
            draft.turn, draft.current, draft.vector = turn, proposal, draft.vector._replace(proposer=proposer)
            draft.events = [event for event in draft.events if not isinstance(event, ProposerLeft)]


class TurnNumberReused(Rules):
    """A turn that ends gives its number to the next one."""

    def start_turn(self, draft: Draft, *, rotate: bool, wait_blocks: int = 1) -> None:
        number = draft.turn.number
        super().start_turn(draft, rotate=rotate, wait_blocks=wait_blocks)
        draft.turn = draft.turn._replace(number=number)


class AckOfClosedRotates(Rules):
    """A header of an ended turn rotates the present proposer too."""

    def ack_rotates(self, matched: Proposal | None, open_proposal: Proposal | None) -> bool:
        return matched is not None


class AckNeverRotates(Rules):
    """An ack leaves the proposer."""

    def ack_rotates(self, matched: Proposal | None, open_proposal: Proposal | None) -> bool:
        return False


class ClosedForgottenAtOnce(Rules):
    """Closed proposals are not kept."""

    def drop_outlived(self, draft: Draft, quiet_until: int) -> None:
        draft.forget(draft.closed)


class HeadLimitOfEachTurn(Rules):
    """Every turn takes the head of its own moment, also later ones for the same start."""

    def start_turn(self, draft: Draft, *, rotate: bool, wait_blocks: int = 1) -> None:
        draft.turn = draft.turn._replace(head_limit=None)
        super().start_turn(draft, rotate=rotate, wait_blocks=wait_blocks)


class HeadOfAnyone(Rules):
    """The head limit is the greatest head that anybody reports."""

    def greatest_shared(self, members: tuple[Member, ...], values: Mapping[int, int]) -> int | None:
        return max(values.values(), default=None)


class ArmedWhenIdle(Rules):
    """A turn is due without new blocks."""

    def is_due(self, turn: Turn, limit: int | None, now: int) -> bool:
        return limit is not None


class IntervalIgnored(Rules):
    """There is no wait after an ack."""

    def is_due(self, turn: Turn, limit: int | None, now: int) -> bool:
        return super().is_due(turn._replace(last_ack_s=None), limit, now)


class DeadlineNeverGrows(Rules):
    """The buffer is the same however often turns fail."""

    def doublings(self, draft: Draft) -> int:
        return 0


class L1TimeNotInBase(Rules):
    """T counts from the engine's clock alone."""

    def base(self, draft: Draft) -> int:
        return draft.now


class SecondProposalAllowed(Rules):
    """A later proposal of a turn replaces the first."""

    def has_proposal(self, app: App) -> bool:
        return False


class RefusedProposalUsesUpTheTurn(Rules):
    """A proposal that fails its checks ends the turn."""

    def refuse(self, app: App) -> App:
        return app._replace(turn=app.turn._replace(number=app.turn.number + 1, deadline=None, wait_blocks=1))


class AnybodyProposes(Rules):
    """The proposer is not checked."""

    def is_refused(self, app: App, sender: int, proposal: Proposal) -> bool:
        return super().is_refused(app, app.vector.proposer, proposal)


class ContractIgnoresValidUntil(Rules):
    """The contract takes an expired checkpoint."""

    def is_in_time(self, proposal: Proposal, time: int) -> bool:
        return True


class SignsAnyRoot(Rules):
    """Validators sign without looking at the root."""

    def signs(self, proposal: Proposal, side: int) -> bool:
        return side >= proposal.end


class LeaverGoesOneAckEarly(Rules):
    """A leaver is out with the ack before the one that brings its epoch."""

    def has_left(self, member: Member, epoch: int) -> bool:
        return 0 < member.leaves <= epoch + 1


class LeaverStaysOneAckLong(Rules):
    """A leaver is out with the ack after the one that brings its epoch."""

    def has_left(self, member: Member, epoch: int) -> bool:
        return 0 < member.leaves < epoch


class AckForgetsTheEpoch(Rules):
    """An ack does not raise the epoch."""

    def acknowledge(self, draft: Draft, header: Header, time: int) -> None:
        super().acknowledge(draft, header, time)
        draft.epoch -= 1


class ResetKeepsTheStart(Rules):
    """A reset does not move the next start back."""

    def reset(self, draft: Draft, reset: Reset) -> None:
        start = draft.turn.next_start
        super().reset(draft, reset)
        draft.turn = draft.turn._replace(next_start=start)


class RejectionKeepsTheTurn(Rules):
    """A rejected proposal stays until the turn's T."""

    def reject(self, draft: Draft, proposal: Proposal) -> None:
        pass


class ContractCountsHeads(Rules):
    """The contract takes a header of any majority of signers."""

    def contract_accepts(self, l1: RootChain, proposal: Proposal, time: int) -> bool:
        everybody = frozenset(member.id for member in l1.members)
        is_majority = 2 * len(proposal.valid & everybody) > len(everybody)
        return is_majority and super().contract_accepts(l1, proposal._replace(valid=everybody), time)


@dataclass(frozen=True)
class Mutant:
    """A broken rule, where it shows, and which property it breaks there."""

    rules: type[Rules]
    scenario: Scenario
    broken: Property | None
    """None if it is the fair schedule that leads to no ack."""

    @property
    def name(self) -> str:
        """That of its class."""
        return self.rules.__name__

    def hunted(self, states_max: int) -> Report:
        """Explored for that property alone."""
        world = World(self.rules(self.scenario.parameters), self.scenario)
        if self.broken is None:
            return Explorer(world, properties=()).breadth_first(states_max)
        return Explorer(world, properties=(self.broken,), progress_every=0).breadth_first(states_max)


MUTANTS = (
    Mutant(QuorumAtTwoThirds, scenarios.THIRDS, properties.power_is_there),
    Mutant(RejectionOverAThird, scenarios.THIRDS, properties.a_blocked_proposal_is_rejected),
    Mutant(RejectionByOne, scenarios.VERDICTS, None),
    Mutant(QuietAtTheDeadline, scenarios.QUIET_BOUND, properties.no_ack_means_no_header),
    Mutant(LaterStepIsNotQuiet, scenarios.QUIET_POLYGON, properties.late_header_finds_its_turn_ended),
    Mutant(QuietCountedOnceABlock, scenarios.QUIET_POLYGON, properties.late_header_finds_its_turn_ended),
    Mutant(QuietOfAnyDeadline, scenarios.VERDICTS, None),
    Mutant(SilenceIsQuiet, scenarios.PACE, properties.power_is_there),
    Mutant(NoAckKeepsTheProposer, scenarios.VERDICTS, None),
    Mutant(NoAckKeepsTheProposal, scenarios.VERDICTS, None),
    Mutant(ArmedAtOnce, scenarios.RESETS, properties.a_due_turn_has_its_time),
    Mutant(LeavingProposerKeepsTheTurn, scenarios.LEAVERS, properties.sets_agree),
    Mutant(TurnNumberReused, scenarios.RESETS, properties.turn_numbers_only_rise),
    Mutant(AckOfClosedRotates, scenarios.QUIET_POLYGON, properties.an_ack_rotates_once),
    Mutant(AckNeverRotates, scenarios.RESETS, properties.an_ack_rotates_once),
    Mutant(ClosedForgottenAtOnce, scenarios.QUIET_POLYGON, properties.no_header_of_ours_is_foreign),
    Mutant(HeadLimitOfEachTurn, scenarios.HEADS, properties.what_was_due_stays_due),
    Mutant(HeadOfAnyone, scenarios.HEADS, properties.nothing_armed_when_nothing_is_due),
    Mutant(ArmedWhenIdle, scenarios.PACE, properties.nothing_armed_when_nothing_is_due),
    Mutant(IntervalIgnored, scenarios.PACE, properties.nothing_armed_when_nothing_is_due),
    Mutant(DeadlineNeverGrows, scenarios.SLOW_L1, None),
    Mutant(L1TimeNotInBase, scenarios.SLOW_L1, None),
    Mutant(SecondProposalAllowed, scenarios.VERDICTS, properties.one_digest_per_slot),
    Mutant(RefusedProposalUsesUpTheTurn, scenarios.VERDICTS, None),
    Mutant(AnybodyProposes, scenarios.VERDICTS, None),
    Mutant(ContractIgnoresValidUntil, scenarios.QUIET_BOUND, properties.expired_bound_checkpoint_never_lands),
    Mutant(SignsAnyRoot, scenarios.VERDICTS, properties.headers_form_one_chain),
    Mutant(LeaverGoesOneAckEarly, scenarios.LEAVERS, properties.sets_agree),
    Mutant(LeaverStaysOneAckLong, scenarios.LEAVERS, properties.sets_agree),
    Mutant(AckForgetsTheEpoch, scenarios.LEAVERS, properties.sets_agree),
    Mutant(ResetKeepsTheStart, scenarios.RESETS, None),
    Mutant(RejectionKeepsTheTurn, scenarios.VERDICTS, properties.a_blocked_proposal_is_rejected),
    Mutant(ContractCountsHeads, scenarios.RESETS, properties.headers_form_one_chain),
)
OUTSIDE = (ContractIgnoresValidUntil, SignsAnyRoot, ContractCountsHeads)
"""Broken where the application has no part: what L1 takes, and what a validator signs."""
