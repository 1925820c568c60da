"""What L1 says of checkpoints: it accepted one, or its owner deleted some (docs/protocol.md P4, P5)."""

from dataclasses import replace

from bridge.codec.checkpoint import HEADER_ID_STEP, DataForm
from bridge.codec.events import NewHeaderBlock, ResetHeaderBlock
from bridge.codec.feed import FeedLog, Step
from bridge.codec.types import ZERO_HASH, BlockNumber
from node.app.draft import Draft
from node.app.errors import LogOutcome
from node.app.history import CheckpointEntry, RecordedSignature, ResetEntry
from node.app.parameters import RootChainParameters
from node.app.proposals import close_current
from node.app.staking import advance_epoch
from node.app.state import HeaderSpan, Proposal, ProposalBook, Stage
from node.app.tallies import total_power
from node.app.turns import start_turn

HEADERS_MAX = 256
NUMBER_MAX = 2**63 - 1
"""Greatest block number or header id that is taken from L1; ours go one beyond."""


def acknowledge(draft: Draft, chain: int, step: Step, log: FeedLog, event: NewHeaderBlock) -> LogOutcome:
    """RootChain has accepted a checkpoint. It is recorded as L1 has it, whether we know its proposal or not.

    The proposer rotates if the checkpoint was of the current turn; else the turn only starts again.
    """
    if event.end < event.start or max(event.end, event.header_id) > NUMBER_MAX:
        return LogOutcome.OUT_OF_RANGE
    book, turn = draft.proposals[chain], draft.turns[chain]
    matched = _match(book, draft.parameters(chain), event)
    is_current = matched is not None and matched is book.current
    draft.append(_checkpoint_entry(draft, chain, step, log, event, matched))
    close_current(draft, chain, Stage.SUPERSEDED)
    _settle(draft, chain, matched, event.end)
    headers = (*(h for h in turn.headers if h.header_id < event.header_id), HeaderSpan(event.header_id, event.end))
    next_turn = replace(
        turn,
        head_limit=None,
        rejections=0,
        no_acks_backed=0,
        no_acks_other=0,
        next_start=BlockNumber(event.end + 1),
        next_header_id=event.header_id + HEADER_ID_STEP,
        headers=headers[-HEADERS_MAX:],
        last_ack_s=draft.time_s,
        acks=turn.acks + 1,
    )
    start_turn(draft, chain, next_turn, rotate=is_current)
    draft.emit(
        "ack",
        root_chain=chain,
        header_id=event.header_id,
        start=event.start,
        end=event.end,
        root=event.root,
        proposer=event.proposer,
        foreign=matched is None,
        next_proposer=draft.priorities[chain].proposer,
    )
    if chain == draft.params.staking_root_chain:
        advance_epoch(draft)
    return LogOutcome.APPLIED


def reset_headers(draft: Draft, chain: int, step: Step, event: ResetHeaderBlock) -> LogOutcome:
    """RootChain's owner deleted headers: the turn starts again where L1 stands; account roots are kept."""
    if event.header_id > NUMBER_MAX:
        return LogOutcome.OUT_OF_RANGE
    turn = draft.turns[chain]
    headers = tuple(header for header in turn.headers if header.header_id < event.header_id)
    draft.append(ResetEntry(chain, event.header_id, turn.number, step.block_number, step.number, draft.time_s))
    close_current(draft, chain, Stage.SUPERSEDED)
    next_start = _start_after_reset(headers, event.header_id)
    next_turn = replace(turn, head_limit=None, next_start=next_start, next_header_id=event.header_id, headers=headers)
    start_turn(draft, chain, next_turn, rotate=False)
    draft.emit("reset", root_chain=chain, header_id=event.header_id, next_start=next_start)
    return LogOutcome.APPLIED


def _start_after_reset(headers: tuple[HeaderSpan, ...], header_id: int) -> BlockNumber | None:
    if header_id == HEADER_ID_STEP:
        return BlockNumber(0)
    if headers and headers[-1].header_id == header_id - HEADER_ID_STEP:
        return BlockNumber(headers[-1].end + 1)
    return None


def _match(book: ProposalBook, parameters: RootChainParameters, event: NewHeaderBlock) -> Proposal | None:
    """The proposal that the header is of: the current one first, then the closed ones, newest first."""
    wanted = (event.proposer, event.start, event.end, event.root)
    for proposal in (book.current, *reversed(book.closed)):
        if proposal is None or (proposal.proposer, proposal.start, proposal.end, proposal.root_hash) != wanted:
            continue
        if parameters.data_form is DataForm.POLYGON or proposal.header_id == event.header_id:
            return proposal
    return None


def _settle(draft: Draft, chain: int, matched: Proposal | None, end: BlockNumber) -> None:
    """Drop the closed proposals whose start the ack has passed; remember the one that landed for late signatures."""
    book, turn = draft.proposals[chain], draft.turns[chain]
    closed = tuple(proposal for proposal in book.closed if proposal.start > end)
    acknowledged = None if matched is None else replace(matched, stage=Stage.ACKNOWLEDGED, grace_left=0)
    # A reset can bring back any start after the oldest header that is remembered, and that of the first one.
    has_first = not turn.headers or turn.headers[0].header_id == HEADER_ID_STEP
    oldest = -1 if has_first else turn.headers[0].end
    roots = tuple(memory for memory in book.account_roots if memory.start > oldest)
    draft.proposals[chain] = replace(book, closed=closed, acknowledged=acknowledged, account_roots=roots)


def _checkpoint_entry(
    draft: Draft, chain: int, step: Step, log: FeedLog, event: NewHeaderBlock, matched: Proposal | None
) -> CheckpointEntry:
    powers = {member.id: member.power for member in draft.tally_set}
    signatures = tuple(
        RecordedSignature(
            validator=verdict.validator,
            signer=verdict.signer,
            power=powers.get(verdict.validator, 0),
            signature=verdict.signature,
            time_s=verdict.time_s,
            is_late=verdict.is_late,
        )
        for verdict in (() if matched is None else matched.verdicts)
        if verdict.signature is not None
    )
    signed = {signature.validator for signature in signatures}
    return CheckpointEntry(
        root_chain=chain,
        header_id=event.header_id,
        proposer=event.proposer,
        start=event.start,
        end=event.end,
        root_hash=event.root,
        account_root_hash=ZERO_HASH if matched is None else matched.account_root_hash,
        turn=0 if matched is None else matched.turn,
        is_foreign=matched is None,
        ended_turn=draft.turns[chain].number,
        block_number=step.block_number,
        block_time=step.block_time,
        step_number=step.number,
        log_index=log.index,
        time_s=draft.time_s,
        total_power=total_power(draft.tally_set),
        signatures=signatures,
        missing=tuple(member.id for member in draft.tally_set if member.id not in signed),
    )
