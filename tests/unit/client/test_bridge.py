"""`Bridge` over served chains: the service's answers, in few calls, without a node."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from aiohttp import web

from bridge import Bridge, BurnNotReady, BurnsReport, BurnStatus, verify_exit_payload
from bridge.burns.errors import BurnNotFound, CannotTell, EndpointFalse, LogNotABurn
from bridge.chain.clock import ManualClock
from bridge.client.near_head import JUMP_BLOCKS
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Hash32
from tests.unit.burns.world import CONFIRMATIONS, MANAGER, ROOT_CHAIN, World, burn_log, burn_world, transfer_log
from tests.unit.client.story import StoryClock


async def refuse_service(_request: object) -> web.Response:
    """A behaviour of an endpoint: it is out of order."""
    return web.Response(status=503)


async def requests_of(world: World, work: Awaitable[object]) -> int:
    """The HTTP requests that some work takes, over all endpoints."""
    servers = (world.side_server, *world.root_servers)
    before = sum(server.requests for server in servers)
    await work
    return sum(server.requests for server in servers) - before


@asynccontextmanager
async def bridge_to(
    world: World, clock: ManualClock | None = None, root_confirmed: int | Literal["safe", "finalized"] = CONFIRMATIONS
) -> AsyncIterator[Bridge]:
    async with Bridge.connect(
        side_rpc=[world.side_server.url],
        root_rpc=[world.root_servers[0].url],
        root_chain=to_hex(ROOT_CHAIN),
        root_chain_manager=to_hex(MANAGER),
        side_confirmed=CONFIRMATIONS,
        root_confirmed=root_confirmed,
        clock=clock or world.clock,
    ) as bridge:
        yield bridge


async def test_proof__of_a_ready_burn__is_the_service_s_own() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn(transfer_log(), burn_log(7))
        async with bridge_to(world) as bridge:
            report = await bridge.burns(to_hex(transaction))
            proof = await bridge.proof(transaction)

        assert report.status is BurnStatus.READY
        assert proof.payload == (await world.service.proof(transaction)).payload
        assert proof.simulated
        held = proof.checkpoint
        log = verify_exit_payload(proof.payload, held.root, start=held.start, end=held.end)
        assert log == burn_log(7)


async def test_bridge__from_nothing_to_a_proof__takes_few_requests_and_the_next_burn_fewer() -> None:
    async with burn_world() as world:
        first, second = await world.ready_burn(), await world.ready_burn()
        world.side.mine(count=40)
        async with bridge_to(world) as bridge:
            # Of each chain: its id (once more after connecting), the head's number, the latest header, those below it.
            # Of the burn: receipt, its block, the receipts, all blocks of its checkpoint; and of the root chain
            # the root token, its type, the last id, two checkpoints, the simulated exit.
            assert await requests_of(world, bridge.proof(first)) == 2 * 4 + 4 + 6
            assert await requests_of(world, bridge.proof(first)) == 0
            # The root chain is only asked for the simulated exit.
            assert await requests_of(world, bridge.proof(second)) == 4 + 1
            world.clock.advance(2)
            # Each chain is looked at again: the head's number, the latest header. The proof is at hand.
            assert await requests_of(world, bridge.proof(first)) == 4


async def test_bridge__over_a_chain_with_a_long_history__reads_only_its_end() -> None:
    async with burn_world(followed=False) as world:
        world.side.mine(count=2_000)
        transaction = world.side.burn(burn_log())
        world.side.mine(count=12)
        world.root.mine(count=2_000)
        world.root.checkpoint(1_990)
        world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
        world.root.mine(count=6)
        before = world.calls
        async with bridge_to(world, root_confirmed="finalized") as bridge:
            assert (await bridge.burns(transaction)).status is BurnStatus.READY
            assert world.calls - before < 100

            world.side.mine(count=JUMP_BLOCKS + 1)
            world.clock.advance(2)
            before = world.calls
            assert (await bridge.burns(transaction)).status is BurnStatus.READY
            assert world.calls - before < 40, "what lies between is left out"


def falsify_headers(method: str, params: list[object], result: object) -> object:
    """A tamper: no header's hash fits its time."""
    return {**result, "timestamp": "0x1"} if method == "eth_getBlockByNumber" and isinstance(result, dict) else result


async def test_bridge__with_an_endpoint_that_lies_about_headers__asks_the_next() -> None:
    async with burn_world(honest_seconds=True) as world:
        transaction = await world.ready_burn()
        world.tamper = falsify_headers
        side_second, root_second = world.second_servers
        async with Bridge.connect(
            side_rpc=[world.side_server.url, side_second.url],
            root_rpc=[world.root_servers[0].url, root_second.url],
            root_chain=ROOT_CHAIN,
            side_confirmed=CONFIRMATIONS,
            root_confirmed=CONFIRMATIONS,
            clock=world.clock,
        ) as bridge:
            assert (await bridge.burns(transaction)).status is BurnStatus.READY


async def test_bridge__with_no_endpoint_that_does_not_lie__names_the_one_that_did() -> None:
    async with burn_world() as world, bridge_to(world) as bridge:
        transaction = await world.ready_burn()
        world.tamper = falsify_headers
        with pytest.raises(EndpointFalse, match="the last headers of the") as raised:
            await bridge.burns(transaction)
        assert raised.value.endpoint.startswith("127.0.0.1")


