"""Who proposes next: Tendermint's weighted round robin, in Go's integer arithmetic.

A transcription of CometBFT's types/validator_set.go (the same as Heimdall's): sums and differences saturate at the
limits of a signed 64-bit integer, priorities are divided with truncation towards zero, and their average is rounded
down.
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge.codec.types import Address
from node.app.canonical import Priority
from node.app.state import PriorityMember, PriorityVector, TallyMember

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
TOTAL_POWER_MAX = INT64_MAX // 8
"""Most power of a whole set, in CometBFT; so nothing below saturates but by a set that CometBFT would refuse."""
PRIORITY_WINDOW_FACTOR = 2


def new_vector(members: Sequence[TallyMember]) -> PriorityVector:
    """The vector of a new set: all priorities alike, then one rotation (Go's NewValidatorSet)."""
    empty = PriorityVector((), Address(bytes(20)))
    return rotated(updated(empty, members))


def rotated(vector: PriorityVector) -> PriorityVector:
    """The vector after one turn (Go's IncrementProposerPriority(1)); an empty one stays as it is."""
    if not vector.members:
        return vector
    total = _total(vector.members)
    members = _centered(_rescaled(vector.members, PRIORITY_WINDOW_FACTOR * total))
    raised = [replace(member, priority=_add(member.priority, member.power)) for member in members]
    # Members ascend by address and max() keeps the first of equals, so ties go to the lower address.
    chosen = max(raised, key=lambda member: member.priority)
    return PriorityVector(
        members=tuple(
            replace(member, priority=_subtract(member.priority, total)) if member is chosen else member
            for member in raised
        ),
        proposer=chosen.signer,
    )


def updated(vector: PriorityVector, wanted: Sequence[TallyMember]) -> PriorityVector:
    """The vector once its set is `wanted`, without a rotation (Go's UpdateWithChangeSet); the proposer stays, gone or
    not.

    Who stays keeps its priority; a newcomer starts 1.125 times the total behind, where the total counts the newcomers
    and who leaves at the same time.
    """
    present = {member.signer: member for member in vector.members}
    powers = {member.signer: member.power for member in wanted}
    if powers == {signer: member.power for signer, member in present.items()}:
        return vector
    leaving = _clip(sum(member.power for signer, member in present.items() if signer not in powers))
    total_before_removals = _add(_clip(sum(powers.values())), leaving)
    behind = Priority(-_add(total_before_removals, total_before_removals >> 3))
    members = tuple(
        PriorityMember(signer, powers[signer], present[signer].priority if signer in present else behind)
        for signer in sorted(powers)
    )
    rescaled = _rescaled(members, PRIORITY_WINDOW_FACTOR * _total(members))
    return PriorityVector(_centered(rescaled), vector.proposer)


def proposers_from(vector: PriorityVector, count: int) -> tuple[Address, ...]:
    """The proposer and those who follow in turn order, without repetition, at most `count`.

    Who has so little power that eight rounds do not reach it comes last, by priority.
    """
    order = [vector.proposer] if vector.members else []
    ahead = vector
    for _ in range(8 * len(vector.members)):
        if len(order) >= count:
            break
        ahead = rotated(ahead)
        if ahead.proposer not in order:
            order.append(ahead.proposer)
    rest = sorted(ahead.members, key=lambda member: (-member.priority, member.signer))
    order.extend(member.signer for member in rest if member.signer not in order)
    return tuple(order[:count])


def _rescaled(members: tuple[PriorityMember, ...], difference_max: int) -> tuple[PriorityMember, ...]:
    """Priorities divided, if they are further apart than `difference_max`, by the least integer that helps."""
    if difference_max <= 0 or not members:
        return members
    priorities = [member.priority for member in members]
    difference = max(priorities) - min(priorities)
    if difference <= difference_max:
        return members
    ratio = -(-difference // difference_max)
    return tuple(replace(member, priority=_quotient(member.priority, ratio)) for member in members)


def _centered(members: tuple[PriorityMember, ...]) -> tuple[PriorityMember, ...]:
    """Priorities less their average, rounded down."""
    if not members:
        return members
    average = sum(member.priority for member in members) // len(members)
    if average == 0:
        return members
    return tuple(replace(member, priority=_subtract(member.priority, average)) for member in members)


def _total(members: Sequence[PriorityMember]) -> int:
    return _clip(sum(member.power for member in members))


def _quotient(dividend: int, divisor: int) -> Priority:
    """Go's division, which truncates towards zero where Python's rounds down."""
    return Priority(dividend // divisor if dividend >= 0 else -(-dividend // divisor))


def _add(left: int, right: int) -> Priority:
    return _clip(left + right)


def _subtract(left: int, right: int) -> Priority:
    return _clip(left - right)


def _clip(value: int) -> Priority:
    return Priority(max(INT64_MIN, min(INT64_MAX, value)))
