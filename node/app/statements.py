"""Recording what an attestation says: each statement replaces the validator's earlier one of its subject.

Nothing is decided here. A statement that no longer matters is a no-op: it was right when it was sent.
"""

from dataclasses import replace

from bridge.codec.types import ValidatorId
from node.app.bodies import keep_body, keep_reanchor_body
from node.app.checkpoints import record_invalid, record_valid
from node.app.draft import Draft
from node.app.messages import (
    Attest,
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
from node.app.state import ChainStatements, Feed, VoterStatements


def record_attest(draft: Draft, voter: ValidatorId, attest: Attest) -> None:
    """Record the statements of an attestation, then the bodies that they answer for."""
    for statement in attest.statements:
        _record(draft, voter, statement)
    for step in attest.steps:
        keep_body(draft, voter, step)
    if attest.reanchor is not None:
        keep_reanchor_body(draft, attest.reanchor)


def _record(draft: Draft, voter: ValidatorId, statement: Statement) -> None:
    said = draft.statements(voter)
    if isinstance(statement, Head | Upgrade):
        changed = _with_network_statement(said, statement)
    elif statement.root_chain >= len(draft.feeds):
        return
    elif isinstance(statement, Valid):
        record_valid(draft, voter, statement.root_chain, statement.turn, statement.signature)
        return
    elif isinstance(statement, Invalid):
        record_invalid(draft, voter, statement.root_chain, statement.turn, statement.reason)
        return
    else:
        chain = statement.root_chain
        about = _with_chain_statement(said.chains[chain], draft.feeds[chain], statement)
        changed = said
        if about != said.chains[chain]:
            changed = replace(said, chains=(*said.chains[:chain], about, *said.chains[chain + 1 :]))
    if changed != said:
        draft.voters[voter] = changed


def _with_network_statement(said: VoterStatements, statement: Head | Upgrade) -> VoterStatements:
    if isinstance(statement, Head):
        return replace(said, head=statement)
    return replace(said, upgrade=statement)


def _with_chain_statement(
    said: ChainStatements, feed: Feed, statement: Steps | Quiet | Conflict | Reanchor
) -> ChainStatements:
    """What the validator says about a root chain now; the same as before if the statement is about a past cursor."""
    match statement:
        case Steps():
            after_last = statement.first + len(statement.digests)
            is_current = statement.generation == feed.generation and statement.first <= feed.step_number < after_last
            return replace(said, steps=statement) if is_current else said
        case Quiet():
            is_current = (statement.generation, statement.step_number) == (feed.generation, feed.step_number)
            return replace(said, quiet=statement) if is_current else said
        case Conflict():
            if statement.step_number != feed.step_number:
                return said
            return replace(said, conflict=None if statement.hash == feed.cursor.hash else statement)
        case Reanchor():
            is_current = statement.first + statement.count == feed.step_number
            return replace(said, reanchor=statement) if is_current else said
