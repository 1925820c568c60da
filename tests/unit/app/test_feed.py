"""The feed: digests, bodies, steps and logs; whatever L1 holds is applied or ignored by rule, and the cursor moves."""

from dataclasses import replace

import pytest

from bridge.codec.feed import FeedLog, Step, cursor_after, encode_step, next_digest
from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.app.errors import LogOutcome
from node.app.messages import Conflict, Steps
from node.app.queries import WaitingCode, feed_shares, views_differ, why_waiting
from tests.unit.app import logs
from tests.unit.app.network import Network


def outcomes(network: Network) -> list[str | None]:
    """What the last block said of logs that were not simply applied."""
    return [event.get("outcome") for event in network.app.last_events if event.type == "log_alert"]


def held_bodies(network: Network) -> int:
    """How many bodies the state keeps."""
    return len(network.state.feeds[0].bodies)


def is_paused(network: Network) -> bool:
    """Whether root chain 0 stands still."""
    return network.state.feeds[0].is_paused


def test_step__quorum_and_body__applied_in_the_block_of_the_second() -> None:
    network = Network()
    (step,) = network.l1_block(logs.unknown())
    statement = network.steps()
    network.block(*(network.attest(validator, statement) for validator in network.validators))
    feed = network.state.feeds[0]
    assert feed.step_number == 1
    assert feed.body_missing_blocks == 1
    network.block(network.attest(network.validators[3], statement, steps=[step]))
    feed = network.state.feeds[0]
    assert (feed.step_number, feed.cursor) == (2, cursor_after(step))
    assert feed.body_missing_blocks == 0
    assert feed.bodies == ()
    assert outcomes(network) == ["UNKNOWN_EVENT"]
    assert feed.latest_time == step.block_time


def test_step__body_first_then_quorum__applied_with_the_last_vote() -> None:
    network = Network()
    network.l1_block(logs.unknown())
    network.see_l1(*network.validators[:2])
    assert network.state.feeds[0].step_number == 1
    network.see_l1(network.validators[2])
    assert network.state.feeds[0].step_number == 2


def test_step__exactly_two_thirds__not_applied() -> None:
    network = Network(stakes=(10, 10, 10))
    network.l1_block(logs.unknown())
    network.see_l1(*network.validators[:2])
    assert network.state.feeds[0].step_number == 1


def test_steps__statement_that_arrives_after_the_cursor_moved__counts_with_its_rest() -> None:
    network = Network()
    network.l1_block(logs.unknown())
    network.l1_block(logs.unknown())
    early = network.steps()
    first_only = replace(early, digests=early.digests[:1])
    bodies = [step for step, _ in network.l1[0].steps]
    one, two, three, four = network.validators
    network.block(
        network.attest(one, early, steps=bodies), network.attest(two, first_only), network.attest(three, first_only)
    )
    assert network.state.feeds[0].step_number == 2
    network.block(network.attest(two, early), network.attest(four, early))
    assert network.state.feeds[0].step_number == 3


def test_steps__said_twice_or_replaced__counted_once() -> None:
    network = Network()
    network.l1_block(logs.unknown())
    network.see_l1(network.validators[0])
    network.see_l1(network.validators[0])
    (share,) = feed_shares(network.state, 0).values()
    assert (share.power, share.total) == (100, 340)
    other = Steps(0, 1, 1, (keccak256(b"another view"),))
    network.block(network.attest(network.validators[0], other))
    assert {digest: share.power for digest, share in feed_shares(network.state, 0).items()} == {other.digests[0]: 100}


def test_steps__another_generation_or_beyond_the_cursor__ignored() -> None:
    network = Network()
    digest = keccak256(b"x")
    one, two, three = network.validators[:3]
    network.block(
        network.attest(one, Steps(0, 2, 1, (digest,))),
        network.attest(two, Steps(0, 1, 2, (digest,))),
        network.attest(three, Steps(9, 1, 1, (digest,))),
    )
    assert feed_shares(network.state, 0) == {}


def test_block__two_hundred_logs__four_steps_over_four_blocks() -> None:
    network = Network()
    steps = network.l1_block(*(logs.unknown(data=bytes([n])) for n in range(200)))
    assert [len(step.logs) for step in steps] == [64, 64, 64, 8]
    statement = network.steps()
    speaker = network.validators[0]
    network.block(
        network.attest(speaker, statement, steps=steps), *(network.attest(v, statement) for v in network.validators[1:])
    )
    applied = [network.state.feeds[0].step_number - 1]
    while applied[-1] < 4:
        network.block()
        applied.append(network.state.feeds[0].step_number - 1)
    assert applied == [1, 2, 3, 4], "64 logs a block"
    assert network.state.feeds[0].alerted_logs == 200


