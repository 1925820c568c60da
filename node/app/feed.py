"""Applying a root chain's feed: digests and bodies become steps, steps become logs, logs become what they say.

A step is applied once over 2/3 of the power holds its digest and the state has its body, in whichever order that comes
about (docs/protocol.md P3). Applying never fails: each log is applied or ignored with a code, and the cursor always
moves.
"""

from dataclasses import replace

from bridge.codec import rlp
from bridge.codec.errors import AbiError
from bridge.codec.events import (
    NewHeaderBlock,
    ProxyUpgraded,
    ResetHeaderBlock,
    SignerChange,
    Staked,
    StakeUpdate,
    UnstakeInit,
    decode_event,
)
from bridge.codec.feed import STEP_LOGS_MAX, FeedLog, Step, cursor_after, decode_step
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32, UnixSeconds
from node.app import staking
from node.app.acknowledgements import acknowledge, reset_headers
from node.app.draft import Draft
from node.app.errors import LogOutcome
from node.app.proposals import drop_outlived
from node.app.state import AlertedLog, AppliedStep, Contested, StepBody
from node.app.tallies import step_shares
from node.app.turns import count_quiet

STEPS_PER_BLOCK_MAX = 64
APPLIED_MAX = 1_000
CONTESTED_MS_MAX = 10 * 60 * 1_000
BLOCK_ELAPSED_MS_MAX = 60 * 1_000
BODY_MISSING_BLOCKS_MAX = 255


def apply_steps(draft: Draft, chain: int) -> None:
    """Apply what is agreed, one step after another, each under the set that the one before it left; 64 logs at most.

    Quiet is counted before each step, with the votes for that step: a header mined after the deadline finds its turn
    ended.
    """
    logs_left = STEP_LOGS_MAX
    for _ in range(STEPS_PER_BLOCK_MAX):
        body = _agreed_body(draft, chain)
        if body is None:
            return
        step = decode_step(body.contents)
        if len(step.logs) > logs_left:
            return
        logs_left -= len(step.logs)
        count_quiet(draft, chain)
        _apply_step(draft, chain, step, body.digest)


def watch_agreement(draft: Draft, chain: int) -> None:
    """Count for how long over 1/3 has held a next step that is not applied, and for how many blocks without a body."""
    feed = draft.feeds[chain]
    shares = step_shares(draft.tally_set, draft.voters, chain, feed, feed.step_number)
    strong = [digest for digest, share in shares.items() if share.is_over_third]
    held = {body.digest for body in feed.bodies}
    is_missing = any(digest not in held for digest in strong)
    missing_blocks = min(feed.body_missing_blocks + 1, BODY_MISSING_BLOCKS_MAX) if is_missing else 0
    contested = _contested(feed.contested, strong, draft.time_ms)
    if (missing_blocks, contested) != (feed.body_missing_blocks, feed.contested):
        draft.feeds[chain] = replace(feed, body_missing_blocks=missing_blocks, contested=contested)


def contents_hash(step: Step) -> Hash32:
    """Over what a step's logs say, without where they stand: the same after a re-anchoring."""
    contents = tuple(
        (
            log.address,
            log.topics,
            log.data if log.data_elided is None else (rlp.uint(log.data_elided.length), log.data_elided.hash),
        )
        for log in step.logs
    )
    return keccak256(rlp.encode(contents))


def _agreed_body(draft: Draft, chain: int) -> StepBody | None:
    """The body of the next step, if over 2/3 of the power holds its digest."""
    feed = draft.feeds[chain]
    bodies = [body for body in feed.bodies if body.number == feed.step_number]
    if not bodies:
        return None
    shares = step_shares(draft.tally_set, draft.voters, chain, feed, feed.step_number)
    return next((body for body in bodies if body.digest in shares and shares[body.digest].is_quorum), None)


def _apply_step(draft: Draft, chain: int, step: Step, digest: Hash32) -> None:
    feed = draft.feeds[chain]
    cursor = cursor_after(step)
    applied = AppliedStep(
        number=step.number,
        block_number=step.block_number,
        block_hash=step.block_hash,
        block_time=step.block_time,
        next_index=cursor.next_index,
        contents_hash=contents_hash(step),
    )
    draft.feeds[chain] = replace(
        feed,
        step_number=feed.step_number + 1,
        digest=digest,
        cursor=cursor,
        latest_time=max(feed.latest_time, step.block_time),
        applied=(*feed.applied, applied)[-APPLIED_MAX:],
        bodies=tuple(body for body in feed.bodies if body.number != step.number),
        contested=None,
        body_missing_blocks=0,
    )
    for log in step.logs:
        _note(draft, chain, step, log, _apply_log(draft, chain, step, log))
    # Every log of the blocks before this one is agreed, so what was valid only until then cannot land any more.
    drop_outlived(draft, chain, UnixSeconds(step.block_time - 1))
    draft.emit("step", root_chain=chain, number=step.number, block=step.block_number, logs=len(step.logs))


def _apply_log(draft: Draft, chain: int, step: Step, log: FeedLog) -> LogOutcome:
    """Do what a log says, if it comes from the contract that may say so."""
    try:
        event = decode_event(log)
    except AbiError:
        return LogOutcome.MALFORMED
    parameters = draft.parameters(chain)
    is_root_chain = log.address == parameters.root_chain_address
    is_staking_info = chain == draft.params.staking_root_chain and log.address == parameters.staking_info_address
    match event:
        case NewHeaderBlock() if is_root_chain:
            return acknowledge(draft, chain, step, log, event)
        case ResetHeaderBlock() if is_root_chain:
            return reset_headers(draft, chain, step, event)
        case Staked() if is_staking_info:
            return staking.apply_staked(draft, event)
        case StakeUpdate() if is_staking_info:
            return staking.apply_stake_update(draft, event)
        case SignerChange() if is_staking_info:
            return staking.apply_signer_change(draft, event)
        case UnstakeInit() if is_staking_info:
            return staking.apply_unstake_init(draft, event)
        case ProxyUpgraded():
            return LogOutcome.CONTRACT_CHANGED
        case _:
            return LogOutcome.UNKNOWN_EVENT


def _note(draft: Draft, chain: int, step: Step, log: FeedLog, outcome: LogOutcome) -> None:
    """Keep and tell what is not simply applied."""
    if outcome is LogOutcome.APPLIED:
        return
    feed = draft.feeds[chain]
    last = AlertedLog(step.number, log.index, outcome)
    changed = step.block_number if outcome is LogOutcome.CONTRACT_CHANGED else feed.contract_changed_block
    draft.feeds[chain] = replace(
        feed, alerted_logs=feed.alerted_logs + 1, last_alert=last, contract_changed_block=changed
    )
    draft.emit("log_alert", root_chain=chain, step=step.number, index=log.index, outcome=outcome)


def _contested(before: Contested | None, strong: list[Hash32], now_ms: int) -> Contested | None:
    """How long a digest has been held by over 1/3; it starts at 0 when another one comes to the fore."""
    if not strong:
        return None
    if before is None or before.digest not in strong:
        return Contested(strong[0], 0, now_ms)
    if before.elapsed_ms == CONTESTED_MS_MAX:
        return before
    block_ms = min(max(0, now_ms - before.counted_ms), BLOCK_ELAPSED_MS_MAX)
    return Contested(before.digest, min(before.elapsed_ms + block_ms, CONTESTED_MS_MAX), now_ms)
