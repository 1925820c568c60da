"""What happened between two committed blocks, as values for the terminal's story; pure, so that tests tell it too."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, ValidatorId
from node.app import queries
from node.app.state import Proposal, Stage, State


@dataclass(frozen=True, slots=True)
class Due:
    """A turn has become due."""

    turn: int
    proposer: Address
    deadline: UnixSeconds


@dataclass(frozen=True, slots=True)
class Proposed:
    """A range and its root are proposed."""

    turn: int
    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32


@dataclass(frozen=True, slots=True)
class Signed:
    """A validator's verdict came in; `permille` is the share of power that has signed by now."""

    validator: ValidatorId
    permille: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """Enough have signed: anyone may submit."""

    header_id: int
    signatures: int
    permille: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The root chain has the checkpoint, and the validators agree that it has."""

    header_id: int
    start: BlockNumber
    end: BlockNumber
    acks: int
    next_proposer: Address


@dataclass(frozen=True, slots=True)
class NotAcknowledged:
    """A turn ended without a checkpoint."""

    turn: int
    next_proposer: Address


@dataclass(frozen=True, slots=True)
class Rejected:
    """A turn ended because at least a third of the power called its proposal wrong."""

    turn: int
    next_proposer: Address


Happening: TypeAlias = Due | Proposed | Signed | Opened | Acknowledged | NotAcknowledged | Rejected


def happenings(before: State, after: State, root_chain: int = 0) -> tuple[Happening, ...]:
    """What the blocks between two states brought for one root chain, in the order in which it is told."""
    told: list[Happening] = []
    was_turn, turn = before.turns[root_chain], after.turns[root_chain]
    was, now = before.proposals[root_chain], after.proposals[root_chain]
    if turn.no_acks > was_turn.no_acks:
        told.append(NotAcknowledged(was_turn.number, queries.proposer(after, root_chain)))
    if turn.rejections > was_turn.rejections:
        told.append(Rejected(was_turn.number, queries.proposer(after, root_chain)))
    known = _same_turn(was.current, now.acknowledged) or _same_turn(was.acknowledged, now.acknowledged)
    told += _of_proposal(after, known, now.acknowledged)
    if turn.acks > was_turn.acks and turn.headers:
        landed = turn.headers[-1]
        start = was_turn.next_start if was_turn.next_start is not None else landed.end
        told.append(Acknowledged(landed.header_id, start, landed.end, turn.acks, queries.proposer(after, root_chain)))
    told += _of_proposal(after, _same_turn(was.current, now.current), now.current)
    if turn.deadline is not None and (was_turn.number, was_turn.deadline) != (turn.number, turn.deadline):
        told.append(Due(turn.number, queries.proposer(after, root_chain), turn.deadline))
    return tuple(told)


def _same_turn(was: Proposal | None, now: Proposal | None) -> Proposal | None:
    return was if was is not None and now is not None and was.turn == now.turn else None


def _of_proposal(after: State, was: Proposal | None, now: Proposal | None) -> list[Happening]:
    """What is new about one proposal; `was` is the same one before, if it was there."""
    if now is None or (was is None and now.stage is Stage.ACKNOWLEDGED):
        return []
    told: list[Happening] = []
    if was is None:
        told.append(Proposed(now.turn, now.proposer, now.start, now.end, now.root_hash))
    known = set() if was is None else {verdict.validator for verdict in was.verdicts if verdict.is_valid}
    powers = {member.id: member.power for member in after.validators.tally_set}
    total = sum(powers.values())
    signed = sum(powers.get(validator, 0) for validator in known)
    for verdict in now.verdicts:
        if verdict.is_valid and verdict.validator not in known:
            signed += powers.get(verdict.validator, 0)
            told.append(Signed(verdict.validator, signed * 1000 // total, verdict.is_late))
    if now.opening is not None and (was is None or was.opening is None):
        told.append(Opened(now.header_id, len(now.opening.signatures), signed * 1000 // total))
    return told
