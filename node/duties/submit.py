"""The submit duty: puts an agreed checkpoint on its root chain, by the proposer at once, by others after a delay each.

Anyone may relay, for the contract looks at signatures and not at the sender. So a proposer that died costs a delay, and
the outbox sees to it that this validator spends at most one nonce on a header.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bridge.chain.errors import ChainError
from bridge.chain.header_store import BlockPoint
from bridge.chain.outbox import Judgement, Outbox, OutboxEvent
from bridge.chain.outbox_store import EntryState, Intent, OutboxEntry, Waiting
from bridge.chain.reader import ChainReader
from bridge.codec.checkpoint import DataForm, SignedBy, decode_bound_data, decode_submit_calldata, submit_calldata
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds, Wei
from node.app import queries
from node.app.proposals import data_of
from node.app.state import Committed, Opening, Proposal, Stage, State
from node.duties.contract_view import ContractReader
from node.duties.identity import Identity
from node.duties.pending import shows_pending
from node.duties.readiness import Readiness
from node.duties.status import Moment

EVENTS_KEPT = 64


@dataclass(frozen=True, slots=True)
class L1View:
    """What the newest block of a root chain shows of the checkpoint of a turn."""

    turn: int
    block_hash: Hash32
    time_s: UnixSeconds
    next_header_id: int
    clock_ahead: bool
    """Whether L1's time leaves no room for inclusion before the deadline."""
    seen_open_s: UnixSeconds
    """L1's time when this node first saw the submission open: later than the engine's if L1's clock is ahead."""

    def waited_s(self, opening: Opening) -> int:
        """For how long the submission has been open, by L1's clock."""
        return max(0, self.time_s - max(opening.time_s, self.seen_open_s))


def submission_key(header_id: int) -> str:
    """The outbox's key of a header: one nonce for all turns that try to put it there."""
    return f"checkpoint/{header_id}"


class SubmissionJudge:
    """Tells the outbox whether a submission is still worth its transaction, by reading RootChain."""

    def __init__(self, contracts: ContractReader, reader: ChainReader, data_form: DataForm) -> None:
        self._contracts = contracts
        self._reader = reader
        self._data_form = data_form

    async def __call__(self, intent: Intent, at: BlockNumber | None) -> Judgement:
        """OVER once the header is there, whoever sent it, or once its contract would refuse it as too late."""
        header = await self._reader.header("latest" if at is None else at)
        if header is None:
            return Judgement.CANNOT_TELL
        if await self._contracts.next_header_id(header.number) > int(intent.key.rpartition("/")[2]):
            return Judgement.OVER
        if self._data_form is DataForm.BOUND:
            valid_until = decode_bound_data(decode_submit_calldata(intent.data).data).valid_until
            if header.timestamp > valid_until:
                return Judgement.OVER
        return Judgement.WANTED


