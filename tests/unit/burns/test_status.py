"""The way of a burn from the pool to the payout, as the service tells it."""

import pytest

from bridge.burns.errors import CannotTell, EndpointFalse
from bridge.burns.report import BurnStatus
from bridge.codec.hash import keccak256
from tests.unit.burns.world import (
    BURNER,
    CONFIRMATIONS,
    ROOT_TOKEN,
    STRANGER,
    TOKEN,
    burn_log,
    burn_world,
    transfer_log,
)

UNKNOWN = keccak256(b"no such transaction")


async def test_burns__of_an_unknown_transaction__are_not_found() -> None:
    async with burn_world() as world:
        report = await world.service.burns(UNKNOWN)
        assert report.status is BurnStatus.NOT_FOUND
        assert report.burns == ()
        assert report.judged_at[0].number == world.root.head.number - CONFIRMATIONS


async def test_burns__of_an_unknown_transaction_at_an_endpoint_that_is_behind__cannot_be_told() -> None:
    async with burn_world() as world:
        world.side.hidden = 4
        with pytest.raises(CannotTell, match="behind"):
            await world.service.burns(UNKNOWN)


async def test_burns__in_a_confirmed_block_that_was_replaced__are_said_to_be_reorged() -> None:
    async with burn_world() as world:
        transaction = world.side.burn()
        world.side.mine(count=CONFIRMATIONS + 1)
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.NOT_CHECKPOINTED
        world.side.reorg(depth=CONFIRMATIONS + 2, length=CONFIRMATIONS + 4)
        follower = world.followers[0]
        assert (await follower.advance()).below_confirmed is not None
        await follower.accept_reorg()
        await world.follow()
        replaced = await world.service.burns(transaction)
        assert (replaced.status, replaced.block_number) == (BurnStatus.REORGED, 5)
        assert "replaced block 5" in replaced.text
        world.side.pool.add(transaction)
        again = await world.service.burns(transaction)
        assert (again.status, again.block_number) == (BurnStatus.PENDING, None)
        assert "block 5, which had it, was replaced" in again.text


async def test_burns__in_the_pool__are_pending() -> None:
    async with burn_world() as world:
        world.side.pool.add(UNKNOWN)
        report = await world.service.burns(UNKNOWN)
        assert (report.status, report.block_number) == (BurnStatus.PENDING, None)


async def test_burns__from_block_to_payout__take_each_status_in_turn() -> None:
    async with burn_world() as world:
        transaction = world.side.burn(burn_log(7))
        await world.follow()
        pending = await world.service.burns(transaction)
        assert pending.status is BurnStatus.PENDING
        assert pending.burns[0].amounts == ("7",)
        # Block 5, so blocks 0..7 make the shortest checkpoint, and 3 is the confirmed head.
        assert pending.to_go is not None
        assert (pending.to_go.confirmations, pending.to_go.blocks) == (2, 4)

        world.side.mine(count=2)
        await world.follow()
        waiting = await world.service.burns(transaction)
        assert waiting.status is BurnStatus.NOT_CHECKPOINTED
        assert waiting.to_go is not None
        assert (waiting.to_go.confirmations, waiting.to_go.blocks) == (0, 2)
        assert waiting.to_go.seconds is not None
        assert waiting.to_go.seconds >= 2

        world.side.mine(count=2)
        world.root.checkpoint(7)
        await world.follow()
        unconfirmed = await world.service.burns(transaction)
        assert unconfirmed.status is BurnStatus.NOT_CHECKPOINTED
        assert unconfirmed.to_go is not None
        assert unconfirmed.to_go.blocks == 0

        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        ready = await world.service.burns(transaction)
        assert ready.status is BurnStatus.READY
        assert ready.to_go is None
        on_root = ready.burns[0].root_chains[0]
        assert (on_root.root_token, on_root.checkpoint and on_root.checkpoint.header_id) == (ROOT_TOKEN, 10_000)

        world.root.exit(on_root.exit_hash)
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.READY
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.EXITED


