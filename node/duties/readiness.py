"""Whether this node may sign now: checks after a start, and the stops that only a person ends (docs/protocol.md P7).

Nothing is signed before the engine has caught up, genesis was compared with the root chains, every signed end was
compared with the side chain, and the signing record holds what the chain says that we signed.
"""

import asyncio
from collections.abc import Callable, Container

from bridge.chain.errors import ChainError
from bridge.chain.reader import ChainReader
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import Address, BlockNumber, ChainId
from node.app.genesis import Genesis, genesis_hash
from node.app.messages import Attest, Transaction, decode_body, transaction_digest
from node.app.proposals import binding_of, checkpoint_of
from node.app.state import Committed, Proposal, State
from node.duties.engine_view import EngineView
from node.duties.follow import FollowSide
from node.duties.genesis_check import GenesisContradicted, check_genesis
from node.duties.identity import Identity, find_identity
from node.duties.status import Reason, Why
from node.keys.entries import AttestId, SignedEnd
from node.keys.errors import SideReorgBelowSigned, SigningRefused, TwinNode
from node.keys.record import Facts
from node.keys.signer import ExecutedTransaction, LastNonce, OwnTraces, Signer, TurnCheckpoint

HEADERS_AT_ONCE = 100


class Readiness:
    """A duty that runs the checks until they are done, and then watches the blocks that were signed."""

    name = "readiness"

    def __init__(
        self,
        genesis: Genesis,
        signer: Signer,
        committed: Callable[[], Committed],
        engine: EngineView,
        side: FollowSide,
        roots: tuple[ChainReader, ...],
        facts: Facts,
    ) -> None:
        """`roots` are the readers of the root chains in the order of genesis."""
        self.waiting_for: str | None = "the engine has not caught up"
        """What is still to be checked before the first signature; None when all is."""
        self._genesis = genesis
        self._genesis_hash = genesis_hash(genesis)
        self._signer = signer
        self._committed = committed
        self._engine = engine
        self._side = side
        self._roots = roots
        self._facts = facts
        self._contradiction: GenesisContradicted | None = None
        self._reorg: SideReorgBelowSigned | None = None
        self._holds_signed_chain = False
        signer.compare(own_traces(committed().state, signer.ring.addresses))

    @property
    def committed(self) -> Committed:
        """The state after the last committed block."""
        return self._committed()

    @property
    def paused(self) -> bool:
        """Whether the operator paused this validator: it signs and sends nothing then."""
        return self._engine.is_paused

    @property
    def stop(self) -> Why | None:
        """Why this node signs nothing until a person acts; None while it may sign."""
        stop = self._signer.stop
        if isinstance(stop, TwinNode):
            return Why(Reason.TWIN_NODE, str(stop))
        if stop is not None:
            return Why(Reason.STALE_RECORD, f"{stop.code}: {stop}")
        if self._reorg is not None:
            return Why(Reason.SIDE_REORG_BELOW_SIGNED, str(self._reorg))
        if self._contradiction is not None:
            return Why(Reason.GENESIS_CONTRADICTED, str(self._contradiction))
        return None

    def signing_identity(self, committed: Committed) -> Identity | None:
        """Who to sign as, or None while nothing may be signed."""
        if self.paused or self.waiting_for is not None or self.stop is not None:
            return None
        return find_identity(committed.state, self._signer.ring)

    def holds_signed_chain(self) -> bool:
        """Whether the confirmed side chain is, at this moment, the one that was signed; not known is no."""
        self._watch_signed_chain()
        return self._holds_signed_chain

    def contradicts(self, proposal: Proposal) -> bool:
        """Whether the confirmed side chain has another root over the range: known only where all of it is held."""
        root = self._side.roots.root(proposal.start, proposal.end)
        return root is not None and root != proposal.root_hash

    def compared_genesis(self, root_chain: int) -> bool:
        """Whether a root chain was compared at the block that genesis names, not only at a later one."""
        wanted = self._genesis.root_chains[root_chain].block_number
        return self._facts.fact(self._fact_of(root_chain)) == str(wanted).encode()

    def observe(self, transaction: Transaction) -> None:
        """Look at a transaction of a committed block: one under our key that we never signed is a twin's."""
        if transaction.sender not in self._signer.ring:
            return
        body = decode_body(transaction)
        digest = transaction_digest(
            self._genesis_hash, transaction.kind, transaction.nonce, transaction.sender, transaction.body
        )
        attest_id = AttestId(body.node_id, body.counter) if isinstance(body, Attest) else None
        self._signer.observe(ExecutedTransaction(transaction.sender, transaction.nonce, digest, attest_id))

    async def run_once(self) -> bool:
        """Go on with the checks; once they are done, compare the signed ends with the chain that is confirmed now."""
        if self._contradiction is not None or self._signer.stop is not None:
            return False
        try:
            if self.waiting_for is not None:
                await self._check()
            else:
                self._watch_signed_chain()
        except ChainError as error:
            self.waiting_for = f"a check could not be made yet: {error.code}: {error}"
        except GenesisContradicted as contradiction:
            self._contradiction = contradiction
        return False

    async def _check(self) -> None:
        if not self._engine.is_caught_up:
            self.waiting_for = "the engine has not caught up"
            return
        if not self._engine.quorum:
            self.waiting_for = "the engine has no quorum"  # nobody would hear what is signed
            return
        state = self._committed().state
        for index, reader in enumerate(self._roots):
            await self._check_genesis(index, reader, state)
        if await self._compare_signed_ends(state.params.network.side_chain_id):
            self._signer.caught_up(own_traces(state, self._signer.ring.addresses))
            self.waiting_for = None

    async def _check_genesis(self, index: int, reader: ChainReader, state: State) -> None:
        """Compare once. A contradiction stops this node for good, so that a second endpoint must show the same one."""
        if self._facts.fact(self._fact_of(index)) is not None:
            return
        first = reader.twin()
        try:
            block = await check_genesis(self._genesis, index, first, state)
        except GenesisContradicted as contradiction:
            second = first.second()
            if second is None:
                raise
            try:
                block = await check_genesis(self._genesis, index, second, state)
            except GenesisContradicted as seconded:
                if str(seconded) != str(contradiction):
                    raise ChainError("two endpoints contradict the genesis, each in another way") from seconded
                raise
        self._facts.save_fact(self._fact_of(index), str(block).encode())

    def _fact_of(self, root_chain: int) -> str:
        """The fact that holds the block at which a root chain was compared."""
        return f"genesis_checked/{self._genesis_hash.hex()}/{root_chain}"

    async def _compare_signed_ends(self, side_chain_id: ChainId) -> bool:
        """Show the signer what the side chain has at each end that it ever signed; False if it cannot be told yet."""
        ends = self._signer.signed_ends(side_chain_id)
        seen: list[SignedEnd] = []
        for first in range(0, len(ends), HEADERS_AT_ONCE):
            some = ends[first : first + HEADERS_AT_ONCE]
            headers = await asyncio.gather(*(self._side.reader.header(end.number) for end in some))
            for end, header in zip(some, headers, strict=True):
                if header is None:
                    self.waiting_for = f"the side chain does not show signed block {end.number} yet"
                    return False
                seen.append(SignedEnd(end.number, header.hash))
        try:
            self._signer.check_signed_ends(side_chain_id, seen)
        except SideReorgBelowSigned as reorg:
            self._reorg = reorg
            return False
        self._reorg = None
        return True

    def _watch_signed_chain(self) -> None:
        state = self._committed().state
        try:
            self._signer.require_signed_chain(
                state.params.network.side_chain_id, acknowledged_end(state), self._side.hash_at
            )
        except SideReorgBelowSigned as reorg:
            self._reorg = reorg
            self._holds_signed_chain = False
        except SigningRefused:
            self._holds_signed_chain = False  # not confirmed here (again) yet: nothing can be told
        else:
            self._reorg = None
            self._holds_signed_chain = True


