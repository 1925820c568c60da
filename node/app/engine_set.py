"""Validator updates for the engine: the difference of two sets, checked by the rules by which CometBFT would halt.

A transcription of types/validator_set.go of CometBFT v0.40: an update of power 0 removes a member, and only a member;
no key twice; no power, and no total, above the cap; the set never empty.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge.codec.secp256k1 import address_of
from bridge.codec.types import Address
from node.app.abci import ValidatorUpdate
from node.app.errors import EngineSetError
from node.app.proposers import TOTAL_POWER_MAX
from node.app.state import EngineMember, EngineSetSection, TallyMember

ENGINE_VALIDATORS_MAX = 10_000
"""CometBFT's MaxVotesCount."""


def engine_members(tally_set: Sequence[TallyMember]) -> tuple[EngineMember, ...]:
    """The set that the engine should have: the tally set, ascending by signer."""
    members = (EngineMember(member.signer, member.public_key, member.power) for member in tally_set)
    return tuple(sorted(members, key=lambda member: member.signer))


def updates_of(members: Sequence[EngineMember]) -> tuple[ValidatorUpdate, ...]:
    """The updates that make a whole set."""
    return tuple(ValidatorUpdate(member.public_key, member.power) for member in members)


def updates_between(before: Sequence[EngineMember], after: Sequence[EngineMember]) -> tuple[ValidatorUpdate, ...]:
    """The updates that lead from one set to another: removals, then changes and additions, each ascending by signer."""
    present = {member.signer: member for member in before}
    wanted = {member.signer for member in after}
    removals = [ValidatorUpdate(member.public_key, 0) for member in before if member.signer not in wanted]
    changed = [member for member in after if present.get(member.signer) != member]
    return (*removals, *updates_of(changed))


def checked_update(current: Sequence[EngineMember], updates: Sequence[ValidatorUpdate]) -> tuple[EngineMember, ...]:
    """The set after the updates, as CometBFT would have it. Raises EngineSetError where CometBFT would halt."""
    after = {member.signer: member for member in current}
    seen: set[Address] = set()
    for update in updates:
        signer = address_of(update.public_key)
        _require(signer not in seen, "two updates of one validator")
        seen.add(signer)
        _require(0 <= update.power <= TOTAL_POWER_MAX, "a power is negative or above the cap")
        if update.power > 0:
            after[signer] = EngineMember(signer, update.public_key, update.power)
        else:
            _require(signer in after, "a validator is to be removed that is not in the set")
            del after[signer]
    _require(bool(after), "the set would be empty")
    _require(len(after) <= ENGINE_VALIDATORS_MAX, f"the set would have more than {ENGINE_VALIDATORS_MAX} validators")
    _require(sum(member.power for member in after.values()) <= TOTAL_POWER_MAX, "the total would be above the cap")
    return tuple(after[signer] for signer in sorted(after))


def next_engine_set(
    section: EngineSetSection, tally_set: Sequence[TallyMember]
) -> tuple[EngineSetSection, tuple[ValidatorUpdate, ...]]:
    """The set to return to the engine next, and the updates; the old one, frozen, if the engine would refuse it."""
    wanted = engine_members(tally_set)
    if wanted == section.members:
        return (replace(section, is_frozen=False) if section.is_frozen else section), ()
    updates = updates_between(section.members, wanted)
    try:
        members = checked_update(section.members, updates)
    except EngineSetError:
        return (section if section.is_frozen else replace(section, is_frozen=True)), ()
    return EngineSetSection(members, is_frozen=False), updates


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise EngineSetError(f"validator updates: {problem}")
