"""What a validator knows about itself, put together from its duties (docs/protocol.md, reasons)."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.codec.types import ZERO_ADDRESS, ChainId
from node.app import queries
from node.app.state import Committed, State
from node.duties.alarms import alarms
from node.duties.attest import AttestDuty
from node.duties.clock_watch import ClockWatch
from node.duties.engine_view import EngineView
from node.duties.evidence import EvidenceLog
from node.duties.follow import FollowHeaders, FollowRoot, FollowSide
from node.duties.funds import WatchFunds
from node.duties.identity import Identity, find_identity
from node.duties.propose import Propose
from node.duties.readiness import Readiness
from node.duties.reasons import Surroundings, why_waiting
from node.duties.status import ChainStatus, DutyStatus, Moment, NodeStatus, Reason, RootChainStatus, Why
from node.duties.submit import Submit
from node.duties.verdicts import Judge
from node.keys.ring import KeyRing


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one validator that have something to tell."""

    moniker: str
    version: str
    ring: KeyRing
    engine: EngineView
    readiness: Readiness
    side: FollowSide
    roots: tuple[FollowRoot, ...]
    propose: Propose
    attest: AttestDuty
    judge: Judge
    submits: tuple[Submit, ...]
    """One per root chain."""
    funds: tuple[WatchFunds, ...]
    """One per root chain; none where this node never submits."""
    evidence: EvidenceLog
    duties: Callable[[], tuple[DutyStatus, ...]]
    clock: ClockWatch | None = None


def node_status(parts: Parts, committed: Committed) -> NodeStatus:
    """The status at this moment."""
    state = committed.state
    identity = find_identity(state, parts.ring)
    tally_set = state.validators.tally_set
    addresses = parts.ring.addresses
    return NodeStatus(
        version=parts.version,
        moniker=parts.moniker,
        validator_id=None if identity is None else identity.id,
        signer=identity.signer if identity is not None else next(iter(addresses), ZERO_ADDRESS),
        power=sum(member.power for member in tally_set if identity is not None and member.id == identity.id),
        total_power=sum(member.power for member in tally_set),
        engine_height=committed.height,
        engine_time_s=committed.time_ns / 1e9,
        engine_power_share_permille=parts.engine.share_permille,
        engine_quorum=parts.engine.quorum,
        app_hash=committed.app_hash,
        paused=parts.engine.is_paused,
        caught_up=parts.engine.is_caught_up,
        stopped_signing=parts.readiness.stop,
        leaving_acks=_leaving_acks(state, identity),
        side_chain=_chain_status(parts.side, state.params.network.side_chain_id, parts),
        root_chains=tuple(_root_status(parts, committed, follow) for follow in parts.roots),
        duties=parts.duties(),
        cannot_tell=parts.judge.last_cannot_tell,
        alarms=(
            *_evidence_alarm(parts.evidence),
            *alarms(state, parts.side, parts.roots),
            *_clock_alarm(parts.clock),
            *_vote_alarm(parts),
        ),
        evidence=parts.evidence.count,
        engine_trouble=_engine_trouble(parts.engine),
        engine_peers=parts.engine.peers,
        clock=None if parts.clock is None else parts.clock.status,
    )


def _evidence_alarm(evidence: EvidenceLog) -> tuple[str, ...]:
    alarm = evidence.alarm()
    return () if alarm is None else (alarm,)


def _chain_status(follow: FollowHeaders, chain_id: ChainId, parts: Parts) -> ChainStatus:
    head, confirmed = follow.follower.head, follow.confirmed
    duty = next((duty for duty in parts.duties() if duty.name == follow.name), None)
    return ChainStatus(
        name=follow.chain,
        chain_id=chain_id,
        head=None if head is None else head.number,
        confirmed=None if confirmed is None else confirmed.number,
        confirmed_hash=None if confirmed is None else confirmed.hash,
        confirmed_time_s=None if confirmed is None else confirmed.timestamp,
        last_progress_s=0.0 if duty is None else duty.last_progress_s,
        down_reason=follow.trouble,
    )


