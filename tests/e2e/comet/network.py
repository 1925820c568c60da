"""A network of real processes under a test's hand: made as `sidewarden localnet up` makes it, and seen by its APIs.

    with running_network(tmp_path, Manifest(validators=4)) as network:
        network.until(lambda: network.acks() >= 2)
        network.kill(0)
        ...
        network.start(0)
        network.until_all_reach(network.height(1) + 3)
        network.check_agreement()

Nothing is driven: time is real, and a test waits for what it wants to see, with a limit. What a test leaves behind
stopped or paused is stopped at the end.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, cast
from urllib.error import URLError

from bridge.codec.abi import encode_call
from bridge.codec.hexadecimal import from_hex, to_hex
from config.file import load_home, write_config
from config.schema import NodeConfig
from node.localnet.bringing_up import up
from node.localnet.errors import LocalnetSettingsRefused
from node.localnet.files import LocalnetFiles
from node.localnet.making import make
from node.localnet.network import down, start_node
from node.localnet.nodes import NodeState, Part, node_state, signal_parts
from node.localnet.settings import PORT_BASES, LocalnetSettings, settle
from tests.e2e.process import Json, ask

WAIT_S = 90.0
"""Far longer than anything takes on a machine that is not busy."""
LOOK_EVERY_S = 0.2
API = "/sidewarden/v1"
QUORUM_NUMERATOR, QUORUM_DENOMINATOR = 2, 3

Configure = Callable[[int, NodeConfig], NodeConfig]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a network is to be."""

    validators: int = 4
    data_form: Literal["polygon", "bound"] = "bound"
    traffic: bool = False
    configure: Configure | None = None
    """What each validator, by its number, is configured with instead."""
    faulty: frozenset[int] = frozenset()
    """Who runs `tests.e2e.comet.faulty` instead of `sidewarden start`."""


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """A block as one validator's CometBFT shows it."""

    height: int
    hash: str
    app_hash: str
    """The state after the block before."""


