"""The application under CometBFT: blocks a second against CometBFT's own kvstore, a full block, memory, the start."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import BlockNumber
from config.file import load_home, write_config
from config.table import FreeTable, Setting
from node.app.messages import Head
from node.app.signatures import recovered_signer
from node.devnet.ports import HOST, free_ports
from node.engine.comet.node_key import read_node_id
from node.networks.homes import NODE_KEY
from tests.bench.comet_rig import StartApplication, blocks_per_s, our_application
from tests.bench.footprint import MEGABYTE, SIDEWARDEN, import_mb, resident_bytes
from tests.bench.rows import Aim, Row, at_least, seconds
from tests.bench.sizes import Sizes
from tests.bench.state_machine import signatures
from tests.bench.timing import fastest_s
from tests.e2e.process import ask
from tests.e2e.test_start import Made, make_home
from tests.unit.app.network import Network

POLL_S = 0.02
WAIT_S = 600.0
ATTESTATIONS = 100
NANOSECONDS = 10**9
FULL_BLOCK_AIM_S = 0.010
RATE_AIM = 0.9
MEMORY_AIM_MB = 120
START_AIM_S = 2.0
JOIN_AIM_S = 60.0
STATUS = "/sidewarden/v1/status"


def measure_full_block(sizes: Sizes) -> Iterator[Row]:
    """FinalizeBlock with an attestation of each of 100 validators, none of them seen before."""
    network = Network([100] * ATTESTATIONS)
    network.block()
    head = Head(BlockNumber(7), keccak256(b"head"))
    last = network.blocks[-1]
    block = replace(
        last,
        txs=tuple(network.attest(one, head) for one in network.validators),
        height=last.height + 1,
        time_ns=last.time_ns + NANOSECONDS,
    )
    signed = tuple(signatures(network.genesis, (block,)))

    def finalize() -> None:
        recovered_signer.cache_clear()
        response = network.restarted().finalize_block(block)
        assert not any(result.code for result in response.tx_results)

    def start() -> None:
        network.restarted()

    def recover() -> None:
        for digest, signature in signed:
            recover_address(digest, signature)

    whole_s, start_s, recover_s = fastest_s(sizes.repeats, finalize, start, recover)
    block_s = whole_s - start_s
    yield Row(
        f"FinalizeBlock with {ATTESTATIONS} attestations, none seen before",
        seconds(block_s),
        f"their signatures alone: {seconds(recover_s)}",
        block_s / recover_s,
        f"the signatures: {seconds(recover_s)}",
        Aim(f"≤ {seconds(FULL_BLOCK_AIM_S)}, half of it signatures", block_s <= FULL_BLOCK_AIM_S),
    )


def measure_rate(sizes: Sizes) -> Iterator[Row]:
    """Empty blocks a second, by number of validators. Our state is on disk, kvstore's in memory."""
    kvstore = _kvstore()
    for validators in sizes.consensus_validators:
        ours = theirs = 0.0
        for _ in range(sizes.consensus_repeats):
            ours = max(ours, blocks_per_s(our_application, validators, sizes.consensus_s))
            theirs = max(theirs, blocks_per_s(kvstore, validators, sizes.consensus_s)) if kvstore else 0.0
        name = "1 validator" if validators == 1 else f"{validators} validators"
        baseline = f"CometBFT's kvstore in Go: {theirs:.0f} blocks/s" if kvstore else "abci-cli is not installed"
        yield Row(
            f"CometBFT, {name}, empty blocks",
            f"{ours:.0f} blocks/s",
            baseline,
            ours / theirs if theirs else None,
            "CometBFT's own disk writes and gossip",
            at_least(RATE_AIM, ours / theirs) if theirs else None,
        )


@dataclass(frozen=True, slots=True)
class _Life:
    """What was seen of a node, and of one that joined it."""

    served_s: float
    memory_mb: tuple[float, float]
    """After a tenth of the blocks, and after all."""
    joined_s: float
    """From the joiner's start to its having every block; a `sidewarden join` came before."""


