"""The application under CometBFT: blocks a second against CometBFT's own kvstore, a full block, memory, the start."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import BlockNumber
from config.file import load_home, write_config
from config.table import FreeTable, Setting
from node.app.messages import Head
from node.app.signatures import recovered_signer
from tests.bench.comet_rig import StartApplication, blocks_per_s, our_application
from tests.bench.footprint import MEGABYTE, SIDEWARDEN, import_mb, resident_bytes
from tests.bench.rows import Aim, Row, at_least, seconds
from tests.bench.sizes import Sizes
from tests.bench.state_machine import signatures
from tests.bench.timing import fastest_s
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


def measure_node(sizes: Sizes) -> Iterator[Row]:
    """`sidewarden start` of a single validator on CometBFT: how soon it serves, and what memory it takes."""
    with tempfile.TemporaryDirectory() as directory:
        made = asyncio.run(make_home(Path(directory) / "home", validators=1, engine="comet"))
        _hurry(made)
        began_s = time.monotonic()
        with subprocess.Popen([SIDEWARDEN, "start", "--home", made.validator], stderr=subprocess.DEVNULL) as node:
            try:
                _wait(lambda: _height(made) >= 0)
                served_s = time.monotonic() - began_s
                memory: list[float] = []
                for height in (sizes.node_blocks // 10, sizes.node_blocks):
                    _wait(lambda height=height: _height(made) >= height)  # type: ignore[misc]  # mypy knows no lambda's default
                    memory.append(resident_bytes(node.pid) / MEGABYTE)
            finally:
                node.terminate()
    imports_mb = import_mb("node.validator.start")
    yield Row(
        "sidewarden start with CometBFT → first request served",
        seconds(served_s),
        f"what was asked for: {START_AIM_S:g} s",
        served_s / START_AIM_S,
        "the interpreter, its imports, one keystore",
        Aim(f"≤ {START_AIM_S:g} s", served_s <= START_AIM_S),
    )
    yield Row(
        f"memory of the Python process after {sizes.node_blocks:,} blocks",
        f"{memory[1]:.0f} MB",
        f"after {sizes.node_blocks // 10:,}: {memory[0]:.0f} MB",
        memory[1] / memory[0],
        f"a process after its imports: {imports_mb:.0f} MB",
        Aim(f"≤ {MEMORY_AIM_MB} MB", memory[1] <= MEMORY_AIM_MB),
    )


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


def _height(made: Made) -> int:
    """The committed height; -1 while nothing is served."""
    try:
        return int(made.status()["engine_height"])
    except OSError:
        return -1


def _wait(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s, f"it has not happened within {WAIT_S:.0f} s"
        time.sleep(POLL_S)
