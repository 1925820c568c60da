"""The same on two EVMs with the real contracts, over a devnet's JSON-RPC: what the service proves is paid."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from bridge.burns.cadence import RangeRule
from bridge.burns.doors import Door, ExitMark
from bridge.burns.exits import ExitFinder, block_before
from bridge.burns.judging import confirmed_point
from bridge.burns.kinds import burns_in
from bridge.burns.ranges import FetchedBlocks, StoredBlocks
from bridge.burns.report import BurnStatus, PaidExit
from bridge.burns.service import BurnService
from bridge.burns.views import ExitContracts, RootView, SideView
from bridge.chain.header_store import MemoryHeaderStore
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.exit_payload import branch_mask, exit_hash
from bridge.codec.types import ZERO_HASH, BlockNumber, ChainId, Hash32
from node.devnet.rpc.documents import RpcLimits
from node.devnet.rpc.server import ServedChain, rpc_app
from tests.contracts.crossing import BURNER, Crossing, free_log, join_chains
from tests.contracts.harness import STRANGER, SUBMITTER, ContractChain
from tests.contracts.network import ROOT_CHAIN_ID, SIDE_CHAIN_ID, TOKEN

CONFIRMATIONS = 2


@dataclass
class RealWorld:
    """Both chains, served, and the service over them."""

    crossing: Crossing
    followers: tuple[HeaderFollower, HeaderFollower]
    service: BurnService
    root_view: RootView

    async def settle(self) -> None:
        """Mine what confirms everything, and follow."""
        for chain in (self.crossing.side, self.crossing.root.chain):
            chain.clock.advance(CONFIRMATIONS)
            chain.embedded.mine(CONFIRMATIONS)
        for follower in self.followers:
            while (await follower.advance()).more:
                pass

    def last_transaction(self) -> Hash32:
        """The last transaction of the side chain's head."""
        embedded = self.crossing.side.embedded
        return embedded.block(embedded.head.number).transactions[-1].hash


@asynccontextmanager
async def real_world(crossing: Crossing | None = None, exits: ExitContracts | None = None) -> AsyncIterator[RealWorld]:
    """Both chains deployed and joined, with the PoS bridge's exits unless told otherwise."""
    crossing = crossing or join_chains()
    side, root = crossing.side, crossing.root.chain
    served = {"side": _served(side), "root": _served(root)}
    runner = web.AppRunner(rpc_app(served, root.clock, RpcLimits()))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:

        def reader(name: str, chain_id: ChainId) -> ChainReader:
            return ChainReader(RpcPool(name, [f"{base}/{name}"], chain_id, HttpTransport(session), root.clock))

        side_reader, root_reader = reader("side", SIDE_CHAIN_ID), reader("root", ROOT_CHAIN_ID)
        followers = (_follower(side_reader), _follower(root_reader))
        contracts = crossing.root.contracts
        root_view = RootView(
            name="root",
            reader=root_reader,
            headers=followers[1].store,
            root_chain=contracts.root_chain,
            exits=exits or ExitContracts(root_chain_manager=contracts.root_chain_manager),
            rule=RangeRule(8, 64, 8, 10),
        )
        leaves = (StoredBlocks(followers[0].store), FetchedBlocks(side_reader))
        side_view = SideView(side_reader, followers[0].store, leaves)
        service = BurnService(side_view, (root_view,), root.clock)
        try:
            yield RealWorld(crossing, followers, service, root_view)
        finally:
            await service.close()
            await runner.cleanup()


def _served(chain: ContractChain) -> ServedChain:
    return ServedChain(chain.embedded, random.Random(0))


def _follower(reader: ChainReader) -> HeaderFollower:
    return HeaderFollower(reader, MemoryHeaderStore(), Confirmations(depth=CONFIRMATIONS), BlockNumber(0))