def measure_node(sizes: Sizes) -> Iterator[Row]:
    """`sidewarden start` of a single validator on CometBFT: how soon it serves, its memory, how soon another joins."""
    with tempfile.TemporaryDirectory() as directory:
        life = asyncio.run(_live(Path(directory), sizes.node_blocks))
    few, all_ = life.memory_mb
    yield Row(
        "sidewarden start with CometBFT → first request served",
        seconds(life.served_s),
        f"what was asked for: {START_AIM_S:g} s",
        life.served_s / START_AIM_S,
        "the interpreter, its imports, one keystore",
        Aim(f"≤ {START_AIM_S:g} s", life.served_s <= START_AIM_S),
    )
    yield Row(
        f"memory of the Python process after {sizes.node_blocks:,} blocks",
        f"{all_:.0f} MB",
        f"after {sizes.node_blocks // 10:,}: {few:.0f} MB",
        all_ / few,
        f"a process after its imports: {import_mb('node.validator.start'):.0f} MB",
        Aim(f"≤ {MEMORY_AIM_MB} MB", all_ <= MEMORY_AIM_MB),
    )
    yield Row(
        f"join a network of {sizes.node_blocks:,} blocks that goes on making them",
        seconds(life.joined_s),
        f"what was asked for: {JOIN_AIM_S:g} s",
        life.joined_s / JOIN_AIM_S,
        "CometBFT looks for snapshots for 5 s",
        Aim(f"≤ {JOIN_AIM_S:g} s", life.joined_s <= JOIN_AIM_S),
    )


async def _live(directory: Path, blocks: int) -> _Life:
    made = await make_home(directory / "home", validators=1, engine="comet")
    _hurry(made)
    async with made.chains():
        began_s = time.monotonic()
        with _started(made.validator) as node:
            await _until(lambda: _height(_api(made.validator)) >= 0)
            served_s = time.monotonic() - began_s
            memory: list[float] = []
            for height in (blocks // 10, blocks):
                await _until(lambda height=height: _height(_api(made.validator)) >= height)  # type: ignore[misc]  # mypy knows no lambda's default
                memory.append(resident_bytes(node.pid) / MEGABYTE)
            return _Life(served_s, (memory[0], memory[1]), await _join(made, directory / "joiner"))


async def _join(made: Made, home: Path) -> float:
    """Let an observer join; the seconds from its start to its having every block."""
    config, (api_port, p2p_port) = load_home(made.validator).config, free_ports(2)
    peer = f"{read_node_id(made.validator / NODE_KEY)}@{HOST}:{config.engine.comet.p2p_port}"
    server = ("--server", _api(made.validator))
    command = (
        *(SIDEWARDEN, "join", "--home", home, "--genesis", made.settings.home / "genesis.json", "--yes"),
        *("--peer", peer, *server, *server, "--api-port", str(api_port), "--p2p-port", str(p2p_port)),
        *("--root-rpc", config.root_chains[0].rpc_urls[0], "--side-rpc", config.side_chain.rpc_urls[0]),
    )
    joining = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    assert await joining.wait() == 0
    began_s = time.monotonic()
    with _started(home):
        await _until(lambda: _is_caught_up(_api(home)))
        return time.monotonic() - began_s


@contextmanager
def _started(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([SIDEWARDEN, "start", "--home", home], stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def _kvstore() -> StartApplication | None:
    found = shutil.which("abci-cli") or str(Path(sys.executable).with_name("abci-cli"))
    if not Path(found).exists():
        return None
    return lambda _, socket: [found, "kvstore", "--address", f"unix://{socket}", "--log_level", "error"]


def _hurry(made: Made) -> None:
    """Let empty blocks follow one another at once."""
    config = load_home(made.validator).config
    fast = (
        Setting(("consensus", "timeout_commit"), "0s"),
        Setting(("consensus", "skip_timeout_commit"), True),
        Setting(("consensus", "create_empty_blocks"), True),
        Setting(("consensus", "create_empty_blocks_interval"), "0s"),
    )
    comet = replace(config.engine.comet, config=FreeTable(fast), retain_blocks=1_000)
    write_config(made.validator, replace(config, engine=replace(config.engine, comet=comet)))


def _api(home: Path) -> str:
    return f"http://{HOST}:{load_home(home).config.api.port}"


def _height(url: str) -> int:
    """The committed height; -1 while nothing is served."""
    try:
        return int(ask(f"{url}{STATUS}")[1]["engine_height"])
    except OSError:
        return -1


def _is_caught_up(url: str) -> bool:
    return _height(url) > 0 and bool(ask(f"{url}{STATUS}")[1]["caught_up"])


async def _until(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not await asyncio.to_thread(happened):
        assert time.monotonic() < deadline_s, f"it has not happened within {WAIT_S:.0f} s"
        await asyncio.sleep(POLL_S)