def test_log__hundred_kilobytes_of_data__elided_and_ignored() -> None:
    network = Network()
    network.l1_block(logs.elided(100_000))
    network.see_l1()
    assert outcomes(network) == [LogOutcome.MALFORMED]
    assert network.state.feeds[0].step_number == 2


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        (logs.unknown(), LogOutcome.UNKNOWN_EVENT),
        (replace(logs.stake_update(1, 2, 3), data=b"\x01"), LogOutcome.MALFORMED),
        (replace(logs.stake_update(1, 2, 3), address=logs.ROOT_CHAIN), LogOutcome.UNKNOWN_EVENT),
        (replace(logs.reset_header(10_000), address=logs.STAKING_INFO), LogOutcome.UNKNOWN_EVENT),
        (logs.new_header(logs.ROOT_CHAIN, 2**255, 0, 7, Hash32(bytes(32))), LogOutcome.OUT_OF_RANGE),
        (logs.new_header(logs.ROOT_CHAIN, 10_000, 0, 2**64, Hash32(bytes(32))), LogOutcome.OUT_OF_RANGE),
        (logs.new_header(logs.ROOT_CHAIN, 10_000, 8, 7, Hash32(bytes(32))), LogOutcome.OUT_OF_RANGE),
        (logs.reset_header(2**255), LogOutcome.OUT_OF_RANGE),
        (logs.stake_update(99, 1, 1), LogOutcome.UNKNOWN_VALIDATOR),
        (logs.stake_update(1, 2**200, 1), LogOutcome.OUT_OF_RANGE),
        (logs.unstake_init(1, 2, 2**200), LogOutcome.OUT_OF_RANGE),
        (logs.unstake_init(1, 2, 0), LogOutcome.OUT_OF_RANGE),
        (logs.staked(logs.ROOT_CHAIN, 2**200, 1, b""), LogOutcome.OUT_OF_RANGE),
        (logs.staked(logs.ROOT_CHAIN, 1, 1, b""), LogOutcome.VALIDATOR_EXISTS),
    ],
)
def test_log__that_cannot_be_applied__ignored_with_its_code_and_the_cursor_moves(log: FeedLog, outcome: str) -> None:
    network = Network()
    before = network.state
    network.l1_block(log)
    network.see_l1()
    assert outcomes(network) == [outcome]
    assert network.state.feeds[0].step_number == 2
    assert network.state.validators == before.validators
    assert network.state.turns == before.turns
    last = network.state.feeds[0].last_alert
    assert last is not None
    assert (last.step_number, last.index, last.outcome) == (1, 0, outcome)


def test_log__proxy_upgraded__noted_for_the_nodes_to_stop_signing() -> None:
    network = Network()
    network.l1_block(logs.upgraded(logs.ROOT_CHAIN))
    network.see_l1()
    assert outcomes(network) == [LogOutcome.CONTRACT_CHANGED]
    assert network.state.feeds[0].contract_changed_block == 1_001


def test_body__that_nobody_stands_for__not_kept() -> None:
    network = Network()
    (step,) = network.l1_block(logs.unknown())
    forged = replace(step, block_time=UnixSeconds(step.block_time + 1))
    network.block(network.attest(network.validators[0], network.steps(), steps=[forged]))
    assert network.state.feeds[0].bodies == ()


def test_body__published_by_another_for_a_digest_over_a_third__kept() -> None:
    network = Network()
    (step,) = network.l1_block(logs.unknown())
    statement = network.steps()
    one, two, three, _ = network.validators
    network.block(network.attest(one, statement), network.attest(two, statement))
    network.block(network.attest(three, steps=[step]))
    (body,) = network.state.feeds[0].bodies
    assert body.sender == three.id


def test_body__published_by_another_for_a_digest_of_exactly_a_third__not_kept() -> None:
    network = Network(stakes=(10, 10, 10))
    (step,) = network.l1_block(logs.unknown())
    one, two, _ = network.validators
    network.block(network.attest(one, network.steps()))
    network.block(network.attest(two, steps=[step]))
    assert held_bodies(network) == 0


