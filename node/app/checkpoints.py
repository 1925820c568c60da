"""A checkpoint's life up to L1: proposed, collecting, quorum, open; or rejected (docs/protocol.md P5).

What each validator must judge for itself is the root alone; all else is checked here, when the proposal is executed.
"""

from dataclasses import replace

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import ZERO_ADDRESS, Address, BlockNumber, Hash32, Signature, ValidatorId
from node.app.draft import Draft
from node.app.errors import InvalidReason, TransactionCode
from node.app.history import LateEntry, RejectionEntry
from node.app.messages import ProposeCheckpoint
from node.app.parameters import RootChainParameters
from node.app.proposals import (
    ACCOUNT_ROOTS_MAX,
    close_current,
    digest_of,
    invalid_share,
    l1_share,
    late_candidate,
    present_signatures,
    valid_share,
    with_verdict,
)
from node.app.signatures import recovered_signer
from node.app.state import AccountRootMemory, Opening, Proposal, ProposalBook, Stage, Turn, Verdict
from node.app.turns import dueness, rejection_wait_blocks, start_turn

# --- proposing --------------------------------------------------------------------------------------------------------


def propose(draft: Draft, sender: Address, message: ProposeCheckpoint) -> TransactionCode:
    """Record a proposal if it is right in all that the state knows; else a no-op that does not use up the turn."""
    chain = message.root_chain
    if chain >= len(draft.turns):
        return TransactionCode.UNKNOWN_ROOT_CHAIN
    turn, book, parameters = draft.turns[chain], draft.proposals[chain], draft.parameters(chain)
    refusal = _turn_refusal(draft, chain, sender, message) or _range_refusal(draft, turn, parameters, message)
    if refusal is not TransactionCode.OK or turn.deadline is None:
        return refusal or TransactionCode.NOT_DUE
    account_root = expected_account_root(book, sender, message.start, message.end, message.root_hash)
    if message.account_root_hash != account_root:
        return TransactionCode.WRONG_ACCOUNT_ROOT
    proposal = Proposal(
        root_chain=chain,
        turn=turn.number,
        proposer=sender,
        start=message.start,
        end=message.end,
        root_hash=message.root_hash,
        account_root_hash=account_root,
        header_id=turn.next_header_id,
        valid_until=turn.deadline,
        proposed_s=draft.time_s,
        verdicts=(),
        stage=Stage.COLLECTING,
        grace_left=0,
        opening=None,
    )
    draft.proposals[chain] = replace(_remembering(book, parameters, proposal), current=proposal)
    draft.emit(
        "proposed",
        root_chain=chain,
        turn=turn.number,
        proposer=sender,
        start=message.start,
        end=message.end,
        root=message.root_hash,
    )
    return TransactionCode.OK


def expected_account_root(
    book: ProposalBook, proposer: Address, start: BlockNumber, end: BlockNumber, root_hash: Hash32
) -> Hash32:
    """The account root that a proposal must carry: the one first proposed with this range, else the state's."""
    for memory in book.account_roots:
        if (memory.proposer, memory.start, memory.end, memory.root_hash) == (proposer, start, end, root_hash):
            return memory.account_root_hash
    return book.account_root


def _turn_refusal(draft: Draft, chain: int, sender: Address, message: ProposeCheckpoint) -> TransactionCode:
    turn = draft.turns[chain]
    if draft.feeds[chain].is_paused:
        return TransactionCode.ROOT_CHAIN_PAUSED
    if message.turn != turn.number:
        return TransactionCode.WRONG_TURN
    if sender != draft.priorities[chain].proposer:
        return TransactionCode.NOT_YOUR_TURN
    if turn.deadline is None:
        return TransactionCode.NOT_DUE
    return TransactionCode.OK if draft.proposals[chain].current is None else TransactionCode.ALREADY_PROPOSED


def _range_refusal(
    draft: Draft, turn: Turn, parameters: RootChainParameters, message: ProposeCheckpoint
) -> TransactionCode:
    if turn.next_start is None or turn.head_limit is None:
        return TransactionCode.NOT_DUE
    if message.start != turn.next_start:
        return TransactionCode.GAP if message.start > turn.next_start else TransactionCode.OVERLAP
    length = message.end - message.start + 1
    is_regular = length >= parameters.minimum_blocks and length % parameters.multiple_blocks == 0
    is_forced = dueness(turn, parameters, draft.params.genesis_time_s, None, draft.time_s).is_forced
    if not 1 <= length <= parameters.maximum_blocks or not (is_regular or is_forced):
        return TransactionCode.BAD_LENGTH
    return TransactionCode.OK if message.end <= turn.head_limit else TransactionCode.FUTURE_RANGE


def _remembering(book: ProposalBook, parameters: RootChainParameters, proposal: Proposal) -> ProposalBook:
    """In polygon form signatures for a range never expire, so its first account root is kept for later turns."""
    memory = AccountRootMemory(
        proposal.proposer, proposal.start, proposal.end, proposal.root_hash, proposal.account_root_hash
    )
    if parameters.data_form is not DataForm.POLYGON or memory in book.account_roots:
        return book
    return replace(book, account_roots=(*book.account_roots, memory)[-ACCOUNT_ROOTS_MAX:])


# --- verdicts ---------------------------------------------------------------------------------------------------------


