"""Proposer rotation: known answers, and equality with an independent transcription of Go's code."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.types import Address, PublicKey, ValidatorId
from node.app.proposers import INT64_MAX, INT64_MIN, TOTAL_POWER_MAX, new_vector, proposers_from, rotated, updated
from node.app.state import PriorityVector, TallyMember


def member(number: int, power: int) -> TallyMember:
    """A validator whose address ascends with its number."""
    return TallyMember(ValidatorId(number), Address(number.to_bytes(20)), PublicKey(bytes(64)), power)


def numbers(vector: PriorityVector) -> list[int]:
    """Priorities in order of addresses."""
    return [entry.priority for entry in vector.members]


def test_rotation__ten_twenty_thirty__as_tendermint_does() -> None:
    """Powers 10, 20, 30: proposers 3, 2, 1, 3, 2, 3, and again; priorities as computed from Heimdall's code."""
    vector = new_vector([member(1, 10), member(2, 20), member(3, 30)])
    proposers, priorities = [], []
    for _ in range(12):
        proposers.append(int.from_bytes(vector.proposer))
        priorities.append(tuple(numbers(vector)))
        vector = rotated(vector)
    assert proposers == [3, 2, 1, 3, 2, 3] * 2
    assert priorities[:6] == [(10, 20, -30), (20, -20, 0), (-30, 0, 30), (-20, 20, 0), (-10, -20, 30), (0, 0, 0)]


def test_rotation__equal_powers__lower_address_first() -> None:
    vector = new_vector([member(number, 7) for number in (5, 3, 9)])
    assert proposers_from(vector, 5) == tuple(Address(number.to_bytes(20)) for number in (3, 5, 9))


def test_update__newcomer__starts_an_eighth_more_than_the_total_behind() -> None:
    vector = new_vector([member(1, 10), member(2, 20)])
    before = dict(zip((1, 2), numbers(vector), strict=True))
    changed = updated(vector, [member(1, 10), member(2, 20), member(3, 30)])
    behind = -(60 + (60 >> 3))
    average = (before[1] + before[2] + behind) // 3
    assert numbers(changed) == [before[1] - average, before[2] - average, behind - average]
    assert changed.proposer == vector.proposer


def test_update__nothing_changed__same_vector() -> None:
    vector = new_vector([member(1, 10), member(2, 20)])
    assert updated(vector, [member(2, 20), member(1, 10)]) is vector


def test_proposers_from__somebody_with_hardly_any_power__still_comes_last() -> None:
    vector = new_vector([member(1, 1_000_000), member(2, 1_000_000), member(3, 1)])
    assert proposers_from(vector, 3)[-1] == Address((3).to_bytes(20))
    assert len(set(proposers_from(vector, 10))) == 3


# --- an independent transcription, mutable and in big integers, as Go's source reads --------------------------------


@dataclass
class GoValidator:
    """A validator of Go's set."""

    address: int
    power: int
    priority: int = 0


def clip(value: int) -> int:
    """safeAddClip and safeSubClip."""
    if value > INT64_MAX:
        return INT64_MAX
    return max(value, INT64_MIN)


class GoSet:
    """types.ValidatorSet."""

    def __init__(self, validators: Sequence[tuple[int, int]]) -> None:
        self.validators: list[GoValidator] = []
        self.proposer: GoValidator | None = None
        self.update(validators)
        self.increment()

    def total(self) -> int:
        """TotalVotingPower."""
        return sum(validator.power for validator in self.validators)

    def rescale(self, difference_max: int) -> None:
        """RescalePriorities."""
        priorities = [validator.priority for validator in self.validators]
        difference = abs(max(priorities) - min(priorities))
        ratio = (difference + difference_max - 1) // difference_max
        if difference > difference_max:
            for validator in self.validators:
                sign = -1 if validator.priority < 0 else 1
                validator.priority = sign * (abs(validator.priority) // ratio)

    def shift(self) -> None:
        """shiftByAvgProposerPriority."""
        average, remainder = divmod(sum(validator.priority for validator in self.validators), len(self.validators))
        assert 0 <= remainder < len(self.validators)
        for validator in self.validators:
            validator.priority = clip(validator.priority - average)

    def increment(self) -> None:
        """IncrementProposerPriority(1)."""
        self.rescale(2 * self.total())
        self.shift()
        for validator in self.validators:
            validator.priority = clip(validator.priority + validator.power)
        most = self.validators[0]
        for validator in self.validators[1:]:
            if validator.priority > most.priority or (
                validator.priority == most.priority and validator.address < most.address
            ):
                most = validator
        most.priority = clip(most.priority - self.total())
        self.proposer = most

    def update(self, changes: Sequence[tuple[int, int]]) -> None:
        """UpdateWithChangeSet: power 0 removes."""
        present = {validator.address: validator for validator in self.validators}
        removed = {address for address, power in changes if power == 0}
        updates = [(address, power) for address, power in changes if power > 0]
        total_before_removals = self.total() + sum(
            power - (present[address].power if address in present else 0) for address, power in updates
        )
        for address, power in updates:
            if address in present:
                present[address].power = power
            else:
                behind = -(total_before_removals + (total_before_removals >> 3))
                present[address] = GoValidator(address, power, behind)
        self.validators = [present[address] for address in sorted(present) if address not in removed]
        self.rescale(2 * self.total())
        self.shift()


powers = st.one_of(st.integers(1, 5), st.integers(1, 10**6), st.integers(1, TOTAL_POWER_MAX // 40))
sets = st.dictionaries(st.integers(1, 40), powers, min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(first=sets, moves=st.lists(st.one_of(st.integers(1, 6), sets), max_size=8))
def test_vector__any_history_of_rotations_and_changes__equals_the_transcription(
    first: dict[int, int], moves: list[int | dict[int, int]]
) -> None:
    vector = new_vector([member(number, power) for number, power in first.items()])
    reference = GoSet(sorted(first.items()))
    for move in moves:
        if isinstance(move, int):
            for _ in range(move):
                vector = rotated(vector)
                reference.increment()
                assert reference.proposer is not None
                assert int.from_bytes(vector.proposer) == reference.proposer.address
        else:
            gone = [(validator.address, 0) for validator in reference.validators if validator.address not in move]
            present = {validator.address: validator.power for validator in reference.validators}
            changed = [(address, power) for address, power in move.items() if present.get(address) != power]
            if gone or changed:
                reference.update([*sorted(changed), *gone])
            vector = updated(vector, [member(number, power) for number, power in move.items()])
        assert numbers(vector) == [validator.priority for validator in reference.validators]


@settings(max_examples=50, deadline=None)
@given(chosen=st.lists(st.integers(1, 2**70), min_size=1, max_size=6), turns=st.integers(1, 10))
def test_vector__powers_that_no_engine_takes__stays_within_64_bits(chosen: list[int], turns: int) -> None:
    vector = new_vector([member(number, power) for number, power in enumerate(chosen, start=1)])
    for _ in range(turns):
        vector = rotated(vector)
        assert all(INT64_MIN <= priority <= INT64_MAX for priority in numbers(vector))
