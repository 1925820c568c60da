"""`sidewarden join` on a running network: a further node starts from a snapshot, and a stranded one is healed."""

import signal
import subprocess
import sys
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from config.file import load_home
from config.schema import NodeConfig
from node.devnet.ports import free_ports
from node.engine.comet.node_key import read_node_id
from node.localnet.processes import Process
from node.networks.homes import NODE_KEY
from tests.e2e.comet.network import API, CometNetwork, Manifest, running_network
from tests.e2e.process import TEST_S, Json, ask

pytestmark = [pytest.mark.xdist_group("join"), pytest.mark.timeout(TEST_S)]

SNAPSHOT_EVERY = 10
COMMAND_S = 120.0


def with_snapshots(_: int, config: NodeConfig) -> NodeConfig:
    """A snapshot every few blocks; blocks are kept for longer than any join takes."""
    comet = replace(config.engine.comet, snapshot_interval_blocks=SNAPSHOT_EVERY)
    return replace(config, engine=replace(config.engine, comet=comet))


class Joiner:
    """A fifth node, outside the localnet."""

    def __init__(self, network: CometNetwork, home: Path) -> None:
        self.network = network
        self.home = home
        self.api_port, self.p2p_port = free_ports(2)
        self.process = Process("joiner", home.with_name("joiner.pid"), home.with_name("joiner.log"))

    def _run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """`sidewarden join`, with two of the validators as servers."""
        servers = [f"http://127.0.0.1:{self.network.settings.api_port + index}" for index in (0, 1)]
        return subprocess.run(
            [
                *(sys.executable, "-m", "node.cli", "join", "--home", str(self.home), "--yes"),
                *(word for server in servers for word in ("--server", server)),
                *options,
            ],
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def join(self, *options: str) -> str:
        """What it writes. Fails with it if it fails."""
        ran = self._run(*options)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def refused(self, *options: str) -> str:
        """What it says when it refuses."""
        ran = self._run(*options)
        assert ran.returncode == 1, ran.stdout
        return ran.stderr

    def make(self) -> str:
        """Its home."""
        peers = []
        for index in self.network.everybody:
            home = self.network.files.validator(index)
            port = load_home(home).config.engine.comet.p2p_port
            peers += ["--peer", f"{read_node_id(home / NODE_KEY)}@127.0.0.1:{port}"]
        config = load_home(self.network.files.validator(0)).config
        return self.join(
            *("--genesis", str(self.network.files.genesis), *peers),
            *("--root-rpc", config.root_chains[0].rpc_urls[0], "--side-rpc", config.side_chain.rpc_urls[0]),
            *("--api-port", str(self.api_port), "--p2p-port", str(self.p2p_port)),
        )

    def start(self) -> None:
        """Run it."""
        self.process.start((sys.executable, "-m", "node.cli", "start", "--home", str(self.home)))

    def stop(self) -> None:
        """End it as an operator does."""
        self.process.signal(signal.SIGTERM)
        assert self.process.wait(COMMAND_S), self.process.tail()

    def ask(self, path: str) -> Json | None:
        """What its API answers; None while it does not."""
        try:
            status, answer = ask(f"http://127.0.0.1:{self.api_port}{API}{path}")
        except OSError:
            return None
        return answer if status == HTTPStatus.OK else None

    def height(self) -> int:
        """Its application's block; -1 while it does not answer."""
        answer = self.ask("/status")
        return -1 if answer is None else int(answer["engine_height"])

    def earliest(self) -> int:
        """The first block that its CometBFT has."""
        answer = self.ask("/engine/rpc/status")
        return 0 if answer is None else int(answer["result"]["sync_info"]["earliest_block_height"])

    def until_caught_up(self) -> None:
        """Wait until it stands where the network stands, and makes blocks with it."""
        self.network.until(lambda: self.height() >= self.network.height(0) > 0)
        reached = self.height()
        self.network.until(lambda: self.height() > reached)


def test_join__a_network_with_snapshots__starts_from_one_and_again_when_resynced(tmp_path: Path) -> None:
    with running_network(tmp_path / "net", Manifest(configure=with_snapshots)) as network:
        network.until(lambda: network.acks() >= 1 and network.height(0) > 2 * SNAPSHOT_EVERY)
        joiner = Joiner(network, tmp_path / "joiner")
        told = joiner.make()
        assert "hash    " in told
        try:
            joiner.start()
            joiner.until_caught_up()
            first = joiner.earliest()
            assert first > 1, "it has run blocks from the first instead"

            # It has the same blocks as the others.
            shown = joiner.ask(f"/engine/rpc/commit?height={first + 3}")
            assert shown is not None
            seen = network.block(0, first + 3)
            assert seen is not None
            assert shown["result"]["signed_header"]["header"]["app_hash"] == seen.app_hash

            # Begun anew, as a stranded node is healed: its keys and its signing record stay as they are.
            assert "HOME_IN_USE" in joiner.refused("--resync")
            joiner.stop()
            record, node_key = (joiner.home / "signing.db").read_bytes(), (joiner.home / NODE_KEY).read_bytes()
            network.until(lambda: network.height(0) > first + 2 * SNAPSHOT_EVERY)
            joiner.join("--resync")
            assert (joiner.home / "signing.db").read_bytes() == record
            assert not (joiner.home / "state.db").exists()
            joiner.start()
            joiner.until_caught_up()
            assert joiner.earliest() > first
            assert (joiner.home / NODE_KEY).read_bytes() == node_key
        finally:
            joiner.stop()
