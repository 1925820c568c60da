"""The engine's set: whose turn it is, and which updates it refuses."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.types import ValidatorId
from node.app.abci import ValidatorUpdate
from node.app.proposers import new_vector, rotated, updated
from node.app.state import TallyMember
from node.engine.errors import ValidatorUpdateError
from node.engine.local.validators import TOTAL_POWER_MAX, ValidatorSet, new_validator_set
from tests.unit.engine.network import address, key

powers_of_sets = st.lists(st.integers(1, 1000), min_size=1, max_size=8)


def validator_set(*powers: int) -> ValidatorSet:
    return new_validator_set([ValidatorUpdate(key(index), power) for index, power in enumerate(powers)])


def turns(validators: ValidatorSet, count: int) -> list[int]:
    proposers = []
    for _ in range(count):
        proposers.append(next(index for index in range(20) if address(index) == validators.proposer))
        validators = validators.rotated()
    return proposers


def test_rotation__of_a_set__orders_by_power_then_address() -> None:
    members = validator_set(5, 9, 5, 5).validators
    assert [member.power for member in members] == [9, 5, 5, 5]
    assert [member.address for member in members[1:]] == sorted(address(index) for index in (0, 2, 3))


@given(powers_of_sets)
@settings(max_examples=30, deadline=None)
def test_rotation__over_as_many_turns_as_there_is_power__gives_each_its_share(powers: list[int]) -> None:
    powers = [power % 50 + 1 for power in powers]
    assert Counter(turns(validator_set(*powers), sum(powers))) == dict(enumerate(powers))


@given(powers_of_sets, st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1000)), max_size=4), max_size=5))
@settings(max_examples=60, deadline=None)
def test_set__over_any_updates_and_turns__agrees_with_the_application_s_transcription(
    powers: list[int], rounds: list[list[tuple[int, int]]]
) -> None:
    validators = validator_set(*powers)
    wanted = dict(enumerate(powers))
    vector = new_vector(members(wanted))
    for changes in rounds:
        latest = {index: power for index, power in dict(changes).items() if power > 0 or index in wanted}
        after = {index: power for index, power in (wanted | latest).items() if power > 0}
        if not after:
            continue
        wanted = after
        validators = validators.updated(
            [ValidatorUpdate(key(index), power) for index, power in latest.items()]
        ).rotated()
        vector = rotated(updated(vector, members(wanted)))
        assert validators.proposer == vector.proposer
        assert {member.address: member.priority for member in validators.validators} == {
            member.signer: member.priority for member in vector.members
        }


def members(powers: dict[int, int]) -> list[TallyMember]:
    found = [TallyMember(ValidatorId(index + 1), address(index), key(index), power) for index, power in powers.items()]
    return sorted(found, key=lambda member: member.signer)


def test_update__of_a_joiner__starts_it_behind_the_others() -> None:
    joined = validator_set(10, 10).updated([ValidatorUpdate(key(2), 10)])
    assert min(joined.validators, key=lambda member: member.priority).address == address(2)


@pytest.mark.parametrize(
    ("updates", "complaint"),
    [
        ([ValidatorUpdate(key(5), 0)], "not in the set"),
        ([ValidatorUpdate(key(0), 3), ValidatorUpdate(key(0), 4)], "twice"),
        ([ValidatorUpdate(key(0), -1)], "negative"),
        ([ValidatorUpdate(key(0), TOTAL_POWER_MAX + 1)], "cap"),
        ([ValidatorUpdate(key(0), TOTAL_POWER_MAX)], "cap"),
        ([ValidatorUpdate(key(index), 0) for index in range(3)], "no validator"),
    ],
)
def test_update__that_cometbft_would_stop_at__is_refused(updates: list[ValidatorUpdate], complaint: str) -> None:
    with pytest.raises(ValidatorUpdateError, match=complaint):
        validator_set(10, 10, 10).updated(updates)


def test_update__up_to_the_cap_exactly__is_taken() -> None:
    grown = validator_set(10, 10, 10).updated([ValidatorUpdate(key(0), TOTAL_POWER_MAX - 20)])
    assert grown.total_power == TOTAL_POWER_MAX


def test_update__that_replaces_everybody__is_taken() -> None:
    leaving = [ValidatorUpdate(key(index), 0) for index in range(2)]
    replaced = validator_set(10, 10).updated([*leaving, ValidatorUpdate(key(2), 7)])
    assert [member.address for member in replaced.validators] == [address(2)]


@pytest.mark.parametrize("powers", [(), (0,), (10, 0)])
def test_genesis__without_power__is_refused(powers: tuple[int, ...]) -> None:
    with pytest.raises(ValidatorUpdateError):
        validator_set(*powers)
