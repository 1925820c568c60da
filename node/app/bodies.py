"""Contents of steps that wait for their quorum: which are kept, and for how long (docs/protocol.md P3).

A body is kept only while it can matter and somebody answers for it, so that nobody can fill the state: its step is
among the next 64, and its digest stands in its sender's current statement, at most 64 KiB per sender, or over 1/3 of
the power holds it.
"""

from dataclasses import replace

from bridge.codec.feed import Step, encode_step, next_digest
from bridge.codec.types import Hash32, ValidatorId
from node.app import canonical
from node.app.draft import Draft
from node.app.messages import BODY_BYTES_MAX, ReanchorList, reanchor_digest
from node.app.state import StepBody
from node.app.tallies import chain_statements, digest_at, step_shares

WINDOW_STEPS = 64


def keep_body(draft: Draft, sender: ValidatorId, step: Step) -> None:
    """Keep a step's contents, if its digest stands where it must; else a no-op."""
    chain = step.root_chain
    if chain >= len(draft.feeds):
        return
    feed = draft.feeds[chain]
    is_near = feed.step_number <= step.number < feed.step_number + WINDOW_STEPS
    digest = _claimed_digest(draft, sender, step) if is_near and step.generation == feed.generation else None
    if digest is None or any(body.digest == digest for body in feed.bodies):
        return
    contents = encode_step(step)
    own_bytes = sum(len(body.contents) for body in feed.bodies if body.sender == sender)
    if own_bytes + len(contents) > BODY_BYTES_MAX and not _is_backed(draft, chain, step.number, digest):
        return
    body = StepBody(step.number, digest, step.block_time, sender, contents)
    bodies = sorted((*feed.bodies, body), key=lambda kept: (kept.number, kept.digest))
    draft.feeds[chain] = replace(feed, bodies=tuple(bodies))


def keep_reanchor_body(draft: Draft, body: ReanchorList) -> None:
    """Keep a re-anchoring list that a current REANCHOR statement names; else a no-op."""
    chain = body.root_chain
    if chain >= len(draft.feeds) or reanchor_digest(body) not in _named_reanchorings(draft, chain):
        return
    feed, contents = draft.feeds[chain], canonical.encode(body)
    if contents not in feed.reanchor_bodies:
        draft.feeds[chain] = replace(feed, reanchor_bodies=tuple(sorted((*feed.reanchor_bodies, contents))))


def drop_stale_bodies(draft: Draft, chain: int) -> None:
    """Forget the bodies that nobody answers for any more."""
    feed = draft.feeds[chain]
    bodies = tuple(body for body in feed.bodies if _is_wanted(draft, chain, body))
    reanchor_bodies = feed.reanchor_bodies
    if reanchor_bodies:
        named = _named_reanchorings(draft, chain)
        reanchor_bodies = tuple(
            body for body in reanchor_bodies if reanchor_digest(canonical.decode(ReanchorList, body)) in named
        )
    if (len(bodies), len(reanchor_bodies)) != (len(feed.bodies), len(feed.reanchor_bodies)):
        draft.feeds[chain] = replace(feed, bodies=bodies, reanchor_bodies=reanchor_bodies)


def _claimed_digest(draft: Draft, sender: ValidatorId, step: Step) -> Hash32 | None:
    """The digest that ends with this step, if the sender states it, or over 1/3 of the power does."""
    chain, number, feed = step.root_chain, step.number, draft.feeds[step.root_chain]
    tried: set[tuple[Hash32, Hash32]] = set()
    for voter in (sender, *(member.id for member in draft.tally_set if member.id != sender)):
        steps = chain_statements(draft.voters, voter, chain).steps
        previous = feed.digest if number == feed.step_number else digest_at(steps, feed, number - 1)
        digest = digest_at(steps, feed, number)
        if previous is None or digest is None or (previous, digest) in tried:
            continue
        tried.add((previous, digest))
        is_answered_for = voter == sender or _is_backed(draft, chain, number, digest)
        if is_answered_for and next_digest(previous, step) == digest:
            return digest
    return None


def _is_wanted(draft: Draft, chain: int, body: StepBody) -> bool:
    feed = draft.feeds[chain]
    if not feed.step_number <= body.number < feed.step_number + WINDOW_STEPS:
        return False
    stated = digest_at(chain_statements(draft.voters, body.sender, chain).steps, feed, body.number)
    return stated == body.digest or _is_backed(draft, chain, body.number, body.digest)


def _is_backed(draft: Draft, chain: int, number: int, digest: Hash32) -> bool:
    share = step_shares(draft.tally_set, draft.voters, chain, draft.feeds[chain], number).get(digest)
    return share is not None and share.is_over_third


def _named_reanchorings(draft: Draft, chain: int) -> set[Hash32]:
    """The lists named for the present cursor: once it moves, a list that led up to it is of no more use."""
    statements = (voter.chains[chain].reanchor for voter in draft.voters.values())
    cursor_step = draft.feeds[chain].step_number
    return {said.digest for said in statements if said is not None and said.first + said.count == cursor_step}
