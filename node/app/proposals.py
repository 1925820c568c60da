"""A proposal's bytes for L1, its verdicts, and the power behind them here and there (docs/protocol.md P5, P6)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from bridge.codec.checkpoint import (
    Checkpoint,
    CheckpointBinding,
    DataForm,
    SignedBy,
    bound_data,
    bound_digest,
    polygon_data,
    polygon_digest,
)
from bridge.codec.types import Hash32, UnixSeconds
from node.app.draft import Draft
from node.app.parameters import QuorumUnit, RootChainParameters
from node.app.state import WEI_PER_TOKEN, Proposal, ProposalBook, Stage, TallyMember, ValidatorRecord, Verdict
from node.app.tallies import Share, share_of

CLOSED_MAX = 64
"""Most closed proposals that are kept; an older one that lands after all is adopted as foreign."""
ACCOUNT_ROOTS_MAX = 1_024


def checkpoint_of(parameters: RootChainParameters, proposal: Proposal) -> Checkpoint:
    """The fields that both forms sign."""
    return Checkpoint(
        proposer=proposal.proposer,
        start=proposal.start,
        end=proposal.end,
        root_hash=proposal.root_hash,
        account_root_hash=proposal.account_root_hash,
        side_chain_id=parameters.contract_chain_id,
    )


def binding_of(parameters: RootChainParameters, proposal: Proposal) -> CheckpointBinding:
    """What the bound form adds: one contract, one place in its list, one deadline."""
    return CheckpointBinding(
        root_chain_id=parameters.chain_id,
        root_chain_address=parameters.root_chain_address,
        header_id=proposal.header_id,
        valid_until=proposal.valid_until,
    )


def data_of(parameters: RootChainParameters, proposal: Proposal) -> bytes:
    """The `data` argument of submitCheckpoint."""
    checkpoint = checkpoint_of(parameters, proposal)
    if parameters.data_form is DataForm.POLYGON:
        return polygon_data(checkpoint)
    return bound_data(checkpoint, binding_of(parameters, proposal))


def digest_of(parameters: RootChainParameters, proposal: Proposal) -> Hash32:
    """What a validator signs to say VALID, and L1 checks."""
    binding = None if parameters.data_form is DataForm.POLYGON else binding_of(parameters, proposal)
    return _digest(checkpoint_of(parameters, proposal), binding)


def valid_share(members: Sequence[TallyMember], proposal: Proposal) -> Share:
    """The share of the tally set that said VALID."""
    return share_of(members, [verdict.validator for verdict in proposal.verdicts if verdict.is_valid])


def invalid_share(members: Sequence[TallyMember], proposal: Proposal) -> Share:
    """The share of the tally set that says INVALID."""
    return share_of(members, [verdict.validator for verdict in proposal.verdicts if not verdict.is_valid])


def l1_share(members: Sequence[ValidatorRecord], parameters: RootChainParameters, proposal: Proposal) -> Share:
    """The share of stake that the contract would count now: leavers until their epoch, in the contract's own unit."""
    unit = 1 if parameters.quorum_unit is QuorumUnit.WEI else WEI_PER_TOKEN
    signers = {signed.signer for signed in present_signatures(members, proposal)}
    signed = sum(member.stake_wei // unit for member in members if member.signer in signers)
    return Share(signed, sum(member.stake_wei // unit for member in members))


def present_signatures(members: Sequence[ValidatorRecord], proposal: Proposal) -> tuple[SignedBy, ...]:
    """All signatures that L1 would count now, ascending by signer, as the contract wants them."""
    signers = {member.id: member.signer for member in members if member.stake_wei > 0}
    found = [
        SignedBy(verdict.signer, verdict.signature)
        for verdict in proposal.verdicts
        if verdict.signature is not None and signers.get(verdict.validator) == verdict.signer
    ]
    return tuple(sorted(found, key=lambda signed: signed.signer))


def with_verdict(proposal: Proposal, verdict: Verdict) -> Proposal:
    """The proposal with this verdict in the place of the validator's earlier one."""
    others = [other for other in proposal.verdicts if other.validator != verdict.validator]
    return replace(proposal, verdicts=tuple(sorted((*others, verdict), key=lambda item: item.validator)))


def close_current(draft: Draft, chain: int, stage: Stage) -> None:
    """End the current proposal, if any, and keep it with its signatures: it may land all the same."""
    book = draft.proposals[chain]
    if book.current is None:
        return
    closed = (*book.closed, replace(book.current, stage=stage, grace_left=0))
    draft.proposals[chain] = replace(book, current=None, closed=closed[-CLOSED_MAX:])


def drop_outlived(draft: Draft, chain: int, quiet_until: UnixSeconds) -> None:
    """Forget closed proposals that cannot land any more: bound ones whose last valid time is agreed to be past."""
    book = draft.proposals[chain]
    if draft.parameters(chain).data_form is DataForm.POLYGON:
        return
    closed = tuple(proposal for proposal in book.closed if proposal.valid_until > quiet_until)
    if len(closed) != len(book.closed):
        draft.proposals[chain] = replace(book, closed=closed)


def late_candidate(book: ProposalBook, turn: int) -> Proposal | None:
    """The proposal of that turn, if it is the last that was acknowledged or the last that was closed."""
    candidates = (book.acknowledged, book.closed[-1] if book.closed else None)
    return next((proposal for proposal in candidates if proposal is not None and proposal.turn == turn), None)


@lru_cache(maxsize=256)
def _digest(checkpoint: Checkpoint, binding: CheckpointBinding | None) -> Hash32:
    return polygon_digest(checkpoint) if binding is None else bound_digest(checkpoint, binding)
