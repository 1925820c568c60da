"""Sending engine transactions: a nonce is used once for ever, and what is lost is said again."""

import pytest

from bridge.codec.types import BlockNumber
from node.app.messages import Attest, Head, MessageKind, Transaction, decode_transaction
from node.duties.transactions import RESEND_BLOCKS
from node.keys.errors import NotCaughtUp
from tests.unit.duties.world import World

KIND = MessageKind.ATTEST


def _attest(world: World, number: int = 1) -> Attest:
    attest_id = world.signer.next_attest_id()
    return Attest(attest_id.node_id, attest_id.counter, (Head(BlockNumber(number), world.side.head.hash),))


def _sent(world: World) -> list[Transaction]:
    return [decode_transaction(raw) for raw in world.engine.sent]


def _send(world: World, number: int = 1) -> bool:
    return world.sender.send(_attest(world, number), world.committed, world.identity)


def _waits(world: World) -> bool:
    return world.sender.on_its_way(KIND, world.committed, world.identity) is not None


async def test_send__one_after_the_other__nonces_rise_and_the_state_takes_both(world: World) -> None:
    await world.look()
    assert _send(world, 1)
    assert _send(world, 2)
    assert [transaction.nonce for transaction in _sent(world)] == [1, 2]
    world.block()
    world.block()
    assert world.state.tallies[0].head == Head(BlockNumber(2), world.side.head.hash)


async def test_send__after_a_restart__no_nonce_that_was_ever_signed(world: World) -> None:
    await world.look()
    _send(world)
    world.engine.mempool.clear()  # it is lost
    world.start()
    await world.look()
    _send(world)
    assert [transaction.nonce for transaction in _sent(world)] == [1, 2]
    world.block()
    assert world.state.tallies[0].head is not None, "gaps are allowed"


async def test_send__another_s_nonces_in_the_state__begin_beyond_them(world: World) -> None:
    await world.look()
    world.me.nonce = 41
    world.network.block(world.network.attest(world.me, Head(BlockNumber(0), world.side.head.hash)))
    _send(world)
    assert _sent(world)[0].nonce == 43


async def test_on_its_way__executed__is_not_waited_for_any_more(world: World) -> None:
    await world.look()
    _send(world)
    assert _waits(world)
    world.block()
    assert not _waits(world)


async def test_on_its_way__not_in_three_blocks__taken_for_lost(world: World) -> None:
    await world.look()
    _send(world)
    world.engine.mempool.clear()
    for _ in range(RESEND_BLOCKS - 1):
        world.block()
        assert _waits(world)
    world.block()
    assert not _waits(world)


async def test_on_its_way__a_later_one_of_the_other_kind_was_executed_first__taken_for_lost(world: World) -> None:
    await world.look()
    _send(world)
    first = world.engine.mempool.pop()
    _send(world)
    world.block()
    assert not _waits(world)
    assert world.network.check(first).code, "its nonce is below the last executed one"


async def test_send__the_mempool_refuses__told_and_not_waited_for(world: World) -> None:
    await world.look()
    assert _send(world)
    assert _send(world)
    assert not _send(world), "two of one signer wait already"
    assert world.sender.last_refusal is not None
    assert world.sender.last_refusal.startswith("CheckTx code")
    world.block()
    assert not _waits(world)
    assert _send(world)
    assert world.sender.last_refusal is None


async def test_send__before_the_checks_are_done__refused_by_the_signer(world: World) -> None:
    with pytest.raises(NotCaughtUp):
        _send(world)
    assert world.engine.sent == []
