"""The status of a node: put together from its duties, moment by moment of a checkpoint's life."""

from dataclasses import replace

from bridge.codec.hash import keccak256
from bridge.codec.types import Address
from node.duties.contract_view import CheckpointView
from node.duties.evidence import EvidenceLog
from node.duties.funds import Balance
from node.duties.overview import Parts, node_status
from node.duties.status import Moment, NodeStatus, Reason, RootChainStatus
from node.duties.supervisor import Supervisor
from node.keys.private_key import PrivateKey
from node.keys.ring import KeyRing
from tests.unit.app import logs
from tests.unit.app.network import ROOT
from tests.unit.duties.world import World


def _parts(world: World) -> Parts:
    supervisor = Supervisor((world.follow_side, world.follow_root, world.readiness), world.clock, 1.0)
    return Parts(
        moniker="validator 1",
        version="1.2.3",
        ring=world.signer.ring,
        engine=world.engine,
        readiness=world.readiness,
        side=world.follow_side,
        roots=(world.follow_root,),
        propose=world.propose,
        attest=world.attest,
        judge=world.judge,
        submits=(world.submit,),
        funds=(),
        evidence=EvidenceLog(world.network.store, lambda: world.committed),
        duties=supervisor.statuses,
    )


def _status(world: World) -> NodeStatus:
    return node_status(_parts(world), world.committed)


def _root(world: World) -> RootChainStatus:
    (status,) = _status(world).root_chains
    return status


async def test_status__nothing_looked_at_yet__says_what_it_waits_for(world: World) -> None:
    status = _status(world)
    assert (status.moniker, status.version, status.validator_id) == ("validator 1", "1.2.3", 1)
    assert (status.signer, status.power, status.total_power) == (world.me.key.address, 100, 340)
    assert (status.engine_height, status.app_hash) == (0, world.committed.app_hash)
    assert (status.side_chain.head, status.side_chain.confirmed) == (None, None)
    assert _root(world).why.reason is Reason.CATCHING_UP
    assert [duty.name for duty in status.duties] == ["follow side", "follow root", "readiness"]


async def test_status__through_a_checkpoint__each_moment_is_shown(world: World) -> None:
    await world.proposed()
    shown = _root(world)
    assert shown.why.reason is Reason.COLLECTING
    assert (shown.turn, shown.proposer_id, shown.proposer) == (1, 1, world.me.key.address)
    assert (shown.proposed_start, shown.proposed_end, shown.signed_permille) == (0, 7, 0)
    assert (shown.deadline_s, shown.next_start) == (world.network.deadline, 0)
    side = _status(world).side_chain
    assert (side.head, side.confirmed, side.confirmed_hash) == (10, 8, world.side.blocks[8].header.hash)

    await world.attest.run_once()
    world.block()
    shown = _root(world)
    assert (shown.signed_permille, shown.last_signed) == (294, world.attest.last_signed[0])

    world.network.sign(*world.others)
    world.root.block_time_s = world.network.now_s - world.root.head.timestamp
    world.root.mine()
    await world.work_submit()
    shown = _root(world)
    assert (shown.outbox_state, shown.why.reason) == ("sent", Reason.WAITING_FOR_INCLUSION)
    assert shown.last_submitted == world.submit.last_submitted
    assert shown.last_submitted is not None

    world.root_a.checkpoints = CheckpointView(10_000, world.side.blocks[7].header.number, 20_000)
    world.root.mine()
    await world.work_submit()
    assert _root(world).why.reason is Reason.WAITING_FOR_CONFIRMATIONS

    proposal = world.network.proposal
    world.network.l1_block(logs.new_header(proposal.proposer, 10_000, 0, 7, proposal.root_hash))
    world.network.see_l1(*world.others)
    shown = _root(world)
    assert shown.last_acknowledged == Moment(10_000, float(world.committed.time_s))
    assert (shown.turn, shown.next_start, shown.no_acks, shown.proposed_start) == (2, 8, 0, None)
    assert (shown.cursor, shown.step_number) == (world.state.feeds[0].cursor.number, 2)


async def test_status__the_rpcs_are_down__each_says_so(world: World) -> None:
    await world.look()
    world.side_a.is_down = world.side_b.is_down = True
    await world.look()
    status = _status(world)
    assert str(status.side_chain.down_reason).startswith("RPC_")
    assert status.root_chains[0].why.reason is Reason.SIDE_RPC_DOWN
    assert status.root_chains[0].chain.down_reason is None


async def test_status__a_home_whose_key_is_nobody_s__has_no_power(world: World) -> None:
    stranger = PrivateKey(keccak256(b"stranger"))
    parts = replace(_parts(world), ring=KeyRing((stranger,)))
    status = node_status(parts, world.committed)
    assert (status.validator_id, status.signer, status.power) == (None, stranger.address, 0)
    none = node_status(replace(parts, ring=KeyRing(())), world.committed)
    assert none.signer == Address(bytes(20))


async def test_status__we_are_leaving__how_many_acks_are_left(world: World) -> None:
    assert _status(world).leaving_acks is None
    world.network.l1_block(logs.unstake_init(1, 2, deactivation_epoch=2))
    world.network.see_l1()
    assert _status(world).leaving_acks == 1
    state = world.state
    left = replace(state, validators=replace(state.validators, members=state.validators.members[1:]))
    status = node_status(_parts(world), replace(world.committed, state=left))
    assert status.leaving_acks is None, "its node may be switched off"


async def test_status__our_votes_are_refused__is_an_alarm_but_where_a_stop_says_it(world: World) -> None:
    world.engine.refused_vote = "DOUBLE_SIGN_REFUSED: vote 7/0/3"
    assert _status(world).alarms == ("VOTE_REFUSED: DOUBLE_SIGN_REFUSED: vote 7/0/3",)

    world.signer.observe_vote(world.me.key.address, 9)

    status = _status(world)
    assert status.stopped_signing is not None
    assert status.alarms == ()


async def test_status__paused_and_stopped__are_shown(world: World) -> None:
    world.engine.is_paused, world.engine.is_caught_up = True, False
    world.root_a.contract_chain_id = world.root_b.contract_chain_id = 9
    await world.follow_root.run_once()
    world.engine.is_caught_up = True
    await world.readiness.run_once()
    status = _status(world)
    assert status.paused
    assert status.stopped_signing is not None
    assert status.stopped_signing.reason is Reason.GENESIS_CONTRADICTED
    assert status.root_chains[0].why.reason is Reason.VALIDATOR_PAUSED


async def test_status__funds__are_shown_in_wei_and_checkpoints(world: World) -> None:
    funds = world.funds()
    parts = replace(_parts(world), funds=(funds,))
    assert node_status(parts, world.committed).root_chains[0].submitter_balance_wei is None
    await funds.run_once()
    assert isinstance(funds.balance, Balance)
    shown = node_status(parts, world.committed).root_chains[0]
    assert (shown.submitter_balance_wei, shown.submitter_checkpoints_left) == (
        funds.balance.wei,
        funds.balance.checkpoints_left,
    )
    assert ROOT.name == shown.name
