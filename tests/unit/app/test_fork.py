"""A fork: a new network that goes on where the old one stood, the same for all who make it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.app.application import Application
from node.app.errors import GenesisError
from node.app.fork import exported_genesis, forked_genesis
from node.app.fork_changes import apply_changes
from node.app.genesis import Genesis, genesis_hash
from node.app.genesis_file import genesis_from_json, genesis_to_json
from node.app.genesis_state import genesis_state
from node.app.state import Stage
from node.app.store import MemoryStateStore
from tests.unit.app import logs
from tests.unit.app.network import Network, key, with_parameters
from tests.unit.app.test_anything import Chaos

NEW_TIME_S = 1_700_100_000
CHANGES: dict[str, Any] = {"name": "after-the-fork", "time_s": NEW_TIME_S}


def fork(network: Network, **changes: Any) -> Genesis:
    """The fork of the network where it stands."""
    state = network.state
    wanted, _ = apply_changes(exported_genesis(network.genesis, state), CHANGES | changes)
    return forked_genesis(network.genesis, state, network.app.committed.app_hash, wanted)


def continued(network: Network, genesis: Genesis) -> Network:
    """The network that starts from a fork, with the same validators and L1."""
    after = Network()
    after.genesis, after.store = genesis, MemoryStateStore()
    after.app = Application(genesis, after.store)
    after.time_ms = genesis.time_s * 1_000
    after.l1 = network.l1
    for l1, feed in zip(after.l1, after.state.feeds, strict=True):
        l1.generation, l1.digest = feed.generation, feed.digest
    return after


def in_collection(**rules: Any) -> Network:
    """A checkpoint lies behind it, one has joined, another one with a key of no use, and a proposal has signatures."""
    network = Network(root_chains=(with_parameters(**rules),))
    network.checkpoint()
    network.l1_block(
        logs.staked(key(5).address, 5, 10**19, key(5).public), logs.staked(key(6).address, 6, 10**19, bytes(64))
    )
    network.see_l1()
    network.make_due(30)
    network.propose(8, 15)
    network.sign(*network.validators[:2])
    return network


def test_fork__of_a_network_in_the_midst_of_a_turn__goes_on_from_it() -> None:
    network = in_collection()
    genesis = fork(network)
    before, after = network.state, genesis_state(genesis)
    assert after.validators == before.validators
    assert after.turns[0].number == before.turns[0].number + 1
    assert (after.turns[0].next_start, after.turns[0].headers) == (8, before.turns[0].headers)
    assert (after.turns[0].deadline, after.turns[0].last_ack_s) == (None, before.turns[0].last_ack_s)
    (kept,) = after.proposals[0].closed
    assert kept == replace(network.proposal, stage=Stage.EXPIRED)
    feed = after.feeds[0]
    assert (feed.cursor, feed.step_number, feed.applied) == (
        before.feeds[0].cursor,
        before.feeds[0].step_number,
        before.feeds[0].applied,
    )
    assert feed.generation == before.feeds[0].generation + 1
    assert genesis.parent == genesis_hash(network.genesis) + network.app.committed.app_hash
    assert after.checkpoint_log.count == 0


def test_fork__started__makes_the_next_checkpoint_and_knows_one_of_before_that_lands() -> None:
    network = in_collection()
    proposal = network.proposal
    after = continued(network, fork(network))
    after.land(proposal)
    assert after.turn.next_start == 16
    assert after.state.proposals[0].acknowledged is not None, "it is no foreign header"
    after.checkpoint()
    assert after.turn.next_start == 24


def test_fork__by_each_operator__is_the_same_and_comes_back_from_its_file() -> None:
    network = in_collection()
    genesis = fork(network)
    restarted = network.restarted()
    assert restarted.committed.state == network.state
    assert fork(network) == genesis
    assert genesis_from_json(genesis_to_json(genesis)) == genesis
    assert genesis_hash(genesis) != genesis_hash(network.genesis)


@given(st.integers(0, 2**32), st.integers(1, 30))
@settings(max_examples=15, deadline=None)
def test_fork__after_any_history__goes_on_or_says_what_must_be_changed(seed: int, blocks: int) -> None:
    chaos = Chaos(seed)
    for _ in range(blocks):
        chaos.l1_event()
        chaos.block()
    network = chaos.network
    try:
        genesis = fork(network, time_s=network.now_s + 1)
    except GenesisError as error:
        if re.match("genesis (last_header_id of root|validators)", str(error)) is None:
            raise
        return
    assert genesis_from_json(genesis_to_json(genesis)) == genesis
    network.genesis, network.time_ms = genesis, genesis.time_s * 1_000
    network.app, *network.twins = (Application(genesis, MemoryStateStore()) for _ in range(2))
    network.l1[0].reorganise(network.state.feeds[0])
    chaos.engine = network.state.engine_set.members
    for _ in range(8):
        before = network.state
        chaos.l1_event()
        chaos.block()
        chaos.check(before)


def test_fork__of_a_fork__carries_on() -> None:
    network = in_collection()
    after = continued(network, fork(network))
    after.checkpoint()
    again = fork(after, name="third", time_s=NEW_TIME_S * 2)
    assert genesis_state(again).turns[0].number > genesis_state(after.genesis).turns[0].number


def test_fork__in_polygon_form__keeps_the_account_roots_that_ranges_were_proposed_with() -> None:
    network = in_collection(data_form=DataForm.POLYGON)
    remembered = network.state.proposals[0].account_roots
    assert remembered
    assert genesis_state(fork(network)).proposals[0].account_roots == remembered


def test_fork__with_changes__lists_each_and_makes_them() -> None:
    network = in_collection()
    exported = exported_genesis(network.genesis, network.state)
    changes = CHANGES | {
        "parameters": {"pulse_s": 2},
        "root_chains": {"root": {"block_number": 2_000, "parameters": {"interval_s": 11}}},
    }
    wanted, made = apply_changes(exported, changes)
    assert [(change.place, change.after) for change in made] == [
        ("name", '"after-the-fork"'),
        ("time_s", str(NEW_TIME_S)),
        ("parameters.pulse_s", "2"),
        ("root_chains.root.block_number", "2000"),
        ("root_chains.root.parameters.interval_s", "11"),
    ]
    state = genesis_state(forked_genesis(network.genesis, network.state, Hash32(bytes(32)), wanted))
    assert state.params.network.pulse_s == 2
    assert state.params.root_chains[0].interval_s == 11
    feed = state.feeds[0]
    assert (feed.cursor.number, feed.applied) == (2_000, ()), "another block knows nothing of the steps before it"
    assert feed.step_number == network.state.feeds[0].step_number


def test_fork__with_another_set__lets_the_others_have_left() -> None:
    network = in_collection()
    exported = exported_genesis(network.genesis, network.state)
    wanted = replace(exported, name="other", time_s=UnixSeconds(NEW_TIME_S), validators=exported.validators[1:3])
    state = genesis_state(forked_genesis(network.genesis, network.state, Hash32(bytes(32)), wanted))
    assert [member.id for member in state.validators.tally_set] == [2, 3]
    assert [member.id for member in state.validators.former] == [1, 4, 5, 6]
    assert {member.signer for member in state.priorities[0].members} == {key(2).address, key(3).address}


def test_fork__onto_another_contract__keeps_no_proposal_of_the_old_one() -> None:
    network = in_collection()
    changes = {"root_chains": {"root": {"parameters": {"root_chain_address": "0x" + "77" * 20}}}}
    book = genesis_state(fork(network, **changes)).proposals[0]
    assert (book.closed, book.acknowledged) == ((), None)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "test-network"}, "another name"),
        ({"time_s": 1_700_000_001}, "before the last ack"),
        ({"parent": "0x"}, "parent: is no key"),
        ({"colour": 1}, "colour: is no key"),
        ({"root_chains": {"moon": {}}}, "no root chain"),
        ({"root_chains": []}, "table"),
        ({"parameters": 3}, "table"),
        ({"parameters": {"pulse_s": 0}}, "pulse_s"),
    ],
)
def test_fork__with_a_change_that_cannot_be__is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(GenesisError, match=why):
        fork(in_collection(), **changes)


@pytest.mark.parametrize("missing", ["name", "time_s"])
def test_fork__without_what_all_operators_must_give_alike__is_refused(missing: str) -> None:
    exported = exported_genesis(Network().genesis, Network().state)
    with pytest.raises(GenesisError, match=f"changes {missing}"):
        apply_changes(exported, {key: value for key, value in CHANGES.items() if key != missing})


def test_fork__after_a_reset_to_a_header_that_is_not_remembered__needs_to_be_told_where_to_go_on() -> None:
    network = Network(header_id=20_000, end=15)
    network.l1_block(logs.reset_header(20_000))
    network.see_l1()
    assert network.turn.next_start is None
    with pytest.raises(GenesisError, match="name last_header_id and last_end"):
        fork(network)
    told = {"root_chains": {"root": {"last_header_id": 10_000, "last_end": 7}}}
    assert genesis_state(fork(network, **told)).turns[0].next_start == 8


def test_carried__that_does_not_say_what_the_genesis_says__is_refused() -> None:
    genesis = fork(in_collection())
    chain = genesis.root_chains[0]
    for wrong in (
        replace(genesis, parent=b""),
        replace(genesis, carried=()),
        replace(genesis, carried=genesis.carried[:3]),
        replace(genesis, carried=(replace(genesis.carried[0], contents=b"\xc1"), *genesis.carried[1:])),
        replace(genesis, epoch=genesis.epoch + 1),
        replace(genesis, validators=genesis.validators[:3]),
        replace(genesis, root_chains=(replace(chain, block_number=BlockNumber(chain.block_number + 1)),)),
        replace(genesis, root_chains=(replace(chain, next_header_id=chain.next_header_id + 10_000),)),
        replace(genesis, root_chains=(replace(chain, account_root=Hash32(b"\x01" * 32)),)),
    ):
        with pytest.raises(GenesisError):
            wrong.checked()
