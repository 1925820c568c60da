"""What a validator should say now, as pure functions of the committed state and its own view.

An Attest is cumulative: it carries every statement that this node stands by and the committed state lacks. So a lost
transaction costs nothing but time, and nothing is said twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.chain.feed import DigestedStep
from bridge.chain.header_store import BlockPoint
from bridge.codec.feed import Step, encode_step
from bridge.codec.types import UnixSeconds, ValidatorId
from node.app.messages import (
    BODIES_MAX,
    BODY_BYTES_MAX,
    DIGESTS_MAX,
    STATEMENTS_MAX,
    Conflict,
    Head,
    Invalid,
    Quiet,
    Reanchor,
    Statement,
    Steps,
    Upgrade,
    Valid,
)
from node.app.proposals import late_candidate
from node.app.state import ChainStatements, Proposal, Stage, State, VoterStatements
from node.duties.follow import RootView

BODY_RANK_BLOCKS = 2
"""Engine blocks that each rank waits for the one before it to publish a missing body."""
BODY_TURN_STEPS = 32
"""Consecutive steps whose bodies the same validator attaches first."""


@dataclass(frozen=True, slots=True)
class HeadReport:
    """The last side-chain head that this node sent, and the engine time at which it did."""

    time_s: UnixSeconds


def voter_of(state: State, validator: ValidatorId) -> VoterStatements | None:
    """What the state has of a validator's statements."""
    return next((voter for voter in state.tallies if voter.id == validator), None)


def chain_statements(state: State, validator: ValidatorId, root_chain: int) -> ChainStatements:
    """What the state has of a validator's statements about one root chain."""
    voter = voter_of(state, validator)
    return ChainStatements() if voter is None else voter.chains[root_chain]


def head_statement(
    state: State, validator: ValidatorId, now_s: UnixSeconds, confirmed: BlockPoint | None, last: HeadReport | None
) -> Head | None:
    """The report of a new side-chain head: at once when a turn needs it, else no more often than the network wants.

    `now_s` is engine time: that of the committed block.
    """
    if confirmed is None:
        return None
    voter = voter_of(state, validator)
    told = None if voter is None else voter.head
    wanted = Head(confirmed.number, confirmed.hash)
    if told == wanted:
        return None
    is_due = last is None or now_s - last.time_s >= state.params.network.head_report_interval_s
    if told is None or is_due or _turn_needs_head(state, now_s, told.number, confirmed.number):
        return wanted
    return None


def _turn_needs_head(state: State, now_s: UnixSeconds, told: int, confirmed: int) -> bool:
    for turn, parameters in zip(state.turns, state.params.root_chains, strict=True):
        if turn.next_start is None:
            continue
        since_s = now_s - (state.params.genesis_time_s if turn.last_ack_s is None else turn.last_ack_s)
        enough = turn.next_start + parameters.minimum_blocks - 1
        if told < enough <= confirmed:
            return True
        if since_s >= parameters.force_after_s and told < turn.next_start <= confirmed:
            return True
    return False


def feed_statements(state: State, validator: ValidatorId, root_chain: int, view: RootView) -> tuple[Statement, ...]:
    """Steps, quiet and conflict of one root chain, as far as the state lacks them."""
    feed, told = state.feeds[root_chain], chain_statements(state, validator, root_chain)
    if view.position.next_step != feed.step_number or view.position.generation != feed.generation:
        return ()
    statements: list[Statement] = []
    if view.conflict is None:
        statements += _steps_statements(root_chain, view, told.steps)
        statements += _quiet_statements(state, root_chain, view, told.quiet)
    return (*statements, *_conflict_statements(state, root_chain, view, told.conflict))


def _steps_statements(root_chain: int, view: RootView, told: Steps | None) -> Iterable[Statement]:
    steps = view.scan.steps[:DIGESTS_MAX]
    if steps and not _covers(told, view.position.generation, steps):
        digests = tuple(found.digest for found in steps)
        yield Steps(root_chain, view.position.generation, steps[0].step.number, digests)


def _covers(told: Steps | None, generation: int, steps: Sequence[DigestedStep]) -> bool:
    """Whether a statement says already all that these steps would."""
    if told is None or told.generation != generation:
        return False
    offset = steps[0].step.number - told.first
    if offset < 0:
        return False
    return told.digests[offset : offset + len(steps)] == tuple(found.digest for found in steps)


