"""The attest duty and the propose duty, block by block: all is said, nothing twice, nothing while paused."""

from dataclasses import replace

from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber
from node.app.errors import TransactionCode
from node.app.messages import Conflict, Head, MessageKind, ProposeCheckpoint, Steps, Upgrade, Valid, decode_transaction
from node.app.state import Stage
from node.duties.attest import AttestDuty
from node.duties.contract_view import CheckpointView
from node.duties.statements import upgrade_statements
from node.duties.status import Moment
from node.duties.transactions import RESEND_BLOCKS
from tests.unit.app import logs
from tests.unit.duties.world import World, as_logs


async def test_attest__first_look__the_head_is_said_once(world: World) -> None:
    world.side.mine(count=5)
    await world.look()
    await world.attest.run_once()
    await world.attest.run_once()
    assert len(world.engine.sent) == 1
    (head,) = world.last_attest().statements
    assert head == Head(BlockNumber(3), world.side.blocks[3].header.hash)
    world.block()
    await world.attest.run_once()
    assert len(world.engine.sent) == 1


async def test_attest__head_steps_and_verdict__in_one_transaction(world: World) -> None:
    await world.proposed()
    world.root.mine(as_logs(logs.unknown(), logs.reset_header(1)), count=4)
    await world.look()
    await world.attest.run_once()
    assert world.said() == {Head, Steps, Valid}
    assert world.attest.last_signed[0] == Moment(7, world.committed.time_s)
    response = world.block()
    assert [result.code for result in response.tx_results] == [TransactionCode.OK]
    (verdict,) = world.network.proposal.verdicts
    assert verdict.is_valid


async def test_attest__not_in_a_block__said_again_with_all_there_is_by_then(world: World) -> None:
    world.side.mine(count=5)
    await world.look()
    await world.attest.run_once()
    world.engine.mempool.clear()  # lost
    for _ in range(RESEND_BLOCKS):
        assert len(world.engine.sent) == 1
        world.block()
        await world.attest.run_once()
    assert len(world.engine.sent) == 2
    world.block()
    assert world.state.tallies[0].head is not None


async def test_attest__something_new_while_one_is_on_its_way__said_at_once_with_the_rest(world: World) -> None:
    world.side.mine(count=10)
    world.root.mine(as_logs(logs.reset_header(1)), count=3)
    await world.look()
    await world.attest.run_once()
    world.network.make_due(8)  # blocks without ours
    world.network.propose(0, 7, world.honest_root(0, 7))
    waiting = world.sender.on_its_way(MessageKind.ATTEST, world.committed, world.identity)
    await world.attest.run_once()
    assert waiting is None or len(world.engine.sent) == 2
    assert Valid in world.said()


async def test_attest__at_most_one_in_a_block__even_if_the_mempool_refuses(world: World) -> None:
    world.side.mine(count=5)
    await world.look()
    world.engine.refusal = "full"
    for _ in range(3):
        await world.attest.run_once()
    assert world.engine.attempts == 1
    world.engine.refusal = None
    await world.attest.run_once()
    assert world.engine.sent == []
    world.block()
    await world.attest.run_once()
    assert world.said() == {Head}, "a head that nobody took is as urgent as before"


async def test_attest__a_new_head_that_the_mempool_refused__is_not_held_back_by_the_interval(world: World) -> None:
    world.side.mine(count=5)
    await world.look()
    await world.attest.run_once()
    world.block(seconds=2)
    world.side.mine()
    await world.look()
    world.engine.refusal = "full"
    await world.attest.run_once()
    world.engine.refusal = None
    world.block()
    await world.attest.run_once()
    assert world.last_attest().statements == (Head(BlockNumber(4), world.side.blocks[4].header.hash),)


