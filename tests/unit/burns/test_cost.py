"""What a question costs: a bounded number of RPC calls, and one answer for all who ask the same."""

import asyncio

import pytest

from bridge.burns.errors import Busy
from bridge.burns.keeping import MemoryKeep
from bridge.burns.service import BurnService, ServiceLimits
from bridge.burns.sharing import Recent, SharedWork, SharingLimits
from bridge.codec.hash import keccak256
from tests.unit.burns.world import CONFIRMATIONS, Book, burn_log, burn_world, transaction_hash


async def test_proof__fresh__takes_seven_calls_and_the_next_none() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        # Beside the burns' own calls, each pool asks its endpoint's chain id once, and the followers have done that.
        before = world.calls
        await world.service.proof(transaction)
        # receipt, block receipts; root token, its type, last id, header; simulated exit.
        assert world.calls - before == 7
        await world.service.proof(transaction)
        assert world.calls - before == 7


async def test_proof__with_checkpoints_that_are_agreed_on__takes_two_calls_to_the_side_chain_and_none_to_the_root() -> (
    None
):
    async with burn_world(is_agreed=True, manager=False) as world:
        transaction = await world.ready_burn()
        before = world.calls
        await world.service.proof(transaction)
        assert world.calls - before == 2
        assert world.side_server.calls[-2:] == [
            "eth_getTransactionReceipt",
            "eth_getBlockReceipts",
        ]


async def test_proof__where_the_exit_is_simulated__asks_the_root_chain_for_that_alone() -> None:
    async with burn_world(is_agreed=True) as world:
        first = await world.ready_burn()
        await world.service.proof(first)
        second = await world.ready_burn()
        before = world.calls
        await world.service.proof(second)
        assert world.calls - before == 3


async def test_proof__with_checkpoints_of_an_index__reads_each_from_the_contract_before_its_first_use() -> None:
    async with burn_world(is_agreed=False, manager=False) as world:
        transaction = await world.ready_burn(before=[[burn_log()]])
        before = world.calls
        await world.service.proof(transaction)
        assert world.calls - before == 3
        block = world.side.blocks[5]
        await world.service.proof(transaction_hash(block, 0))
        assert world.calls - before == 4  # its own receipt; those of the block are at hand


async def test_proof__under_a_checkpoint_that_the_contract_has_replaced__is_searched_in_the_contract() -> None:
    async with burn_world(is_agreed=False) as world:
        transaction = await world.ready_burn()
        book = world.service._roots[0].book
        assert isinstance(book, Book)
        book.mistake = keccak256(b"the root of another chain")
        proof = await world.service.proof(transaction)
        assert proof.checkpoint.root == world.root.checkpoints[0].root


async def test_proof__with_blocks_to_fetch__costs_none_of_that_the_next_time() -> None:
    keep = MemoryKeep(10_000_000)
    async with burn_world(is_agreed=True, manager=False, stored_blocks=False, keep=keep) as world:
        world.side.mine(count=250)
        transaction = await world.ready_burn(before=[[burn_log()]])
        before = world.calls
        await world.service.proof(transaction)
        assert world.calls - before == 2 + world.side.blocks[-1].header.number + 1 - CONFIRMATIONS
        restarted = BurnService(world.service._side, world.service._roots, world.clock, keep=keep)
        before = world.calls
        other = transaction_hash(world.side.blocks[255], 0)
        await restarted.proof(other)
        assert world.calls - before == 2
        assert (await restarted.proof(transaction)).log_index == 0
        assert world.calls - before == 2 + 1
        await restarted.close()


async def test_proof__after_a_restart__is_at_hand_for_who_names_its_log() -> None:
    keep = MemoryKeep(10_000_000)
    async with burn_world(is_agreed=True, keep=keep) as world:
        transaction = await world.ready_burn()
        proof = await world.service.proof(transaction)
        restarted = BurnService(world.service._side, world.service._roots, world.clock, keep=keep)
        before = world.calls
        assert await restarted.proof(transaction, proof.log_index, proof.root_chain) == proof
        assert world.calls == before
        await restarted.close()


