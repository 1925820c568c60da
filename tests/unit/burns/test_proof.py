"""Proofs: right for every burn, refused where there is none, and never built on a false byte."""

from dataclasses import replace

import pytest

from bridge.burns.blocks import block_of, pack_blocks
from bridge.burns.errors import (
    BurnNotFound,
    BurnNotReady,
    ExitRefused,
    LogIndexNeeded,
    LogNotABurn,
    PayloadTooLarge,
    RootChainNeeded,
    RootChainUnknown,
)
from bridge.burns.payloads import build_payload
from bridge.burns.ranges import ProvedRange
from bridge.burns.report import BurnStatus
from bridge.burns.transactions import BlockReceipts, MinedBurns
from bridge.chain.header_parsing import stored_header
from bridge.codec import merkle
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import PAYLOAD_BYTES_MAX, decode_payload, exit_hash, verify_payload
from bridge.codec.hash import keccak256
from bridge.codec.receipts import encode_receipt
from tests.unit.burns.world import CONFIRMATIONS, burn_log, burn_world, transfer_log


async def test_proof__of_a_ready_burn__proves_that_very_log_and_would_be_paid() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn(transfer_log(), burn_log(7), before=[[burn_log(9)]] * 130)
        proof = await world.service.proof(transaction)
        payload = decode_payload(proof.payload)
        checkpoint = proof.checkpoint
        log = verify_payload(payload, checkpoint.root, checkpoint.start, checkpoint.end)
        assert log == burn_log(7)
        assert (proof.log_index, payload.log_index) == (1, 1)
        assert proof.exit_hash == exit_hash(payload.block_number, payload.branch_mask, 1)
        assert proof.simulated


async def test_proof__with_blocks_fetched_by_rpc__is_the_same() -> None:
    async with burn_world() as stored, burn_world(stored_blocks=False) as fetched:
        one = await stored.service.proof(await stored.ready_burn())
        two = await fetched.service.proof(await fetched.ready_burn())
        assert one.payload == two.payload


async def test_proof__at_the_first_and_last_block_of_a_checkpoint__is_given() -> None:
    async with burn_world() as world:
        first = world.side.burn()
        start = world.side.head.number
        world.side.mine(count=6)
        last = world.side.burn()
        world.root.checkpoint(start - 1)
        world.root.checkpoint(world.side.head.number)
        world.side.mine(count=2)
        world.root.mine(count=2)
        await world.follow()
        for transaction in (first, last):
            assert (await world.service.proof(transaction)).checkpoint.start == start


async def test_proof__before_the_checkpoint__says_what_is_missing() -> None:
    async with burn_world() as world:
        transaction = world.side.burn()
        world.side.mine(count=2)
        await world.follow()
        with pytest.raises(BurnNotReady) as refused:
            await world.service.proof(transaction)
        assert refused.value.status is BurnStatus.NOT_CHECKPOINTED
        assert refused.value.to_go is not None
        assert (refused.value.to_go.confirmations, refused.value.to_go.blocks) == (0, 2)


async def test_proof__of_what_is_not_there__has_its_own_error_each() -> None:
    async with burn_world(root_chains=2) as world:
        with pytest.raises(BurnNotFound):
            await world.service.proof(keccak256(b"nothing"))
        with pytest.raises(BurnNotFound):
            await world.service.proof(keccak256(b"nothing"), 0)
        transaction = await world.ready_burn(burn_log(1), transfer_log(), burn_log(2))
        with pytest.raises(LogIndexNeeded, match="0, 2"):
            await world.service.proof(transaction)
        with pytest.raises(LogNotABurn):
            await world.service.proof(transaction, 1)
        with pytest.raises(LogNotABurn):
            await world.service.proof(transaction, 3)
        with pytest.raises(RootChainNeeded, match="root0, root1"):
            await world.service.proof(transaction, 0)
        with pytest.raises(RootChainUnknown):
            await world.service.proof(transaction, 0, "moon")
        with pytest.raises(BurnNotReady):
            await world.service.proof(transaction, 0, "root1")
        assert (await world.service.proof(transaction, 2, "root0")).log_index == 2


async def test_proof__in_the_pool__is_not_ready() -> None:
    async with burn_world() as world:
        waiting = keccak256(b"waiting")
        world.side.pool.add(waiting)
        with pytest.raises(BurnNotReady):
            await world.service.proof(waiting)


async def test_proof__of_an_exited_burn__is_the_same() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        before = await world.service.proof(transaction)
        world.root.exit(before.exit_hash)
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        assert (await world.service.burns(transaction)).status is BurnStatus.EXITED
        assert await world.service.proof(transaction) == before
    async with burn_world() as world:
        transaction = await world.ready_burn()
        world.root.exit(before.exit_hash)
        world.root.mine(count=CONFIRMATIONS)
        await world.follow()
        after = await world.service.proof(transaction)
        assert (after.simulated, after.payload) == (False, before.payload)


async def test_proof__that_the_contract_refuses__is_not_given() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()
        world.root.refusal = "RootChainManager: TOKEN_NOT_MAPPED"
        with pytest.raises(ExitRefused, match="TOKEN_NOT_MAPPED"):
            await world.service.proof(transaction)


async def test_proof__of_a_burn_in_a_receipt_beyond_what_an_exit_carries__accuses_nobody() -> None:
    async with burn_world() as world:
        neighbour = replace(transfer_log(), data=bytes(PAYLOAD_BYTES_MAX // 2))
        with pytest.raises(PayloadTooLarge, match="the receipt is so large"):
            await world.service.proof(await world.ready_burn(burn_log(), neighbour))


async def test_proof__without_a_root_chain_manager__is_given_unsimulated() -> None:
    async with burn_world(manager=False) as world:
        assert not (await world.service.proof(await world.ready_burn())).simulated


async def test_payload__that_does_not_lead_to_the_root_of_the_checkpoint__is_not_made() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn(burn_log(), before=[[transfer_log()]])
        proof = await world.service.proof(transaction)
        block = world.side.blocks[proof.block_number]
        values = tuple(encode_receipt(receipt) for receipt in block.receipts)
        within = BlockReceipts(block_of(stored_header(block.header)), block.header.hash, values)
        mined = MinedBurns(transaction, 1, within)
        headers = world.side.blocks[proof.checkpoint.start : proof.checkpoint.end + 1]
        blocks = pack_blocks(proof.checkpoint.start, [stored_header(one.header) for one in headers])
        proved = ProvedRange(blocks, merkle.Tree(blocks.leaves()))
        assert build_payload(mined, 0, proof.checkpoint, proved) == proof.payload
        with pytest.raises(PayloadError, match="root"):
            build_payload(mined, 0, replace(proof.checkpoint, root=keccak256(b"another")), proved)