def test_body__whose_sender_changed_its_mind__dropped() -> None:
    network = Network()
    (step,) = network.l1_block(logs.unknown())
    one = network.validators[0]
    network.block(network.attest(one, network.steps(), steps=[step]))
    assert held_bodies(network) == 1
    network.block(network.attest(one, Steps(0, 1, 1, (keccak256(b"another"),))))
    assert held_bodies(network) == 0


def test_body__beyond_64_kib_of_one_sender__not_kept() -> None:
    network = Network()
    one = network.validators[0]
    for _ in range(3):
        network.l1_block(logs.unknown(data=bytes(29_000)))
    statement = network.steps()
    for step, _ in network.l1[0].steps:
        network.block(network.attest(one, statement, steps=[step]))
    assert len(network.state.feeds[0].bodies) == 2


def test_views__two_digests_over_a_third__differ_at_once() -> None:
    network = Network(stakes=(10, 10))
    one, two = network.validators
    network.block(network.attest(one, Steps(0, 1, 1, (keccak256(b"a"),))))
    assert not views_differ(network.state, 0)
    network.block(network.attest(two, Steps(0, 1, 1, (keccak256(b"b"),))))
    assert views_differ(network.state, 0)
    assert why_waiting(network.app.committed, 0).code is WaitingCode.L1_VIEWS_DIFFER


def test_views__one_over_a_third_for_ten_minutes__differ_and_a_standstill_counts_a_minute() -> None:
    network = Network()
    network.l1_block(logs.unknown())
    network.see_l1(*network.validators[:2])
    network.block(seconds=3_600)
    contested = network.state.feeds[0].contested
    assert contested is not None
    assert contested.elapsed_ms == 60_000
    network.empty_blocks(9, seconds=60)
    assert views_differ(network.state, 0)
    assert why_waiting(network.app.committed, 0).code is WaitingCode.L1_VIEWS_DIFFER
    before = network.app.committed.app_hash
    network.empty_blocks(300, seconds=1)
    assert network.state.feeds[0].body_missing_blocks == 0
    assert network.app.committed.app_hash == before, "the counters stop"
    network.see_l1()
    assert not views_differ(network.state, 0)


def test_applied_steps__only_the_last_thousand_are_kept() -> None:
    network = Network()
    for _ in range(1_010):
        network.l1_block()
    while network.state.feeds[0].step_number <= 1_010:
        network.see_l1()
    applied = network.state.feeds[0].applied
    assert len(applied) == 1_000
    assert applied[-1].number == 1_010


def test_digest_chain__is_the_codecs() -> None:
    network = Network()
    (step,) = network.l1_block(logs.unknown())
    digest = next_digest(network.state.feeds[0].digest, step)
    network.see_l1()
    assert network.state.feeds[0].digest == digest
    assert isinstance(step, Step)
    assert len(encode_step(step)) < 300


def conflicting(network: Network, hash_: Hash32 | None = None) -> Conflict:
    """A CONFLICT at the present cursor."""
    return Conflict(0, network.state.feeds[0].step_number, hash_ or keccak256(b"reorganised"))


def test_conflict__over_a_third__pauses_until_withdrawn_and_arms_anew() -> None:
    network = Network()
    network.report_heads(11)
    deadline = network.deadline
    one, two, *_ = network.validators
    network.block(network.attest(one, conflicting(network)))
    assert not is_paused(network)
    network.block(network.attest(two, conflicting(network)))
    assert is_paused(network)
    assert why_waiting(network.app.committed, 0).code is WaitingCode.L1_REORG_BELOW_CURSOR
    network.l1_block(logs.unknown())
    network.see_l1()
    network.say_quiet()
    assert network.state.feeds[0].step_number == 1, "a paused chain stands still"
    assert network.turn.number == 1
    network.empty_blocks(10, seconds=1)
    own_hash = network.state.feeds[0].cursor.hash
    network.block(network.attest(two, conflicting(network, own_hash)))
    assert not is_paused(network)
    assert network.state.feeds[0].step_number == 2
    assert network.deadline > deadline


def test_conflict__exactly_a_third__pauses_nothing() -> None:
    network = Network(stakes=(10, 10, 10))
    network.block(network.attest(network.validators[0], conflicting(network)))
    assert not is_paused(network)


def test_cursor_block_number__follows_the_step() -> None:
    network = Network()
    network.l1_block(logs.unknown())
    network.see_l1()
    assert network.state.feeds[0].cursor.number == BlockNumber(1_001)
