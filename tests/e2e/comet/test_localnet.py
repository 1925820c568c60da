"""`sidewarden localnet` as a person uses it: four validators on real CometBFT, two checkpoints, and trouble."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.localnet.files import LocalnetFiles
from node.localnet.settings import read_settings
from tests.e2e.comet.network import CometNetwork
from tests.e2e.process import TEST_S

pytestmark = [pytest.mark.xdist_group("localnet"), pytest.mark.timeout(TEST_S)]

COMMAND_S = 240.0


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
        assert "validator 1" in sidewarden("status", "--home", str(tmp_path))

        # One of four is killed, with its engine: the others go on, and it finds its way back.
        assert "2 processes of validator 3" in localnet("kill", tmp_path, "3")
        network.until(lambda: network.processes(3).engine_pid is None)
        before = network.height(0)
        network.until(lambda: network.height(0) >= before + 3)
        assert "3  down" in localnet("status", tmp_path)

        # A second one freezes: no two thirds are left, and nothing is decided.
        localnet("pause", tmp_path, "2")
        assert "2  paused" in localnet("status", tmp_path)
        network.until(lambda: network.reason(0) == "ENGINE_NO_QUORUM" or network.height(0) == network.height(1))
        stuck = network.height(0)
        localnet("resume", tmp_path, "2")
        network.until(lambda: network.height(0) >= stuck + 2)

        # An engine alone is killed: its node starts it again.
        old = network.processes(1).engine_pid
        localnet("kill", tmp_path, "1", "--part", "engine")
        network.until(lambda: network.processes(1).engine_pid not in {None, old})

        localnet("up", tmp_path)
        network.until(lambda: network.acks(3) >= 2)
        network.check_agreement()
        network.check_submissions()
        assert "waiting" in localnet("logs", tmp_path, "3", "--lines", "1000")

        localnet("pause", tmp_path, "0")
    finally:
        told = localnet("down", tmp_path)
    assert "killed" not in told, told
    assert float(told.split()[2]) < 10
    assert [network.processes(index).state for index in network.everybody] == ["down"] * 4
    assert [network.processes(index).engine_pid for index in network.everybody] == [None] * 4

    # All that was agreed is still there: a network that goes on, not another one.
    height = max(
        int(line.split()[-1]) for line in localnet("up", tmp_path).splitlines() if line.startswith("validator")
    )
    try:
        assert height > stuck
        network.check_agreement()
    finally:
        localnet("down", tmp_path)