class Submit:
    """Submits for one root chain, and works its outbox."""

    def __init__(
        self,
        index: int,
        chain: str,
        committed: Callable[[], Committed],
        readiness: Readiness,
        head: Callable[[], BlockPoint | None],
        reader: ChainReader,
        contracts: ContractReader,
        outbox: Outbox | None,
        gas_limit: int,
    ) -> None:
        """`head` is the newest block that whoever follows the root chain has seen."""
        self.name = f"submit {chain}"
        self.index = index
        self.outbox = outbox
        """None on a node without a submission key: it never submits."""
        self.trouble: str | None = None
        self.l1: L1View | None = None
        """The newest block, looked at while a checkpoint is open."""
        self.last_submitted: Moment | None = None
        """The header id that this node last sent, and when by L1's time."""
        self.events: deque[OutboxEvent] = deque(maxlen=EVENTS_KEPT)
        """The newest changes in the outbox, for stories and metrics."""
        self._committed = committed
        self._readiness = readiness
        self._head = head
        self._reader = reader
        self._contracts = contracts
        self._gas_limit = gas_limit
        self._seen_pending_at: Hash32 | None = None
        """The newest block when another's transaction was last seen waiting."""

    def entry(self, header_id: int) -> OutboxEntry | None:
        """What the outbox has about a header."""
        return None if self.outbox is None else self.outbox.entry(submission_key(header_id))

    async def run_once(self) -> bool:
        """Plan the submission that is due, then bring the outbox forward."""
        committed = self._committed()
        identity = self._readiness.signing_identity(committed)
        try:
            proposal = committed.state.proposals[self.index].current
            if proposal is None or proposal.opening is None:
                self.l1 = None
            else:
                await self._look(committed.state, proposal)
                if identity is not None:
                    await self._plan(committed.state, proposal, proposal.opening, identity)
            if self.outbox is not None and not self._readiness.paused:
                self._note(await self.outbox.advance())
        except ChainError as error:
            self.trouble = f"{error.code}: {error}"
            return False
        self.trouble = None
        return False

    async def _look(self, state: State, proposal: Proposal) -> None:
        latest = self._head()
        seen = self.l1 if self.l1 is not None and self.l1.turn == proposal.turn else None
        if latest is None or (seen is not None and seen.block_hash == latest.hash):
            return
        parameters = state.params.root_chains[self.index]
        self.l1 = L1View(
            turn=proposal.turn,
            block_hash=latest.hash,
            time_s=latest.timestamp,
            next_header_id=await self._contracts.next_header_id(latest.number),
            clock_ahead=latest.timestamp + parameters.inclusion_allowance_s > proposal.valid_until,
            seen_open_s=latest.timestamp if seen is None else seen.seen_open_s,
        )

    async def _plan(self, state: State, proposal: Proposal, opening: Opening, identity: Identity) -> None:
        l1 = self.l1
        if self.outbox is None or l1 is None or not may_submit(state, proposal, identity, l1):
            return
        if not self._readiness.holds_signed_chain() or self._readiness.contradicts(proposal):
            return  # a range that the side chain is just leaving, or has left, must not be put on L1
        held = self.entry(proposal.header_id)
        calldata = _wanted_calldata(state, proposal, opening, held)
        if held is None:
            if await self._leaves_it_to_another(state, proposal, identity, l1, calldata):
                return
        elif not held.state.is_closed and (held.intent.data == calldata or held.state is EntryState.MINED):
            return
        root_chain = state.params.root_chains[self.index]
        self.outbox.plan(
            Intent(
                key=submission_key(proposal.header_id),
                to=root_chain.root_chain_address,
                data=calldata,
                value_wei=Wei(0),
                gas_limit=self._gas_limit,
            )
        )

    async def _leaves_it_to_another(
        self, state: State, proposal: Proposal, identity: Identity, l1: L1View, calldata: bytes
    ) -> bool:
        """Whether somebody's transaction with the same call waits already, for one more delay at the most.

        Asked once a block. An underpriced transaction, or an endpoint that lies, must not hold up all ranks.
        """
        rank = rank_of(state, proposal, identity)
        delay_s = state.params.root_chains[self.index].rank_delay_s
        if not rank or proposal.opening is None or l1.waited_s(proposal.opening) >= (rank + 1) * delay_s:
            return False
        if self._seen_pending_at != l1.block_hash and await shows_pending(self._reader, calldata):
            self._seen_pending_at = l1.block_hash
        return self._seen_pending_at == l1.block_hash

    def _note(self, events: tuple[OutboxEvent, ...]) -> None:
        self.events.extend(events)
        for event in events:
            sent = event.after.current
            if sent is not None and not sent.is_cancel and len(event.after.attempts) > len(event.before.attempts):
                header_id = int(event.after.intent.key.rpartition("/")[2])
                self.last_submitted = Moment(header_id, float(sent.signed_at_s))


def rank_of(state: State, proposal: Proposal, identity: Identity) -> int | None:
    """This validator's place among the submitters, the proposer first; None if it has none."""
    order = queries.ranks(state, proposal.root_chain)
    return next((rank for rank, signer in enumerate(order) if signer == identity.signer), None)


def may_submit(state: State, proposal: Proposal, identity: Identity, l1: L1View) -> bool:
    """Whether this validator may send now: its rank's time has come by L1's clock, and the header is not there."""
    if proposal.stage is not Stage.OPEN or proposal.opening is None:
        return False
    if l1.next_header_id > proposal.header_id or l1.clock_ahead:
        return False
    rank = rank_of(state, proposal, identity)
    if rank is None:
        return False
    delay_s = state.params.root_chains[proposal.root_chain].rank_delay_s
    return rank == 0 or l1.waited_s(proposal.opening) >= rank * delay_s


def _wanted_calldata(state: State, proposal: Proposal, opening: Opening, held: OutboxEntry | None) -> bytes:
    """The list of the opening; or, once L1 has refused that one as no majority, all signatures that there are now."""
    frozen = submission_calldata(state, proposal, opening.signatures)
    if held is None:
        return frozen
    widened = submission_calldata(state, proposal, queries.submission_signatures(state, proposal, refused=True))
    return widened if held.waiting is Waiting.L1_REFUSES or held.intent.data == widened else frozen


def submission_calldata(state: State, proposal: Proposal, signatures: tuple[SignedBy, ...]) -> bytes:
    """The calldata that puts the proposal on its root chain; the same bytes for every submitter."""
    return submit_calldata(data_of(state.params.root_chains[proposal.root_chain], proposal), signatures)
