"""A checkpoint from the first head report to its ack, and each way in which it does not get there."""

import pytest

from bridge.codec.checkpoint import DataForm
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32
from node.app.errors import TransactionCode
from node.app.history import CheckpointEntry, LateEntry, decode_entry
from node.app.queries import WaitingCode, next_range, why_waiting
from node.app.state import Stage
from tests.unit.app import logs
from tests.unit.app.network import Network, key, root_of, with_parameters


def test_checkpoint__everybody_well__acknowledged_and_proposer_rotates() -> None:
    network = Network()
    assert why_waiting(network.app.committed, 0).code is WaitingCode.WAITING_FOR_SIDE_BLOCKS
    assert why_waiting(network.app.committed, 0).blocks == 8

    network.report_heads(11)
    assert network.turn.deadline == network.now_s + 24
    assert why_waiting(network.app.committed, 0).code is WaitingCode.WAITING_FOR_PROPOSAL
    blocks = next_range(network.state, 0, network.now_s)
    assert blocks is not None
    assert (blocks.start, blocks.end) == (0, 7)

    first = network.proposer
    assert network.propose(0, 7) == TransactionCode.OK
    assert why_waiting(network.app.committed, 0).code is WaitingCode.COLLECTING
    network.sign()
    assert network.stage() is Stage.OPEN, "all power signed, so there is no grace to wait for"
    opening = network.proposal.opening
    assert opening is not None
    assert [signed.signer for signed in opening.signatures] == sorted(v.key.address for v in network.validators)

    network.land()
    assert network.state.proposals[0].current is None
    assert network.turn.next_start == 8
    assert network.turn.next_header_id == 20_000
    assert network.turn.number == 2
    assert network.proposer is not first
    (raw,) = network.store.log_entries("logs/checkpoints", 0, 10)
    entry = decode_entry(raw)
    assert isinstance(entry, CheckpointEntry)
    assert (entry.header_id, entry.start, entry.end, entry.root_hash) == (10_000, 0, 7, root_of(0, 7))
    assert [signature.validator for signature in entry.signatures] == [1, 2, 3, 4]
    assert entry.missing == ()
    assert not entry.is_foreign


def test_checkpoint__after_an_ack__the_next_waits_for_interval_and_blocks() -> None:
    network = Network()
    network.checkpoint()
    network.report_heads(100)
    waiting = why_waiting(network.app.committed, 0)
    assert waiting.code is WaitingCode.WAITING_FOR_INTERVAL
    assert waiting.seconds == 10 - (network.now_s - (network.turn.last_ack_s or 0))
    network.empty_blocks(11, seconds=1)
    assert network.is_armed()
    assert network.propose(8, 71) == TransactionCode.OK


def test_checkpoint__force_after_passed__any_length_will_do() -> None:
    network = Network()
    network.checkpoint()
    network.report_heads(10)
    network.empty_blocks(59, seconds=1)
    assert not network.is_armed()
    network.empty_blocks(3, seconds=1)
    blocks = next_range(network.state, 0, network.now_s)
    assert blocks is not None
    assert (blocks.start, blocks.end) == (8, 10)
    assert network.propose(8, 10) == TransactionCode.OK


def test_checkpoint__quorum_without_one__opens_after_grace_and_late_signature_is_recorded() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    *signers, last = network.validators
    network.sign(*signers)
    assert network.stage() is Stage.GRACE
    assert network.proposal.grace_left == 4
    network.empty_blocks(3)
    assert network.stage() is Stage.GRACE
    waiting = why_waiting(network.app.committed, 0)
    assert (waiting.code, waiting.blocks) == (WaitingCode.GRACE, 1)
    network.block()
    opening = network.proposal.opening
    assert opening is not None
    assert len(opening.signatures) == 3

    network.sign(last)
    assert network.proposal.opening == opening, "the opened list stays as it was"
    assert [verdict.is_late for verdict in network.proposal.verdicts] == [False, False, False, True]


def test_checkpoint__signature_after_the_ack__further_entry_of_the_log() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    *signers, last = network.validators
    network.sign(*signers)
    proposal = network.proposal
    network.land()
    late = network.valid(last, proposal)
    network.block(network.attest(last, late))
    network.block(network.attest(last, late))
    first, second = map(decode_entry, network.store.log_entries("logs/checkpoints", 0, 10))
    assert isinstance(first, CheckpointEntry)
    assert first.missing == (last.id,)
    assert isinstance(second, LateEntry)
    assert (second.validator, second.header_id) == (last.id, 10_000)


