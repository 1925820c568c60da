"""Reading the committed state: what duties act on and the API shows; pure functions of a state and, for some, a time.

`why_waiting` names the one reason, of those that the state knows, why a root chain's next checkpoint is not there yet;
what only a node can see (its RPCs, its outbox) is said by its duties.
"""

from dataclasses import dataclass
from enum import StrEnum

from bridge.codec.checkpoint import SignedBy
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, ValidatorId
from node.app import tallies
from node.app.checkpoints import expected_account_root
from node.app.feed import CONTESTED_MS_MAX
from node.app.parameters import RootChainParameters
from node.app.proposals import l1_share, present_signatures, valid_share
from node.app.proposers import proposers_from
from node.app.state import (
    Committed,
    Proposal,
    Stage,
    State,
    TallyMember,
    ValidatorRecord,
    VoterStatements,
)
from node.app.tallies import Share
from node.app.turns import Dueness, dueness


class WaitingCode(StrEnum):
    """Why the next checkpoint of a root chain is not there yet, as far as the state knows; in order of precedence."""

    L1_REORG_BELOW_CURSOR = "L1_REORG_BELOW_CURSOR"
    L1_VIEWS_DIFFER = "L1_VIEWS_DIFFER"
    NEXT_START_UNKNOWN = "NEXT_START_UNKNOWN"
    """L1's headers were reset to one that is not remembered."""
    WAITING_FOR_SIDE_BLOCKS = "WAITING_FOR_SIDE_BLOCKS"
    WAITING_FOR_INTERVAL = "WAITING_FOR_INTERVAL"
    WAITING_FOR_TURN = "WAITING_FOR_TURN"
    """The wait after a rejection, or the one block between two turns."""
    WAITING_FOR_PROPOSAL = "WAITING_FOR_PROPOSAL"
    COLLECTING = "COLLECTING"
    GRACE = "GRACE"
    WAITING_FOR_SUBMITTER = "WAITING_FOR_SUBMITTER"
    """Submission is open; what follows on L1 is for each node to see, until the feed brings it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The reason, with those of its details that it has."""

    code: WaitingCode
    blocks: int | None = None
    """Side-chain blocks missing, or engine blocks of a wait or of the grace window left."""
    seconds: int | None = None
    """Engine seconds of the interval left."""
    who: Address | None = None
    """The proposer."""
    deadline: UnixSeconds | None = None
    """The turn's deadline, in L1 time."""
    share: Share | None = None
    """Power that said VALID; or, where views differ, that holds the strongest digest."""


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Side-chain blocks from start to end, both included."""

    start: BlockNumber
    end: BlockNumber


def tally_set(state: State) -> tuple[TallyMember, ...]:
    """Who counts in tallies, ascending by validator id."""
    return state.validators.tally_set


def member_by_id(state: State, validator: ValidatorId) -> ValidatorRecord | None:
    """A validator of the contract's set, or one that has left."""
    known = (*state.validators.members, *state.validators.former)
    return next((record for record in known if record.id == validator), None)


def member_by_signer(state: State, signer: Address) -> ValidatorRecord | None:
    """The validator of the contract's set that signs with this key."""
    return next((record for record in state.validators.members if record.signer == signer), None)


def is_leaving(state: State, record: ValidatorRecord) -> int | None:
    """After how many acks of the chain with StakeManager a validator leaves; None if it stays."""
    return max(0, record.deactivation_epoch - state.validators.epoch) if record.deactivation_epoch else None


def proposer(state: State, chain: int) -> Address:
    """Whose turn it is on a root chain."""
    return state.priorities[chain].proposer


def ranks(state: State, chain: int) -> tuple[Address, ...]:
    """Who submits: the proposer at once, the others in turn order, each a delay later."""
    return proposers_from(state.priorities[chain], state.params.root_chains[chain].submission_ranks)


def feed_shares(state: State, chain: int) -> dict[Hash32, Share]:
    """The share of the power behind each digest of a root chain's next step."""
    feed = state.feeds[chain]
    return tallies.step_shares(tally_set(state), _voters(state), chain, feed, feed.step_number)


@dataclass(frozen=True, slots=True)
class FeedView:
    """A digest of a root chain's next step, and who holds it."""

    digest: Hash32
    holders: tuple[ValidatorId, ...]
    share: Share


def feed_views(state: State, chain: int) -> tuple[FeedView, ...]:
    """The views of a root chain's next step, the strongest first."""
    feed, voters = state.feeds[chain], _voters(state)
    holders: dict[Hash32, list[ValidatorId]] = {}
    for member in tally_set(state):
        digest = tallies.digest_at(tallies.chain_statements(voters, member.id, chain).steps, feed, feed.step_number)
        if digest is not None:
            holders.setdefault(digest, []).append(member.id)
    shares = feed_shares(state, chain)
    views = (FeedView(digest, tuple(who), shares[digest]) for digest, who in holders.items())
    return tuple(sorted(views, key=lambda view: (-view.share.power, view.digest)))


