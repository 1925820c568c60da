"""Alarms: said while they hold, and before it is too late."""

from dataclasses import replace

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import address_of, public_key_of
from node.app.messages import Upgrade
from node.app.state import State
from node.app.versions import NEWEST_VERSION
from node.duties.alarms import alarms
from tests.unit.app import logs
from tests.unit.app.network import Network
from tests.unit.duties.world import World, as_logs

TOKEN = 10**18
NEWCOMER = public_key_of(keccak256(b"newcomer"))


def _alarms(world: World, state: State | None = None) -> list[str]:
    return [text.split(":")[0] for text in alarms(state or world.state, world.follow_side, (world.follow_root,))]


async def test_alarms__all_is_well__none(world: World) -> None:
    await world.look()
    assert _alarms(world) == []


@pytest.mark.parametrize(("stake", "is_said"), [(113, False), (114, True), (10_000, True)])
async def test_alarms__a_joiner__said_once_its_log_is_confirmed_if_it_gets_over_a_quarter(
    world: World, stake: int, is_said: bool
) -> None:
    """The four have 340 tokens: 113 would be a quarter of the sum, rounded down."""
    joins = logs.staked(address_of(NEWCOMER), 5, stake * TOKEN, NEWCOMER)
    world.root.mine(as_logs(joins))
    await world.look()
    assert _alarms(world) == []
    world.root.mine(count=3)
    await world.look()
    assert _alarms(world) == (["JOINER_OVER_QUARTER"] if is_said else [])
    world.attest_steps(*world.others)
    assert len(world.state.validators.members) == 5
    assert _alarms(world) == [], "it has joined"
    await world.look()
    assert _alarms(world) == []


async def test_alarms__a_malformed_log_before_the_joiner__is_passed_over(world: World) -> None:
    odd = replace(logs.staked(address_of(NEWCOMER), 5, 900 * TOKEN, NEWCOMER), data=b"\x01")
    joins = logs.staked(address_of(NEWCOMER), 5, 900 * TOKEN, NEWCOMER)
    world.root.mine(as_logs(odd, joins))
    world.root.mine(count=3)
    await world.look()
    assert _alarms(world) == ["JOINER_OVER_QUARTER"]


async def test_alarms__an_upgrade_that_this_program_lacks__said_until_it_has_taken_over(world: World) -> None:
    await world.look()
    params = world.state.params
    planned = Upgrade(NEWEST_VERSION + 1, 500, keccak256(b"notes"))
    assert _alarms(world, replace(world.state, params=replace(params, planned_upgrade=planned))) == ["UPGRADE_PLANNED"]
    known = replace(planned, version=NEWEST_VERSION)
    assert _alarms(world, replace(world.state, params=replace(params, planned_upgrade=known))) == []
    assert _alarms(world) == []


@pytest.mark.parametrize(("leavers", "is_said"), [((4,), False), ((3,), False), ((2,), True), ((3, 4), True)])
async def test_alarms__who_leaves__said_from_a_quarter_of_the_power_on(
    world: World, leavers: tuple[int, ...], is_said: bool
) -> None:
    """Of 340 tokens a quarter is 85: validator 2 has 90, 3 has 80, 4 has 70."""
    for validator in leavers:
        world.network.l1_block(logs.unstake_init(validator, 2, deactivation_epoch=2))
    world.network.see_l1()
    assert ("LEAVING_THIRD" in _alarms(world)) is is_said


async def test_alarms__frozen_sets_and_odd_logs__are_said(world: World) -> None:
    state = world.state
    frozen = replace(
        state,
        engine_set=replace(state.engine_set, is_frozen=True),
        validators=replace(state.validators, is_frozen=True),
    )
    assert _alarms(world, frozen) == ["ENGINE_SET_FROZEN", "APP_SET_FROZEN"]
    world.network.l1_block(logs.unknown())
    world.network.see_l1()
    world.follow_side.deep_reorgs = 2
    assert _alarms(world) == ["side", "root"]


async def test_alarms__exactly_a_quarter_leaves__is_said(world: World) -> None:
    network = Network((100, 100, 100, 100))
    network.l1_block(logs.unstake_init(1, 2, deactivation_epoch=2))
    network.see_l1()
    assert _alarms(world, network.state) == ["LEAVING_THIRD"]


async def test_alarms__a_leaver_has_left__said_no_more(world: World) -> None:
    network = Network()
    network.l1_block(logs.unstake_init(2, 2, deactivation_epoch=2))
    network.see_l1()
    assert _alarms(world, network.state) == ["LEAVING_THIRD"]
    network.checkpoint()
    assert _alarms(world, network.state) == []


async def test_alarms__a_stake_that_the_engine_cannot_count__said_until_the_contract_has_another(world: World) -> None:
    network = Network()
    network.l1_block(logs.stake_update(1, 2, 2**61 * TOKEN))
    network.see_l1()
    assert _alarms(world, network.state) == ["ENGINE_SET_FROZEN"]
    network.l1_block(logs.stake_update(1, 3, 100 * TOKEN))
    network.see_l1()
    assert _alarms(world, network.state) == []


async def test_alarms__everybody_was_forced_out__said_until_somebody_joins(world: World) -> None:
    network = Network()
    network.l1_block(*(logs.unstake_init(number, 2, 1) for number in (1, 2, 3, 4)))
    network.see_l1()
    assert "APP_SET_FROZEN" in _alarms(world, network.state)
    network.l1_block(logs.staked(address_of(NEWCOMER), 5, 10 * TOKEN, NEWCOMER))
    network.see_l1(network.validators[3])
    assert "APP_SET_FROZEN" not in _alarms(world, network.state)