async def test_attest__paused_while_the_chains_were_asked__nothing_is_sent(world: World) -> None:
    await world.proposed(root=world.side.head.hash)

    def pause_meanwhile(method: str, params: list[object]) -> object:
        world.engine.is_paused = True
        return world.side_b.chain.answer(method, params)

    world.servers[1].answer = pause_meanwhile
    await world.attest.run_once()
    assert world.engine.is_paused, "the second endpoint was asked"
    assert world.engine.sent == []
    world.servers[1].answer, world.engine.is_paused = world.side_b.answer, False
    await world.attest.run_once()
    assert len(world.engine.sent) == 1


async def test_attest__before_readiness_or_while_paused__nothing(world: World) -> None:
    world.side.mine(count=5)
    await world.follow_side.run_once()
    await world.attest.run_once()
    await world.look()
    world.engine.is_paused = True
    await world.attest.run_once()
    assert world.engine.sent == []


async def test_attest__the_contracts_changed__no_verdict_but_all_else(world: World) -> None:
    await world.proposed()
    world.follow_root.contract_changed = "other code"
    await world.attest.run_once()
    assert world.said() == {Head}
    world.follow_root.contract_changed = None
    world.block()
    await world.attest.run_once()
    assert Valid in world.said()


async def test_attest__the_contracts_are_not_looked_at_yet__no_verdict_but_all_else(world: World) -> None:
    await world.proposed()
    world.follow_root.contract_seen = False
    await world.attest.run_once()
    assert world.said() == {Head}
    await world.watch().run_once()
    world.block()
    await world.attest.run_once()
    assert Valid in world.said()


async def test_attest__genesis_could_not_be_compared__only_what_the_contract_expects_is_signed(world: World) -> None:
    """The state of the genesis block is pruned; that of the cursor, two blocks later, is there."""
    world.root.mine(as_logs(logs.stake_update(1, 2, 100 * 10**18)), count=5)
    await world.follow_root.run_once()
    world.attest_steps(*world.others)
    world.root_a.state_from = world.root_b.state_from = world.state.feeds[0].cursor.number
    await world.proposed()
    assert not world.readiness.compared_genesis(0)
    for strange in (CheckpointView(0, BlockNumber(0), 9_000), CheckpointView(5, BlockNumber(7), 10_000)):
        world.root_a.checkpoints = strange
        await world.attest.run_once()
        assert Valid not in world.said()
        world.block()
    world.root_a.checkpoints = CheckpointView(0, BlockNumber(0), 10_000)
    world.root_a.is_down = world.root_b.is_down = True
    await world.attest.run_once()
    assert Valid not in world.said()
    world.root_a.is_down = False
    world.block()
    await world.attest.run_once()
    assert Valid in world.said()


async def test_attest__root_chain_replaced_below_the_cursor__conflict_then_the_way_back(world: World) -> None:
    """From the first step after genesis on: the logs are the same, the blocks are others."""
    world.root.mine(as_logs(logs.unknown(), logs.reset_header(1)))
    world.root.mine(count=5)
    await world.look()
    world.attest_steps(*world.others)
    was = world.state.feeds[0]
    assert was.step_number == 2
    world.root.reorg(depth=6, length=0)
    world.root.mine(count=2, salt=b"fork")
    world.root.mine(as_logs(logs.unknown(), logs.reset_header(1)), salt=b"fork")
    world.root.mine(count=6, salt=b"fork")
    await world.look()
    await world.look()
    await world.attest.run_once()
    assert Conflict in world.said()
    conflict = next(one for one in world.last_attest().statements if isinstance(one, Conflict))
    world.block(*(world.network.attest(one, conflict) for one in world.others))
    assert world.state.feeds[0].is_paused

    await world.look()
    await world.attest.run_once()
    reanchor = world.last_attest()
    assert reanchor.reanchor is not None
    assert reanchor.steps == ()
    others = (replace(reanchor, node_id=bytes(8), reanchor=None) for _ in world.others)
    sent = (world.network.transaction(who, message) for who, message in zip(world.others, others, strict=True))
    world.block(*sent)
    feed = world.state.feeds[0]
    assert (feed.is_paused, feed.step_number, feed.generation) == (False, 2, was.generation + 1)
    assert feed.cursor.hash == world.root.blocks[feed.cursor.number].header.hash


