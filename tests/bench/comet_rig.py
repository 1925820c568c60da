"""CometBFT nodes of this machine over any application that serves ABCI at a socket, as fast as they go."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

from bridge.chain.clock import SystemClock
from bridge.codec.secp256k1 import compressed
from bridge.codec.types import UnixSeconds, ValidatorId, Wei
from config.file import dump_table
from config.schema import Comet
from config.table import Setting, free_table
from node.app.genesis import Genesis
from node.app.genesis_file import genesis_to_json
from node.devnet.ports import HOST, free_ports
from node.engine.comet.files import CometFiles, comet_genesis, our_settings
from node.engine.comet.node_key import make_node_key
from node.engine.comet.process import CometProcess, find_binary
from node.engine.comet.rpc import CometRpc
from node.engine.errors import EngineUnreachable
from tests.unit.engine.network import address, key, private_key
from tests.unit.engine.test_engine_application import a_genesis

UP_S = 60.0
WARM_UP_BLOCKS = 20
POWER = 100
WEI_PER_TOKEN = 10**18
_FAST = (
    Setting(("consensus", "timeout_commit"), "0s"),
    Setting(("consensus", "timeout_propose"), "3s"),
    Setting(("consensus", "skip_timeout_commit"), True),
    Setting(("consensus", "create_empty_blocks"), True),
    Setting(("consensus", "create_empty_blocks_interval"), "0s"),
    Setting(("consensus", "peer_gossip_sleep_duration"), "2ms"),
    Setting(("p2p", "flush_throttle_timeout"), "1ms"),
    Setting(("log_level",), "error"),
    # Both applications vote with CometBFT's own signer, so that only the application differs.
    Setting(("priv_validator_laddr",), ""),
    Setting(("priv_validator_key_file",), "config/priv_validator_key.json"),
)
StartApplication = Callable[[Path, Path], list[str]]
"""The command of an application: its directory and its socket."""


def our_application(directory: Path, socket: Path) -> list[str]:
    """This project's, in a Python process of its own."""
    program = [sys.executable, "-m", "tests.bench.served_application"]
    return [*program, str(directory / "genesis.json"), str(directory / "state.db"), str(socket)]


def blocks_per_s(application: StartApplication, validators: int, window_s: float) -> float:
    """How many empty blocks a second so many validators make over this application."""
    with tempfile.TemporaryDirectory() as home, ExitStack() as applications:
        files = _write_network(Path(home), validators)
        for one in files:
            command = application(one.home.parent, one.application_socket)
            process = applications.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            applications.callback(process.kill)
            _wait_for(one.application_socket)
        return asyncio.run(_rate(files, window_s))


def _write_network(home: Path, validators: int) -> list[CometFiles]:
    network = _genesis(validators)
    ports = free_ports(validators)
    files = [CometFiles(home / str(index) / "comet") for index in range(validators)]
    ids = [make_node_key(one.node_key, token_bytes) for one in files]
    for index, one in enumerate(files):
        peers = tuple(f"{ids[peer]}@{HOST}:{ports[peer]}" for peer in range(validators) if peer != index)
        _write(one, network, index, Comet(p2p_port=ports[index], persistent_peers=peers))
    return files


async def _rate(files: Sequence[CometFiles], window_s: float) -> float:
    nodes = [await CometProcess.start(find_binary(""), one, SystemClock(), lambda _: None) for one in files]
    rpc = CometRpc(files[0].rpc_socket)
    try:
        await _reaches(rpc, WARM_UP_BLOCKS)
        first, began_s = await _height(rpc), time.perf_counter()
        await asyncio.sleep(window_s)
        return (await _height(rpc) - first) / (time.perf_counter() - began_s)
    finally:
        await rpc.close()
        for node in nodes:
            await node.stop()


def _genesis(validators: int) -> Genesis:
    sample = a_genesis()
    stake = Wei(POWER * WEI_PER_TOKEN)
    listed = (
        replace(
            sample.validators[0],
            id=ValidatorId(index + 1),
            signer=address(index),
            public_key=key(index),
            stake_wei=stake,
        )
        for index in range(validators)
    )
    now_s = UnixSeconds(int(time.time()))
    return replace(sample, name="bench", validators=tuple(listed), time_s=now_s).checked()


def _write(files: CometFiles, network: Genesis, index: int, comet: Comet) -> None:
    files.data.mkdir(parents=True, exist_ok=True)
    settings = (*our_settings(comet, network.parameters, f"v{index}", "error"), *_FAST)
    files.config.write_text(dump_table(free_table(settings)))
    document = json.loads(comet_genesis(network))
    document["validators"] = [_listed(one) for one in range(len(network.validators))]
    files.genesis.write_text(json.dumps(document, separators=(",", ":")))
    (files.home.parent / "genesis.json").write_text(genesis_to_json(network))
    private = {"type": "tendermint/PrivKeySecp256k1eth", "value": b64encode(private_key(index)).decode()}
    (files.home / "config" / "priv_validator_key.json").write_text(json.dumps({**_named(index), "priv_key": private}))
    (files.data / "priv_validator_state.json").write_text('{"height":"0","round":0,"step":0}')


def _named(index: int) -> dict[str, object]:
    public = {"type": "tendermint/PubKeySecp256k1eth", "value": b64encode(compressed(key(index))).decode()}
    return {"address": address(index).hex().upper(), "pub_key": public}


def _listed(index: int) -> dict[str, object]:
    return {**_named(index), "power": str(POWER), "name": f"v{index}"}


def _wait_for(socket: Path) -> None:
    deadline_s = time.monotonic() + UP_S
    while not socket.exists():
        assert time.monotonic() < deadline_s, f"no application listens at {socket}"
        time.sleep(0.02)


async def _height(rpc: CometRpc) -> int:
    try:
        return (await rpc.status()).height
    except EngineUnreachable:
        return 0


async def _reaches(rpc: CometRpc, height: int) -> None:
    deadline_s = time.monotonic() + UP_S
    while await _height(rpc) < height:
        assert time.monotonic() < deadline_s, f"the network has not made {height} blocks"
        await asyncio.sleep(0.1)
