"""One of four is away until its peers have forgotten blocks that it lacks: it says so, and `join --resync` heals."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from config.schema import NodeConfig
from tests.e2e.comet.invariants import check_invariants
from tests.e2e.comet.network import API, CometNetwork, Manifest, running_network
from tests.e2e.process import TEST_S

pytestmark = [pytest.mark.xdist_group("stranded"), pytest.mark.timeout(TEST_S)]

VICTIM = 3
KEPT_BLOCKS = 12
COMMAND_S = 120.0


def _forgetful(_: int, config: NodeConfig) -> NodeConfig:
    """Few blocks and few snapshots are kept."""
    comet = replace(
        config.engine.comet, snapshot_interval_blocks=KEPT_BLOCKS, snapshots_kept=2, retain_blocks=KEPT_BLOCKS
    )
    return replace(config, engine=replace(config.engine, comet=comet))


def test_node__stranded_by_pruning__says_so_and_is_healed_by_a_resync(tmp_path: Path) -> None:
    with running_network(tmp_path, Manifest(configure=_forgetful)) as network:
        network.until(lambda: network.acks() >= 1)
        network.kill(VICTIM)
        others = [index for index in network.everybody if index != VICTIM]
        left_at = max(map(network.height, others))
        network.until(lambda: all(_earliest(network, index) > left_at + 1 for index in others))

        network.start(VICTIM)
        network.until(lambda: network.reason(VICTIM) == "ENGINE_STRANDED")
        assert "join --resync" in network.status(VICTIM)["engine_trouble"]["text"]

        network.stop(VICTIM)
        _resync(network)
        network.start(VICTIM)
        network.until_signs(VICTIM)
        assert _earliest(network, VICTIM) > left_at
        network.until_converged()
        check_invariants(network)


def _earliest(network: CometNetwork, index: int) -> int:
    """The first block that a node still has."""
    answer = network.get(index, f"{API}/engine/rpc/status")
    return 0 if answer is None else int(answer["result"]["sync_info"]["earliest_block_height"])


def _resync(network: CometNetwork) -> None:
    servers = [f"http://127.0.0.1:{network.settings.api_port + index}" for index in (0, 1)]
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "node.cli", "join", "--resync", "--yes"),
            *("--home", str(network.files.validator(VICTIM))),
            *(word for server in servers for word in ("--server", server)),
        ],
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
