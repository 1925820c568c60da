"""The validator set, by StakeManager's logs: joining, stake, signer, leaving (docs/protocol.md P3).

L1 is right: a log is applied as it stands if it can be, with an alert where it surprises, else ignored with its code.
The set is the contract's: who joins counts from its log on, who leaves until the ack that brings the contract's epoch.
"""

from dataclasses import replace

from bridge.codec.events import SignerChange, Staked, StakeUpdate, UnstakeInit
from bridge.codec.secp256k1 import address_of, is_on_curve
from bridge.codec.types import Address, PublicKey, ValidatorId
from node.app.draft import Draft
from node.app.errors import LogOutcome
from node.app.proposals import close_current
from node.app.proposers import updated
from node.app.state import WEI_PER_TOKEN, Proposal, Sender, Stage, TallyMember, ValidatorRecord
from node.app.turns import start_turn

PUBLIC_KEY_BYTES = 64
NUMBER_MAX = 2**63 - 1
"""Greatest id, nonce or epoch that is taken from L1, so that ours can count on from it."""


def is_usable_key(public_key: bytes, signer: Address) -> bool:
    """Whether the key is a point of the curve that hashes to the signer."""
    return (
        len(public_key) == PUBLIC_KEY_BYTES
        and is_on_curve(PublicKey(public_key))
        and address_of(PublicKey(public_key)) == signer
    )


