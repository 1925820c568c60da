"""Turns: due, deadline, no-ack, rotation; with dead proposers, slow L1, fast clocks, liars, laggards, long absences."""

from bridge.codec.checkpoint import DataForm
from bridge.codec.hash import keccak256
from bridge.codec.types import UnixSeconds
from node.app.errors import TransactionCode
from node.app.history import NoAckEntry, decode_entry
from node.app.state import Stage
from node.app.turns import rejection_wait_blocks
from tests.unit.app import logs
from tests.unit.app.network import GENESIS_S, Network, with_parameters


def test_no_ack__proposer_silent__one_rotation_and_the_next_acts_at_once() -> None:
    network = Network()
    network.report_heads(11)
    silent, deadline = network.proposer, network.deadline
    network.say_quiet(*network.validators[:2])
    assert network.turn.number == 1, "two of four hold no quorum"
    network.say_quiet()
    assert network.turn.number == 2
    assert network.proposer is not silent
    assert not network.is_armed(), "a turn is armed at the earliest in the next block"
    network.block()
    assert network.is_armed()
    assert network.propose(0, 7) == TransactionCode.OK
    entry = decode_entry(network.store.log_entries("logs/checkpoints", 0, 1)[0])
    assert entry == NoAckEntry(0, 1, silent.key.address, UnixSeconds(deadline), False, UnixSeconds(network.now_s - 1))


def test_no_ack__said_before_the_deadline_is_armed__counts_for_nothing() -> None:
    network = Network()
    network.report_heads(11)
    stale = network.quiet()
    network.say_quiet()
    network.block()
    network.block(*(network.attest(validator, stale) for validator in network.validators))
    assert network.turn.number == 2


def test_no_ack__idle_side_chain__never_happens() -> None:
    network = Network()
    network.report_heads(5)
    network.empty_blocks(50, seconds=1)
    assert not network.is_armed()
    assert network.turn.no_acks == 0


def test_deadline__base_is_the_later_of_engine_time_and_l1_time_with_lag() -> None:
    network = Network()
    network.l1_block(time_s=network.now_s + 500)
    network.see_l1()
    network.report_heads(11)
    assert network.deadline == network.state.feeds[0].latest_time + 2 * 2 + 24


def test_deadline__l1_clock_far_ahead__one_no_ack_and_then_the_turn_has_its_time() -> None:
    """Without the agreed L1 time in the base, every deadline would be quiet at once."""
    network = Network()
    ahead_s = 1_000
    network.report_heads(11)
    network.say_quiet(head_time=network.now_s + ahead_s)
    network.block()
    assert network.deadline >= network.now_s + ahead_s - 2
    assert network.turn.no_acks == 1
    assert network.propose(0, 7) == TransactionCode.OK
    network.sign()
    network.land(time_s=network.now_s + ahead_s)
    assert network.turn.no_acks == 1
    assert network.turn.acks == 1


def test_deadline__slow_inclusion__buffer_doubles_until_a_checkpoint_lands() -> None:
    """L1 takes 70 s to include, the buffer is 24 s: proposals with backing make it grow to 96 s."""
    inclusion_s = 70
    network = Network()
    network.report_heads(11)
    buffers = []
    for _ in range(4):
        buffer_s = network.deadline - max(network.now_s, network.state.feeds[0].latest_time + 4)
        buffers.append(buffer_s)
        network.propose(0, 7)
        network.sign()
        if buffer_s > inclusion_s:
            network.land(time_s=network.deadline - 1)
            break
        network.say_quiet()
        network.block()
    assert [round(buffer_s, -1) for buffer_s in buffers] == [20, 50, 100]
    assert network.turn.acks == 1
    assert (network.turn.no_acks_backed, network.turn.no_acks_other) == (0, 0), "an ack starts the count anew"


def test_deadline__nothing_ever_lands__buffer_grows_to_its_cap_and_no_further() -> None:
    network = Network()
    network.report_heads(11)
    buffers = []
    for _ in range(6):
        buffers.append(network.deadline - max(network.now_s, network.state.feeds[0].latest_time + 4))
        network.propose(0, 7)
        network.sign()
        network.say_quiet()
        network.block()
    assert [round(buffer_s, -1) for buffer_s in buffers] == [20, 50, 100, 100, 100, 100]


def test_deadline__row_of_dead_proposers__buffer_grows_once_a_round_only() -> None:
    network = Network()
    network.report_heads(11)
    dead = set()
    for _ in range(3):
        dead.add(network.proposer.id)
        base = max(network.now_s, network.state.feeds[0].latest_time + 4)
        assert network.deadline - base <= 24 + 1
        network.say_quiet()
        network.block()
    assert len(dead) == 3
    assert network.propose(0, 7) == TransactionCode.OK
    network.sign()
    network.land()
    assert network.turn.acks == 1
    assert network.turn.no_acks == 3
    assert (network.turn.no_acks_backed, network.turn.no_acks_other) == (0, 0), "an ack starts the count anew"


def test_away_for_an_hour__everybody__exactly_one_no_ack() -> None:
    network = Network()
    network.report_heads(11)
    first = network.proposer
    network.block(seconds=3_600)
    assert network.turn.number == 1, "nobody has said anything yet"
    network.say_quiet(head_time=network.now_s)
    network.block()
    assert network.turn.no_acks == 1
    assert network.deadline > network.now_s
    assert network.proposer is not first
    network.propose(0, 7)
    network.sign()
    network.land()
    assert (network.turn.no_acks, network.turn.acks) == (1, 1)


