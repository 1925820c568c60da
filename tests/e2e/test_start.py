"""`sidewarden start` on the home of one validator, whose chains this test serves where the home expects them."""

import json
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bridge.chain.clock import SystemClock
from config.file import load_home, write_config
from config.schema import Log
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.chains_process import ChainsProcess
from node.devnet.homes import DevnetFiles
from node.devnet.network import Devnet, DevnetOptions, chains_settings
from node.devnet.ports import choose_ports
from node.devnet.settings import DevnetSettings, EngineKind
from tests.e2e.process import SIDEWARDEN, TEST_S, WAIT_S, Process, ask, wait_until

pytestmark = [pytest.mark.xdist_group("start"), pytest.mark.timeout(TEST_S)]

STARTED = '"event": "started"'


@dataclass(frozen=True, slots=True)
class Made:
    """A devnet's home, made and let go of."""

    settings: DevnetSettings

    @property
    def validator(self) -> Path:
        """The home of its first validator."""
        return DevnetFiles(self.settings.home).validator(0)

    def status(self) -> dict[str, Any]:
        """What the validator's API says."""
        return ask(f"http://127.0.0.1:{load_home(self.validator).config.api.port}/sidewarden/v1/status")[1]

    @asynccontextmanager
    async def chains(self) -> AsyncIterator[ChainsProcess]:
        """Its two chains, served where its validators expect them; they stand still until they are resumed."""
        files = DevnetFiles(self.settings.home)
        ports = choose_ports(self.settings.api_port, self.settings.validators, files.description)
        chains = await ChainsProcess.start(chains_settings(self.settings, files, ports, SystemClock(), periodic=True))
        try:
            yield chains
        finally:
            await chains.close()


async def make_home(path: Path, validators: int, engine: EngineKind = "local") -> Made:
    """A devnet's home, on ports that are free now and written down; its validator logs JSON."""
    settings = DevnetSettings(path, validators, api_port=0, engine=engine)
    devnet = await Devnet.start(settings, SystemClock(), ChainsProcess.start, DevnetOptions(periodic_blocks=False))
    await devnet.close()
    made = Made(settings)
    config = load_home(made.validator).config
    write_config(made.validator, replace(config, log=Log(format="json")))
    return made


@contextmanager
def started(home: Path) -> Iterator[Process]:
    """A validator at work; SIGTERM must end it cleanly."""
    process = Process("start", "--home", str(home))
    try:
        process.wait_for(STARTED)
        yield process
        process.signal(signal.SIGTERM)
        assert process.wait() == 0, process.output
        assert '"event": "stopped"' in process.output
    finally:
        process.end()


def refusal(home: Path) -> str:
    """What `start` says when it cannot."""
    ran = subprocess.run(
        [SIDEWARDEN, "start", "--home", str(home)], capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert ran.returncode == 1, ran.stdout
    return ran.stderr


async def test_start__with_its_chains_down_at_first__goes_on_by_itself_once_they_are_there(tmp_path: Path) -> None:
    made = await make_home(tmp_path, validators=1)
    with started(made.validator) as process:
        before = made.status()
        assert before["root_chains"][0]["why"]["reason"] == "CATCHING_UP"
        assert before["engine_quorum"]
        assert f"HOME_IN_USE: process {process.pid} runs on {made.validator} already" in refusal(made.validator)

        async with made.chains() as chains:
            # Both must go on by themselves: on a slow machine a turn may pass its deadline, and the next one counts.
            await chains.resume(SIDE)
            await chains.resume(ROOT)
            wait_until(lambda: made.status()["root_chains"][0]["last_acknowledged"])

            after = made.status()
            assert after["root_chains"][0]["last_acknowledged"]["number"] >= 10_000
            assert after["root_chains"][0]["next_start"] <= after["side_chain"]["head"] + 1
            assert after["stopped_signing"] is None
            assert {duty["failures"] for duty in after["duties"]} == {0}

        process.wait_for('"reason": "ROOT_RPC_DOWN"')
        assert made.status()["root_chains"][0]["chain"]["down_reason"]

    events = [json.loads(line) for line in process.output.splitlines()]
    assert next(event for event in events if event["event"] == "waiting")["reason"] == "CATCHING_UP"
    password = (made.validator / "password").read_text().strip()
    assert password not in process.output


async def test_start__with_less_than_two_thirds_of_the_power__serves_its_api_and_signs_nothing(tmp_path: Path) -> None:
    made = await make_home(tmp_path, validators=4)
    async with made.chains() as chains:
        with started(made.validator):
            await chains.mine(SIDE, 12)
            wait_until(lambda: made.status()["side_chain"]["head"])

            status = made.status()
            assert status["engine_power_share_permille"] == 294
            assert status["root_chains"][0]["why"]["reason"] == "ENGINE_NO_QUORUM"
            assert status["engine_height"] == 0
    signing_db = (made.validator / "signing.db").read_bytes()
    assert signing_db.count(b"engine/0x") == 0, "no transaction was ever signed"


async def test_start__of_a_home_that_is_not_in_order__says_what_to_do(tmp_path: Path) -> None:
    made = await make_home(tmp_path, validators=1)
    home, genesis = made.validator, made.settings.home / "genesis.json"
    config = load_home(home).config

    assert "CONFIG_UNREADABLE: " in refusal(tmp_path / "nowhere")

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", config.api.port))
        holder.listen()
        assert f"API_UNAVAILABLE: 127.0.0.1 port {config.api.port} (api.host, api.port)" in refusal(home)

    (home / "password").chmod(0o644)
    assert "KEYSTORE: " in refusal(home)
    (home / "password").chmod(0o600)

    genesis.rename(tmp_path / "moved.json")
    assert f"GENESIS_UNREADABLE: {genesis} (paths.genesis)" in refusal(home)
    (tmp_path / "moved.json").rename(genesis)

    with (home / "state.db").open("r+b") as file:
        file.write(b"not a database at all")
    assert "DATABASE_DAMAGED: " in refusal(home)
    (home / "state.db").unlink()

    with (home / "config.toml").open("a") as file:
        file.write("\nunknown = 1\n")
    assert "CONFIG_INVALID: keys.unknown is not a known key" in refusal(home)