async def test_bridge__while_a_chain_is_not_reached__cannot_tell() -> None:
    async with burn_world() as world:
        with pytest.raises(CannotTell, match="the side chain is not reached"):
            async with Bridge.connect(
                side_rpc=["http://127.0.0.1:1"], root_rpc=[world.root_servers[0].url], root_chain=ROOT_CHAIN
            ):
                pass


@pytest.mark.parametrize("transaction", ["0x12", "burn", b"\x01" * 31, "0x" + "g" * 64])
async def test_bridge__asked_with_what_is_no_hash__refuses_the_argument(transaction: str | bytes) -> None:
    async with burn_world() as world, bridge_to(world) as bridge:
        with pytest.raises(ValueError, match="transaction"):
            await bridge.proof(transaction)


async def test_bridge__after_a_confirmed_block_was_replaced__says_what_to_do() -> None:
    async with burn_world() as world, bridge_to(world) as bridge:
        await bridge.burns(keccak256(b"unknown"))
        world.side.reorg(CONFIRMATIONS + 2, CONFIRMATIONS + 4)
        world.clock.advance(2)
        with pytest.raises(CannotTell, match="connect again, with more confirmations"):
            await bridge.burns(keccak256(b"unknown"))


def checkpointed(world: World) -> None:
    """The checkpoint lands and is confirmed."""
    world.side.mine(count=8)
    world.root.checkpoint(world.side.head.number - CONFIRMATIONS)
    world.root.mine(count=CONFIRMATIONS)


async def test_watch__of_a_burn__tells_each_change_once_and_ends_when_it_is_exited() -> None:
    async with burn_world() as world:
        clock = StoryClock(float(world.root.head.timestamp))
        transaction = Hash32(bytes(32))
        told: list[BurnsReport] = []

        def nothing() -> None:
            """Time passes."""

        async with bridge_to(world, clock) as bridge:
            transaction = world.side.burn()
            clock.chapters = [
                nothing,
                lambda: world.side.mine(count=CONFIRMATIONS),
                nothing,
                lambda: checkpointed(world),
                lambda: world.root.exit(told[-1].burns[0].root_chains[0].exit_hash),
                lambda: world.root.mine(count=CONFIRMATIONS),
            ]
            async for report in bridge.watch(transaction):
                told.append(report)  # noqa: PERF401 - the story reads it meanwhile

        statuses = [report.status for report in told]
        assert statuses == [BurnStatus.PENDING, BurnStatus.NOT_CHECKPOINTED, BurnStatus.READY, BurnStatus.EXITED]
        assert clock.chapters == []


async def test_wait_until_ready__of_a_transaction_that_was_just_sent__waits_for_it_and_its_checkpoint() -> None:
    async with burn_world() as world:
        clock = StoryClock(float(world.root.head.timestamp))
        world.side.hidden = 1
        transaction = world.side.burn()
        async with bridge_to(world, clock) as bridge:
            clock.chapters = [lambda: setattr(world.side, "hidden", 0), lambda: checkpointed(world)]
            report = await bridge.wait_until_ready(transaction)

        assert report.status is BurnStatus.READY


async def test_wait_until_ready__beyond_its_time__says_what_is_missing() -> None:
    async with burn_world() as world:
        clock = StoryClock(float(world.root.head.timestamp))
        clock.chapters = [lambda: None] * 10
        transaction = world.side.burn()
        async with bridge_to(world, clock) as bridge:
            with pytest.raises(BurnNotReady, match="not ready within 5 s") as raised:
                await bridge.wait_until_ready(transaction, timeout_s=5)

        assert raised.value.status is BurnStatus.PENDING
        assert sum(clock.pauses_s) == 5


async def test_wait_until_ready__for_what_cannot_come__does_not_wait() -> None:
    async with burn_world() as world:
        clock = StoryClock(float(world.root.head.timestamp))
        none, one = world.side.burn(transfer_log()), world.side.burn(transfer_log(), burn_log())
        async with bridge_to(world, clock) as bridge:
            with pytest.raises(BurnNotFound, match="burns nothing"):
                await bridge.wait_until_ready(none)
            with pytest.raises(LogNotABurn, match="the burns are at 1"):
                await bridge.wait_until_ready(one, log_index=0)
            clock.chapters = [lambda: None] * 100
            with pytest.raises(BurnNotFound, match="no such transaction"):
                await bridge.wait_until_ready(keccak256(b"unknown"))
            assert sum(clock.pauses_s) == 120


async def test_watch__while_an_endpoint_fails_for_a_while__goes_on() -> None:
    async with burn_world() as world:
        clock = StoryClock(float(world.root.head.timestamp))
        transaction = await world.ready_burn()
        async with bridge_to(world, clock) as bridge:
            world.root_servers[0].behaviour = refuse_service
            clock.chapters = [lambda: None, lambda: setattr(world.root_servers[0], "behaviour", None)]
            clock.chapters += [lambda: None] * 20
            report = await bridge.wait_until_ready(transaction)

        assert report.status is BurnStatus.READY


async def test_watch__while_an_endpoint_fails_for_long__ends() -> None:
    async with burn_world() as world:
        clock = StoryClock(float(world.root.head.timestamp))
        transaction = await world.ready_burn()
        async with bridge_to(world, clock) as bridge:
            world.root_servers[0].behaviour = refuse_service
            clock.chapters = [lambda: None] * 20
            with pytest.raises(CannotTell):
                await bridge.wait_until_ready(transaction)

        assert len(clock.pauses_s) == 9