def _root_status(parts: Parts, committed: Committed, follow: FollowRoot) -> RootChainStatus:
    state, index = committed.state, follow.index
    turn, feed = state.turns[index], state.feeds[index]
    submit = parts.submits[index]
    proposal = state.proposals[index].current
    entry = submit.entry(turn.next_header_id if proposal is None else proposal.header_id)
    share = None if proposal is None else queries.quorum(state, proposal)
    balance = parts.funds[index].balance if parts.funds else None
    proposer = queries.proposer(state, index)
    proposer_record = queries.member_by_signer(state, proposer)
    last_ack_s = turn.last_ack_s
    return RootChainStatus(
        name=follow.chain,
        chain=_chain_status(follow, state.params.root_chains[index].chain_id, parts),
        why=why_waiting(committed, index, surroundings(parts, follow, submit)),
        turn=turn.number,
        proposer_id=None if proposer_record is None else proposer_record.id,
        proposer=proposer,
        deadline_s=turn.deadline,
        next_start=turn.next_start,
        proposed_start=None if proposal is None else proposal.start,
        proposed_end=None if proposal is None else proposal.end,
        signed_permille=0 if share is None or not share.total else share.power * 1000 // share.total,
        cursor=feed.cursor.number,
        step_number=feed.step_number,
        last_built=parts.propose.last_built.get(index),
        last_signed=parts.attest.last_signed.get(index),
        last_submitted=submit.last_submitted,
        last_acknowledged=(
            Moment(turn.headers[-1].header_id, float(last_ack_s)) if turn.headers and last_ack_s is not None else None
        ),
        no_acks=turn.no_acks,
        submitter_balance_wei=None if balance is None else balance.wei,
        submitter_checkpoints_left=None if balance is None else balance.checkpoints_left,
        outbox_state=None if entry is None else entry.state.value,
    )


def surroundings(parts: Parts, follow: FollowRoot, submit: Submit) -> Surroundings:
    """What a node knows besides the committed state, for one root chain."""
    state = parts.readiness.committed.state
    proposal = state.proposals[follow.index].current
    return Surroundings(
        engine_quorum=parts.engine.quorum,
        engine_share_permille=parts.engine.share_permille,
        stop=parts.readiness.stop,
        paused=parts.engine.is_paused,
        waiting_for=parts.readiness.waiting_for,
        contract_changed=follow.contract_changed,
        root_trouble=follow.trouble,
        side_trouble=parts.side.trouble,
        view=follow.view,
        l1=submit.l1,
        proposal=proposal,
        entry=None if proposal is None else submit.entry(proposal.header_id),
        engine_trouble=_engine_trouble(parts.engine),
        clock_skew=None if parts.clock is None else parts.clock.status.skew,
    )


def _vote_alarm(parts: Parts) -> tuple[str, ...]:
    """That our votes are refused, where no reason says so already."""
    refused = parts.engine.refused_vote
    is_told = parts.readiness.stop is not None or (parts.clock is not None and parts.clock.status.skew is not None)
    return () if refused is None or is_told else (f"VOTE_REFUSED: {refused}",)


def _clock_alarm(clock: ClockWatch | None) -> tuple[str, ...]:
    alarm = None if clock is None else clock.alarm
    return () if alarm is None else (alarm,)


def _engine_trouble(engine: EngineView) -> Why | None:
    trouble = engine.trouble
    return None if trouble is None else Why(Reason(trouble.code.value), trouble.text)


def _leaving_acks(state: State, identity: Identity | None) -> int | None:
    """How many acks a leaver's node still has to run; None for who is not leaving."""
    record = None if identity is None else queries.member_by_signer(state, identity.signer)
    return None if record is None else queries.is_leaving(state, record)
