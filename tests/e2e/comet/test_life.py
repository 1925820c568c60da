"""The life of a CometBFT child under `sidewarden start`: killed, stopped, in each other's way, and always told why."""

import os
import shutil
import signal
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from config.file import FILE_NAME, load_home, write_config
from config.schema import Comet, NodeConfig, Upgrade
from config.table import FreeTable, Setting
from node.engine.comet.files import CometFiles
from node.keys.keystore import open_keystores, read_password
from tests.e2e.process import TEST_S, Process, wait_until
from tests.e2e.test_start import STARTED, Made, make_home, refusal

pytestmark = [pytest.mark.xdist_group("comet"), pytest.mark.timeout(TEST_S)]

STOPPED_WITHIN_S = 5.0
SERVED_WITHIN_S = 2.0


class Node(Process):
    """A `sidewarden start` with CometBFT, of a network that has no other validator."""

    def __init__(self, made: Made) -> None:
        super().__init__("start", "--home", str(made.validator))
        self.made = made
        self.wait_for(STARTED)

    @property
    def files(self) -> CometFiles:
        """CometBFT's."""
        return CometFiles(self.made.validator / "comet")

    @property
    def child(self) -> int:
        """CometBFT's process; 0 while there is none."""
        below = [pid for pid in self.tree() if pid != self.pid and "cometbft" in Path(f"/proc/{pid}/comm").read_text()]
        return below[0] if below else 0

    @property
    def height(self) -> int:
        """The last committed block."""
        return int(self.status["engine_height"])

    @property
    def status(self) -> dict[str, Any]:
        """What the API says, which it must do at any time."""
        return self.made.status()

    @property
    def reason(self) -> str:
        """Why nothing happens."""
        return str(self.status["root_chains"][0]["why"]["reason"])

    @property
    def trouble(self) -> str:
        """What is said of the engine's trouble."""
        return str((self.status["engine_trouble"] or {}).get("text", ""))

    def kill_child(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send CometBFT a signal."""
        wait_until(lambda: self.child)
        os.kill(self.child, number)

    def goes_on(self) -> None:
        """Blocks are made, from wherever it stands now."""
        before = self.height
        wait_until(lambda: self.height > before + 1 and self.status["caught_up"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A home of one validator, as it is before its first start."""
    return await make_home(tmp_path_factory.mktemp("template") / "home", validators=1, engine="comet")


@pytest.fixture
def made(template: Made, tmp_path: Path) -> Made:
    """A copy of it; its chains are down, which is no concern of the engine's."""
    home = tmp_path / "home"
    shutil.copytree(template.settings.home, home)
    made = Made(replace(template.settings, home=home))
    config = made.validator / FILE_NAME
    config.write_text(config.read_text().replace(str(template.settings.home), str(home)))
    return made


@contextmanager
def running(made: Made) -> Iterator[Node]:
    """A node at work; SIGTERM must end it and its child in time."""
    node = Node(made)
    try:
        yield node
        processes = node.tree()
        began_s = time.monotonic()
        node.signal(signal.SIGTERM)
        assert node.wait() == 0, node.output
        assert time.monotonic() - began_s < STOPPED_WITHIN_S
        assert not any(map(_lives, processes))
    finally:
        node.end()


def _everything_written(node: Node) -> list[bytes]:
    """Every file of CometBFT's, and the arguments of all processes."""
    files = [path.read_bytes() for path in node.files.home.rglob("*") if path.is_file()]
    return [*files, *(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in node.tree())]


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def configure(made: Made, **comet: Any) -> None:
    config = load_home(made.validator).config
    write_config(made.validator, replace(config, engine=replace(config.engine, comet=replace(_comet(config), **comet))))


def _comet(config: NodeConfig) -> Comet:
    return config.engine.comet


async def test_start__with_cometbft__serves_soon_makes_blocks_and_ends_in_time(made: Made) -> None:
    with running(made) as node:
        assert node.wait_for(STARTED) < SERVED_WITHIN_S + 1.0, "with the interpreter's own start"
        node.goes_on()

        status = node.status
        assert status["engine_quorum"]
        assert status["engine_trouble"] is None
        assert status["engine_power_share_permille"] == 1000
        assert status["engine_peers"] == 0


async def test_child__killed__is_started_again_and_the_api_says_so(made: Made) -> None:
    with running(made) as node:
        node.goes_on()
        before = node.child
        node.kill_child()
        node.wait_for('"event": "cometbft is down"')
        assert node.status["engine_trouble"] is None or node.reason == "ENGINE_DOWN"
        node.goes_on()
        assert node.child not in {0, before}


async def test_child__stopped_for_a_while__is_told_as_down_and_goes_on_when_continued(made: Made) -> None:
    with running(made) as node:
        node.goes_on()
        child = node.child
        node.kill_child(signal.SIGSTOP)
        wait_until(lambda: node.reason == "ENGINE_DOWN")
        node.kill_child(signal.SIGCONT)
        node.goes_on()
        assert node.child == child, "it was not started again"


async def test_application__killed__takes_its_child_with_it_and_both_go_on(made: Made) -> None:
    node = Node(made)
    try:
        node.goes_on()
        child, height = node.child, node.height
        node.signal(signal.SIGKILL)
        node.wait()
        wait_until(lambda: not _lives(child))
    finally:
        node.end()
    with running(made) as node:
        node.goes_on()
        assert node.height > height


async def test_both__killed_while_the_child_was_stopped__the_next_start_ends_the_orphan(made: Made) -> None:
    node = Node(made)
    try:
        node.goes_on()
        child = node.child
        node.kill_child(signal.SIGSTOP)
        node.signal(signal.SIGKILL)
        node.wait()
        assert _lives(child)
    finally:
        node.end()
    with running(made) as node:
        node.goes_on()
        assert not _lives(child)


async def test_state__lost__is_made_again_from_the_blocks(made: Made) -> None:
    with running(made) as node:
        node.goes_on()
        height = node.height
    for left in made.validator.glob("state.db*"):
        left.unlink()
    with running(made) as node:
        wait_until(lambda: node.height > height)


async def test_blocks__lost_while_the_state_is_kept__named_as_the_cause(
    made: Made,
) -> None:
    with running(made) as node:
        node.goes_on()
    shutil.rmtree(node.files.data)
    with running(made) as node:
        wait_until(lambda: "does not match" in node.trouble)
        assert node.reason == "ENGINE_DOWN"


async def test_port__taken__named_as_the_cause_and_the_node_goes_on_once_it_is_free(made: Made) -> None:
    port = _comet(load_home(made.validator).config).p2p_port
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with running(made) as node:
            wait_until(lambda: "address already in use" in node.trouble)
            assert node.reason == "ENGINE_DOWN"
            holder.close()
            node.goes_on()


async def test_binary__that_is_none__is_refused_with_what_to_do(made: Made) -> None:
    configure(made, binary="/bin/sh")

    assert "ENGINE_BINARY: /bin/sh" in refusal(made.validator)


async def test_settings__passed_through__reach_cometbft_and_those_of_ours_are_refused(made: Made) -> None:
    configure(made, config=FreeTable((Setting(("consensus", "timeout_commit"), "50ms"),)))
    with running(made) as node:
        node.goes_on()
        assert 'timeout_commit = "50ms"' in node.files.config.read_text()

    configure(made, config=FreeTable((Setting(("proxy_app",), "kvstore"),)))
    assert "ENGINE_SETTING_REFUSED: engine.comet.config.proxy_app is set by Sidewarden" in refusal(made.validator)


async def test_keys__of_validators__lie_in_no_file_of_cometbft_and_in_no_log(made: Made) -> None:
    config = load_home(made.validator).config
    password = read_password(made.validator / config.keys.password_file)
    (secret,) = open_keystores(made.validator / config.keys.keystore_dir, config.keys.signers, password)
    forms = (secret.reveal(), secret.reveal().hex().encode(), b64encode(secret.reveal()))
    with running(made) as node:
        node.goes_on()
        told = _everything_written(node)
    for form in forms:
        assert not any(form in data for data in (*told, node.output.encode()))


async def test_idle__nothing_happens__only_the_pulse_makes_blocks_and_the_app_hash_stays(made: Made) -> None:
    with running(made) as node:
        node.goes_on()
        before, began_s = node.status, time.monotonic()
        wait_until(lambda: node.height >= before["engine_height"] + 5)

        assert time.monotonic() - began_s > 4, "blocks came faster than the pulse of a second"
        assert node.status["app_hash"] == before["app_hash"]


async def test_upgrade__that_this_program_does_not_have__stops_the_engine_before_its_height_and_not_the_api(
    made: Made,
) -> None:
    config = load_home(made.validator).config
    height = 400
    hurried = FreeTable(
        (
            Setting(("consensus", "timeout_commit"), "30ms"),
            Setting(("consensus", "create_empty_blocks"), True),
            Setting(("consensus", "create_empty_blocks_interval"), "0s"),
        )
    )
    comet = replace(config.engine.comet, config=hurried)
    upgrade = Upgrade(version=9, height=height, notes_digest="0x" + "ab" * 32)
    write_config(made.validator, replace(config, upgrade=upgrade, engine=replace(config.engine, comet=comet)))
    async with made.chains():
        with running(made) as node:
            wait_until(lambda: node.reason == "UPGRADE_NEEDED")
            assert node.height == height - 1
            assert "version 9 is needed from height 400 on" in node.trouble