def acknowledged_end(state: State) -> BlockNumber | None:
    """The lowest of the root chains' last acknowledged blocks: all of them have what is up to it."""
    starts = [turn.next_start for turn in state.turns]
    lowest = min((0 if start is None else start for start in starts), default=0)
    return BlockNumber(lowest - 1) if lowest > 0 else None


def own_traces(state: State, held: Container[Address]) -> OwnTraces:
    """What the committed state has that the keys held here have signed.

    Without what a fork has carried over in bound form: that was signed under the genesis of the network before it.
    """
    nonces = tuple(
        LastNonce(sender.address, sender.nonce, AttestId(sender.node_id, sender.counter) if sender.node_id else None)
        for sender in state.senders
        if sender.nonce > 0 and sender.address in held
    )
    verdicts = tuple(
        turn_checkpoint(state, proposal)
        for book in state.proposals
        for proposal in (*book.closed, book.current, book.acknowledged)
        if proposal is not None
        and not _is_carried(state, proposal)
        and any(verdict.is_valid and verdict.signer in held for verdict in proposal.verdicts)
    )
    return OwnTraces(nonces, verdicts)


def _is_carried(state: State, proposal: Proposal) -> bool:
    data_form = state.params.root_chains[proposal.root_chain].data_form
    return data_form is DataForm.BOUND and proposal.proposed_s < state.params.genesis_time_s


def turn_checkpoint(state: State, proposal: Proposal) -> TurnCheckpoint:
    """A proposal as the signer takes it."""
    parameters = state.params.root_chains[proposal.root_chain]
    is_bound = parameters.data_form is DataForm.BOUND
    return TurnCheckpoint(
        side_chain_id=state.params.network.side_chain_id,
        root_chain=proposal.root_chain,
        turn=proposal.turn,
        checkpoint=checkpoint_of(parameters, proposal),
        binding=binding_of(parameters, proposal) if is_bound else None,
    )
