"""`sidewarden localnet` as a person uses it: four validators on real CometBFT, two checkpoints, and trouble."""

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bridge.chain.clock import SystemClock
from bridge.chain.transport import HttpTransport
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Address
from node.devnet.exits import ExitDemo, ExitPlaces
from node.devnet.wallet import Wallet
from node.localnet.files import LocalnetFiles
from node.localnet.nodes import NodeState
from node.localnet.settings import read_settings
from node.networks.accounts import account_of
from node.networks.connect import connect
from tests.e2e.comet.network import CometNetwork, Manifest, running_network
from tests.e2e.process import TEST_S

pytestmark = [pytest.mark.xdist_group("localnet"), pytest.mark.timeout(TEST_S)]

COMMAND_S = 240.0
DOWN_WITHIN_S = 10.0


def sidewarden(*arguments: str) -> str:
    """What a command writes. Fails with it if the command does."""
    ran = subprocess.run(
        [sys.executable, "-m", "node.cli", *arguments], capture_output=True, text=True, timeout=COMMAND_S, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def localnet(command: str, home: Path, *arguments: str) -> str:
    """`sidewarden localnet COMMAND …`."""
    return sidewarden("localnet", command, *arguments, "--home", str(home))


def test_localnet__of_four__acknowledges_survives_trouble_and_stops_at_once(tmp_path: Path) -> None:
    files = LocalnetFiles(tmp_path)
    told = localnet("up", tmp_path, "--api-port", "0")
    try:
        settings = read_settings(files)
        assert settings is not None
        network = CometNetwork(files, settings)
        assert f"sidewarden localnet down --home {tmp_path}" in told
        network.until(lambda: network.acks() >= 1)

        # One of four is killed, with its engine: the others go on.
        assert "2 processes of validator 3" in localnet("kill", tmp_path, "3")
        network.until(lambda: network.processes(3).engine_pid is None)
        before = network.height(0)
        network.until(lambda: network.height(0) >= before + 3)

        # A second one freezes: no two thirds are left, nothing is decided, and the API says why.
        network.pause(2)
        network.until(lambda: network.reason(0) == "ENGINE_NO_QUORUM")
        told = localnet("status", tmp_path)
        assert "2  paused" in told
        assert "3  down" in told
        stuck = network.height(0)
        network.resume(2)
        network.until(lambda: network.height(0) >= stuck + 2)

        # An engine alone is killed: its node starts it again.
        old = network.processes(1).engine_pid
        network.kill(1, "engine")
        network.until(lambda: network.processes(1).engine_pid not in {None, old})

        # The second `up` starts the one that is down, and all have agreed on the same.
        localnet("up", tmp_path)
        network.until(lambda: network.acks(3) >= 2)
        network.check_agreement()
        network.check_submissions()
        assert "waiting" in localnet("logs", tmp_path, "3", "--lines", "1000")
        assert "validator 1" in sidewarden("status", "--home", str(tmp_path))
        network.pause(0)
    finally:
        told = localnet("down", tmp_path)
    assert "killed" not in told, told
    assert float(told.split()[2]) < DOWN_WITHIN_S
    assert {network.processes(index) for index in network.everybody} == {NodeState("down", None, None)}

    # All that was agreed is still there: it is a network that goes on, not another one.
    network.up()
    try:
        assert network.height(0) > stuck
        network.check_agreement()
    finally:
        network.down()


async def _burn_and_exit(network: CometNetwork, said: list[str]) -> int:
    """What a user's program does with the first of the funded accounts; how many exits were paid."""
    described = network.described
    root, side = described["root_chains"][0], described["side_chain"]
    clock, account = SystemClock(), account_of(from_hex(described["accounts"][0]["private_key"]))
    async with aiohttp.ClientSession() as session:
        on_root, on_side = [
            await connect(name, (place["rpc_url"],), HttpTransport(session), clock)
            for name, place in (("root", root), ("side", side))
        ]
        demo = ExitDemo(
            ExitPlaces(
                described["validators"][0]["api_url"],
                Address(from_hex(side["contracts"]["DemoToken"])),
                Address(from_hex(root["contracts"]["DemoToken"])),
                Address(from_hex(root["contracts"]["RootChainManager"])),
            ),
            Wallet(account, on_side.chain_id, on_side.reader, clock),
            Wallet(account, on_root.chain_id, on_root.reader, clock),
            *(session, clock, said.append),
        )
        async with asyncio.timeout(COMMAND_S):
            await demo.show_one()
    return demo.exited


def test_localnet__with_traffic__a_burn_under_its_checkpoint_is_paid_out(tmp_path: Path) -> None:
    said: list[str] = []
    with running_network(tmp_path, Manifest(data_form="polygon", traffic=True)) as network:
        network.until(lambda: network.tokens_on_side() > 0)
        assert asyncio.run(_burn_and_exit(network, said)) == 1, said
        network.check_agreement()
        network.check_submissions()