async def test_proof__asked_by_a_hundred_at_once__costs_one() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        before = world.calls
        proofs = await asyncio.gather(*(world.service.proof(transaction) for _ in range(100)))
        assert world.calls - before == 7
        assert len({proof.payload for proof in proofs}) == 1


async def test_status__of_a_block_under_one_of_many_checkpoints__takes_logarithmically_many_calls() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        for _ in range(200):
            world.side.mine(count=8)
            world.root.checkpoint(world.side.head.number)
        world.side.mine(count=2)
        world.root.mine(count=2)
        await world.follow()
        before = world.calls
        await world.service.burns(transaction)
        assert world.calls - before <= 7 + 8
        world.root.mine()
        await world.follow()
        before = world.calls
        await world.service.burns(transaction)
        assert world.calls - before == 4


async def test_status__after_the_contract_was_reset__does_not_trust_what_it_remembers() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        for _ in range(4):
            world.side.mine(count=8)
            world.root.checkpoint(world.side.head.number)
        late = world.side.burn()
        world.side.mine(count=20)
        world.root.checkpoint(world.side.head.number - 2)
        world.root.checkpoint(world.side.head.number - 1)
        world.root.mine(count=2)
        await world.follow()
        await world.service.burns(late)
        await world.service.burns(transaction)
        del world.root.checkpoints[1:]
        for end in (world.side.head.number - 6, world.side.head.number - 4, world.side.head.number - 3):
            world.root.checkpoint(end)
        world.root.mine(count=2)
        await world.follow()
        report = await world.service.burns(late)
        checkpoint = report.burns[0].root_chains[0].checkpoint
        assert checkpoint is not None
        assert checkpoint.header_id == 20_000


async def test_service__with_too_many_different_questions__is_busy() -> None:
    limits = ServiceLimits(sharing=SharingLimits(running_max=1, waiting_max=2, kept_max=4))
    async with burn_world(limits=limits) as world:
        questions = [world.service.burns(keccak256(bytes((index,)))) for index in range(3)]
        answers = await asyncio.gather(*questions, return_exceptions=True)
        assert [isinstance(answer, Busy) for answer in answers] == [False, False, True]


async def test_service__with_more_burns_in_a_transaction_than_it_judges__says_how_many_are_left() -> None:
    async with burn_world(limits=ServiceLimits(burns_max=3)) as world:
        transaction = await world.ready_burn(*[burn_log(n) for n in range(5)])
        report = await world.service.burns(transaction)
        assert (len(report.burns), report.burns_left_out) == (3, 2)
        assert (await world.service.proof(transaction, 4)).log_index == 4


async def test_shared_work__whose_first_caller_gives_up__goes_on_for_the_others() -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def make() -> int:
        started.set()
        await go.wait()
        return 7

    work: SharedWork[str, int] = SharedWork(SharingLimits(), keep=lambda _: True)
    first = asyncio.create_task(work.result("key", make))
    await started.wait()
    second = asyncio.create_task(work.result("key", make))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == 7
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_shared_work__that_fails__is_tried_again_by_the_next() -> None:
    attempts = 0

    async def make() -> int:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise Busy("not now")
        return attempts

    work: SharedWork[str, int] = SharedWork(SharingLimits(), keep=lambda _: True)
    with pytest.raises(Busy):
        await work.result("key", make)
    assert await work.result("key", make) == 2


async def test_shared_work__closed__ends_what_runs() -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def make() -> int:
        started.set()
        await never.wait()
        return 0

    work: SharedWork[str, int] = SharedWork(SharingLimits(), keep=lambda _: True)
    waiting = asyncio.create_task(work.result("key", make))
    await started.wait()
    await work.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_recent__at_its_size__forgets_what_was_unused_for_longest() -> None:
    recent: Recent[int, str] = Recent(2)
    recent.put(1, "one")
    recent.put(2, "two")
    recent.get(1)
    recent.put(3, "three")
    assert [recent.get(key) for key in (1, 2, 3)] == ["one", None, "three"]
