"""A proposer that proposes what it must not: refused or voted down, its turn taken from it, and the others go on.

The first turn is validator 0's, who is honest; the second is that of validator 1, who is not.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber
from node.app import queries
from node.app.errors import TransactionCode
from node.app.history import CheckpointEntry, NoAckEntry, RejectionEntry
from node.app.messages import ProposeCheckpoint
from node.app.state import Committed
from node.devnet.network import DevnetOptions
from node.duties.identity import Identity
from tests.e2e.harness import running_network

FALSE_ROOT = keccak256(b"not the root of anything")
PROPOSER = 1

Falsify = Callable[[ProposeCheckpoint], ProposeCheckpoint]


def _shifted(message: ProposeCheckpoint, start_by: int, end_by: int) -> ProposeCheckpoint:
    return replace(message, start=BlockNumber(message.start + start_by), end=BlockNumber(message.end + end_by))


REFUSED: tuple[tuple[Falsify, TransactionCode], ...] = (
    (lambda message: _shifted(message, 8, 8), TransactionCode.GAP),
    (lambda message: _shifted(message, -8, 0), TransactionCode.OVERLAP),
    (lambda message: _shifted(message, 0, 8), TransactionCode.FUTURE_RANGE),
    (lambda message: _shifted(message, 0, -1), TransactionCode.BAD_LENGTH),
    (lambda message: _shifted(message, 0, 64), TransactionCode.BAD_LENGTH),
    (lambda message: replace(message, turn=message.turn + 1), TransactionCode.WRONG_TURN),
    (lambda message: replace(message, account_root_hash=FALSE_ROOT), TransactionCode.WRONG_ACCOUNT_ROOT),
    (lambda message: replace(message, root_chain=1), TransactionCode.UNKNOWN_ROOT_CHAIN),
)


@pytest.mark.parametrize(("falsify", "code"), REFUSED, ids=[code.name for _, code in REFUSED])
async def test_proposal__against_the_rules__refused_and_its_proposer_loses_the_turn(
    falsify: Falsify, code: TransactionCode
) -> None:
    async with running_network(options=_with_false_proposer(falsify)) as network:
        await network.until_acks(2)
        first, no_ack, second = network.history()
        assert isinstance(first, CheckpointEntry)
        assert isinstance(no_ack, NoAckEntry)
        assert isinstance(second, CheckpointEntry)
        assert (network.index_of(no_ack.proposer), no_ack.had_proposal) == (PROPOSER, False)
        assert second.turn == no_ack.turn + 1
        assert network.codes(PROPOSER) == {code}
        assert all(sent.succeeded for sent in network.submissions())


async def test_proposal__of_a_wrong_root__voted_invalid_and_rejected_at_once() -> None:
    options = _with_false_proposer(lambda message: replace(message, root_hash=FALSE_ROOT))
    async with running_network(options=options) as network:
        await network.until_acks(2)
        first, rejection, second = network.history()
        assert isinstance(first, CheckpointEntry)
        assert isinstance(rejection, RejectionEntry)
        assert isinstance(second, CheckpointEntry)
        assert (network.index_of(rejection.proposer), rejection.root_hash) == (PROPOSER, FALSE_ROOT)
        assert second.turn == rejection.turn + 1
        assert network.turn.no_acks == 0
        assert network.codes(PROPOSER) <= {TransactionCode.ALREADY_PROPOSED}, "within the rules but for its repetition"
        assert len(network.submissions()) == 2


async def test_proposal__in_another_s_turn__refused_and_changes_nothing() -> None:
    options = _with_false_proposer(lambda message: message, in_its_turn=False)
    async with running_network(options=options) as network:
        await network.until_acks(1)
        assert network.codes(PROPOSER) >= {TransactionCode.NOT_YOUR_TURN}
        assert network.turn.no_acks == 0
        (first,) = network.history()
        assert isinstance(first, CheckpointEntry)
        assert network.index_of(first.proposer) == 0


def _with_false_proposer(falsify: Falsify, *, in_its_turn: bool = True) -> DevnetOptions:
    """Validator 1 proposes something else than the rules ask for, again and again, in its turn or in all others."""

    def propose(committed: Committed, root_chain: int, identity: Identity) -> ProposeCheckpoint | None:
        state = committed.state
        wanted = queries.next_range(state, root_chain, committed.time_s)
        is_its_turn = queries.proposer(state, root_chain) == identity.signer
        if wanted is None or is_its_turn is not in_its_turn:
            return None
        account_root = queries.account_root_for(state, root_chain, identity.signer, wanted, FALSE_ROOT)
        turn = state.turns[root_chain].number
        return falsify(ProposeCheckpoint(root_chain, turn, wanted.start, wanted.end, FALSE_ROOT, account_root))

    return DevnetOptions(periodic_blocks=False, proposal_makers=(None, propose))