def views_differ(state: State, chain: int) -> bool:
    """Whether over 1/3 holds each of two digests of the next step, or one for 10 minutes and nothing followed."""
    contested = state.feeds[chain].contested
    strong = [share for share in feed_shares(state, chain).values() if share.is_over_third]
    return len(strong) > 1 or (contested is not None and contested.elapsed_ms >= CONTESTED_MS_MAX)


def due(state: State, chain: int, now_s: int) -> Dueness:
    """Whether a root chain's turn is due, and what is missing; `now_s` is the engine's time."""
    head = tallies.agreed_head(tally_set(state), _voters(state))
    return dueness(state.turns[chain], _parameters(state, chain), state.params.genesis_time_s, head, now_s)


def next_range(state: State, chain: int, now_s: int) -> BlockRange | None:
    """The longest range that the proposer may propose now; None while its turn has no deadline."""
    turn, parameters = state.turns[chain], _parameters(state, chain)
    if turn.deadline is None or turn.next_start is None or turn.head_limit is None:
        return None
    length = min(turn.head_limit - turn.next_start + 1, parameters.maximum_blocks)
    if not due(state, chain, now_s).is_forced:
        length -= length % parameters.multiple_blocks
        length = length if length >= parameters.minimum_blocks else 0
    return BlockRange(turn.next_start, BlockNumber(turn.next_start + length - 1)) if length >= 1 else None


def account_root_for(state: State, chain: int, sender: Address, blocks: BlockRange, root_hash: Hash32) -> Hash32:
    """The account root that this proposal must carry."""
    return expected_account_root(state.proposals[chain], sender, blocks.start, blocks.end, root_hash)


def quorum(state: State, proposal: Proposal) -> Share:
    """The share of the power here that said VALID."""
    return valid_share(tally_set(state), proposal)


def l1_quorum(state: State, proposal: Proposal) -> Share:
    """The share of stake that signed, as the contract would count it now."""
    return l1_share(state.validators.members, _parameters(state, proposal.root_chain), proposal)


def submission_signatures(state: State, proposal: Proposal, *, refused: bool = False) -> tuple[SignedBy, ...]:
    """The signatures to submit: the list of the opening; if L1 refused that as no majority, all that there are now."""
    if proposal.opening is None:
        return ()
    return present_signatures(state.validators.members, proposal) if refused else proposal.opening.signatures


def why_waiting(committed: Committed, chain: int) -> Waiting:
    """Why a root chain's next checkpoint is not there yet."""
    state = committed.state
    feed, turn, proposal = state.feeds[chain], state.turns[chain], state.proposals[chain].current
    if feed.is_paused:
        return Waiting(WaitingCode.L1_REORG_BELOW_CURSOR)
    if views_differ(state, chain):
        strongest = max(feed_shares(state, chain).values(), key=lambda share: share.power, default=None)
        return Waiting(WaitingCode.L1_VIEWS_DIFFER, share=strongest)
    if proposal is not None:
        return _why_not_submitted(state, chain, proposal)
    if turn.deadline is not None:
        return Waiting(WaitingCode.WAITING_FOR_PROPOSAL, who=proposer(state, chain), deadline=turn.deadline)
    return _why_not_due(committed, chain)


def _why_not_due(committed: Committed, chain: int) -> Waiting:
    state = committed.state
    if state.turns[chain].next_start is None:
        return Waiting(WaitingCode.NEXT_START_UNKNOWN)
    found = due(state, chain, committed.time_s)
    if found.missing_blocks and not found.is_due:
        return Waiting(WaitingCode.WAITING_FOR_SIDE_BLOCKS, blocks=found.missing_blocks)
    if found.missing_s and not found.is_due:
        return Waiting(WaitingCode.WAITING_FOR_INTERVAL, seconds=found.missing_s)
    return Waiting(WaitingCode.WAITING_FOR_TURN, blocks=state.turns[chain].wait_blocks)


def _why_not_submitted(state: State, chain: int, proposal: Proposal) -> Waiting:
    share = quorum(state, proposal)
    who, deadline = proposal.proposer, state.turns[chain].deadline
    if proposal.stage is Stage.OPEN:
        return Waiting(WaitingCode.WAITING_FOR_SUBMITTER, who=who, deadline=deadline, share=share)
    if proposal.stage is Stage.GRACE:
        return Waiting(WaitingCode.GRACE, blocks=proposal.grace_left, deadline=deadline, share=share)
    return Waiting(WaitingCode.COLLECTING, who=who, deadline=deadline, share=share)


def _voters(state: State) -> dict[ValidatorId, VoterStatements]:
    return {voter.id: voter for voter in state.tallies}


def _parameters(state: State, chain: int) -> RootChainParameters:
    return state.params.root_chains[chain]
