"""What needs a person's eye though it is no reason for waiting: words for status, from the state and our own view."""

from collections.abc import Iterator

from bridge.codec.events import Staked
from node.app.state import WEI_PER_TOKEN, Feed, State
from node.app.versions import NEWEST_VERSION
from node.duties.follow import FollowRoot, FollowSide

ALARMING_PART = 4
"""A quarter of the power that leaves, or that more than joins at once, is said before it happens."""


def alarms(state: State, side: FollowSide, roots: tuple[FollowRoot, ...]) -> tuple[str, ...]:
    """All alarms that hold now."""
    return (*_of_the_set(state), *_of_joiners(state, roots), *_of_the_chains(state, side, roots))


def _of_the_set(state: State) -> Iterator[str]:
    validators = state.validators
    if state.engine_set.is_frozen:
        yield "ENGINE_SET_FROZEN: the engine's set no longer follows the contract's"
    if validators.is_frozen:
        yield "APP_SET_FROZEN: the contract's set has nobody who could count"
    planned = state.params.planned_upgrade
    if planned is not None and planned.version > NEWEST_VERSION:
        yield (
            f"UPGRADE_PLANNED: from engine block {planned.height} on version {planned.version} of the rules is needed, "
            f"and this program has {NEWEST_VERSION}: install it before"
        )
    leavers = {record.id for record in validators.members if record.deactivation_epoch}
    leaving = sum(member.power for member in validators.tally_set if member.id in leavers)
    if leaving and leaving * ALARMING_PART >= _total_power(state):
        yield (
            f"LEAVING_THIRD: {leaving / _total_power(state):.1%} of the power is leaving; "
            "with a third gone at once the others may not be a quorum"
        )


def _of_joiners(state: State, roots: tuple[FollowRoot, ...]) -> Iterator[str]:
    """Who has staked in a confirmed block that the feed has not reached yet."""
    total = _total_power(state)
    known = {record.id for record in state.validators.members}
    view = roots[state.params.staking_root_chain].view
    for joiner in () if view is None else view.coming_events():
        if not isinstance(joiner, Staked):
            continue
        power = joiner.amount_wei // WEI_PER_TOKEN
        if joiner.validator_id not in known and power * ALARMING_PART > total + power:
            yield (
                f"JOINER_OVER_QUARTER: validator {joiner.validator_id} is about to join with "
                f"{power / (total + power):.1%} of the power: be sure that its node runs"
            )


def _of_the_chains(state: State, side: FollowSide, roots: tuple[FollowRoot, ...]) -> Iterator[str]:
    for follow in (side, *roots):
        if follow.deep_reorgs:
            yield f"{follow.chain}: confirmed blocks were replaced {follow.deep_reorgs} times since the start"
    for follow in roots:
        yield from _of_the_feed(follow, state.feeds[follow.index])


def _of_the_feed(follow: FollowRoot, feed: Feed) -> Iterator[str]:
    last = feed.last_alert
    if last is not None:
        yield (
            f"{follow.chain}: {feed.alerted_logs} logs were ignored or odd; "
            f"the last in step {last.step_number}: {last.outcome.value}"
        )
    if follow.view is not None and follow.view.scan.cannot_tell is not None:
        yield f"{follow.chain}: {follow.view.scan.cannot_tell.reason}"


def _total_power(state: State) -> int:
    return sum(member.power for member in state.validators.tally_set)