class CometNetwork:
    """A network that was made; its validators are numbered from 0."""

    def __init__(self, files: LocalnetFiles, settings: LocalnetSettings, faulty: frozenset[int] = frozenset()) -> None:
        """Use `running_network`."""
        self.files = files
        self.settings = settings
        self.faulty = faulty
        self.everybody = range(settings.validators)

    # What is seen

    @property
    def network_name(self) -> str:
        """The engine's chain id."""
        return str(json.loads(self.files.genesis.read_text())["name"])

    def get(self, index: int, path: str) -> Json | None:
        """What a validator's API answers; None while it does not, or refuses."""
        try:
            status, answer = ask(f"http://127.0.0.1:{self.settings.api_port + index}{path}")
        except (URLError, OSError, ValueError):
            return None
        return answer if status == HTTPStatus.OK else None

    def status(self, index: int) -> Json:
        """What a validator says of itself. Fails if it does not answer."""
        answer = self.get(index, f"{API}/status")
        assert answer is not None, f"validator {index} does not answer\n{self.story()}"
        return answer

    def height(self, index: int) -> int:
        """The newest block of a validator's application; -1 while it does not answer."""
        answer = self.get(index, f"{API}/status")
        return -1 if answer is None else int(answer["engine_height"])

    def acks(self, index: int = 0) -> int:
        """How many checkpoints are acknowledged, as a validator sees it; -1 while it does not answer."""
        answer = self.get(index, f"{API}/status")
        if answer is None:
            return -1
        acknowledged = answer["root_chains"][0]["last_acknowledged"]
        return 0 if acknowledged is None else int(acknowledged["number"]) // 10_000

    def reason(self, index: int) -> str:
        """What a validator waits for; empty while it does not answer."""
        answer = self.get(index, f"{API}/status")
        return "" if answer is None else str(answer["root_chains"][0]["why"]["reason"])

    def block(self, index: int, height: int) -> BlockSeen | None:
        """A block as a validator has it; None if it has not, or does not answer."""
        answer = self.get(index, f"{API}/engine/rpc/commit?height={height}")
        if answer is None or "result" not in answer:
            return None
        signed = answer["result"]["signed_header"]
        return BlockSeen(height, signed["commit"]["block_id"]["hash"], signed["header"]["app_hash"])

    def signs(self, index: int, first: int) -> bool:
        """Whether a validator's vote is in the newest commit that another one shows, which is of `first` or later."""
        answer = self.get(self._witness(index), f"{API}/engine/rpc/commit")
        if answer is None or "result" not in answer:
            return False
        commit = answer["result"]["signed_header"]["commit"]
        signed = {one["validator_address"] for one in commit["signatures"] if one["block_id_flag"] == 2}
        return int(commit["height"]) >= first and self.signer(index) in signed

    def _witness(self, index: int) -> int:
        return (index + 1) % len(self.everybody)

    def signer(self, index: int) -> str:
        """A validator's address, as CometBFT writes it."""
        return str(self.described["validators"][index]["signer"]).removeprefix("0x").upper()

    def processes(self, index: int) -> NodeState:
        """A validator's processes."""
        return node_state(self.files, index)

    @property
    def described(self) -> Json:
        """localnet.json."""
        return cast(Json, json.loads(self.files.description.read_text()))

    def tokens_on_side(self) -> int:
        """The demo tokens, in wei, of the first of the accounts for people, once the relayer has carried them over."""
        token = self.described["side_chain"]["contracts"]["DemoToken"]
        holder = from_hex(self.described["accounts"][0]["address"])
        data = to_hex(encode_call("balanceOf(address)", holder))
        return int(self.rpc("side", "eth_call", {"to": token, "data": data}, "latest"), 16)

    def rpc(self, chain: Literal["root", "side"], method: str, *params: object) -> Any:
        """What a chain answers."""
        place = self.described["side_chain"] if chain == "side" else self.described["root_chains"][0]
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return ask(place["rpc_url"], "POST", json.dumps(request).encode())[1]["result"]

    def control(self, method: str, path: str, body: object = None) -> Json:
        """What the chains' control URL answers, which reorganises, stalls and spoils them."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.described['control_token']}"}
        status, answer = ask(self.described["control_url"] + path, method, data, headers)
        assert status == HTTPStatus.OK, answer
        return answer

    def submissions(self) -> tuple[bool, ...]:
        """Of every transaction that was sent to RootChain and mined: whether it succeeded, in order."""
        root_chain = self.described["root_chains"][0]["contracts"]["RootChain"].lower()
        found = []
        for number in range(int(self.rpc("root", "eth_blockNumber"), 16) + 1):
            for sent in self.rpc("root", "eth_getBlockByNumber", hex(number), True)["transactions"]:
                if (sent["to"] or "").lower() == root_chain:
                    receipt = self.rpc("root", "eth_getTransactionReceipt", sent["hash"])
                    found.append(int(receipt["status"], 16) == 1)
        return tuple(found)

    # What is done

    def kill(self, index: int, part: Part = "both", number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one or both processes of a validator. Fails if there was none."""
        assert signal_parts(self.files, index, number, part), f"validator {index} has no {part} that runs"
        if number is signal.SIGKILL and part != "engine":
            assert self.files.node(index).wait(WAIT_S)

    def pause(self, index: int, part: Part = "both") -> None:
        """Freeze a validator."""
        self.kill(index, part, signal.SIGSTOP)

    def resume(self, index: int, part: Part = "both") -> None:
        """Let it go on."""
        self.kill(index, part, signal.SIGCONT)

    def start(self, index: int) -> None:
        """Start a validator that does not run."""
        if index in self.faulty:
            home = str(self.files.validator(index))
            self.files.node(index).start((sys.executable, "-m", "tests.e2e.comet.faulty", home))
        else:
            start_node(self.files, index)

    def stop(self, index: int) -> None:
        """End a validator as its operator would. Fails if it takes long."""
        self.kill(index, "node", signal.SIGTERM)
        assert self.files.node(index).wait(WAIT_S), f"validator {index} does not stop\n{self.story()}"

    def lose(self, index: int, *names: str) -> None:
        """Remove databases of a validator that is down, or `comet/data`: blocks and write-ahead log."""
        for name in names:
            for path in self.files.validator(index).glob(f"{name}*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def up(self) -> None:
        """Start everything that does not run, and wait until all make blocks."""
        for index in self.faulty:
            self.start(index)
        asyncio.run(up(self.files, self.settings, lambda _: None))

    def down(self) -> None:
        """Stop everything. Fails if a process had to be killed."""
        killed = down(self.files)
        assert not killed, f"had to be killed: {killed}"

    # What is waited for

    def until(self, happened: Callable[[], object], timeout_s: float = WAIT_S) -> float:
        """Look again and again until something has happened; how long it took. Fails with the network's story."""
        began_s = time.monotonic()
        while not happened():
            assert time.monotonic() - began_s < timeout_s, f"not within {timeout_s:.0f} s\n{self.story()}"
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began_s

    def until_all_reach(self, height: int, timeout_s: float = WAIT_S) -> float:
        """Wait until every validator's application has a block; how long it took."""
        return self.until(lambda: all(self.height(index) >= height for index in self.everybody), timeout_s)

    def until_blocks(self, count: int, index: int = 0) -> None:
        """Wait until a validator has so many more blocks than now."""
        self.until(lambda: self.height(index) >= 0)
        before = self.height(index)
        self.until(lambda: self.height(index) >= before + count)

    def until_signs(self, index: int) -> None:
        """Wait until a validator has voted for a block for which it cannot have voted before now."""
        first = self.height(self._witness(index)) + 2
        assert first > 1, self.story()
        self.until(lambda: self.signs(index, first))

    def until_converged(self) -> None:
        """Wait until everybody is at the same height, give or take one, and has seen a further checkpoint land."""
        acks = max(map(self.acks, self.everybody))
        self.until(lambda: all(self.acks(index) > acks for index in self.everybody))
        self.until(self._is_together)

    def _is_together(self) -> bool:
        seen = [self.get(index, f"{API}/status") for index in self.everybody]
        heights = [one["engine_height"] for one in seen if one is not None and one["caught_up"]]
        return len(heights) == len(seen) and max(heights) - min(heights) <= 1

    def story(self) -> str:
        """Where everybody stands, and the end of each log, for a test that fails."""
        lines = []
        for index in self.everybody:
            lines += [f"validator {index}: {self.processes(index).state}, block {self.height(index)}"]
            lines += [self.files.node(index).tail(), ""]
        return "\n".join(lines)

    # What must always hold

    def check_agreement(self, first: int = 1) -> int:
        """All who answer have the same blocks and states, from `first` on; up to which height that was compared.

        Blocks that somebody has no longer, after pruning or state sync, are compared among those who have them.
        """
        heights = [height for height in map(self.height, self.everybody) if height > 0]
        assert len(heights) * QUORUM_DENOMINATOR > len(self.everybody) * QUORUM_NUMERATOR, self.story()
        for height in range(first, min(heights) + 1):
            seen = {block for index in self.everybody if (block := self.block(index, height)) is not None}
            assert len(seen) == 1, f"block {height}: {seen}"
        return min(heights)

    def check_submissions(self) -> None:
        """Each checkpoint was put on the root chain by exactly one transaction that succeeded."""
        header = int(self.status(0)["root_chains"][0]["last_acknowledged"]["number"])
        assert self.submissions().count(True) >= header // 10_000
        assert self.submissions().count(False) == 0


@contextmanager
def running_network(home: Path, manifest: Manifest = Manifest()) -> Iterator[CometNetwork]:
    """A network that makes blocks; all its processes are gone afterwards, and none of them had to be killed."""
    files = LocalnetFiles(home)
    settings = _settled(files, manifest)
    asyncio.run(make(files, settings, lambda _: None))
    network = CometNetwork(files, settings, manifest.faulty)
    for index in network.everybody:
        config = load_home(files.validator(index)).config
        write_config(files.validator(index), manifest.configure(index, config) if manifest.configure else config)
    try:
        network.up()
        yield network
    finally:
        network.down()


def _settled(files: LocalnetFiles, manifest: Manifest) -> LocalnetSettings:
    """Settings on free ports; processes that look for them at the same time begin at different ones."""
    asked = {"validators": manifest.validators, "data_form": manifest.data_form, "traffic": manifest.traffic}
    for attempt in range(len(PORT_BASES)):
        base = PORT_BASES[(os.getpid() + attempt) % len(PORT_BASES)]
        try:
            return settle(files, {**asked, "api_port": base})
        except LocalnetSettingsRefused:
            continue
    raise AssertionError(f"no {len(PORT_BASES)} ports are free")
