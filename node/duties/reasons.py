"""The one reason why a root chain's next checkpoint has not happened yet: the first that holds, our own last.

A pure function of values, so that API, command line, metrics and log cannot tell different stories.
"""

from dataclasses import dataclass

from bridge.chain.outbox_store import EntryState, OutboxEntry
from bridge.chain.outbox_store import Waiting as OutboxWaiting
from bridge.codec.events import NewHeaderBlock
from bridge.codec.hexadecimal import to_hex
from node.app import queries
from node.app.queries import Waiting, WaitingCode
from node.app.state import Committed, Proposal, State
from node.app.tallies import Share
from node.duties.follow import RootView
from node.duties.status import Reason, Why
from node.duties.submit import L1View

_WAITING_REASONS = {
    OutboxWaiting.FEE_CEILING: Reason.FEE_CEILING,
    OutboxWaiting.NOT_FUNDED: Reason.NOT_FUNDED,
    OutboxWaiting.L1_REFUSES: Reason.L1_REFUSES,
    OutboxWaiting.UNDERPRICED: Reason.UNDERPRICED,
    OutboxWaiting.POOL_FULL: Reason.POOL_FULL,
    OutboxWaiting.NONCE_GAP: Reason.NONCE_GAP,
    OutboxWaiting.NONCE_USED: Reason.NONCE_USED,
    OutboxWaiting.CANNOT_TELL: Reason.ROOT_RPC_DOWN,
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
    proposal: Proposal | None
    """The proposal of the current turn."""
    entry: OutboxEntry | None
    """This node's own submission of the header under way."""
    engine_trouble: Why | None = None
    clock_skew: str | None = None


def why_waiting(committed: Committed, root_chain: int, around: Surroundings) -> Why:
    """The first reason that holds."""
    waiting = queries.why_waiting(committed, root_chain)
    return (
        _network_or_node(around)
        or _root_chain_trouble(committed.state, root_chain, waiting, around)
        or _on_the_way(committed, waiting, around)
    )


def _network_or_node(around: Surroundings) -> Why | None:
    if around.engine_trouble is not None:
        return around.engine_trouble
    if not around.engine_quorum:
        share = around.engine_share_permille
        return Why(Reason.ENGINE_NO_QUORUM, f"{share / 10:.1f} % of the power is present; over 66.6 % is needed", share)
    if around.paused:
        return Why(Reason.VALIDATOR_PAUSED, "this validator was paused by its operator")
    if around.stop is not None:
        return around.stop
    if around.clock_skew is not None:
        return Why(Reason.CLOCK_SKEW, around.clock_skew)
    if around.waiting_for is not None:
        return Why(Reason.CATCHING_UP, around.waiting_for)
    return None


def _root_chain_trouble(state: State, root_chain: int, waiting: Waiting, around: Surroundings) -> Why | None:
    if waiting.code is WaitingCode.L1_REORG_BELOW_CURSOR:
        return Why(Reason.L1_REORG_BELOW_CURSOR, "over 1/3 of the power sees another root chain than the one applied")
    if around.contract_changed is not None:
        return Why(Reason.CONTRACT_CHANGED, around.contract_changed)
    if waiting.code is WaitingCode.L1_VIEWS_DIFFER:
        return Why(Reason.L1_VIEWS_DIFFER, _views(state, root_chain), _permille(waiting.share))
    if around.root_trouble is not None:
        return Why(Reason.ROOT_RPC_DOWN, around.root_trouble)
    if around.side_trouble is not None:
        return Why(Reason.SIDE_RPC_DOWN, around.side_trouble)
    return None


def _on_the_way(committed: Committed, waiting: Waiting, around: Surroundings) -> Why:
    who = "" if waiting.who is None else to_hex(waiting.who)
    match waiting.code:
        case WaitingCode.WAITING_FOR_SIDE_BLOCKS:
            text = f"{waiting.blocks} more side-chain blocks must be confirmed by over 2/3 of the power"
        case WaitingCode.WAITING_FOR_INTERVAL:
            text = f"the interval since the last ack ends in {waiting.seconds} s"
        case WaitingCode.WAITING_FOR_TURN:
            text = f"the next turn begins in {waiting.blocks} engine blocks"
        case WaitingCode.NEXT_START_UNKNOWN:
            text = "the root chain's headers were reset to one that is not remembered"
        case WaitingCode.WAITING_FOR_PROPOSAL:
            text = f"it is the turn of {who}, until {waiting.deadline} on the root chain's clock"
        case WaitingCode.COLLECTING:
            text = f"{_percent(waiting.share)} has signed{_stake(committed.state, waiting, around)}"
        case WaitingCode.GRACE:
            text = f"{_percent(waiting.share)} has signed; late signatures may come for {waiting.blocks} blocks"
        case _:
            return _submission(committed.state, around)
    number = waiting.blocks if waiting.blocks is not None else waiting.seconds
    return Why(Reason(waiting.code.value), text, _permille(waiting.share) if number is None else number)


def _submission(state: State, around: Surroundings) -> Why:
    proposal = around.proposal
    if proposal is None or proposal.opening is None:
        raise AssertionError("only a proposal that is open waits for its submission")
    if around.l1 is not None and around.l1.next_header_id > proposal.header_id:
        return _landed(state, proposal, around)
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
    order = queries.ranks(state, proposal.root_chain)
    delay_s = state.params.root_chains[proposal.root_chain].rank_delay_s
    waited_s = 0 if around.l1 is None else around.l1.waited_s(proposal.opening)
    rank = min(waited_s // delay_s if delay_s else len(order) - 1, len(order) - 1)
    return Why(Reason.WAITING_FOR_SUBMITTER, f"{to_hex(order[rank])} (rank {rank}) may submit now", rank)


def _landed(state: State, proposal: Proposal, around: Surroundings) -> Why:
    root_chain, header_id = proposal.root_chain, proposal.header_id
    if around.view is not None and _shows_header(around.view, header_id):
        strongest = max(
            queries.feed_shares(state, root_chain).values(), key=lambda share: share.power, default=Share(0, 0)
        )
        return Why(
            Reason.WAITING_FOR_FEED_QUORUM,
            f"{_percent(strongest)} attests that header {header_id} is on the root chain",
            _permille(strongest),
        )
    if around.view is not None and around.view.scan.cannot_tell is not None:
        return Why(Reason.ROOT_RPC_DOWN, around.view.scan.cannot_tell.reason)
    confirmations = state.params.root_chains[root_chain].confirmations
    return Why(
        Reason.WAITING_FOR_CONFIRMATIONS,
        f"header {header_id} is on the root chain; {confirmations} blocks must follow it",
        confirmations,
    )


def _shows_header(view: RootView, header_id: int) -> bool:
    return any(isinstance(event, NewHeaderBlock) and event.header_id == header_id for event in view.coming_events())


def _stake(state: State, waiting: Waiting, around: Surroundings) -> str:
    """What is missing when the power here is enough and the stake that L1 counts is not: leavers count there longer."""
    if around.proposal is None or waiting.share is None or not waiting.share.is_quorum:
        return ""
    return f", but only {_percent(queries.l1_quorum(state, around.proposal))} that the root chain counts"


def _views(state: State, root_chain: int) -> str:
    """Who holds which digest of the next step."""
    views = (
        f"{to_hex(view.digest)} by validators {', '.join(map(str, view.holders))} ({_percent(view.share)})"
        for view in queries.feed_views(state, root_chain)
    )
    return f"step {state.feeds[root_chain].step_number} is seen as {'; '.join(views)}"


def _permille(share: Share | None) -> int | None:
    return None if share is None else share.power * 1000 // max(1, share.total)


def _percent(share: Share | None) -> str:
    return f"{(_permille(share) or 0) / 10:.1f} % of the power"
