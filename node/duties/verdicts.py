"""What this node says of a proposed checkpoint: VALID with a signature, INVALID with a reason, or nothing yet.

Nothing is the usual answer of a node that lags: it looks again later, and its signature still counts then.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from bridge.chain.errors import ChainError, NotHeld
from bridge.chain.header_store import StoredHeader
from bridge.chain.headers import leaf_of_stored
from bridge.chain.reader import ChainReader
from bridge.codec.merkle import Frontier
from bridge.codec.types import BlockNumber, Hash32
from node.app.errors import InvalidReason
from node.app.messages import Invalid, Valid
from node.app.state import Proposal, State
from node.duties.follow import FollowSide
from node.duties.identity import Identity
from node.duties.readiness import acknowledged_end, turn_checkpoint
from node.duties.statements import said_invalid
from node.keys.errors import SideBlockNotConfirmed, SlotTaken
from node.keys.signer import Signer

HEADERS_PER_CALL = 100
SUBJECTS_KEPT = 64
"""Proposals whose verdict is remembered, so that it is counted once: two per root chain are looked at."""


class VerdictKey(NamedTuple):
    """A root chain's index, and VALID, INVALID or CANNOT_TELL."""

    root_chain: int
    verdict: str


class Judge:
    """Judges proposals over this node's own headers, and signs the ones that are right."""

    def __init__(self, side: FollowSide, signer: Signer) -> None:
        self._side = side
        self._signer = signer
        self.counts: Counter[VerdictKey] = Counter()
        """How often each verdict was reached since the start; looking again at a proposal counts nothing."""
        self.last_cannot_tell: str | None = None
        """Why the last proposal looked at got no verdict, if it got none."""
        self._reached: dict[tuple[int, int], str] = {}

    async def verdict(self, state: State, proposal: Proposal, identity: Identity) -> Valid | Invalid | None:
        """The verdict on a committed proposal. Raises SigningRefused's and RecordError's leaves."""
        verdict = await self._judge(state, proposal, identity)
        said = verdict is not None or said_invalid(proposal, identity.id)
        word = "CANNOT_TELL" if not said else "INVALID" if verdict is None else verdict.kind.name
        self._count(proposal, word)
        return verdict

    def _count(self, proposal: Proposal, word: str) -> None:
        subject = (proposal.root_chain, proposal.turn)
        if self._reached.get(subject) == word:
            return
        self.counts[VerdictKey(proposal.root_chain, word)] += 1
        self._reached[subject] = word
        if len(self._reached) > SUBJECTS_KEPT:
            del self._reached[next(iter(self._reached))]

    async def _judge(self, state: State, proposal: Proposal, identity: Identity) -> Valid | Invalid | None:
        root = self._side.roots.root(proposal.start, proposal.end)
        end_hash = self._side.hash_at(proposal.end)
        if root is None or end_hash is None:
            self.last_cannot_tell = f"the side chain is not confirmed here up to block {proposal.end}"
            return None
        if root != proposal.root_hash:
            return await self._contradict(proposal, root, identity)
        try:
            signature = self._signer.sign_checkpoint(
                turn_checkpoint(state, proposal),
                identity.signer,
                end_hash,
                acknowledged_end(state),
                self._side.hash_at,
            )
        except (SideBlockNotConfirmed, SlotTaken) as reason:
            self.last_cannot_tell = f"{reason.code}: {reason}"
            return None
        self.last_cannot_tell = None
        return Valid(proposal.root_chain, proposal.turn, signature)

    async def _contradict(self, proposal: Proposal, root: Hash32, identity: Identity) -> Invalid | None:
        """INVALID, if two endpoints now show the chain of headers that we hold.

        Ours may have come from any of them, so we ask afresh; a twin of the reader knows which endpoint answered it,
        whatever other duties ask meanwhile. Headers are linked, so who shows the last one vouches for them all.
        """
        if said_invalid(proposal, identity.id):
            return None
        first = self._side.reader.twin()
        if first.second() is None:
            self.last_cannot_tell = "the root differs from ours, and there is no second endpoint to ask"
            return None
        try:
            first_root = await root_by(first, proposal.start, proposal.end)
            second = first.second()
            second_root = None if second is None else await root_by(second, proposal.start, proposal.end)
        except ChainError as error:
            self.last_cannot_tell = f"the root differs from ours, and the second endpoint cannot tell: {error}"
            return None
        if not first_root == second_root == root:
            self.last_cannot_tell = "the root differs from ours, and the two endpoints differ from each other"
            return None
        return Invalid(proposal.root_chain, proposal.turn, InvalidReason.ROOT_MISMATCH)


async def root_by(reader: ChainReader, start: BlockNumber, end: BlockNumber) -> Hash32:
    """The root of a range as one endpoint shows it, over linked headers. Raises ChainError if it does not show all."""
    frontier = Frontier()
    previous: StoredHeader | None = None
    for first in range(start, end + 1, HEADERS_PER_CALL):
        count = min(HEADERS_PER_CALL, end + 1 - first)
        headers = await reader.headers(BlockNumber(first), count)
        if len(headers) != count or not _linked(previous, headers):
            raise NotHeld(f"no complete chain of headers from block {first} on")
        for header in headers:
            frontier.append(leaf_of_stored(header))
        previous = headers[-1]
    return frontier.root()


def _linked(previous: StoredHeader | None, headers: Iterable[StoredHeader]) -> bool:
    for header in headers:
        if previous is not None and header.parent_hash != previous.hash:
            return False
        previous = header
    return True
