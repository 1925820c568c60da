"""Tendermint's weighted round robin (docs/protocol.md P4), in integers far from any overflow."""

from tests.model.state import Member, Vector

WINDOW_FACTOR = 2


def first(members: tuple[Member, ...]) -> Vector:
    """Zeros, one rotation."""
    return rotated(members, Vector((0,) * len(members), members[0].id))


def rotated(members: tuple[Member, ...], vector: Vector) -> Vector:
    """Everybody gains its power; the greatest, of equals the lower address, proposes and pays the total."""
    total = sum(member.power for member in members)
    raised = [
        priority + member.power for priority, member in zip(_normal(vector.priorities, total), members, strict=True)
    ]
    place = max(range(len(raised)), key=raised.__getitem__)
    raised[place] -= total
    return Vector(tuple(raised), members[place].id)


def without(before: tuple[Member, ...], after: tuple[Member, ...], vector: Vector) -> Vector:
    """The vector once members have left: who stays keeps its priority, centred; the proposer stays, gone or not."""
    stays = {member.id for member in after}
    kept = tuple(priority for priority, member in zip(vector.priorities, before, strict=True) if member.id in stays)
    return Vector(_normal(kept, sum(member.power for member in after)), vector.proposer)


def _normal(priorities: tuple[int, ...], total: int) -> tuple[int, ...]:
    """Divided, truncating towards zero, if further apart than twice the total; less their average, rounded down."""
    spread = max(priorities) - min(priorities)
    if spread > WINDOW_FACTOR * total:
        ratio = -(-spread // (WINDOW_FACTOR * total))
        priorities = tuple(abs(priority) // ratio * (1 if priority >= 0 else -1) for priority in priorities)
    average = sum(priorities) // len(priorities)
    return tuple(priority - average for priority in priorities)