def test_liar_about_its_head_beside_a_laggard__acks_go_on() -> None:
    """One says 1,000 and then 0; one stays at 3. The head that limits a start is fixed when its first turn is armed."""
    network = Network()
    honest, liar, laggard = network.validators[:2], network.validators[2], network.validators[3]
    network.report_heads(11, honest)
    network.report_heads(1_000, [liar])
    network.report_heads(3, [laggard])
    assert network.turn.head_limit == 11
    network.report_heads(0, [liar])
    for _ in range(3):
        assert network.propose(0, 7) == TransactionCode.OK
        network.say_quiet()
        network.block()
        assert network.turn.head_limit == 11
    network.propose(0, 7)
    network.sign(*honest, laggard)
    network.empty_blocks(5)
    network.land()
    assert network.turn.acks == 1
    assert network.turn.head_limit is None


def test_head_limit__one_reports_a_block_of_its_own__is_what_over_two_thirds_hold() -> None:
    network = Network()
    liar = network.validators[0]
    network.report_heads(1_000, [liar])
    network.block(seconds=1)
    assert not network.is_armed()
    network.report_heads(11, network.everybody(liar))
    assert network.turn.head_limit == 11


def test_late_header__mined_after_the_deadline__finds_its_turn_ended_and_does_not_rotate_again() -> None:
    """A step in a block later than the deadline says quiet by itself, in the block in which it brings the header."""
    network = Network(root_chains=(with_parameters(data_form=DataForm.POLYGON),))
    network.report_heads(11)
    network.propose(0, 7)
    network.sign()
    first = network.proposer
    network.land(time_s=network.deadline + 1)
    assert network.turn.no_acks == 1
    assert network.turn.acks == 1
    assert network.turn.number == 3
    assert network.proposer is not first
    acked = network.state.proposals[0].acknowledged
    assert acked is not None
    assert acked.stage is Stage.ACKNOWLEDGED


def test_late_header__behind_a_step_from_before_the_deadline__finds_its_turn_ended_too() -> None:
    """Both steps come in one block; only the second says quiet, once the first is applied."""
    network = Network(root_chains=(with_parameters(data_form=DataForm.POLYGON),))
    network.report_heads(11)
    network.propose(0, 7)
    network.sign()
    network.l1_block(logs.unknown(), time_s=network.deadline)
    network.land(time_s=network.deadline + 1)
    assert (network.turn.no_acks, network.turn.acks, network.turn.number) == (1, 1, 3)


def test_log_at_the_deadline__wins_over_quiet() -> None:
    network = Network()
    network.report_heads(11)
    network.propose(0, 7)
    network.sign()
    first = network.proposer
    network.land(time_s=network.deadline)
    assert network.turn.no_acks == 0
    assert network.turn.acks == 1
    assert network.proposer is not first


def test_quiet__moving_cursor__voids_what_was_said() -> None:
    network = Network()
    network.report_heads(11)
    one, two, *others = network.validators
    quiet = network.quiet()
    network.block(network.attest(one, quiet), network.attest(two, quiet))
    network.l1_block(logs.unknown(), time_s=network.now_s)
    network.see_l1()
    network.say_quiet(*others)
    assert network.turn.no_acks == 0
    network.say_quiet()
    assert network.turn.no_acks == 1


def test_bound_proposal__after_its_deadline_is_quiet__forgotten() -> None:
    network = Network()
    network.report_heads(11)
    network.propose(0, 7)
    network.sign()
    network.say_quiet()
    assert network.state.proposals[0].closed == ()


def test_polygon_proposal__after_no_ack__kept_with_its_signatures_until_an_ack_passes_its_start() -> None:
    network = Network(root_chains=(with_parameters(data_form=DataForm.POLYGON),))
    network.report_heads(11)
    network.propose(0, 7)
    network.sign()
    network.say_quiet()
    network.block()
    (kept,) = network.state.proposals[0].closed
    assert len(kept.verdicts) == 4
    network.propose(0, 7)
    network.sign()
    network.land()
    assert network.state.proposals[0].closed == ()


def test_rejected_then_no_ack__row_of_rejections_ends() -> None:
    network = Network()
    network.report_heads(11)
    network.propose(0, 7, root=keccak256(b"wrong"))
    network.block(*(network.attest(v, network.invalid()) for v in network.validators))
    assert network.turn.rejections == 1
    network.empty_blocks(3)
    network.say_quiet()
    assert network.turn.rejections == 0


def test_rejection_wait__of_the_nth_in_a_row__doubles_up_to_64_blocks() -> None:
    assert [rejection_wait_blocks(rejections) for rejections in (1, 2, 5, 6, 7, 1_000)] == [2, 4, 32, 64, 64, 64]


def test_countdowns__while_they_run__change_the_app_hash_and_then_it_rests() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    network.sign(*network.validators[:3])
    hashes = [network.app.committed.app_hash]
    for _ in range(7):
        network.block()
        hashes.append(network.app.committed.app_hash)
    assert len(set(hashes[:5])) == 5, "four blocks of grace, and the opening"
    assert len(set(hashes[4:])) == 1, "then an idle network is idle"


def test_genesis_time__is_the_first_base() -> None:
    assert Network().now_s == GENESIS_S