def record_valid(draft: Draft, voter: ValidatorId, chain: int, turn: int, signature: Signature) -> None:
    """Record VALID with its signature; a no-op unless it recovers to the validator's present signer."""
    book, parameters = draft.proposals[chain], draft.parameters(chain)
    is_current = book.current is not None and book.current.turn == turn
    proposal = book.current if is_current else late_candidate(book, turn)
    signer = next((member.signer for member in draft.validators.members if member.id == voter), None)
    if proposal is None or signer is None:
        return
    earlier = _verdict_of(proposal, voter)
    if earlier is not None and earlier.is_valid:
        return
    if recovered_signer(digest_of(parameters, proposal), signature) != signer:
        return
    is_late = proposal.stage is not Stage.COLLECTING and proposal.stage is not Stage.GRACE
    verdict = Verdict(voter, signer, signature, None, draft.time_s, is_late)
    _put_back(draft, chain, proposal, with_verdict(proposal, verdict))
    if proposal.stage is Stage.ACKNOWLEDGED:
        draft.append(LateEntry(chain, proposal.header_id, voter, signer, signature, draft.time_s))
    draft.emit("signed", root_chain=chain, turn=turn, validator=voter, signer=signer, late=is_late)


def record_invalid(draft: Draft, voter: ValidatorId, chain: int, turn: int, reason: InvalidReason) -> None:
    """Record INVALID; a no-op after VALID, which cannot be taken back."""
    proposal = draft.proposals[chain].current
    if proposal is None or proposal.turn != turn:
        return
    earlier = _verdict_of(proposal, voter)
    if earlier is not None and (earlier.is_valid or earlier.reason is reason):
        return
    signer = next((member.signer for member in draft.validators.members if member.id == voter), ZERO_ADDRESS)
    verdict = Verdict(voter, signer, None, reason, draft.time_s, is_late=False)
    draft.set_current(chain, with_verdict(proposal, verdict))
    draft.emit("called_invalid", root_chain=chain, turn=turn, validator=voter, reason=reason.name)


def _verdict_of(proposal: Proposal, voter: ValidatorId) -> Verdict | None:
    return next((verdict for verdict in proposal.verdicts if verdict.validator == voter), None)


def _put_back(draft: Draft, chain: int, before: Proposal, after: Proposal) -> None:
    """Replace a proposal wherever in the book it stands."""
    book = draft.proposals[chain]
    draft.proposals[chain] = replace(
        book,
        current=after if book.current is before else book.current,
        closed=tuple(after if closed is before else closed for closed in book.closed),
        acknowledged=after if book.acknowledged is before else book.acknowledged,
    )


# --- quorum, rejection, grace -----------------------------------------------------------------------------------------


def tick(draft: Draft, chain: int) -> None:
    """Count a block of the grace window."""
    proposal = draft.proposals[chain].current
    if proposal is not None and proposal.grace_left > 0:
        draft.set_current(chain, replace(proposal, grace_left=proposal.grace_left - 1))


def advance(draft: Draft, chain: int) -> None:
    """Move the current proposal to the stage that its verdicts give it under the sets of this moment."""
    proposal, parameters = draft.proposals[chain].current, draft.parameters(chain)
    if proposal is None:
        return
    if invalid_share(draft.tally_set, proposal).is_third:
        _reject(draft, chain, proposal)
        return
    if proposal.stage is Stage.OPEN:
        return
    share = valid_share(draft.tally_set, proposal)
    if not (share.is_quorum and l1_share(draft.validators.members, parameters, proposal).is_quorum):
        if proposal.stage is Stage.GRACE:
            draft.set_current(chain, replace(proposal, stage=Stage.COLLECTING, grace_left=0))
        return
    if proposal.stage is Stage.COLLECTING:
        proposal = replace(proposal, stage=Stage.GRACE, grace_left=parameters.grace_blocks)
        draft.emit("quorum", root_chain=chain, turn=proposal.turn, power=share.power, total=share.total)
    if proposal.grace_left == 0 or share.power == share.total:
        signatures = present_signatures(draft.validators.members, proposal)
        proposal = replace(proposal, stage=Stage.OPEN, grace_left=0, opening=Opening(draft.time_s, signatures))
        draft.emit("submission_open", root_chain=chain, turn=proposal.turn, signatures=len(signatures))
    draft.set_current(chain, proposal)


def _reject(draft: Draft, chain: int, proposal: Proposal) -> None:
    """At least 1/3 calls it INVALID: no quorum can come. The turn ends; the next waits longer with each rejection."""
    turn = draft.turns[chain]
    against = tuple(verdict.validator for verdict in proposal.verdicts if not verdict.is_valid)
    draft.append(
        RejectionEntry(
            root_chain=chain,
            turn=turn.number,
            proposer=proposal.proposer,
            start=proposal.start,
            end=proposal.end,
            root_hash=proposal.root_hash,
            invalid=against,
            time_s=draft.time_s,
        )
    )
    close_current(draft, chain, Stage.REJECTED)
    rejections = turn.rejections + 1
    wait_blocks = rejection_wait_blocks(rejections)
    start_turn(draft, chain, replace(turn, rejections=rejections), rotate=True, wait_blocks=wait_blocks)
    draft.emit("rejected", root_chain=chain, turn=turn.number, proposer=proposal.proposer, wait_blocks=wait_blocks)
