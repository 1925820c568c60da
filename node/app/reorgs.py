"""A root chain that changed below the cursor: the pause, and the way back if its logs say the same (docs/protocol.md
P3).

Nothing is undone silently. Over 1/3 of the power seeing another block at the cursor pauses the chain; over 2/3 naming
the same re-hashed steps with the same contents moves the cursor over; other contents leave it paused for an explicit
decision.
"""

from dataclasses import replace
from itertools import pairwise

from bridge.codec.feed import Cursor, genesis_digest
from node.app import canonical
from node.app.draft import Draft
from node.app.messages import Reanchor, ReanchorList, reanchor_digest
from node.app.state import AppliedStep, ChainStatements, Feed
from node.app.tallies import chain_statements, conflict_share, share_of
from node.app.turns import disarm


def update_pause(draft: Draft, chain: int) -> bool:
    """Whether the chain stands still in this block; when a pause ends, its turn gets a new deadline."""
    agreed = _agreed_list(draft, chain)
    has_moved = agreed is not None and _has_same_contents(draft.feeds[chain], agreed)
    if agreed is not None and has_moved:
        _reanchor(draft, chain, agreed)
    feed = draft.feeds[chain]
    is_paused = conflict_share(draft.tally_set, draft.voters, chain, feed).is_over_third
    differs = is_paused and agreed is not None and not has_moved
    if is_paused != feed.is_paused:
        if not is_paused:
            disarm(draft, chain)
        draft.emit("paused" if is_paused else "resumed", root_chain=chain, block=feed.cursor.number)
    if differs and not feed.reanchor_differs:
        draft.emit("reanchor_differs", root_chain=chain, block=feed.cursor.number)
    if (is_paused, differs) != (feed.is_paused, feed.reanchor_differs):
        draft.feeds[chain] = replace(feed, is_paused=is_paused, reanchor_differs=differs)
    return is_paused


def _reanchor(draft: Draft, chain: int, body: ReanchorList) -> None:
    """Move the cursor, and the steps that are remembered, to where the list has them."""
    feed = draft.feeds[chain]
    last, generation = body.steps[-1], feed.generation + 1
    moved = tuple(
        AppliedStep(
            number=body.first + place,
            block_number=step.block_number,
            block_hash=step.block_hash,
            block_time=step.block_time,
            next_index=step.next_index,
            contents_hash=step.contents_hash,
        )
        for place, step in enumerate(body.steps)
    )
    draft.feeds[chain] = replace(
        feed,
        generation=generation,
        digest=genesis_digest(chain, generation, last.block_number, last.block_hash),
        cursor=Cursor(last.block_number, last.block_hash, last.next_index),
        latest_time=max(feed.latest_time, *(step.block_time for step in body.steps)),
        applied=(*feed.applied[: -len(moved)], *moved),
        bodies=(),
        reanchor_bodies=(),
    )
    _forget_statements(draft, chain)
    draft.emit("reanchored", root_chain=chain, first_step=body.first, block=last.block_number)


def _agreed_list(draft: Draft, chain: int) -> ReanchorList | None:
    """The list that over 2/3 of the power names and whose contents the state has."""
    for contents in draft.feeds[chain].reanchor_bodies:
        body = canonical.decode(ReanchorList, contents)
        wanted = Reanchor(chain, body.first, len(body.steps), reanchor_digest(body))
        naming = [voter for voter in draft.voters if chain_statements(draft.voters, voter, chain).reanchor == wanted]
        if share_of(draft.tally_set, naming).is_quorum:
            return body
    return None


def _has_same_contents(feed: Feed, body: ReanchorList) -> bool:
    """Whether the list covers the last steps up to the cursor, each with the logs that were applied."""
    count = len(body.steps)
    if not 1 <= count <= len(feed.applied) or body.first != feed.step_number - count:
        return False
    is_ordered = all(
        (earlier.block_number, earlier.next_index) < (later.block_number, later.next_index)
        for earlier, later in pairwise(body.steps)
    )
    applied = [step.contents_hash for step in feed.applied[-count:]]
    return is_ordered and applied == [step.contents_hash for step in body.steps]


def _forget_statements(draft: Draft, chain: int) -> None:
    """What was said about the old chain is void."""
    for key, voter in draft.voters.items():
        chains = tuple(ChainStatements() if place == chain else said for place, said in enumerate(voter.chains))
        draft.voters[key] = replace(voter, chains=chains)