def _quiet_statements(state: State, root_chain: int, view: RootView, told: Quiet | None) -> Iterable[Statement]:
    deadline = state.turns[root_chain].deadline
    if view.quiet is None or deadline is None or view.deadline != deadline:
        return
    subject = (view.position.generation, view.position.next_step, deadline)
    if told is None or (told.generation, told.step_number, told.deadline) != subject:
        yield Quiet(root_chain, *subject, view.quiet.head_time)


def _conflict_statements(state: State, root_chain: int, view: RootView, told: Conflict | None) -> Iterable[Statement]:
    """A conflict at the present step; or its withdrawal, which names the state's own hash."""
    cursor, step_number = state.feeds[root_chain].cursor, state.feeds[root_chain].step_number
    is_current = told is not None and told.step_number == step_number
    said = told.hash if told is not None and is_current else cursor.hash
    wanted = cursor.hash if view.conflict is None else view.conflict
    if wanted != said:
        yield Conflict(root_chain, step_number, wanted)


def bodies_to_attach(state: State, validator: ValidatorId, root_chain: int, view: RootView) -> tuple[Step, ...]:
    """The step bodies that this validator should publish now: consecutive ones that the state has not.

    The first publisher of a step goes by rank among the tally set in address order; the others follow in rank order
    while a body is missing.
    """
    feed = state.feeds[root_chain]
    held = {body.digest for body in feed.bodies}
    order = sorted(state.validators.tally_set, key=lambda member: member.signer)
    place = next((index for index, member in enumerate(order) if member.id == validator), None)
    if place is None or view.position.next_step != feed.step_number:
        return ()
    bodies: list[Step] = []
    total_bytes = 0
    for found in view.scan.steps[:DIGESTS_MAX]:
        first = (found.step.number // BODY_TURN_STEPS) % len(order)
        rank = (place - first) % len(order)
        is_next = found.step.number == feed.step_number
        may = rank == 0 or (is_next and feed.body_missing_blocks >= BODY_RANK_BLOCKS * rank)
        total_bytes += len(encode_step(found.step))
        if found.digest in held or not may:
            if bodies:
                break
            total_bytes = 0
            continue
        if len(bodies) >= BODIES_MAX or total_bytes > BODY_BYTES_MAX:
            break
        bodies.append(found.step)
    return tuple(bodies)


def proposals_to_judge(state: State, validator: ValidatorId, root_chain: int) -> tuple[Proposal, ...]:
    """The proposals on which this validator's VALID is still wanted: the current one, and that of the turn before."""
    book = state.proposals[root_chain]
    last = late_candidate(book, state.turns[root_chain].number - 1)
    wanted = [proposal for proposal in (book.current, last) if proposal is not None]
    return tuple(
        proposal for proposal in wanted if proposal.stage is not Stage.REJECTED and not _said_valid(proposal, validator)
    )


def _said_valid(proposal: Proposal, validator: ValidatorId) -> bool:
    return any(verdict.validator == validator and verdict.is_valid for verdict in proposal.verdicts)


def said_invalid(proposal: Proposal, validator: ValidatorId) -> bool:
    """Whether the state has this validator's INVALID on a proposal."""
    return any(verdict.validator == validator and not verdict.is_valid for verdict in proposal.verdicts)


def upgrade_statements(state: State, validator: ValidatorId, wanted: Upgrade | None) -> tuple[Upgrade, ...]:
    """The upgrade that this node's operator wants, until the state has it from this validator, or it has taken over."""
    voter = voter_of(state, validator)
    is_said = voter is not None and voter.upgrade == wanted
    return () if wanted is None or is_said or wanted.version <= state.params.version else (wanted,)


_PRECEDENCE: tuple[type[Statement], ...] = (Head, Conflict, Valid, Invalid, Quiet, Reanchor, Steps, Upgrade)
"""What goes first when not everything fits into one attestation."""


def by_precedence(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """At most as many statements as one attestation carries, the most urgent kinds kept."""
    ordered = sorted(statements, key=lambda statement: _PRECEDENCE.index(type(statement)))
    return tuple(ordered[:STATEMENTS_MAX])
