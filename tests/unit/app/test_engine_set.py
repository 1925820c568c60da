"""Validator updates for the engine: always ones that CometBFT takes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.app.abci import ValidatorUpdate
from node.app.engine_set import checked_update, engine_members, next_engine_set, updates_between
from node.app.errors import EngineSetError
from node.app.proposers import TOTAL_POWER_MAX
from node.app.state import EngineMember, EngineSetSection, TallyMember
from tests.unit.app.network import Network, key

KEYS = [key(number) for number in range(1, 9)]


def members(powers: dict[int, int]) -> tuple[EngineMember, ...]:
    """An engine set of these keys and powers."""
    chosen = [EngineMember(KEYS[place].address, KEYS[place].public, power) for place, power in powers.items()]
    return tuple(sorted(chosen, key=lambda member: member.signer))


@pytest.mark.parametrize(
    ("updates", "problem"),
    [
        ([ValidatorUpdate(KEYS[0].public, 0)], "empty"),
        ([ValidatorUpdate(KEYS[1].public, 0)], "not in the set"),
        ([ValidatorUpdate(KEYS[1].public, 1), ValidatorUpdate(KEYS[1].public, 2)], "two updates"),
        ([ValidatorUpdate(KEYS[1].public, -1)], "negative"),
        ([ValidatorUpdate(KEYS[1].public, TOTAL_POWER_MAX + 1)], "above the cap"),
        ([ValidatorUpdate(KEYS[1].public, TOTAL_POWER_MAX)], "total would be above"),
    ],
)
def test_update__that_cometbft_halts_at__refused(updates: list[ValidatorUpdate], problem: str) -> None:
    with pytest.raises(EngineSetError, match=problem):
        checked_update(members({0: 10}), updates)


def test_update__total_exactly_at_the_cap__taken() -> None:
    updates = [ValidatorUpdate(KEYS[1].public, TOTAL_POWER_MAX - 10)]
    assert len(checked_update(members({0: 10}), updates)) == 2


sets = st.dictionaries(st.integers(0, 7), st.integers(1, 1_000), min_size=1)


@settings(max_examples=60, deadline=None)
@given(before=sets, after=sets)
def test_difference__of_any_two_sets__leads_from_one_to_the_other(
    before: dict[int, int], after: dict[int, int]
) -> None:
    updates = updates_between(members(before), members(after))
    assert checked_update(members(before), updates) == members(after)


def test_next_set__wanted_set_is_refused__old_one_stays_and_is_frozen() -> None:
    tally_set = Network().state.validators.tally_set
    section = EngineSetSection(engine_members(tally_set), is_frozen=False)
    frozen, updates = next_engine_set(section, ())
    assert (frozen.members, frozen.is_frozen, updates) == (section.members, True, ())
    assert next_engine_set(frozen, ()) == (frozen, ())
    thawed, updates = next_engine_set(frozen, tally_set)
    assert (thawed, updates) == (section, ())


def test_next_set__one_grew__one_update() -> None:
    tally_set = Network().state.validators.tally_set
    section = EngineSetSection(engine_members(tally_set), is_frozen=False)
    first, *others = tally_set
    grown = TallyMember(first.id, first.signer, first.public_key, first.power + 1)
    changed, updates = next_engine_set(section, (grown, *others))
    assert updates == (ValidatorUpdate(first.public_key, first.power + 1),)
    assert len(changed.members) == 4
