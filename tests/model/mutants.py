"""Broken rules, one each, and the scenario in which it shows: how we know that the properties can fail.

Each mutant replaces one method of Rules. It must break a property, or keep the fair schedule from an ack, within the
scenario's small bounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from tests.model import scenarios
from tests.model.draft import Draft
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
    """A broken rule, where it shows, and the property that it breaks."""

    rules: type[Rules]
    scenario: Scenario
    property: str

    @property
    def name(self) -> str:
        """Its class, in words."""
        return self.rules.__name__
