"""Pool, follower, feed and outbox together over the devnet's own JSON-RPC, with the faults that a devnet can have."""

import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from bridge.chain.clock import ManualClock
from bridge.chain.errors import CallReverted, ChainError
from bridge.chain.feed import FeedPosition, StepBuilder
from bridge.chain.fees import FeePolicy
from bridge.chain.header_store import MemoryHeaderStore
from bridge.chain.headers import Confirmations, HeaderFollower
from bridge.chain.outbox import Judgement, Outbox
from bridge.chain.outbox_store import EntryState, Intent, MemoryOutboxStore
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.feed import DONE_INDEX, Cursor, FilterEntry, genesis_digest
from bridge.codec.types import BlockNumber, ChainId, Hash32, Wei
from node.devnet.rpc.documents import RpcLimits
from node.devnet.rpc.faults import ChainFaults
from node.devnet.rpc.server import ServedChain, rpc_app
from tests.unit.chain.evm_rpc import EvmChain
from tests.unit.chain.tiny_chain import CHAIN_ID


@dataclass
class Net:
    """A served chain and what validator 0 has to look at it."""

    chain: EvmChain
    served: ServedChain
    reader: ChainReader
    follower: HeaderFollower


@pytest.fixture
async def net(session: aiohttp.ClientSession, clock: ManualClock) -> AsyncIterator[Net]:
    chain = EvmChain(clock)
    served = ServedChain(chain.evm, random.Random(1))
    runner = web.AppRunner(rpc_app({"root": served}, clock, RpcLimits()))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/root/v/0"
    genesis = chain.evm.header(0).hash
    pool = RpcPool(
        "root", [f"{base}/a", f"{base}/b"], ChainId(CHAIN_ID), HttpTransport(session), clock, genesis_hash=genesis
    )
    reader = ChainReader(pool)
    yield Net(chain, served, reader, HeaderFollower(reader, MemoryHeaderStore(), Confirmations(2), BlockNumber(0)))
    await runner.cleanup()


async def catch_up(net: Net) -> None:
    while (await net.follower.advance()).more:
        pass


async def test_devnet__blocks_and_a_reorg__are_followed(net: Net) -> None:
    net.chain.mine(count=120)
    await catch_up(net)
    net.chain.evm.reorg(2)
    net.chain.mine()
    await catch_up(net)
    assert net.follower.head == net.follower.point(net.chain.evm.head.number)
    assert net.follower.head is not None
    assert net.follower.head.hash == net.chain.evm.head.hash


async def test_devnet__newest_blocks_hidden__are_waited_for(net: Net) -> None:
    net.chain.mine(count=30)
    net.served.faults.set(ChainFaults(validator=0, hide_newest_blocks=20))
    await catch_up(net)
    assert net.follower.head is not None
    assert net.follower.head.number == net.chain.evm.head.number - 20
    net.served.faults.set(ChainFaults())
    await catch_up(net)
    assert net.follower.head.number == net.chain.evm.head.number


async def test_devnet__receipts_of_every_block__are_proved(net: Net) -> None:
    net.chain.evm.send_raw(net.chain.transaction(net.chain.us, 0, net.chain.once, bytes(32)))
    net.chain.mine()
    for number in range(net.chain.evm.head.number + 1):
        header = net.chain.evm.header(number)
        assert await net.reader.receipts(header) == net.chain.evm.receipts(number)


async def test_devnet__receipts_emptied__the_feed_says_nothing_and_then_all(net: Net) -> None:
    await catch_up(net)
    start = net.chain.evm.header(0)
    logging = bytes.fromhex("7f" + "01" * 32 + "60006000a100")  # LOG1 with a topic, no data
    creation = bytes.fromhex(f"60{len(logging):02x}80600b6000396000f3") + logging
    net.chain.evm.send_raw(net.chain.transaction(net.chain.rival, 1, None, creation))
    net.chain.mine()
    emitter = net.chain.created(net.chain.rival, 1)
    net.chain.evm.send_raw(net.chain.transaction(net.chain.us, 0, emitter, b""))
    net.chain.mine(count=3)
    entries = (FilterEntry(emitter, Hash32(b"\x01" * 32), BlockNumber(0)),)
    cursor = Cursor(start.number, start.hash, DONE_INDEX)
    position = FeedPosition(0, 1, entries, cursor, 1, genesis_digest(0, 1, start.number, start.hash))
    builder = StepBuilder(net.reader, net.follower.store, 1024)
    net.served.faults.set(ChainFaults(validator=0, empty_receipts=True, empty_logs=True))
    await catch_up(net)
    scan = await builder.next_steps(position)
    assert scan.steps == ()
    assert scan.cannot_tell is not None
    assert scan.cannot_tell.code == "RPC_NOT_HELD"
    net.served.faults.set(ChainFaults())
    (found,) = (await builder.next_steps(position)).steps
    assert found.step.logs[0].address == emitter


async def test_devnet__half_of_all_calls_fail__the_outbox_ends_with_one_success(net: Net, clock: ManualClock) -> None:
    async def judge(intent: Intent, at: BlockNumber | None) -> Judgement:
        try:
            await net.reader.call(intent.to, intent.data, "latest" if at is None else at)
        except CallReverted:
            return Judgement.OVER
        return Judgement.WANTED

    outbox = Outbox(
        ChainId(CHAIN_ID),
        net.chain.us,
        net.reader,
        MemoryOutboxStore(),
        FeePolicy(),
        Confirmations(2),
        judge,
        clock,
    )
    outbox.plan(Intent("take", net.chain.once, (7).to_bytes(32), Wei(0), 100_000))
    net.served.faults.set(ChainFaults(validator=0, error_rate=0.5))
    for _ in range(60):
        with suppress(ChainError):
            await outbox.advance()
        net.chain.mine()
    net.served.faults.set(ChainFaults())
    for _ in range(4):
        await outbox.advance()
        net.chain.mine()
    (entry,) = outbox.entries()
    assert entry.state is EntryState.FINAL
    assert entry.succeeded
    assert net.chain.evm.nonce(net.chain.us.address) == 1
