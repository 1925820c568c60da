"""What duties and API read off a state."""

from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, Hash32, ValidatorId
from node.app import queries
from node.app.queries import BlockRange, WaitingCode, why_waiting
from node.app.state import Stage
from tests.unit.app import logs
from tests.unit.app.network import Network


def test_ranks__proposer_first_then_turn_order_and_no_more_than_there_are() -> None:
    network = Network()
    ranks = queries.ranks(network.state, 0)
    assert ranks[0] == network.proposer.key.address
    assert len(set(ranks)) == 3
    assert len(queries.ranks(Network(stakes=(10,)).state, 0)) == 1
    network.report_heads(11)
    network.say_quiet()
    assert network.proposer.key.address == ranks[1], "the next in rank is the next proposer"


def test_next_range__not_due__none() -> None:
    network = Network()
    assert queries.next_range(network.state, 0, network.now_s) is None


def test_next_range__long_backlog__as_much_as_is_allowed() -> None:
    network = Network()
    network.report_heads(1_000)
    assert queries.next_range(network.state, 0, network.now_s) == BlockRange(BlockNumber(0), BlockNumber(63))
    later_s = network.now_s + 60
    assert queries.next_range(network.state, 0, later_s) == BlockRange(BlockNumber(0), BlockNumber(63))


def test_submission_signatures__refused_by_l1__all_that_there_are_now() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    assert queries.submission_signatures(network.state, network.proposal) == ()
    network.sign(*network.validators[:3])
    network.empty_blocks(4)
    network.sign(network.validators[3])
    assert network.stage() is Stage.OPEN
    assert len(queries.submission_signatures(network.state, network.proposal)) == 3
    assert len(queries.submission_signatures(network.state, network.proposal, refused=True)) == 4
    assert why_waiting(network.app.committed, 0).code is WaitingCode.WAITING_FOR_SUBMITTER


def test_account_root__of_a_new_range__is_the_states() -> None:
    network = Network()
    blocks = BlockRange(BlockNumber(0), BlockNumber(7))
    root = queries.account_root_for(network.state, 0, network.proposer.key.address, blocks, keccak256(b"root"))
    assert root == Hash32(bytes(32))


def test_validators__present_leaving_and_gone__found_by_id_and_signer() -> None:
    network = Network()
    one = network.validators[0].key.address
    record = queries.member_by_signer(network.state, one)
    assert record is not None
    assert queries.is_leaving(network.state, record) is None
    network.l1_block(logs.unstake_init(1, 2, 1))
    network.see_l1()
    assert queries.member_by_signer(network.state, one) is None
    gone = queries.member_by_id(network.state, ValidatorId(1))
    assert gone is not None
    assert gone.deactivation_epoch == 1
    assert queries.member_by_id(network.state, ValidatorId(99)) is None


def test_waiting__after_a_rejection__says_for_how_many_blocks() -> None:
    network = Network()
    network.report_heads(11)
    network.propose(0, 7, root=keccak256(b"wrong"))
    network.block(*(network.attest(validator, network.invalid()) for validator in network.validators))
    waiting = why_waiting(network.app.committed, 0)
    assert (waiting.code, waiting.blocks) == (WaitingCode.WAITING_FOR_TURN, 2)