def tally_members(members: tuple[ValidatorRecord, ...]) -> tuple[TallyMember, ...]:
    """The members that can count: a usable key, and at least one whole token of stake."""
    return tuple(
        TallyMember(member.id, member.signer, PublicKey(member.public_key), member.stake_wei // WEI_PER_TOKEN)
        for member in members
        if member.has_usable_key and member.stake_wei >= WEI_PER_TOKEN
    )


def apply_staked(draft: Draft, event: Staked) -> LogOutcome:
    """A validator joins at once."""
    if max(event.validator_id, event.nonce, event.activation_epoch) > NUMBER_MAX:
        return LogOutcome.OUT_OF_RANGE
    known = (*draft.validators.members, *draft.validators.former)
    if any(member.id == event.validator_id for member in known):
        return LogOutcome.VALIDATOR_EXISTS
    if draft.member_by_signer(event.signer) is not None:
        return LogOutcome.SIGNER_IN_USE
    record = ValidatorRecord(
        id=event.validator_id,
        signer=event.signer,
        public_key=_kept_key(event.public_key),
        stake_wei=event.amount_wei,
        nonce=event.nonce,
        activation_epoch=event.activation_epoch,
        deactivation_epoch=0,
        has_usable_key=is_usable_key(event.public_key, event.signer),
    )
    _put(draft, record)
    draft.emit("validator_joined", validator=record.id, signer=record.signer, stake_wei=record.stake_wei)
    return LogOutcome.APPLIED if event.nonce == 1 else LogOutcome.NONCE_OUT_OF_ORDER


def apply_stake_update(draft: Draft, event: StakeUpdate) -> LogOutcome:
    """A validator's stake changes at once."""
    record = _member(draft, event.validator_id)
    if record is None:
        return LogOutcome.UNKNOWN_VALIDATOR
    if event.nonce > NUMBER_MAX:
        return LogOutcome.OUT_OF_RANGE
    _put(draft, replace(record, stake_wei=event.new_amount_wei, nonce=event.nonce))
    draft.emit("stake_changed", validator=record.id, stake_wei=event.new_amount_wei)
    return _nonce_outcome(record, event.nonce)


def apply_signer_change(draft: Draft, event: SignerChange) -> LogOutcome:
    """A validator signs with another key at once; what it signed with the old one no longer counts on L1."""
    record = _member(draft, event.validator_id)
    if record is None:
        return LogOutcome.UNKNOWN_VALIDATOR
    if event.nonce > NUMBER_MAX:
        return LogOutcome.OUT_OF_RANGE
    holder = draft.member_by_signer(event.new_signer)
    if holder is not None and holder.id != record.id:
        return LogOutcome.SIGNER_IN_USE
    changed = replace(
        record,
        signer=event.new_signer,
        public_key=_kept_key(event.public_key),
        nonce=event.nonce,
        has_usable_key=is_usable_key(event.public_key, event.new_signer),
    )
    _drop_signatures(draft, record.id)
    _put(draft, changed)
    draft.emit("signer_changed", validator=record.id, old_signer=record.signer, new_signer=event.new_signer)
    if event.old_signer != record.signer:
        return LogOutcome.SIGNER_MISMATCH
    return _nonce_outcome(record, event.nonce)


def apply_unstake_init(draft: Draft, event: UnstakeInit) -> LogOutcome:
    """A validator will leave at an epoch, or leaves now if the epoch is here (a forced unstake)."""
    record = _member(draft, event.validator_id)
    if record is None:
        return LogOutcome.UNKNOWN_VALIDATOR
    if max(event.nonce, event.deactivation_epoch) > NUMBER_MAX or event.deactivation_epoch == 0:
        return LogOutcome.OUT_OF_RANGE
    epoch = draft.validators.epoch
    has_jumped = event.deactivation_epoch not in (epoch, epoch + 1)
    if has_jumped:
        draft.validators = replace(draft.validators, epoch=event.deactivation_epoch - 1)
    _put(draft, replace(record, nonce=event.nonce, deactivation_epoch=event.deactivation_epoch))
    draft.emit("validator_leaving", validator=record.id, epoch=event.deactivation_epoch)
    remove_leavers(draft)
    return LogOutcome.EPOCH_JUMPED if has_jumped else _nonce_outcome(record, event.nonce)


def advance_epoch(draft: Draft) -> None:
    """StakeManager counts one more accepted checkpoint; who leaves at that epoch leaves."""
    draft.validators = replace(draft.validators, epoch=draft.validators.epoch + 1)
    remove_leavers(draft)


def remove_leavers(draft: Draft) -> None:
    """Take out the members whose epoch has come, and what they said."""
    section = draft.validators
    leavers = [member for member in section.members if 0 < member.deactivation_epoch <= section.epoch]
    if not leavers:
        return
    gone = {member.id for member in leavers}
    members = tuple(member for member in section.members if member.id not in gone)
    former = tuple(sorted((*section.former, *leavers), key=lambda member: member.id))
    draft.validators = replace(section, members=members, former=former)
    for leaver in leavers:
        draft.voters.pop(leaver.id, None)
        draft.emit("validator_left", validator=leaver.id, signer=leaver.signer)
    refresh_set(draft)


def refresh_set(draft: Draft) -> None:
    """Let the tally set, the priority vectors and the turns follow the members.

    A turn whose proposer has gone ends, and its vector rotates once.
    """
    section = draft.validators
    tally_set = tally_members(section.members)
    if not tally_set:
        draft.validators = replace(section, is_frozen=True)
        return
    draft.validators = replace(section, tally_set=tally_set, is_frozen=False)
    signers = {member.signer for member in tally_set}
    for chain, vector in enumerate(draft.priorities):
        draft.priorities[chain] = updated(vector, tally_set)
        if vector.proposer not in signers:
            turn = draft.turns[chain]
            close_current(draft, chain, Stage.EXPIRED)
            start_turn(draft, chain, turn, rotate=True)
            draft.emit("proposer_left", root_chain=chain, turn=turn.number, proposer=vector.proposer)


def _member(draft: Draft, validator: ValidatorId) -> ValidatorRecord | None:
    return next((member for member in draft.validators.members if member.id == validator), None)


def _put(draft: Draft, record: ValidatorRecord) -> None:
    """Add a member, or put it in the place of the one with its id."""
    others = [member for member in draft.validators.members if member.id != record.id]
    members = tuple(sorted((*others, record), key=lambda member: member.id))
    draft.validators = replace(draft.validators, members=members)
    if record.signer not in draft.senders:
        draft.senders[record.signer] = Sender(record.signer, nonce=0, node_id=b"", counter=0)
    refresh_set(draft)


def _kept_key(public_key: bytes) -> bytes:
    """A key as it is kept: nothing, if it cannot be one by its length."""
    return public_key if len(public_key) == PUBLIC_KEY_BYTES else b""


def _nonce_outcome(record: ValidatorRecord, nonce: int) -> LogOutcome:
    return LogOutcome.APPLIED if nonce == record.nonce + 1 else LogOutcome.NONCE_OUT_OF_ORDER


def _drop_signatures(draft: Draft, validator: ValidatorId) -> None:
    """Forget what the validator signed with its old key for the proposals under way, in the opened list too."""
    for chain, book in enumerate(draft.proposals):
        if book.current is not None:
            draft.set_current(chain, _without_signature(book.current, validator))


def _without_signature(proposal: Proposal, validator: ValidatorId) -> Proposal:
    dropped = next((v for v in proposal.verdicts if v.validator == validator and v.is_valid), None)
    if dropped is None:
        return proposal
    opening = proposal.opening
    if opening is not None:
        signatures = tuple(signed for signed in opening.signatures if signed.signer != dropped.signer)
        opening = replace(opening, signatures=signatures)
    verdicts = tuple(verdict for verdict in proposal.verdicts if verdict is not dropped)
    return replace(proposal, verdicts=verdicts, opening=opening)
