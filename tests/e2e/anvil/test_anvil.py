"""The outbox on a real node's pool: sending, replacing, cancelling, losing, reorganising, at the rules of anvil.

Anvil takes for a replacement whatever has a higher fee cap; geth's rule, a tenth more of both fees, is that of the
embedded chain's pool (tests/unit/chain/test_outbox.py). What satisfies geth's satisfies anvil's, which is shown here.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from bridge.chain.outbox import RESEND_S
from bridge.chain.outbox_store import EntryState, Waiting
from bridge.chain.sending import classify_refusal
from bridge.codec.hexadecimal import to_hex
from bridge.codec.transaction import decode_raw
from tests.e2e.anvil.node import DEPTH, POLICY, Anvil, AnvilWorld, Refused, running_anvil, transaction
from tests.unit.chain.evm_rpc import ETHER, GWEI, Account
from tests.unit.chain.send_errors import ANVIL

FINAL_ROUNDS = DEPTH + 2


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[Anvil]:
    with running_anvil(tmp_path) as one:
        yield one


@pytest.fixture
async def world(anvil: Anvil) -> AsyncIterator[AnvilWorld]:
    async with aiohttp.ClientSession() as session:
        yield AnvilWorld(anvil, session)


def refusal_of(anvil: Anvil, raw: bytes) -> Refused:
    """The refusal of a transaction that anvil does not take."""
    with pytest.raises(Refused) as refusal:
        anvil.send(raw)
    return refusal.value


async def test_sending__all_is_well__final_after_its_confirmations(world: AnvilWorld) -> None:
    world.want()
    await world.rounds(1)
    assert world.entry().state is EntryState.MINED
    await world.rounds(FINAL_ROUNDS)
    assert (world.entry().state, world.entry().succeeded, await world.nonce()) == (EntryState.FINAL, True, 1)


async def test_sending__the_same_bytes_again__is_known_and_stays_sent(world: AnvilWorld) -> None:
    world.want()
    await world.outbox.advance()
    for _ in range(3):
        world.clock.advance(RESEND_S)
        await world.outbox.advance()
    assert (world.entry().state, world.entry().waiting) == (EntryState.SENT, Waiting.NONE)
    assert world.anvil.waiting() == 1


async def test_replacement__by_the_outboxs_step__is_taken_and_one_of_them_is_mined(world: AnvilWorld) -> None:
    world.want()
    await world.outbox.advance()
    first = world.entry().attempts[0]
    world.anvil.call("anvil_dropTransaction", to_hex(first.hash))
    world.anvil.mine(seconds=POLICY.replace_after_s + 1)
    await world.outbox.advance()
    assert [attempt.hash == first.hash for attempt in world.entry().attempts] == [True, False]
    assert world.entry().state is EntryState.SENT
    assert world.anvil.waiting() == 1
    await world.rounds(FINAL_ROUNDS)
    assert (world.entry().succeeded, await world.nonce()) == (True, 1)


async def test_replacement__another_transaction_waits_under_the_nonce__is_outbid_under_the_same_nonce(
    world: AnvilWorld,
) -> None:
    """What a lost database leaves behind: a transaction of ours that the outbox does not know."""
    world.anvil.send(transaction(world.us, 0, world.once, bytes(32), max_fee_wei=4 * GWEI))
    world.want()
    await world.outbox.advance()
    assert (world.entry().state, world.entry().waiting) == (EntryState.SIGNED, Waiting.UNDERPRICED)
    assert "replacement transaction underpriced" in world.entry().detail
    world.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(5 * GWEI))
    world.anvil.mine()
    await world.outbox.advance()
    assert len(world.entry().attempts) == 2
    assert (world.entry().state, world.anvil.waiting()) == (EntryState.SENT, 1)
    assert {decode_raw(attempt.raw).transaction.nonce for attempt in world.entry().attempts} == {0}
    await world.rounds(FINAL_ROUNDS)
    assert (world.entry().succeeded, await world.nonce()) == (True, 1)


def test_replacement__at_each_bump__anvil_looks_at_the_fee_cap_only(anvil: Anvil) -> None:
    us = Account(1)
    anvil.call("anvil_setBalance", to_hex(us.address), hex(ETHER))
    anvil.send(transaction(us, 0, us.address, max_fee_wei=10 * GWEI))
    same_cap = transaction(us, 0, us.address, max_fee_wei=10 * GWEI, tip_wei=9 * GWEI)
    assert refusal_of(anvil, same_cap).words == "replacement transaction underpriced"
    lower = transaction(us, 0, us.address, max_fee_wei=9 * GWEI)
    assert refusal_of(anvil, lower).words == "replacement transaction underpriced"
    anvil.send(transaction(us, 0, us.address, max_fee_wei=10 * GWEI + 1))
    anvil.send(transaction(us, 0, us.address, max_fee_wei=12 * GWEI))
    assert anvil.waiting() == 1


async def test_cancel__somebody_else_was_faster__a_zero_transfer_takes_the_nonce(world: AnvilWorld) -> None:
    world.want()
    await world.outbox.advance()
    world.anvil.call("anvil_dropTransaction", to_hex(world.entry().attempts[0].hash))
    world.anvil.send(transaction(world.rival, 1, world.once, (1).to_bytes(32)))
    world.anvil.mine()
    await world.outbox.advance()
    assert (world.entry().state, world.entry().waiting) == (EntryState.CANCELLING, Waiting.NONE)
    await world.rounds(FINAL_ROUNDS)
    assert (world.entry().state, world.entry().nonce, await world.nonce()) == (EntryState.CANCELLED, 0, 1)


async def test_fees__the_next_base_fee_is_above_the_offer__refused_and_replaced_at_the_market(
    world: AnvilWorld,
) -> None:
    world.want()
    await world.outbox.advance()
    offered = world.entry().attempts[0].max_fee_per_gas_wei
    world.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(offered + GWEI))
    world.anvil.mine()
    await world.outbox.advance()
    assert world.entry().waiting is Waiting.UNDERPRICED
    assert "less than block base fee" in world.entry().detail
    world.anvil.mine()
    await world.outbox.advance()
    assert (world.entry().state, len(world.entry().attempts)) == (EntryState.SENT, 2)
    await world.rounds(FINAL_ROUNDS)
    assert world.entry().state is EntryState.FINAL
    assert (world.entry().succeeded, await world.nonce()) == (True, 1)


async def test_fees__the_base_fee_is_above_the_ceiling__waits_by_name_and_lands_when_it_has_fallen(
    world: AnvilWorld,
) -> None:
    world.want()
    await world.outbox.advance()
    for _ in range(4):
        world.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(10 * POLICY.ceiling_wei))
        await world.rounds(1, seconds=POLICY.replace_after_s)
    assert world.entry().waiting is Waiting.FEE_CEILING
    assert len(world.entry().attempts) == 1
    world.anvil.call("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    await world.rounds(FINAL_ROUNDS + 1)
    assert (world.entry().succeeded, await world.nonce()) == (True, 1)


async def test_pool__drops_the_transaction__the_same_bytes_are_sent_again(world: AnvilWorld) -> None:
    world.want()
    await world.outbox.advance()
    (attempt,) = world.entry().attempts
    world.anvil.call("anvil_dropTransaction", to_hex(attempt.hash))
    assert world.anvil.waiting() == 0
    await world.rounds(1)
    assert world.anvil.waiting() == 1
    await world.rounds(FINAL_ROUNDS)
    assert world.entry().succeeded
    assert world.entry().attempts == (attempt,)


@pytest.mark.parametrize("depth", [1, DEPTH + 3], ids=["within", "beyond"])
async def test_reorg__by_anvil__the_same_nonce_is_mined_again(world: AnvilWorld, depth: int) -> None:
    world.want()
    await world.rounds(depth)
    world.anvil.call("anvil_reorg", depth, [])
    assert await world.nonce() == 0
    world.want(2)
    await world.rounds(2 * FINAL_ROUNDS, seconds=POLICY.replace_after_s)
    assert [(world.entry(number).succeeded, world.entry(number).nonce) for number in (1, 2)] == [(True, 0), (True, 1)]
    assert await world.nonce() == 2


async def test_reorg__by_a_snapshot_from_before_it_all__the_nonce_gap_is_closed(world: AnvilWorld) -> None:
    before = world.anvil.call("evm_snapshot")
    world.want()
    await world.rounds(FINAL_ROUNDS)
    assert world.entry().state is EntryState.FINAL
    world.want(2)
    await world.outbox.advance()
    assert world.anvil.call("evm_revert", before)
    for _ in range(FINAL_ROUNDS):
        world.anvil.mine()
    assert await world.nonce() == 0
    await world.rounds(2 * FINAL_ROUNDS)
    assert [(world.entry(number).succeeded, world.entry(number).nonce) for number in (1, 2)] == [(True, 0), (True, 1)]


async def test_nonce__a_gap_below__is_taken_and_waits_in_the_pool(world: AnvilWorld) -> None:
    world.anvil.send(transaction(world.us, 1, world.us.address))
    world.anvil.mine()
    assert (await world.nonce(), world.anvil.waiting()) == (0, 1)
    world.want()
    await world.rounds(FINAL_ROUNDS)
    assert (world.entry().succeeded, world.entry().nonce, await world.nonce()) == (True, 0, 2)


async def test_nonce__used_by_a_stranger__the_next_one_is_taken_at_depth(world: AnvilWorld) -> None:
    world.want()
    await world.outbox.advance()
    world.anvil.call("anvil_dropTransaction", to_hex(world.entry().attempts[0].hash))
    world.anvil.send(transaction(world.us, 0, world.us.address))
    await world.rounds(1)
    assert world.entry().waiting is Waiting.NONCE_USED
    await world.rounds(2 * FINAL_ROUNDS)
    assert (world.entry().succeeded, world.entry().nonce) == (True, 1)


def test_refusals__of_the_running_anvil__are_those_in_our_table(anvil: Anvil) -> None:
    us, poor = Account(1), Account(9)
    anvil.call("anvil_setBalance", to_hex(us.address), hex(ETHER))
    anvil.send(transaction(us, 0, us.address))
    anvil.mine()
    anvil.send(transaction(us, 1, us.address))
    asked = {
        "nonce too low": transaction(us, 0, us.address),
        "already known": transaction(us, 1, us.address),
        "replacement underpriced": transaction(us, 1, us.address, max_fee_wei=9 * GWEI),
        "fee cap below base fee": transaction(us, 2, us.address, tip_wei=0, max_fee_wei=1),
        "tip above fee cap": transaction(us, 2, us.address, tip_wei=11 * GWEI),
        "insufficient funds": transaction(poor, 0, us.address),
        "intrinsic gas": transaction(us, 2, us.address, gas_limit=20_999),
        "block gas limit": transaction(us, 2, us.address, gas_limit=31_000_000),
        "malformed": b"\x02\xff",
    }
    known = {(one.kind, one.code, one.words): one.meaning for one in ANVIL}
    for kind, raw in asked.items():
        refusal = refusal_of(anvil, raw)
        assert known[kind, refusal.code, refusal.words] is classify_refusal(refusal.words, refusal.code), kind
