"""L1 changed below the cursor: the same contents are re-anchored by vote, other contents stay paused."""

from dataclasses import replace

from bridge.codec.feed import DONE_INDEX, genesis_digest
from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.app.messages import Conflict, Reanchor, ReanchoredStep, ReanchorList, reanchor_digest
from tests.unit.app import logs
from tests.unit.app.network import Network, Validator


def reanchoring(network: Network, contents: list[Hash32] | None = None) -> ReanchorList:
    """The last two steps, one block later and with other hashes."""
    applied = network.state.feeds[0].applied[-2:]
    hashes = contents or [step.contents_hash for step in applied]
    steps = tuple(
        ReanchoredStep(
            block_number=BlockNumber(step.block_number + 1),
            block_hash=keccak256(b"moved %d" % step.number),
            block_time=UnixSeconds(step.block_time + 2),
            next_index=DONE_INDEX,
            contents_hash=contents_hash,
        )
        for step, contents_hash in zip(applied, hashes, strict=True)
    )
    return ReanchorList(0, applied[0].number, steps)


def say(network: Network, validator: Validator, body: ReanchorList, *, carried: bool) -> bytes:
    """An attestation of CONFLICT and REANCHOR, with the list if it is to be carried."""
    conflict = Conflict(0, network.state.feeds[0].step_number, body.steps[-1].block_hash)
    statement = Reanchor(0, body.first, len(body.steps), reanchor_digest(body))
    return network.attest(validator, conflict, statement, reanchor=body if carried else None)


def two_steps() -> Network:
    """A network that has applied two steps with logs."""
    network = Network()
    for data in (b"a", b"b"):
        network.l1_block(logs.unknown(data=data))
    network.see_l1()
    network.block()
    assert network.state.feeds[0].step_number == 3
    return network


def test_reanchor__same_contents_over_two_thirds__cursor_moves_over_and_the_pause_ends() -> None:
    network = two_steps()
    body = reanchoring(network)
    one, two, three, _ = network.validators
    network.block(say(network, one, body, carried=True), say(network, two, body, carried=False))
    assert network.state.feeds[0].is_paused
    network.block(say(network, three, body, carried=False))
    feed = network.state.feeds[0]
    assert not feed.is_paused
    assert feed.generation == 2
    assert feed.step_number == 3
    assert feed.cursor.hash == body.steps[-1].block_hash
    assert feed.digest == genesis_digest(0, 2, feed.cursor.number, feed.cursor.hash)
    assert [step.block_hash for step in feed.applied] == [step.block_hash for step in body.steps]
    assert feed.reanchor_bodies == ()

    network.l1[0].reorganise(feed)
    network.l1_block(logs.unknown(data=b"c"))
    network.see_l1()
    assert network.state.feeds[0].step_number == 4


def test_reanchor__other_contents__stays_paused_and_says_so() -> None:
    network = two_steps()
    body = reanchoring(network, contents=[keccak256(b"one"), keccak256(b"two")])
    network.block(*(say(network, validator, body, carried=validator.id == 1) for validator in network.validators))
    feed = network.state.feeds[0]
    assert feed.is_paused
    assert feed.reanchor_differs
    assert feed.generation == 1


def test_reanchor__steps_out_of_order__stays_paused_and_says_so() -> None:
    network = Network()
    for _ in range(2):
        network.l1_block(logs.unknown(data=b"the same"))
    network.see_l1()
    network.block()
    first, second = (body := reanchoring(network)).steps
    swapped = replace(body, steps=(second, first))
    network.block(*(say(network, validator, swapped, carried=True) for validator in network.validators))
    feed = network.state.feeds[0]
    assert (feed.is_paused, feed.reanchor_differs, feed.generation) == (True, True, 1)


def test_reanchor__list_that_nobody_names__not_kept() -> None:
    network = two_steps()
    network.block(network.attest(network.validators[0], reanchor=reanchoring(network)))
    assert network.state.feeds[0].reanchor_bodies == ()


def test_reanchor__other_contents_then_the_right_ones__moves_over_and_nothing_differs_any_more() -> None:
    network = two_steps()
    wrong = reanchoring(network, contents=[keccak256(b"one"), keccak256(b"two")])
    network.block(*(say(network, validator, wrong, carried=True) for validator in network.validators))
    right = reanchoring(network)
    network.block(*(say(network, validator, right, carried=True) for validator in network.validators[:3]))
    feed = network.state.feeds[0]
    assert feed.cursor.hash == right.steps[-1].block_hash
    assert not feed.is_paused
    assert not feed.reanchor_differs


def test_reanchor__list_for_a_cursor_that_has_moved__dropped_and_not_taken_again() -> None:
    network = two_steps()
    body = reanchoring(network)
    statement = Reanchor(0, body.first, len(body.steps), reanchor_digest(body))
    one, *others = network.validators
    network.block(network.attest(one, statement, reanchor=body))
    assert network.state.feeds[0].reanchor_bodies != ()
    network.l1_block(logs.unknown(data=b"c"))
    network.see_l1()
    assert network.state.feeds[0].reanchor_bodies == ()
    network.block(*(network.attest(validator, statement) for validator in others))
    network.block(network.attest(one, reanchor=body))
    feed = network.state.feeds[0]
    assert feed.reanchor_bodies == ()
    assert (feed.step_number, feed.is_paused, feed.reanchor_differs) == (4, False, False)
