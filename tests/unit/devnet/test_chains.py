"""The two chains of a devnet: the same commands in this process and in a child, and how a child lives and dies."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bridge.chain.clock import ManualClock
from bridge.codec.types import UnixSeconds
from node.devnet.chains import (
    MINE_BLOCKS_MAX,
    REORG_DEPTH_MAX,
    SUBMITTED_MAX,
    ChainCommandRefused,
    ChainFileUnusable,
    Chains,
)
from node.devnet.chains_local import LocalChains
from node.devnet.chains_process import ChainsProcess
from node.devnet.chains_wire import to_line
from node.devnet.miner import PeriodicMiner
from node.devnet.rpc.faults import ChainFaults
from node.devnet.settings import ChainsDied, PortBusy
from tests.unit.devnet.client import Client
from tests.unit.devnet.world import (
    ALICE,
    GENESIS_TIME_S,
    POOR,
    SPINNER,
    WatchedClock,
    chains_settings,
    created_address,
    open_chain,
    signed,
)


@pytest.fixture(params=["local", "process"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Chains]:
    """Chains in memory, here and in a child."""
    started: Chains
    if request.param == "local":
        started = await LocalChains.start(chains_settings(), ManualClock(GENESIS_TIME_S))
    else:
        started = await ChainsProcess.start(chains_settings())
    yield started
    await started.close()


async def test_commands__each__says_where_the_chain_stands(either: Chains, session: aiohttp.ClientSession) -> None:
    mined = await either.mine("root", 3, UnixSeconds(GENESIS_TIME_S + 10))
    assert (mined.head_number, mined.head_timestamp) == (3, GENESIS_TIME_S + 12)
    reorganised = await either.reorg("root", 2)
    assert (reorganised.head_number, reorganised.head_hash != mined.head_hash) == (4, True)
    assert (await either.pause("root")).paused
    assert not (await either.status("side")).paused
    assert not (await either.resume("root")).paused
    await either.set_faults("root", ChainFaults(validator=2, hide_newest_blocks=3))
    assert await Client(session, either.validator_urls("root", 2)[1]).call("eth_blockNumber") == "0x1"
    assert await Client(session, either.rpc_url("root")).call("eth_blockNumber") == "0x4"
    assert (await either.status("side")).head_number == 0


async def test_submit__many_transactions__are_all_in_blocks_of_the_given_times(either: Chains) -> None:
    raws = [signed(ALICE, nonce, value_wei=1, gas_limit=21_000) for nonce in range(40)]
    raws.append(signed(ALICE, 40, to=None, data=SPINNER, gas_limit=200_000))
    raws.append(signed(ALICE, 41, to=created_address(ALICE, 40), gas_limit=100_000))
    ended = await either.submit("root", raws, UnixSeconds(GENESIS_TIME_S + 5))
    assert [each.succeeded for each in ended] == [True] * 41 + [False]
    assert {each.block_number for each in ended} == {1}
    assert ended[0].gas_used == 21_000
    status = await either.status("root")
    assert (status.head_timestamp, status.waiting_transactions) == (GENESIS_TIME_S + 5, 0)


async def test_commands__that_cannot_be__are_refused_and_the_chain_goes_on(either: Chains) -> None:
    assert (await either.mine("root", MINE_BLOCKS_MAX)).head_number == MINE_BLOCKS_MAX
    for refused in (
        either.mine("root", MINE_BLOCKS_MAX + 1),
        either.mine("root", 0),
        either.mine("root", 1, GENESIS_TIME_S),
        either.reorg("root", REORG_DEPTH_MAX + 1),
        either.reorg("side", 1),
        either.submit("root", []),
        either.submit("root", [b""] * (SUBMITTED_MAX + 1)),
        either.submit("root", [b"\x03"]),
        either.submit("root", [signed(ALICE, 7)]),
        either.status("moon"),
    ):
        with pytest.raises(ChainCommandRefused):
            await refused
    with pytest.raises(ChainCommandRefused, match="the chains are root, side"):
        either.rpc_url("moon")
    assert (await either.status("root")).head_number == MINE_BLOCKS_MAX + 1  # the one that could not hold nonce 7
    assert (await either.reorg("root", REORG_DEPTH_MAX)).head_number == MINE_BLOCKS_MAX + 2


async def test_start__port_taken__names_the_option(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = chains_settings(tmp_path, port=taken.getsockname()[1])
        for start in (ChainsProcess.start(settings), LocalChains.start(settings, ManualClock())):
            with pytest.raises(PortBusy, match=f"port {settings.chains[0].port} for the root chain .* --api-port"):
                await start


async def test_start__file_in_use__is_refused(tmp_path: Path) -> None:
    first = await ChainsProcess.start(chains_settings(tmp_path))
    with pytest.raises(ChainFileUnusable, match="stop what uses it"):
        await ChainsProcess.start(chains_settings(tmp_path))
    await first.close()


async def test_close__files_are_whole_and_the_chain_goes_on(tmp_path: Path) -> None:
    first = await ChainsProcess.start(chains_settings(tmp_path))
    before = await first.mine("side", 5)
    await first.close()
    assert sorted(os.listdir(tmp_path)) == ["root.db", "side.db"]
    again = await ChainsProcess.start(chains_settings(tmp_path))
    assert await again.status("side") == before
    await again.close()
    with pytest.raises(ChainsDied):
        await again.status("side")


def test_stdin_ends__child_ends_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "node.devnet.chains_child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(to_line(chains_settings(tmp_path)))
    child.stdin.flush()
    assert set(json.loads(child.stdout.readline())["rpc_urls"]) == {"root", "side"}
    child.stdin.close()
    started_s = time.monotonic()
    assert child.wait(5) == 0
    assert time.monotonic() - started_s < 0.1
    child.stdout.close()


async def test_kill__while_it_mines__no_acknowledged_block_is_lost(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    nonce = 0
    for blocks in (3, 11):
        process = await ChainsProcess.start(chains_settings(tmp_path))
        client = Client(session, process.rpc_url("root"))
        for _ in range(blocks):
            await process.submit("root", [signed(ALICE, nonce, value_wei=1), signed(ALICE, nonce + 1, value_wei=1)])
            nonce += 2
        last = await client.call("eth_getBlockByNumber", "latest", True)
        unanswered = asyncio.create_task(process.mine("root", MINE_BLOCKS_MAX))
        await asyncio.sleep(0)
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(ChainsDied, match="code -9"):
            await unanswered
        await process.close()

        again = await ChainsProcess.start(chains_settings(tmp_path))
        client = Client(session, again.rpc_url("root"))
        assert await client.call("eth_getBlockByHash", last["hash"], True) == last
        assert int(await client.call("eth_getTransactionCount", "0x" + ALICE.address.hex()), 16) == nonce
        assert int(await client.call("eth_getBalance", "0x" + POOR.address.hex()), 16) == nonce
        await again.close()


async def test_miner__block_time__is_kept_on_the_clock() -> None:
    clock = WatchedClock()
    chain = open_chain(clock=clock)
    miner = asyncio.create_task(PeriodicMiner(chain, 2, clock, paused=False).run())
    for number in range(1, 4):
        await clock.slept.acquire()
        clock.advance(1.9)
        assert chain.head.number == number - 1
        clock.advance(0.1)
        await clock.slept.acquire()
        assert (chain.head.number, chain.head.timestamp) == (number, GENESIS_TIME_S + 2 * number)
        clock.slept.release()
    miner.cancel()


async def test_miner__chain_ahead_of_the_clock__waits_for_it() -> None:
    clock = WatchedClock()
    chain = open_chain(clock=clock)
    chain.mine(20)
    miner = asyncio.create_task(PeriodicMiner(chain, 1, clock, paused=False).run())
    for _ in range(20):
        await clock.slept.acquire()
        assert chain.head.number == 20
        clock.advance(1)
    await clock.slept.acquire()
    assert chain.head.number == 20
    clock.advance(1)
    await clock.slept.acquire()
    assert (chain.head.number, chain.head.timestamp) == (21, clock.now())
    miner.cancel()


async def test_miner__long_away__makes_one_block_and_no_more() -> None:
    clock = WatchedClock()
    chain = open_chain(clock=clock)
    clock.advance(3_600)
    miner = asyncio.create_task(PeriodicMiner(chain, 1, clock, paused=False).run())
    await clock.slept.acquire()
    assert (chain.head.number, chain.head.timestamp) == (1, GENESIS_TIME_S + 3_600)
    miner.cancel()


async def test_miner__paused__makes_none_until_resumed() -> None:
    clock = WatchedClock()
    chain = open_chain(clock=clock)
    miner = PeriodicMiner(chain, 1, clock, paused=True)
    task = asyncio.create_task(miner.run())
    clock.advance(100)
    await asyncio.sleep(0)
    assert (miner.paused, chain.head.number) == (True, 0)
    miner.resume()
    await clock.slept.acquire()
    assert (miner.paused, chain.head.number) == (False, 1)
    task.cancel()


def resident_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


async def test_process__with_a_block_time__mines_on_wall_time_and_stays_small(tmp_path: Path) -> None:
    process = await ChainsProcess.start(chains_settings(tmp_path, block_time_s=1))
    before_s = time.time()
    try:
        async with asyncio.timeout(10):
            while (status := await process.status("root")).head_number == 0:
                await asyncio.to_thread(time.sleep, 0.05)
        assert before_s - 1 <= status.head_timestamp <= time.time()
        if sys.platform == "linux":
            assert resident_kb(process.pid) < 75_000
    finally:
        await process.close()
