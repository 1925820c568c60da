"""The attest duty: says, in at most one transaction a block, all that this node stands by and the state lacks."""

from collections.abc import Callable

from bridge.chain.errors import ChainError
from bridge.codec.feed import Step
from node.app import canonical
from node.app.messages import Attest, Head, MessageKind, ReanchorList, Statement, Upgrade, Valid, statement_order
from node.app.state import Committed, Proposal, State
from node.duties.follow import FollowRoot, FollowSide
from node.duties.genesis_check import expects
from node.duties.identity import Identity
from node.duties.readiness import Readiness
from node.duties.reanchor import Reanchoring, find_reanchoring
from node.duties.statements import (
    HeadReport,
    bodies_to_attach,
    by_precedence,
    chain_statements,
    feed_statements,
    head_statement,
    proposals_to_judge,
    upgrade_statements,
)
from node.duties.status import Moment
from node.duties.transactions import TransactionSender
from node.duties.verdicts import Judge
from node.keys.signer import Signer


class AttestDuty:
    """Gathers the statements of one validator and sends them."""

    name = "attest"

    def __init__(
        self,
        committed: Callable[[], Committed],
        readiness: Readiness,
        sender: TransactionSender,
        signer: Signer,
        judge: Judge,
        side: FollowSide,
        roots: tuple[FollowRoot, ...],
        upgrade: Upgrade | None = None,
    ) -> None:
        """`upgrade` is what the operator of this node agrees to."""
        self._committed = committed
        self._readiness = readiness
        self._sender = sender
        self._signer = signer
        self._judge = judge
        self._side = side
        self._roots = roots
        self._upgrade = upgrade
        self._last_head: HeadReport | None = None
        self._last_height = -1
        self.last_signed: dict[int, Moment] = {}
        """Per root chain, the end of the last range signed, and the engine time."""

    async def run_once(self) -> bool:
        """Send what is to be said, unless the same is on its way."""
        committed = self._committed()
        identity = self._readiness.signing_identity(committed)
        if identity is None or committed.height == self._last_height:
            return False
        reanchorings = await self._reanchorings(committed)
        statements = await self._statements(committed, identity, reanchorings)
        bodies = self._bodies(committed, identity)
        waiting = self._sender.on_its_way(MessageKind.ATTEST, committed, identity)
        if waiting is not None and isinstance(waiting.message, Attest):
            said, given = set(waiting.message.statements), set(waiting.message.steps)
            statements = statements if set(statements) - said else ()
            bodies = bodies if set(bodies) - given else ()
        if (statements or bodies) and self._may_still_sign(identity):
            self._send(committed, identity, statements, bodies, reanchorings)
        return False

    def _may_still_sign(self, identity: Identity) -> bool:
        """Whether nothing has paused or stopped this node while the chains were asked."""
        return self._readiness.signing_identity(self._committed()) == identity

    async def _statements(
        self, committed: Committed, identity: Identity, reanchorings: tuple[Reanchoring, ...]
    ) -> tuple[Statement, ...]:
        state = committed.state
        statements: list[Statement] = []
        head = head_statement(state, identity.id, committed.time_s, self._side.confirmed, self._last_head)
        if head is not None:
            statements.append(head)
        for follow in self._roots:
            if follow.view is not None:
                statements += feed_statements(state, identity.id, follow.index, follow.view)
            # No new signature for contracts that may have changed behind our backs.
            trusted = follow.contract_seen and not follow.contract_changed
            for proposal in proposals_to_judge(state, identity.id, follow.index) if trusted else ():
                if not await self._contract_expects(follow, state, proposal):
                    continue
                verdict = await self._judge.verdict(state, proposal, identity)
                if verdict is not None:
                    statements.append(verdict)
                if isinstance(verdict, Valid):
                    self.last_signed[follow.index] = Moment(proposal.end, committed.time_s)
        for reanchoring in reanchorings:
            told = chain_statements(state, identity.id, reanchoring.statement.root_chain).reanchor
            if told != reanchoring.statement:
                statements.append(reanchoring.statement)
        statements += upgrade_statements(state, identity.id, self._upgrade)
        return by_precedence(statements)

    async def _contract_expects(self, follow: FollowRoot, state: State, proposal: Proposal) -> bool:
        """On a node that could not compare genesis at its block: whether L1 expects this checkpoint."""
        if self._readiness.compared_genesis(follow.index):
            return True
        confirmed = follow.confirmed
        try:
            return confirmed is not None and await expects(
                follow.reader, state.params.root_chains[follow.index], proposal, confirmed.number
            )
        except ChainError:
            return False

    def _bodies(self, committed: Committed, identity: Identity) -> tuple[Step, ...]:
        """The bodies of one root chain, another one first at each height."""
        for offset in range(len(self._roots)):
            follow = self._roots[(committed.height + offset) % len(self._roots)]
            if follow.view is not None and follow.view.conflict is None:
                bodies = bodies_to_attach(committed.state, identity.id, follow.index, follow.view)
                if bodies:
                    return bodies
        return ()

    async def _reanchorings(self, committed: Committed) -> tuple[Reanchoring, ...]:
        """For each paused root chain, where this node sees the applied steps now."""
        paused = (follow for follow in self._roots if committed.state.feeds[follow.index].is_paused)
        found = [await find_reanchoring(committed.state, follow) for follow in paused]
        return tuple(reanchoring for reanchoring in found if reanchoring is not None)

    def _send(
        self,
        committed: Committed,
        identity: Identity,
        statements: tuple[Statement, ...],
        bodies: tuple[Step, ...],
        reanchorings: tuple[Reanchoring, ...],
    ) -> None:
        attest_id = self._signer.next_attest_id()
        reanchor = _body_to_attach(committed.state, statements, reanchorings)
        message = Attest(
            node_id=attest_id.node_id,
            counter=attest_id.counter,
            statements=tuple(sorted(statements, key=statement_order)),
            # One body of either kind at a time: together they may be more than an attestation carries.
            steps=bodies if reanchor is None else (),
            reanchor=reanchor,
        )
        is_taken = self._sender.send(message, committed, identity)
        self._last_height = committed.height
        if is_taken and any(isinstance(statement, Head) for statement in statements):
            self._last_head = HeadReport(committed.time_s)


def _body_to_attach(
    state: State, statements: tuple[Statement, ...], reanchorings: tuple[Reanchoring, ...]
) -> ReanchorList | None:
    """The list of a re-anchoring that is said now and that the state does not hold."""
    for reanchoring in reanchorings:
        held = state.feeds[reanchoring.statement.root_chain].reanchor_bodies
        if reanchoring.statement in statements and canonical.encode(reanchoring.body) not in held:
            return reanchoring.body
    return None