def test_quorum__exactly_two_thirds__is_none() -> None:
    network = Network(stakes=(10, 10, 10))
    network.report_heads(7)
    network.propose(0, 7)
    network.sign(*network.validators[:2])
    assert network.stage() is Stage.COLLECTING
    network.sign(network.validators[2])
    assert network.stage() is Stage.OPEN


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (1, 8, TransactionCode.GAP),
        (0, 6, TransactionCode.BAD_LENGTH),
        (0, 4, TransactionCode.BAD_LENGTH),
        (0, 71, TransactionCode.BAD_LENGTH),
        (0, 15, TransactionCode.FUTURE_RANGE),
        (0, 63, TransactionCode.FUTURE_RANGE),
    ],
)
def test_propose__wrong_range__refused_and_turn_not_used_up(start: int, end: int, code: TransactionCode) -> None:
    network = Network()
    network.report_heads(11)
    assert network.propose(start, end) == code
    assert network.state.proposals[0].current is None
    assert network.propose(0, 7) == TransactionCode.OK


def test_propose__overlap_with_the_last_checkpoint__refused() -> None:
    network = Network()
    network.checkpoint()
    network.make_due(20)
    assert network.propose(7, 14) == TransactionCode.OVERLAP


def test_propose__not_due_not_mine_wrong_turn_twice__each_with_its_code() -> None:
    network = Network()
    assert network.propose(0, 7) == TransactionCode.NOT_DUE
    network.report_heads(11)
    other = network.everybody(network.proposer)[0]
    message = network.proposal_message(0, 7)
    assert network.block(network.transaction(other, message)).tx_results[0].code == TransactionCode.NOT_YOUR_TURN
    stale = network.proposal_message(0, 7, turn=2)
    assert network.block(network.transaction(network.proposer, stale)).tx_results[0].code == TransactionCode.WRONG_TURN
    assert network.propose(0, 7) == TransactionCode.OK
    assert network.propose(0, 7) == TransactionCode.ALREADY_PROPOSED
    network.say_quiet()
    network.block()
    stale = network.proposal_message(0, 7, turn=1)
    assert network.block(network.transaction(network.proposer, stale)).tx_results[0].code == TransactionCode.WRONG_TURN


def test_propose__account_root_is_not_the_states__refused() -> None:
    network = Network()
    network.report_heads(11)
    message = network.proposal_message(0, 7)
    wrong = type(message)(0, 1, message.start, message.end, message.root_hash, Hash32(b"\x01" * 32))
    response = network.block(network.transaction(network.proposer, wrong))
    assert response.tx_results[0].code == TransactionCode.WRONG_ACCOUNT_ROOT


def test_propose__wrong_root__rejected_by_a_third_and_rotated_with_growing_wait() -> None:
    network = Network()
    network.report_heads(11)
    waits = []
    for rejection in range(1, 4):
        liar = network.proposer
        assert network.propose(0, 7, root=keccak256(b"wrong %d" % rejection)) == TransactionCode.OK
        network.block(*(network.attest(v, network.invalid()) for v in network.everybody(liar)))
        assert network.state.proposals[0].current is None
        assert network.state.proposals[0].closed[-1].stage is Stage.REJECTED
        assert network.proposer is not liar
        assert network.turn.rejections == rejection
        waited = 0
        while not network.is_armed():
            network.block()
            waited += 1
        waits.append(waited)
    assert waits == [2, 4, 8]


def test_propose__refused__its_nonce_is_used_up_all_the_same() -> None:
    network = Network()
    early = network.transaction(network.proposer, network.proposal_message(0, 7))
    assert network.block(early).tx_results[0].code == TransactionCode.NOT_DUE
    network.report_heads(11, network.everybody(network.proposer))
    assert network.is_armed()
    assert network.block(early).tx_results[0].code == TransactionCode.NONCE_USED
    assert network.state.proposals[0].current is None


def test_verdict__invalid_of_exactly_a_third__rejects_because_no_quorum_can_come() -> None:
    network = Network(stakes=(10, 10, 10))
    network.report_heads(7)
    network.propose(0, 7)
    network.block(network.attest(network.everybody(network.proposer)[0], network.invalid()))
    assert network.state.proposals[0].closed[-1].stage is Stage.REJECTED


def test_verdict__invalid_then_valid__counts_as_valid_and_never_back() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    voter = network.validators[3]
    network.block(network.attest(voter, network.invalid()))
    assert [verdict.is_valid for verdict in network.proposal.verdicts] == [False]
    network.sign(voter)
    assert [verdict.is_valid for verdict in network.proposal.verdicts] == [True]
    network.block(network.attest(voter, network.invalid()))
    assert [verdict.is_valid for verdict in network.proposal.verdicts] == [True]


def test_verdict__signature_of_somebody_else__is_a_no_op() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    one, other = network.validators[:2]
    response = network.block(network.attest(one, network.valid(other)))
    assert response.tx_results[0].code == TransactionCode.OK
    assert network.proposal.verdicts == ()


