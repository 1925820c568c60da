"""After a root-chain reorg below the cursor: where the applied steps stand now, if their logs are still the same.

Over 2/3 on the same list moves the feed to the new blocks by itself. A step whose contents differ ends the search: then
the chain stays paused until people decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.codec.feed import DONE_INDEX, Cursor, cursor_after
from bridge.codec.types import BlockNumber, Hash32
from node.app.feed import contents_hash
from node.app.genesis_state import FIRST_STEP
from node.app.messages import Reanchor, ReanchoredStep, ReanchorList, reanchor_digest
from node.app.state import AppliedStep, Feed, State
from node.duties.follow import FollowRoot, feed_position

HashAt = Callable[[BlockNumber], Hash32 | None]


@dataclass(frozen=True, slots=True)
class Reanchoring:
    """What to say about a paused chain: the statement, and the list that it names."""

    statement: Reanchor
    body: ReanchorList


async def find_reanchoring(state: State, follow: FollowRoot) -> Reanchoring | None:
    """The re-anchoring that this node's confirmed chain allows, or None while there is none to speak of."""
    feed = state.feeds[follow.index]
    if not feed.is_paused or follow.view is None or follow.view.conflict is None:
        return None
    moved = _moved(feed, lambda number: _hash_at(follow, number))
    cursor = _cursor_before(feed, moved, follow) if moved else None
    if cursor is None:
        return None
    position = replace(feed_position(state, follow.index), cursor=cursor, next_step=moved[0].number)
    found = (await follow.steps_from(position)).steps[: len(moved)]
    if len(found) < len(moved):
        return None
    steps = tuple(one.step for one in found)
    if any(contents_hash(step) != was.contents_hash for step, was in zip(steps, moved, strict=True)):
        return None
    body = ReanchorList(
        root_chain=follow.index,
        first=moved[0].number,
        steps=tuple(
            ReanchoredStep(
                block_number=step.block_number,
                block_hash=step.block_hash,
                block_time=step.block_time,
                next_index=cursor_after(step).next_index,
                contents_hash=contents_hash(step),
            )
            for step in steps
        ),
    )
    return Reanchoring(Reanchor(follow.index, body.first, len(body.steps), reanchor_digest(body)), body)


def _moved(feed: Feed, hash_at: HashAt) -> tuple[AppliedStep, ...]:
    """The applied steps after the last one that still stands in our confirmed chain."""
    for place in range(len(feed.applied) - 1, -1, -1):
        if hash_at(feed.applied[place].block_number) == feed.applied[place].block_hash:
            return feed.applied[place + 1 :]
    return feed.applied


def _cursor_before(feed: Feed, moved: tuple[AppliedStep, ...], follow: FollowRoot) -> Cursor | None:
    """Where the feed stood before the first step that moved; None if nothing of that is remembered."""
    if len(moved) < len(feed.applied):
        base = feed.applied[-len(moved) - 1]
        return Cursor(base.block_number, base.block_hash, base.next_index)
    first = follow.follower.store.first()
    if moved[0].number != FIRST_STEP or first is None:
        return None
    return Cursor(first.number, first.hash, DONE_INDEX)  # the headers begin with the block that genesis names


def _hash_at(follow: FollowRoot, number: BlockNumber) -> Hash32 | None:
    confirmed, point = follow.confirmed, follow.follower.point(number)
    return None if confirmed is None or point is None or number > confirmed.number else point.hash