async def test_propose__our_turn__once_until_the_state_has_it(world: World) -> None:
    world.side.mine(count=10)
    await world.look()
    world.network.make_due(7)
    assert world.network.proposer is world.me
    await world.propose.run_once()
    await world.propose.run_once()
    assert [decode_transaction(raw).kind for raw in world.engine.sent] == [MessageKind.PROPOSE_CHECKPOINT]
    world.block()
    assert world.network.proposal.root_hash == world.honest_root(0, 7)
    assert world.propose.last_built[0].number == 7
    for _ in range(3):
        world.block()
        await world.propose.run_once()
    assert len(world.engine.sent) == 1
    assert world.network.stage() is Stage.COLLECTING


async def test_propose__the_mempool_refuses__one_try_a_block(world: World) -> None:
    world.side.mine(count=10)
    await world.look()
    world.network.make_due(7)
    world.engine.refusal = "full"
    for _ in range(4):
        await world.propose.run_once()
    assert world.engine.attempts == 1
    assert world.propose.last_built == {}
    world.engine.refusal = None
    world.block()
    await world.propose.run_once()
    assert len(world.engine.sent) == 1


async def test_propose__another_s_turn_or_blocks_not_confirmed_here__silence(world: World) -> None:
    world.side.mine(count=8)
    await world.look()
    world.network.make_due(7)
    await world.propose.run_once()
    assert world.engine.sent == [], "block 7 is not confirmed here"
    world.network.say_quiet()
    world.network.make_due(7)
    assert world.network.proposer is not world.me
    world.side.mine(count=8)
    await world.look()
    await world.propose.run_once()
    assert world.engine.sent == []


async def test_propose__the_root_chain_is_paused__silence(world: World) -> None:
    world.side.mine(count=10)
    await world.look()
    world.network.make_due(7)
    conflict = Conflict(0, 1, keccak256(b"another block"))
    world.network.block(*(world.network.attest(one, conflict) for one in world.others))
    await world.propose.run_once()
    assert world.engine.sent == []


async def test_propose__another_maker__its_proposal_is_signed_and_sent_too(world: World) -> None:
    """What tests of wrong proposals rest on; it is not checked here but by everybody's application."""
    await world.look()
    world.network.make_due(7)
    asked: list[int] = []

    def make(_: object, root_chain: int, __: object) -> ProposeCheckpoint | None:
        asked.append(root_chain)
        return world.network.proposal_message(0, 63)

    propose = type(world.propose)(lambda: world.committed, world.readiness, world.sender, make)
    await propose.run_once()
    response = world.block()
    assert [result.code for result in response.tx_results] == [TransactionCode.FUTURE_RANGE]
    assert asked == [0]


async def test_attest__an_upgrade_that_the_operator_agrees_to__said_until_the_state_has_it_and_it_took_over(
    world: World,
) -> None:
    wanted = Upgrade(2, 500, keccak256(b"notes"))
    assert upgrade_statements(world.state, world.identity.id, None) == ()
    assert upgrade_statements(world.state, world.identity.id, wanted) == (wanted,)
    assert upgrade_statements(world.state, world.identity.id, replace(wanted, version=1)) == (), "it is in force"
    duty = AttestDuty(
        lambda: world.committed,
        *(world.readiness, world.sender, world.signer, world.judge, world.follow_side, (world.follow_root,)),
        upgrade=wanted,
    )
    world.side.mine(count=5)
    await world.look()
    await duty.run_once()
    assert world.said() == {Head, Upgrade}
    world.block(*(world.network.attest(other, wanted) for other in world.others[:2]))
    assert world.state.params.planned_upgrade == wanted, "three of four said so"
    await duty.run_once()
    assert len(world.engine.sent) == 1