def test_ack__header_that_nobody_proposed__adopted_as_foreign_without_rotation() -> None:
    network = Network()
    network.report_heads(11)
    before = network.proposer
    network.propose(0, 7)
    network.l1_block(logs.new_header(before.key.address, 10_000, 0, 9, keccak256(b"foreign")))
    network.see_l1()
    assert network.proposer is before
    assert network.turn.next_start == 10
    assert network.state.proposals[0].closed == (), "what starts at or before its end can never land"
    entry = decode_entry(network.store.log_entries("logs/checkpoints", 0, 1)[0])
    assert isinstance(entry, CheckpointEntry)
    assert entry.is_foreign


def test_ack__header_with_an_id_of_its_own__the_next_one_follows_l1() -> None:
    network = Network()
    network.l1_block(logs.new_header(key(1).address, 50_000, 0, 9, keccak256(b"foreign")))
    network.see_l1()
    assert (network.turn.next_header_id, network.turn.next_start) == (60_000, 10)


def test_ack__same_range_with_another_root__is_foreign_and_takes_no_signatures() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    network.sign()
    network.l1_block(logs.new_header(network.proposer.key.address, 10_000, 0, 7, keccak256(b"another root")))
    network.see_l1()
    entry = decode_entry(network.store.log_entries("logs/checkpoints", 0, 1)[0])
    assert isinstance(entry, CheckpointEntry)
    assert (entry.is_foreign, entry.signatures) == (True, ())


def test_ack__of_a_rejected_bound_proposal_at_its_last_second__behind_64_logs_of_its_block__is_recorded() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    network.sign(*network.validators[:2])
    network.block(*(network.attest(validator, network.invalid()) for validator in network.validators[2:]))
    (rejected,) = network.state.proposals[0].closed
    header = (rejected.header_id, rejected.start, rejected.end, rejected.root_hash)
    block_logs = (*[logs.unknown()] * 64, logs.new_header(rejected.proposer, *header))
    network.l1_block(*block_logs, time_s=rejected.valid_until)
    network.see_l1()
    network.block()
    entry = decode_entry(network.store.log_entries("logs/checkpoints", 1, 1)[0])
    assert isinstance(entry, CheckpointEntry)
    assert (entry.is_foreign, len(entry.signatures)) == (False, 2)


def test_ack__of_an_expired_polygon_proposal__recorded_with_signers_and_does_not_rotate() -> None:
    network = Network(root_chains=(with_parameters(data_form=DataForm.POLYGON),))
    network.report_heads(11)
    network.propose(0, 7)
    network.sign()
    expired = network.proposal
    network.say_quiet()
    second = network.proposer
    network.land(expired, time_s=network.now_s + 60)
    assert network.proposer is second
    entry = decode_entry(network.store.log_entries("logs/checkpoints", 1, 1)[0])
    assert isinstance(entry, CheckpointEntry)
    assert (entry.turn, entry.ended_turn) == (1, 2)
    assert len(entry.signatures) == 4


def test_reset__headers_deleted__starts_again_where_l1_stands_with_the_same_proposer() -> None:
    network = Network()
    for _ in range(3):
        network.checkpoint()
    network.make_due(40)
    proposer, turn = network.proposer, network.turn.number
    network.propose(24, 31)
    network.l1_block(logs.reset_header(20_000))
    network.see_l1()
    assert network.turn.next_start == 8
    assert network.turn.next_header_id == 20_000
    assert network.turn.number == turn + 1
    assert network.proposer is proposer
    assert not network.is_armed()
    assert network.state.proposals[0].current is None
    network.make_due(40)
    assert network.propose(8, 15) == TransactionCode.OK
    assert network.proposal.header_id == 20_000


def test_reset__to_the_first_header__starts_at_block_zero() -> None:
    network = Network()
    network.checkpoint()
    network.l1_block(logs.reset_header(10_000))
    network.see_l1()
    assert network.turn.next_start == 0


def test_reset__beyond_what_is_remembered__waits_until_l1_says_where_it_stands() -> None:
    network = Network(header_id=50_000, end=400)
    network.l1_block(logs.reset_header(30_000))
    network.see_l1()
    assert network.turn.next_start is None
    network.report_heads(1_000)
    network.empty_blocks(100, seconds=1)
    assert not network.is_armed()
    assert why_waiting(network.app.committed, 0).code is WaitingCode.NEXT_START_UNKNOWN
    network.l1_block(logs.new_header(network.proposer.key.address, 30_000, 200, 299, keccak256(b"r")))
    network.see_l1()
    assert network.turn.next_start == 300


def test_genesis__with_a_checkpoint_that_ended_at_zero__starts_at_one() -> None:
    assert Network(header_id=10_000, end=0).turn.next_start == 1
    assert Network().turn.next_start == 0