async def test_burns__several_in_a_transaction__have_each_their_indexes() -> None:
    logs = (transfer_log(), burn_log(1, STRANGER), burn_log(2), transfer_log(), burn_log(3))
    async with burn_world() as world:
        transaction = await world.ready_burn(*logs, before=[[burn_log(9)], [burn_log(8)]])
        report = await world.service.burns(transaction)
        assert report.transaction_index == 2
        # The stranger's token is not mapped, so its burn is none; matic.js counts its log all the same.
        assert [(b.log_index, b.token_index, b.amounts) for b in report.burns] == [(2, 1, ("2",)), (4, 2, ("3",))]
        assert {(b.token, b.burner) for b in report.burns} == {(TOKEN, BURNER)}

        world.root.exit(report.burns[0].root_chains[0].exit_hash)
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        half = await world.service.burns(transaction)
        assert [b.status for b in half.burns] == [BurnStatus.EXITED, BurnStatus.READY]
        assert half.status is BurnStatus.READY


async def test_burns__of_a_transaction_that_burns_nothing_mapped__are_not_found() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn(transfer_log(), burn_log(1, STRANGER))
        report = await world.service.burns(transaction)
        assert (report.status, report.burns) == (BurnStatus.NOT_FOUND, ())
        assert report.block_number is not None


async def test_burns__once_ready__stay_so_at_an_endpoint_that_falls_behind() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        assert (await world.service.burns(transaction)).status is BurnStatus.READY
        world.side.hidden = 14
        world.root.mine()
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.READY


async def test_burns__read_first_while_the_side_endpoint_is_behind__cannot_be_told() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        world.side.hidden = 14
        with pytest.raises(CannotTell):
            await world.service.burns(transaction)


async def test_burns__while_the_root_endpoint_is_behind__cannot_be_told() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        del world.root.blocks[-3:]
        with pytest.raises(CannotTell, match="header not found"):
            await world.service.burns(transaction)


async def test_burns__under_a_root_that_is_not_ours__are_an_error_and_never_ready() -> None:
    async with burn_world() as world:
        transaction = world.side.burn()
        world.side.mine(count=10)
        world.root.checkpoint(7)
        false = world.root.checkpoints[-1]
        world.root.checkpoints[-1] = type(false)(false.since, UNKNOWN, false.start, false.end, false.created_at)
        world.root.mine(count=2)
        await world.follow()
        with pytest.raises(EndpointFalse, match="our own confirmed headers"):
            await world.service.burns(transaction)


async def test_burns__of_a_token_mapped_on_two_root_chains__are_exited_once_one_has_paid() -> None:
    async with burn_world(root_chains=2) as world:
        transaction = await world.ready_burn()
        world.roots[1].tokens[STRANGER] = ROOT_TOKEN
        report = await world.service.burns(transaction)
        assert [one.status for one in report.burns[0].root_chains] == [BurnStatus.READY, BurnStatus.NOT_CHECKPOINTED]
        assert report.burns[0].status is BurnStatus.READY
        assert [one.root_chain for one in report.judged_at] == ["root0", "root1"]


async def test_burns__without_a_root_chain_manager__are_told_but_never_exited() -> None:
    async with burn_world(manager=False) as world:
        transaction = await world.ready_burn(burn_log(1, STRANGER))
        report = await world.service.burns(transaction)
        assert report.status is BurnStatus.READY
        assert report.burns[0].root_chains[0].root_token is None


async def test_burns__before_any_confirmed_block__cannot_be_told() -> None:
    async with burn_world(followed=False) as world:
        with pytest.raises(CannotTell, match="no confirmed block"):
            await world.service.burns(UNKNOWN)


async def test_status__under_a_checkpoint_and_not_confirmed_here_yet__is_pending_until_it_is() -> None:
    async with burn_world(stored_blocks=False) as world:
        transaction = world.side.burn()
        world.side.mine(count=8 + CONFIRMATIONS)
        world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
        world.root.mine(count=CONFIRMATIONS)
        await world.followers[1].advance()
        assert (await world.service.burns(transaction)).status is BurnStatus.PENDING
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.READY
