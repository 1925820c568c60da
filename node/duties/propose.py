"""The propose duty: when this validator is the proposer of a root chain's turn, it names the range and its root."""

from collections.abc import Callable, Iterable

from node.app import queries
from node.app.messages import MessageKind, ProposeCheckpoint
from node.app.state import Committed
from node.duties.follow import FollowSide
from node.duties.identity import Identity
from node.duties.readiness import Readiness
from node.duties.status import Moment
from node.duties.transactions import TransactionSender

ProposalMaker = Callable[[Committed, int, Identity], ProposeCheckpoint | None]
"""What to propose for a root chain now, or None."""


class Propose:
    """Proposes for each root chain whose turn is this validator's; sent again until the state has it."""

    name = "propose"

    def __init__(
        self,
        committed: Callable[[], Committed],
        readiness: Readiness,
        sender: TransactionSender,
        maker: ProposalMaker,
    ) -> None:
        self._committed = committed
        self._readiness = readiness
        self._sender = sender
        self._maker = maker
        self._last_height = -1
        self.last_built: dict[int, Moment] = {}
        """Per root chain, the end of the last range that this node proposed, and the engine time."""

    async def run_once(self) -> bool:
        """Send one proposal a block if one is wanted; the next chain's turn comes with the next block."""
        committed = self._committed()
        identity = self._readiness.signing_identity(committed)
        if identity is None or committed.height == self._last_height:
            return False
        if self._sender.on_its_way(MessageKind.PROPOSE_CHECKPOINT, committed, identity) is not None:
            return False
        for root_chain in self._root_chains(committed):
            message = self._maker(committed, root_chain, identity)
            if message is not None:
                self._last_height = committed.height
                if self._sender.send(message, committed, identity):
                    self.last_built[root_chain] = Moment(message.end, committed.time_s)
                return False
        return False

    def _root_chains(self, committed: Committed) -> Iterable[int]:
        """Every root chain, another one first at each height."""
        count = len(committed.state.turns)
        return ((committed.height + offset) % count for offset in range(count))


def honest_proposals(side: FollowSide) -> ProposalMaker:
    """The proposals that the rules ask for, over this node's own headers."""

    def propose(committed: Committed, root_chain: int, identity: Identity) -> ProposeCheckpoint | None:
        state = committed.state
        is_open = state.proposals[root_chain].current is None and not state.feeds[root_chain].is_paused
        wanted = queries.next_range(state, root_chain, committed.time_s) if is_open else None
        if wanted is None or queries.proposer(state, root_chain) != identity.signer:
            return None
        root_hash = side.roots.root(wanted.start, wanted.end)
        if root_hash is None:
            return None
        account_root = queries.account_root_for(state, root_chain, identity.signer, wanted, root_hash)
        return ProposeCheckpoint(
            root_chain=root_chain,
            turn=state.turns[root_chain].number,
            start=wanted.start,
            end=wanted.end,
            root_hash=root_hash,
            account_root_hash=account_root,
        )

    return propose
