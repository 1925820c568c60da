"""The outbox while everything goes wrong that can: every refusal, storms, thefts, losses and crashes.

Short stories are told over HTTP, those of hours and of many lives without it.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from bridge.chain.outbox import RESEND_S
from bridge.chain.outbox_store import EntryState, MemoryOutboxStore, Waiting
from bridge.chain.sending import SendMeaning
from bridge.chain.transport import HttpTransport
from bridge.codec.types import ChainId
from node.store.local import LocalStore
from tests.unit.chain.evm_rpc import ETHER, GWEI, Account
from tests.unit.chain.outbox_world import (
    DEPTH,
    POLICY,
    OutboxWorld,
    every_node,
    hang_up,
    intent_of,
    refusing,
    steal_nonce,
    take,
)
from tests.unit.chain.rpc_server import RpcServer
from tests.unit.chain.scripted_chain import CALL_GAS
from tests.unit.chain.send_errors import REFUSALS
from tests.unit.chain.tiny_chain import CHAIN_ID

BLOCK_S = 12
HOUR = 3_600 // BLOCK_S
"""In blocks."""


@pytest.fixture
async def world(session: aiohttp.ClientSession) -> AsyncIterator[OutboxWorld]:
    """Two endpoints on 127.0.0.1, and one key that is wanted."""

    def not_yet(_method: str, _params: list[object]) -> object:
        raise AssertionError("nobody asks before the story begins")

    async with RpcServer(not_yet) as first, RpcServer(not_yet) as second:
        one = OutboxWorld(MemoryOutboxStore(), [first.url, second.url], HttpTransport(session))
        first.answer, second.answer = (node.answer for node in one.nodes)
        one.wanted.append(intent_of(1))
        yield one
        one.check_sends_an_hour()
        one.check_cost()


@pytest.fixture
def hours() -> Iterator[OutboxWorld]:
    """The same without HTTP, for stories of thousands of calls."""
    one = OutboxWorld(MemoryOutboxStore())
    one.wanted.append(intent_of(1))
    yield one
    one.check_sends_an_hour()
    one.check_cost()


def waits(world: OutboxWorld) -> set[Waiting]:
    """All that entries have waited for so far."""
    return {event.after.waiting for event in world.events}


def assert_landed_with_one_nonce(world: OutboxWorld, number: int = 1) -> None:
    """The key is ours, by one transaction of the one nonce that was ever signed for it."""
    assert world.entry(number).succeeded
    assert {tx.nonce for tx in world.signer.signed if tx.data == intent_of(number).data} == {world.entry(number).nonce}


MEANINGS = {refusal.meaning: refusal for refusal in reversed(REFUSALS)}


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("point", ["first", "again", "cancel"])
async def test_send__refused_for_a_while_at_some_point__is_named_and_ends_well(
    world: OutboxWorld, meaning: SendMeaning, point: str
) -> None:
    if point != "first":
        world.chain.miners_ignore_us = True
        await world.rounds(1)
    if point == "cancel":
        take(world, world.chain.rival)
        world.mine()
        world.chain.pool.clear()
    every_node(world, refusing(MEANINGS[meaning]))
    await world.rounds(4)
    expected = {EntryState.SIGNED, EntryState.SENT} if point != "cancel" else {EntryState.CANCELLING}
    assert world.entry().state in expected
    assert (world.entry().waiting is Waiting.NONE) == (meaning is SendMeaning.KNOWN)
    await world.heal()
    world.check_end()
    assert {tx.nonce for tx in world.signer.signed if tx.data == intent_of(1).data} == {0}
    assert world.entry().state is (EntryState.CANCELLED if point == "cancel" else EntryState.FINAL)


async def test_fees__ten_times_the_base_fee_for_an_hour__waits_at_the_ceiling_and_lands_afterwards(
    hours: OutboxWorld,
) -> None:
    await hours.round()
    hours.chain.base_fee_wei *= 10
    for _ in range(HOUR):
        hours.mine(BLOCK_S)
        await hours.round()
        assert hours.entry().state is EntryState.SENT
    assert hours.entry().waiting is Waiting.FEE_CEILING
    assert str(POLICY.ceiling_wei) in hours.entry().detail
    assert len(hours.entry().attempts) == 1
    hours.chain.base_fee_wei //= 10
    await hours.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(hours)
    assert hours.spent_wei() <= CALL_GAS * 41 * GWEI


async def test_fees__wanted_in_the_middle_of_the_storm__takes_no_nonce_before_its_end(hours: OutboxWorld) -> None:
    hours.chain.base_fee_wei *= 10
    await hours.rounds(HOUR)
    assert (hours.entry().state, hours.entry().waiting) == (EntryState.PLANNED, Waiting.FEE_CEILING)
    assert hours.signer.signed == []
    hours.chain.base_fee_wei //= 10
    await hours.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(hours)


async def test_fees__four_times_the_base_fee__is_replaced_once_at_the_market_and_lands_in_the_storm(
    world: OutboxWorld,
) -> None:
    await world.round()
    world.chain.base_fee_wei *= 4
    await world.rounds(6 + DEPTH)
    assert_landed_with_one_nonce(world)
    assert len(world.entry().attempts) == 2


async def test_fees__ignored_by_miners_for_an_hour__rises_step_by_step_to_the_ceiling(hours: OutboxWorld) -> None:
    hours.chain.miners_ignore_us = True
    await hours.rounds(HOUR)
    assert hours.entry().waiting is Waiting.FEE_CEILING
    assert 5 < len(hours.entry().attempts) < 10
    hours.chain.miners_ignore_us = False
    await hours.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(hours)
    assert hours.spent_wei() <= CALL_GAS * POLICY.ceiling_wei


async def test_pool__full_for_an_hour__is_named_and_lands_afterwards(hours: OutboxWorld) -> None:
    every_node(hours, refusing(MEANINGS[SendMeaning.POOL_FULL]))
    await hours.rounds(HOUR // 2)
    assert (hours.entry().state, Waiting.POOL_FULL in waits(hours)) == (EntryState.SIGNED, True)
    await hours.rounds(HOUR // 2)
    every_node(hours, None)
    await hours.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(hours)


async def test_pool__forgets_everything_again_and_again__the_same_bytes_are_sent_again(world: OutboxWorld) -> None:
    world.chain.miners_ignore_us = True
    for _ in range(3):
        await world.rounds(1)
        world.chain.pool.clear()
    world.chain.miners_ignore_us = False
    await world.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(world)
    assert len({raw for node in world.nodes for _, raw in node.sends}) == 1


async def test_send__nobody_answers_ten_minutes_of_polls__is_tried_again_by_the_clock_and_never_dearer(
    hours: OutboxWorld,
) -> None:
    every_node(hours, hang_up)
    for second in range(600):
        if second % BLOCK_S:
            hours.clock.advance(1)
        else:
            hours.mine(1)
        await hours.round()
        assert hours.trouble is None or "RPC_DOWN" in hours.trouble
    assert (hours.entry().state, hours.entry().waiting) == (EntryState.SIGNED, Waiting.CANNOT_TELL)
    assert len(hours.entry().attempts) == 1
    assert all(len(node.sends) <= 600 / RESEND_S + 600 / BLOCK_S + 1 for node in hours.nodes)
    every_node(hours, None)
    hours.clock.advance(600)
    await hours.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(hours)


async def test_send__accepted_but_the_reply_is_lost__is_found_in_its_block(world: OutboxWorld) -> None:
    for node in world.nodes:
        node.cuts_reply = True
    await world.rounds(1)
    assert Waiting.CANNOT_TELL in waits(world)
    await world.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(world)


async def test_send__one_knows_it_and_one_calls_the_nonce_used__counts_as_sent(world: OutboxWorld) -> None:
    world.chain.miners_ignore_us = True
    world.nodes[0].on_send = refusing(MEANINGS[SendMeaning.KNOWN])
    world.nodes[1].on_send = refusing(MEANINGS[SendMeaning.NONCE_USED])
    await world.rounds(3)
    assert (world.entry().state, world.entry().waiting) == (EntryState.SENT, Waiting.NONE)
    every_node(world, None)
    world.chain.miners_ignore_us = False
    await world.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(world)


async def test_key__a_stranger_uses_the_nonce__named_at_once_and_another_one_only_at_depth(world: OutboxWorld) -> None:
    every_node(world, hang_up)
    await world.round()
    steal_nonce(world)
    world.mine()
    await world.round()
    assert (world.entry().state, world.entry().waiting) == (EntryState.SIGNED, Waiting.NONCE_USED)
    every_node(world, None)
    await world.rounds(DEPTH - 1)
    assert world.entry().nonce == 0
    await world.rounds(DEPTH + 2)
    assert (world.entry().succeeded, world.entry().nonce) == (True, 1)


async def test_key__our_transaction_is_mined_but_one_endpoint_hides_its_receipt__the_other_is_believed(
    world: OutboxWorld,
) -> None:
    await world.round()
    world.nodes[0].hides_receipts = True
    await world.rounds(2 * DEPTH)
    assert (world.entry().waiting, world.entry().nonce) == (Waiting.NONCE_USED, 0)
    assert len(world.chain.mined_by(world.chain.us)) == 1
    world.nodes[0].hides_receipts = False
    await world.rounds(1)
    assert_landed_with_one_nonce(world)


async def test_purse__empties_after_signing_and_is_filled_again__says_so_and_lands(world: OutboxWorld) -> None:
    every_node(world, hang_up)
    await world.round()
    world.chain.give(world.chain.us, 0)
    every_node(world, None)
    await world.rounds(10)
    assert (world.entry().state, world.entry().waiting) == (EntryState.SIGNED, Waiting.NOT_FUNDED)
    world.chain.give(world.chain.us, ETHER)
    await world.rounds(DEPTH + 2)
    assert_landed_with_one_nonce(world)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", ["plain", "cancelled", "replaced", "stolen", "reorganised"])
async def test_crash__at_any_write_of_a_story__the_same_end(tmp_path: Path, story: str, *, after: bool) -> None:
    """Once for each write that the story makes, until it makes no more."""
    for write in range(1, 40):
        local = LocalStore(tmp_path / f"{write}.db")
        world = OutboxWorld(local.outbox(ChainId(CHAIN_ID), Account(1).address))
        world.wanted.append(intent_of(1))
        world.store.crashes_in, world.store.crashes_after_write = write, after
        await _tell(world, story)
        writes = world.store.writes
        await world.heal()
        world.check_end()
        nonces = {tx.nonce for tx in world.signer.signed if tx.data == intent_of(1).data}
        assert nonces == ({0, 1} if story == "stolen" else {0})
        local.close()
        if writes < write:
            assert world.restarts == 0
            assert write > 4
            return
        assert world.restarts == 1
    raise AssertionError("a story has no end")


async def _tell(world: OutboxWorld, story: str) -> None:
    world.chain.miners_ignore_us = story in {"cancelled", "replaced"}
    if story == "stolen":
        every_node(world, hang_up)
    for turn in range(12):
        await world.round()
        if turn == 2 and story == "cancelled":
            take(world, world.chain.rival)
        if turn == 2 and story == "stolen":
            steal_nonce(world)
            every_node(world, None)
        if turn == 2 and story == "reorganised":
            world.chain.reorg(2, keeps_transactions=False)
        if turn == 8:
            world.chain.miners_ignore_us = False
        world.mine()
