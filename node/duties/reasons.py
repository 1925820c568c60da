"""The one reason why a root chain's next checkpoint has not happened yet: the first that holds, from the network's down to ours.

A pure function of values, so that API, command line, metrics and log cannot tell different stories.
"""

from dataclasses import dataclass

from bridge.chain.outbox_store import EntryState, OutboxEntry, Waiting
from bridge.codec.errors import AbiError
from bridge.codec.events import NewHeaderBlock, decode_event
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import UnixSeconds
from node.app import queries
from node.app.state import Proposal, Stage, State
from node.app.tallies import Share
from node.duties.follow import RootView
from node.duties.status import Reason, Why
from node.duties.submit import L1View

_WAITING_REASONS = {
    Waiting.FEE_CEILING: Reason.FEE_CEILING,
    Waiting.NOT_FUNDED: Reason.NOT_FUNDED,
    Waiting.L1_REFUSES: Reason.L1_REFUSES,
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node knows besides the committed state, for one root chain."""

    engine_quorum: bool
    engine_share_permille: int
    stop: Why | None
    paused: bool
    waiting_for: str | None
    """What has to be checked before the first signature."""
    contract_changed: str | None
    root_trouble: str | None
    side_trouble: str | None
    view: RootView | None
    l1: L1View | None
    entry: OutboxEntry | None
    """This node's own submission of the header under way."""


def why_waiting(state: State, root_chain: int, now_s: UnixSeconds, around: Surroundings) -> Why:
    """The first reason that holds. `now_s` is engine time."""
    return (
        _network_or_node(around)
        or _root_chain_trouble(state, root_chain, around)
        or _before_proposal(state, root_chain, now_s)
        or _proposal(state, root_chain, around)
    )


def _network_or_node(around: Surroundings) -> Why | None:
    if not around.engine_quorum:
        share = around.engine_share_permille
        return Why(Reason.ENGINE_NO_QUORUM, f"{share / 10:.1f} % of the power is present; over 66.6 % is needed", share)
    if around.paused:
        return Why(Reason.VALIDATOR_PAUSED, "this validator was paused by its operator")
    if around.stop is not None:
        return around.stop
    if around.waiting_for is not None:
        return Why(Reason.CATCHING_UP, around.waiting_for)
    return None


def _root_chain_trouble(state: State, root_chain: int, around: Surroundings) -> Why | None:
    feed = state.feeds[root_chain]
    if feed.is_paused:
        rest = "; the logs differ, so people must decide" if feed.reanchor_differs else ""
        return Why(
            Reason.L1_REORG_BELOW_CURSOR,
            f"over 1/3 of the power sees another block at {feed.cursor.number} than the one applied{rest}",
        )
    if around.contract_changed is not None:
        return Why(Reason.CONTRACT_CHANGED, around.contract_changed)
    differing = queries.views_differ(state, root_chain)
    if differing is not None:
        return Why(Reason.L1_VIEWS_DIFFER, differing)
    if around.root_trouble is not None:
        return Why(Reason.ROOT_RPC_DOWN, around.root_trouble)
    if around.side_trouble is not None:
        return Why(Reason.SIDE_RPC_DOWN, around.side_trouble)
    return None


def _before_proposal(state: State, root_chain: int, now_s: UnixSeconds) -> Why | None:
    turn, proposal = state.turns[root_chain], state.proposals[root_chain].current
    if proposal is not None:
        return None
    if turn.deadline is not None:
        who = to_hex(queries.proposer(state, root_chain))
        return Why(
            Reason.WAITING_FOR_PROPOSAL,
            f"turn {turn.number} is {who}'s, until L1 time {turn.deadline}",
            max(0, turn.deadline - now_s),
        )
    due = queries.dueness_of(state, root_chain, now_s)
    if due.missing_blocks:
        return Why(
            Reason.WAITING_FOR_SIDE_BLOCKS,
            f"{due.missing_blocks} more side-chain blocks must be confirmed by over 2/3 of the power",
            due.missing_blocks,
        )
    return Why(Reason.WAITING_FOR_INTERVAL, f"the interval ends in {due.missing_s} s", due.missing_s)


def _proposal(state: State, root_chain: int, around: Surroundings) -> Why:
    proposal = state.proposals[root_chain].current
    if proposal is None:
        raise AssertionError("a root chain without a proposal has a reason of its own")
    span = f"blocks {proposal.start} to {proposal.end}"
    share = queries.signed_share(state, proposal)
    if proposal.stage is Stage.COLLECTING:
        return Why(Reason.COLLECTING, f"{_percent(share)} has signed {span}", _permille(share))
    if proposal.stage is Stage.GRACE:
        return Why(Reason.GRACE, f"{_percent(share)} has signed {span}; late signatures may come", proposal.grace_left)
    if around.l1 is not None and around.l1.next_header_id > proposal.header_id:
        return _landed(state, root_chain, proposal, around)
    return _submission(state, root_chain, proposal, around)


def _landed(state: State, root_chain: int, proposal: Proposal, around: Surroundings) -> Why:
    if around.view is not None and _shows_header(around.view, proposal.header_id):
        share = queries.next_step_share(state, root_chain)
        return Why(
            Reason.WAITING_FOR_FEED_QUORUM,
            f"{_percent(share)} attests that header {proposal.header_id} is on the root chain",
            _permille(share),
        )
    confirmations = state.params.root_chains[root_chain].confirmations
    return Why(
        Reason.WAITING_FOR_CONFIRMATIONS,
        f"header {proposal.header_id} is on the root chain; {confirmations} blocks must follow it",
        confirmations,
    )


def _submission(state: State, root_chain: int, proposal: Proposal, around: Surroundings) -> Why:
    entry = around.entry
    if entry is not None and entry.waiting in _WAITING_REASONS:
        return Why(_WAITING_REASONS[entry.waiting], entry.detail)
    if entry is not None and entry.current is not None and entry.state in {EntryState.SIGNED, EntryState.SENT}:
        return Why(Reason.WAITING_FOR_INCLUSION, f"transaction {to_hex(entry.current.hash)} is sent, not mined yet")
    if around.l1 is not None and around.l1.clock_ahead:
        return Why(
            Reason.L1_CLOCK_AHEAD,
            f"the root chain's clock leaves no time before the deadline {proposal.valid_until}",
        )
    order = queries.submitters(state, root_chain)
    delay_s = state.params.root_chains[root_chain].rank_delay_s
    opened_s = proposal.proposed_s if proposal.opening is None else proposal.opening.time_s
    elapsed_s = 0 if around.l1 is None else max(0, around.l1.time_s - opened_s)
    rank = min(elapsed_s // delay_s if delay_s else len(order) - 1, len(order) - 1)
    return Why(Reason.WAITING_FOR_SUBMITTER, f"{to_hex(order[rank])} (rank {rank}) may submit now", rank)


def _shows_header(view: RootView, header_id: int) -> bool:
    for found in view.scan.steps:
        for log in found.step.logs:
            try:
                event = decode_event(log)
            except AbiError:
                continue
            if isinstance(event, NewHeaderBlock) and event.header_id == header_id:
                return True
    return False


def _permille(share: Share) -> int:
    return share.power * 1000 // share.total if share.total else 0


def _percent(share: Share) -> str:
    return f"{_permille(share) / 10:.1f} % of the power"
