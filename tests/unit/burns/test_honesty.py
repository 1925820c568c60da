"""Answers that never go back, and words for what is not there: two backends, pruned nodes, books ahead, Bor of old."""

from itertools import cycle

import pytest

from bridge.burns.errors import BurnNotFound, CannotTell, EndpointFalse, HistoryPruned
from bridge.burns.report import BurnStatus
from bridge.chain.errors import ChainError
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_quantity, quantity, to_hex
from tests.unit.burns.world import CONFIRMATIONS, Book, World, burn_world
from tests.unit.chain.rpc_server import RpcFault
from tests.unit.chain.tiny_chain import receipts_json

LAG = CONFIRMATIONS + 2


def behind_a_balancer(world: World) -> None:
    """From now on every other call to the root chain comes to a node that is behind."""
    lags = cycle((0, LAG, LAG, 0, LAG))

    def answer(method: str, params: list[object]) -> object:
        head = world.root.head.number - next(lags)
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            return world.root.answer(method, [quantity(head), *params[1:]])
        if method == "eth_getBlockByNumber" and from_quantity(params[0]) > head:
            return None
        if method == "eth_call" and from_quantity(params[1]) > head:
            raise RpcFault(-32000, "header not found")
        return world.root.answer(method, params)

    world.root_servers[0].answer = answer


async def test_burns__judged_through_two_backends_at_different_heights__never_go_back() -> None:
    async with burn_world() as world:
        transaction = world.side.burn()
        world.side.mine(count=8 + CONFIRMATIONS)
        behind_a_balancer(world)
        seen: list[tuple[int, int]] = []
        for turn in range(60):
            if turn == 10:
                world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
            elif turn == 40:
                world.root.exit((await world.service.proof(transaction)).exit_hash)
            else:
                world.root.mine()
            try:
                await world.follow()
                report = await world.service.burns(transaction)
            except (CannotTell, ChainError):
                continue
            seen.append((report.judged_at[0].number, report.status.rank))
        assert seen == sorted(seen)
        assert {rank for _, rank in seen} == {
            status.rank for status in (BurnStatus.NOT_CHECKPOINTED, BurnStatus.READY, BurnStatus.EXITED)
        }


async def test_proof__from_a_node_without_old_headers__says_so_and_what_to_do() -> None:
    async with burn_world(stored_blocks=False) as world:
        transaction = await world.ready_burn()

        def pruned(method: str, params: list[object], result: object) -> object:
            is_old = (
                method == "eth_getBlockByNumber" and str(params[0]).startswith("0x") and from_quantity(params[0]) < 3
            )
            return None if is_old else result

        world.tamper = pruned
        with pytest.raises(HistoryPruned, match="no longer holds the header of block 0; add an endpoint"):
            await world.service.proof(transaction)


async def test_burns__in_a_state_sync_that_no_trie_holds__cannot_be_proved_and_are_said_to() -> None:
    async with burn_world() as world:
        world.side.burn()
        world.side.mine(count=8)
        await world.follow()
        block = world.side.blocks[5]
        synced = keccak256(b"matic-bor-receipt-" + block.header.number.to_bytes(8) + block.header.hash)
        receipt = receipts_json(block)[0]
        assert isinstance(receipt, dict)
        place = {
            "transactionHash": to_hex(synced),
            "blockNumber": quantity(5),
            "blockHash": to_hex(block.header.hash),
            "transactionIndex": quantity(len(block.receipts)),
            "cumulativeGasUsed": "0x0",
        }

        def with_state_sync(method: str, params: list[object], result: object) -> object:
            wanted = method == "eth_getTransactionReceipt" and params[0] == to_hex(synced)
            return {**receipt, **place} if wanted else result

        world.tamper = with_state_sync
        report = await world.service.burns(synced)
        assert report.status is BurnStatus.NOT_FOUND
        assert "no receipts trie holds" in report.text
        with pytest.raises(BurnNotFound, match="no receipts trie holds"):
            await world.service.proof(synced)


async def test_burns__under_a_checkpoint_that_others_have_seen_first__wait_for_our_own_confirmed_block() -> None:
    async with burn_world(is_agreed=True) as world:
        transaction = world.side.burn()
        world.side.mine(count=8 + CONFIRMATIONS)
        world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.NOT_CHECKPOINTED
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.READY


async def test_proof__finished_under_a_checkpoint_that_was_replaced__is_not_given_again() -> None:
    async with burn_world(is_agreed=True) as world:
        transaction = await world.ready_burn()
        await world.service.proof(transaction)
        book = world.service._roots[0].book
        assert isinstance(book, Book)
        book.mistake = keccak256(b"what stands there now")
        with pytest.raises(EndpointFalse):
            await world.service.proof(transaction)
