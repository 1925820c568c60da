"""What a reorganisation of the root chain, within the confirmations or beyond, does to an outbox and its nonces."""

from collections.abc import Iterator

import pytest

from bridge.chain.outbox_store import EntryState, MemoryOutboxStore, Waiting
from tests.unit.chain.outbox_world import (
    DEPTH,
    POLICY,
    OutboxWorld,
    every_node,
    hang_up,
    intent_of,
    steal_nonce,
    take,
)


@pytest.fixture
def world() -> Iterator[OutboxWorld]:
    """One key is wanted."""
    one = OutboxWorld(MemoryOutboxStore())
    for _ in range(3 * DEPTH):
        one.mine()
    one.wanted.append(intent_of(1))
    yield one
    one.check_sends_an_hour()
    one.check_cost()


def states_of(world: OutboxWorld, key: str) -> list[EntryState]:
    """The states that an entry has entered, in order."""
    changes = [event for event in world.events if event.after.intent.key == key]
    return [event.after.state for event in changes if event.after.state is not event.before.state]


async def finish(world: OutboxWorld, number: int = 1) -> None:
    """Until the entry is closed."""
    await world.rounds(DEPTH + 2)
    assert world.entry(number).state.is_closed


@pytest.mark.parametrize("keeps", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize("depth", range(1, DEPTH + 1))
async def test_reorg__within_the_confirmations__the_same_transaction_ends_in_another_block(
    world: OutboxWorld, depth: int, *, keeps: bool
) -> None:
    await world.rounds(depth)
    world.chain.reorg(depth, keeps_transactions=keeps)
    await finish(world)
    assert world.entry().succeeded
    assert [one.sent.transaction.nonce for one in world.chain.mined_by(world.chain.us)] == [0]


@pytest.mark.parametrize("keeps", [False, True], ids=["lost", "kept"])
async def test_reorg__undoes_a_final_entry_below_one_that_waits__the_gap_is_named_and_closes_by_itself(
    world: OutboxWorld, *, keeps: bool
) -> None:
    await finish(world)
    world.wanted.append(intent_of(2))
    world.chain.miners_ignore_us = True
    await world.round()
    world.chain.reorg(2 * DEPTH, keeps_transactions=keeps)
    await world.round()
    assert world.chain.nonce(world.chain.us) == 0
    assert states_of(world, "take/1")[-2:] == [EntryState.FINAL, EntryState.SENT]
    world.chain.miners_ignore_us = False
    await world.rounds(1)
    await finish(world, 2)
    assert (world.entry(1).succeeded, world.entry(2).succeeded) == (True, True)
    assert (world.entry(1).nonce, world.entry(2).nonce) == (0, 1)
    assert all(map(world.is_taken, world.wanted))


async def test_reorg__undoes_a_final_entry_and_nothing_else_waits__wanting_it_again_finds_out(
    world: OutboxWorld,
) -> None:
    await finish(world)
    await world.rounds(DEPTH)
    world.chain.reorg(3 * DEPTH, keeps_transactions=False)
    assert not world.is_taken(intent_of(1))
    await world.rounds(1)
    await finish(world)
    assert world.is_taken(intent_of(1))
    assert [one.sent.transaction.nonce for one in world.chain.mined_by(world.chain.us)] == [0]


async def test_reorg__undoes_a_final_entry_and_a_stranger_takes_its_nonce__it_takes_another(world: OutboxWorld) -> None:
    await finish(world)
    world.chain.reorg(2 * DEPTH, keeps_transactions=False)
    steal_nonce(world)
    world.mine()
    await world.rounds(DEPTH + 1)
    await finish(world)
    assert (world.entry().succeeded, world.entry().nonce) == (True, 1)
    assert world.store.in_vain == {"take/1": 1}


async def test_reorg__undoes_a_cancellation_below_one_that_waits__the_zero_transfer_is_sent_again(
    world: OutboxWorld,
) -> None:
    world.chain.miners_ignore_us = True
    await world.rounds(1)
    take(world, world.chain.rival)
    world.mine()
    await world.round()
    world.chain.miners_ignore_us = False
    await finish(world)
    assert world.entry().state is EntryState.CANCELLED
    world.wanted.append(intent_of(2))
    every_node(world, hang_up)
    await world.round()
    every_node(world, None)
    world.chain.reorg(DEPTH + 1, keeps_transactions=False)
    await world.rounds(1)
    await finish(world, 2)
    assert world.entry(2).succeeded
    assert world.chain.nonce(world.chain.us) == 2


async def _lose_the_nonce(world: OutboxWorld) -> None:
    """A stranger uses nonce 0, at depth, before any node has our transaction."""
    every_node(world, hang_up)
    await world.round()
    steal_nonce(world)
    world.mine()
    every_node(world, None)
    await world.rounds(DEPTH - 1)


async def test_reorg__undoes_a_nonce_that_no_entry_remembers__a_zero_transfer_fills_it_after_a_while(
    world: OutboxWorld,
) -> None:
    await _lose_the_nonce(world)
    world.chain.miners_ignore_us = True
    await world.rounds(2)
    assert (world.entry().state, world.entry().nonce) == (EntryState.SENT, 1)
    world.chain.reorg(2 * DEPTH, keeps_transactions=False)
    await world.round()
    assert world.entry().waiting is Waiting.NONCE_GAP
    assert "nonce 0" in world.entry().detail
    assert world.outbox.entry("nonce/0") is None
    world.chain.miners_ignore_us = False
    await world.rounds(POLICY.replace_after_s // 12 + 2)
    await finish(world)
    filling = world.outbox.entry("nonce/0")
    assert filling is not None
    assert (filling.state, world.entry().succeeded, world.entry().nonce) == (EntryState.CANCELLED, True, 1)
    assert len(world.entry().attempts) == 1
    assert world.spent_wei() < 2 * 60_000 * 41 * 10**9


async def test_reorg__undoes_what_a_stranger_did_to_an_entry_that_is_over__the_entry_frees_its_own_nonce(
    world: OutboxWorld,
) -> None:
    take(world, world.chain.rival)
    await _lose_the_nonce(world)
    await world.rounds(1)
    assert world.entry().state is EntryState.LOST
    world.wanted.append(intent_of(2))
    world.chain.miners_ignore_us = True
    await world.rounds(1)
    world.chain.reorg(2 * DEPTH, keeps_transactions=True)
    del world.chain.pool[world.chain.us.address, 0]
    await world.round()
    assert world.entry(2).waiting is Waiting.NONCE_GAP
    world.chain.miners_ignore_us = False
    await world.rounds(POLICY.replace_after_s // 12 + 2)
    await finish(world, 2)
    assert (world.entry(1).state, world.entry(2).succeeded) == (EntryState.CANCELLED, True)
    assert world.outbox.entry("nonce/0") is None


async def test_endpoints__all_lag_beyond_the_confirmations__nothing_is_opened_again_and_nothing_filled(
    world: OutboxWorld,
) -> None:
    await finish(world)
    signed = len(world.signer.signed)
    world.wanted.append(intent_of(2))
    world.chain.miners_ignore_us = True
    await world.round()
    for node in world.nodes:
        node.lag = 5 * DEPTH
    await world.rounds(POLICY.replace_after_s // 12 + 2)
    assert world.entry(1).state is EntryState.FINAL
    assert world.entry(2).waiting is Waiting.NONCE_GAP
    assert len(world.signer.signed) == signed + 1
    for node in world.nodes:
        node.lag = 0
    await world.rounds(1)
    assert world.entry(2).waiting is Waiting.NONE
    world.chain.miners_ignore_us = False
    await finish(world, 2)
