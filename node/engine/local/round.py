"""One round: the proposer prepares a block, all judge it, and over two thirds of the power decide.

A round without its proposer, or without enough votes, decides nothing; the next round has the next proposer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.codec.hash import keccak256
from bridge.codec.types import Address
from node.app.abci import FinalizeBlockRequest, PrepareProposalRequest, ProcessProposalRequest, ProposalStatus
from node.engine import convert
from node.engine.errors import ApplicationFaultError, MemberLostError
from node.engine.local.block import Block, Commit, Precommit
from node.engine.local.chain import Chain
from node.engine.local.gossip import Network
from node.engine.local.mempool import size_in_block
from node.engine.local.node import Node
from node.engine.local.times import precommit_time_ns
from node.engine.local.validators import ValidatorSet

BLOCK_BYTES_MAX = 4 * 1024 * 1024
"""What the transactions of a block may take, with their framing."""


@dataclass(frozen=True, slots=True)
class Round:
    """A round of the height after `chain`: its number from 0, and the round robin turned that many times further."""

    chain: Chain
    number: int
    rotation: ValidatorSet

    @property
    def proposer(self) -> Address:
        """Whose turn it is."""
        return self.rotation.proposer

    def next(self) -> "Round":
        """The round after this one, if it decides nothing."""
        return Round(self.chain, self.number + 1, self.rotation.rotated())


def first_round(chain: Chain) -> Round:
    """The round with which the next height begins."""
    return Round(chain, 0, chain.validators)


async def decide(turn: Round, nodes: Sequence[Node], voters: Mapping[Address, Node], network: Network) -> Block | None:
    """Hold a round among the nodes that are up; `voters` says which of them votes for which validator.

    None if the round decides nothing. Raises ApplicationFaultError if the proposer's application overfills the block.
    """
    proposer = voters.get(turn.proposer)
    if proposer is None:
        return None
    try:
        request = _propose(turn, proposer)
    except MemberLostError:
        return None
    accepting: set[int] = set()
    for node in nodes:
        heard = network.delivers_proposal(proposer.index, node.index, request.height, turn.number)
        if heard and _accepts(node, request):
            accepting.add(node.index)
        await asyncio.sleep(0)
    commit = _commit(turn, request.time_ns, {key: node for key, node in voters.items() if node.index in accepting})
    share = turn.chain.validators.share_of({vote.address for vote in commit.precommits})
    return Block(request, commit) if share.is_quorum else None


def _propose(turn: Round, proposer: Node) -> FinalizeBlockRequest:
    height, time_ns = turn.chain.height + 1, turn.chain.next_time_ns
    waiting = proposer.mempool.reap(BLOCK_BYTES_MAX)
    answer = proposer.application.prepare_proposal(
        PrepareProposalRequest(BLOCK_BYTES_MAX, waiting, height, time_ns, turn.proposer)
    )
    size = sum(map(size_in_block, answer.txs))
    if size > BLOCK_BYTES_MAX:
        raise ApplicationFaultError(
            f"{proposer.name} proposed {size} bytes of transactions; a block holds {BLOCK_BYTES_MAX}"
        )
    unnamed = FinalizeBlockRequest(answer.txs, height, time_ns, b"", turn.proposer)
    return replace(unnamed, hash=keccak256(convert.request_to_bytes(unnamed)))


def _accepts(node: Node, block: FinalizeBlockRequest) -> bool:
    request = ProcessProposalRequest(block.txs, block.height, block.time_ns, block.hash, block.proposer_address)
    try:
        return node.application.process_proposal(request).status is ProposalStatus.ACCEPT
    except MemberLostError:
        return False


def _commit(turn: Round, block_time_ns: int, voters: Mapping[Address, Node]) -> Commit:
    return Commit(
        turn.number,
        tuple(
            Precommit(
                validator.address,
                validator.power,
                precommit_time_ns(voters[validator.address].clock.now(), block_time_ns),
            )
            for validator in turn.chain.validators.validators
            if validator.address in voters
        ),
    )