async def test_burn__on_real_chains__is_proved_paid_once_and_then_exited() -> None:
    async with real_world() as world:
        crossing = world.crossing
        crossing.side.send(BURNER, crossing.burn(5 * TOKEN))
        transaction = world.last_transaction()
        await world.settle()
        assert (await world.service.burns(transaction)).status is BurnStatus.NOT_CHECKPOINTED

        crossing.checkpoint()
        await world.settle()
        report = await world.service.burns(transaction)
        assert report.status is BurnStatus.READY
        assert [(burn.amounts, burn.burner) for burn in report.burns] == [((str(5 * TOKEN),), BURNER.address)]
        proof = await world.service.proof(transaction)
        assert proof.simulated

        before = crossing.root_balance(BURNER.address)
        exit_block = crossing.root.chain.send(SUBMITTER, crossing.exit(proof.payload)).header
        assert crossing.root_balance(BURNER.address) - before == 5 * TOKEN
        assert crossing.root.chain.refusal(SUBMITTER, crossing.exit(proof.payload))
        await world.settle()
        exited = await world.service.burns(transaction)
        assert exited.status is BurnStatus.EXITED
        (mined,) = crossing.root.chain.embedded.block(exit_block.number).transactions
        assert exited.burns[0].root_chains[0].exit == PaidExit(mined.hash, exit_block.number)


async def test_proof__with_a_byte_changed__is_refused_by_the_contract() -> None:
    async with real_world() as world:
        crossing = world.crossing
        crossing.side.send(BURNER, crossing.burn(TOKEN))
        transaction = world.last_transaction()
        crossing.checkpoint()
        await world.settle()
        payload = (await world.service.proof(transaction)).payload
        draw = random.Random(7)
        for _ in range(20):
            at = draw.randrange(len(payload))
            changed = payload[:at] + bytes((payload[at] ^ (1 << draw.randrange(8)),)) + payload[at + 1 :]
            crossing.root.chain.refusal(SUBMITTER, crossing.exit(changed))


async def test_proof__of_each_of_several_burns__pays_that_one() -> None:
    async with real_world() as world:
        crossing = world.crossing
        topics = (TRANSFER_TOPIC, Hash32(bytes(12) + BURNER.address), ZERO_HASH)
        crossing.side.send(STRANGER, free_log(crossing.free_token, topics, (3).to_bytes(32), count=3))
        transaction = world.last_transaction()
        crossing.checkpoint()
        await world.settle()
        report = await world.service.burns(transaction)
        assert [burn.log_index for burn in report.burns] == [0, 1, 2]
        proof = await world.service.proof(transaction, 1)
        crossing.root.chain.send(SUBMITTER, crossing.exit(proof.payload))
        await world.settle()
        statuses = [burn.status for burn in (await world.service.burns(transaction)).burns]
        assert statuses == [BurnStatus.READY, BurnStatus.EXITED, BurnStatus.READY]


async def test_exit_finder__exits_of_equal_burns__names_the_transaction_of_each() -> None:
    async with real_world() as world:
        crossing = world.crossing
        topics = (TRANSFER_TOPIC, Hash32(bytes(12) + BURNER.address), ZERO_HASH)
        crossing.side.send(STRANGER, free_log(crossing.free_token, topics, (3).to_bytes(32), count=3))
        block = crossing.side.embedded.head
        transaction = world.last_transaction()
        crossing.checkpoint()
        await world.settle()
        paid_in = {}
        for log_index in (2, 0):
            payload = (await world.service.proof(transaction, log_index)).payload
            crossing.root.chain.send(SUBMITTER, crossing.exit(payload))
            embedded = crossing.root.chain.embedded
            paid_in[log_index] = embedded.block(embedded.head.number).transactions[-1].hash
        await world.settle()

        view, found = world.root_view, {}
        at = confirmed_point(view.headers, "root")
        checkpoint = (await world.service.burns(transaction)).burns[0].root_chains[0].checkpoint
        assert checkpoint is not None
        since = await block_before(view.reader, view.headers, checkpoint.created_at, at)
        for burn in burns_in(crossing.side.embedded.receipts(block.hash)[-1]):
            key = exit_hash(block.number, branch_mask(0), burn.log_index)
            door = Door(view.exits.root_chain_manager, "exit(bytes)", crossing.root.contracts.stake_token)
            paid = await ExitFinder(view).find(ExitMark(burn, door, key, block.number, 0), since, at)
            if paid is not None:
                found[burn.log_index] = paid.transaction_hash
        assert found == paid_in
