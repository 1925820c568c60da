"""Turns: when one is due, its deadline, and its end without an ack (docs/protocol.md P4)."""

from dataclasses import dataclass, replace

from bridge.codec.types import BlockNumber, UnixSeconds
from node.app.draft import Draft
from node.app.history import NoAckEntry
from node.app.parameters import RootChainParameters
from node.app.proposals import close_current, drop_outlived, valid_share
from node.app.proposers import rotated
from node.app.state import Stage, Turn
from node.app.tallies import agreed_head, greatest_shared, quiet_times, share_of

REJECTION_WAIT_MAX = 64
DEADLINE_MAX = 2**62
"""No deadline is later, whatever L1's timestamps say."""


@dataclass(frozen=True, slots=True)
class Dueness:
    """Whether a turn is due, and what is missing if it is not."""

    is_due: bool
    is_forced: bool
    """`force_after_s` has passed: a range of any length will do."""
    limit: BlockNumber | None
    """Ranges end at or before this side-chain block."""
    missing_blocks: int
    """Side-chain blocks that over 2/3 of the power does not hold yet."""
    missing_s: int
    """Seconds of the interval that have not passed yet."""


def dueness(
    turn: Turn, parameters: RootChainParameters, genesis_time_s: UnixSeconds, head: BlockNumber | None, now_s: int
) -> Dueness:
    """Whether a turn is due, given the side-chain head of over 2/3 of the power.

    Once a turn for a start was due, so is each later turn for it: `head_limit` stays until an ack or a reset.
    """
    since = genesis_time_s if turn.last_ack_s is None else turn.last_ack_s
    is_forced = now_s >= since + parameters.force_after_s
    limit = head if turn.head_limit is None else turn.head_limit
    if turn.next_start is None:
        return Dueness(False, is_forced, limit, 0, 0)
    needed = turn.next_start if is_forced else turn.next_start + parameters.minimum_blocks - 1
    missing_blocks = max(0, needed - (turn.next_start - 1 if limit is None else limit))
    missing_s = 0 if turn.last_ack_s is None else max(0, turn.last_ack_s + parameters.interval_s - now_s)
    is_due = turn.head_limit is not None or (missing_blocks == 0 and missing_s == 0)
    return Dueness(is_due, is_forced, limit, missing_blocks, missing_s)


def start_turn(draft: Draft, chain: int, next_turn: Turn, *, rotate: bool, wait_blocks: int = 1) -> None:
    """Begin the next turn; it may become due in the next block at the earliest, whose time is of this one's votes."""
    draft.turns[chain] = replace(next_turn, number=next_turn.number + 1, deadline=None, wait_blocks=wait_blocks)
    if rotate:
        draft.priorities[chain] = rotated(draft.priorities[chain])


def tick(draft: Draft, chain: int) -> None:
    """Count a block of the wait before a turn."""
    turn = draft.turns[chain]
    if turn.wait_blocks > 0:
        draft.turns[chain] = replace(turn, wait_blocks=turn.wait_blocks - 1)


def arm(draft: Draft, chain: int) -> None:
    """Set the deadline of a turn that has become due, and the head that limits its ranges."""
    turn, parameters = draft.turns[chain], draft.parameters(chain)
    if turn.deadline is not None or turn.wait_blocks > 0:
        return
    head = agreed_head(draft.tally_set, draft.voters)
    due = dueness(turn, parameters, draft.params.genesis_time_s, head, draft.time_s)
    if not due.is_due:
        return
    base = max(draft.time_s, draft.feeds[chain].latest_time + parameters.confirmation_lag_s)
    growth = min(_doublings(turn, len(draft.tally_set)), parameters.no_ack_growth_cap)
    deadline = UnixSeconds(min(base + (parameters.no_ack_buffer_s << growth), DEADLINE_MAX))
    draft.turns[chain] = replace(turn, deadline=deadline, head_limit=due.limit)
    proposer = draft.priorities[chain].proposer
    draft.emit("turn_due", root_chain=chain, turn=turn.number, proposer=proposer, deadline=deadline)


def disarm(draft: Draft, chain: int) -> None:
    """Take back a deadline: the turn gets a new one when it is armed again."""
    draft.turns[chain] = replace(draft.turns[chain], deadline=None)


def count_quiet(draft: Draft, chain: int) -> None:
    """End the turn by a no-ack if over 2/3 of the power says that L1 was quiet up to its deadline."""
    deadline = draft.turns[chain].deadline
    if deadline is None:
        return
    times = quiet_times(draft.tally_set, draft.voters, chain, draft.feeds[chain], deadline)
    if not share_of(draft.tally_set, times).is_quorum:
        return
    shown = greatest_shared(draft.tally_set, times)
    _end_without_ack(draft, chain, deadline, UnixSeconds(deadline if shown is None else shown))


def rejection_wait_blocks(rejections: int) -> int:
    """How many blocks the turn after the n-th rejection in a row waits."""
    return int(min(2 ** min(rejections, 7), REJECTION_WAIT_MAX))


def _end_without_ack(draft: Draft, chain: int, deadline: UnixSeconds, shown: UnixSeconds) -> None:
    turn, feed = draft.turns[chain], draft.feeds[chain]
    proposer, proposal = draft.priorities[chain].proposer, draft.proposals[chain].current
    is_backed = proposal is not None and valid_share(draft.tally_set, proposal).is_third
    draft.append(
        NoAckEntry(
            root_chain=chain,
            turn=turn.number,
            proposer=proposer,
            deadline=deadline,
            had_proposal=proposal is not None,
            time_s=draft.time_s,
        )
    )
    close_current(draft, chain, Stage.EXPIRED)
    drop_outlived(draft, chain, deadline)
    draft.feeds[chain] = replace(feed, latest_time=max(feed.latest_time, deadline, shown))
    next_turn = replace(
        turn,
        rejections=0,
        no_acks_backed=turn.no_acks_backed + is_backed,
        no_acks_other=turn.no_acks_other + (not is_backed),
        last_no_ack_s=draft.time_s,
        no_acks=turn.no_acks + 1,
    )
    start_turn(draft, chain, next_turn, rotate=True)
    successor = draft.priorities[chain].proposer
    draft.emit("no_ack", root_chain=chain, turn=turn.number, proposer=proposer, next_proposer=successor)


def _doublings(turn: Turn, validators: int) -> int:
    """How often the buffer doubles: once per round of fruitless turns, once per turn whose proposal had backing."""
    return turn.no_acks_other // max(1, validators) + turn.no_acks_backed
