"""Faults of one validator of four on real CometBFT, one after another: the others go on, and it returns."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.comet.faulty import Fault, FaultFile, Lie
from tests.e2e.comet.invariants import Block, blocks_of, check_invariants
from tests.e2e.comet.network import API, CometNetwork, Manifest, running_network
from tests.e2e.process import TEST_S

pytestmark = [pytest.mark.timeout(TEST_S)]

VICTIM = 0
"""It has 100 of 340 tokens, so that it proposes most often, and the others go on without it."""
WITNESS = 1
AHEAD_S = 600.0
SANE_S = 60.0
DISK_BYTES = 64 * 1024 * 1024


@pytest.mark.xdist_group("lies")
def test_proposer__lies__its_block_is_refused_and_the_next_one_s_is_decided(tmp_path: Path) -> None:
    with running_network(tmp_path, Manifest(faulty=frozenset({VICTIM}))) as network:
        network.until(lambda: network.acks() >= 1)
        victim = network.signer(VICTIM)

        blocks = _blocks_while(network, Fault(lie="junk"))
        assert victim not in {block.proposer for block in blocks}
        assert max(block.round_before for block in blocks) >= 1

        lies: tuple[Lie, ...] = ("duplicate", "omit")
        for lie in lies:
            blocks = _blocks_while(network, Fault(lie=lie))
            assert {block.transactions for block in blocks if block.proposer == victim} <= {0}, lie
            assert any(block.transactions for block in blocks)

        # Their order does not matter to the others: only that a signer's own ascend.
        _blocks_while(network, Fault(lie="reorder"))
        network.until_converged()
        check_invariants(network)


@pytest.mark.xdist_group("lies")
def test_clock__of_one_ten_minutes_ahead__block_time_is_that_of_the_others(tmp_path: Path) -> None:
    with running_network(tmp_path, Manifest(faulty=frozenset({VICTIM}))) as network:
        network.until(lambda: network.acks() >= 1)
        began_s = time.time()
        acks = network.acks()
        blocks = _blocks_while(network, Fault(clock_s=AHEAD_S))
        assert all(began_s - SANE_S < _seconds(block) < time.time() + SANE_S for block in blocks)
        network.until_signs(VICTIM)
        network.until(lambda: network.acks() > acks)
        network.until_converged()
        check_invariants(network)


def _blocks_while(network: CometNetwork, fault: Fault, count: int = 10) -> tuple[Block, ...]:
    """What is decided while a fault is there."""
    file = FaultFile(network.files.validator(VICTIM))
    file.set(fault)
    network.until_blocks(2, WITNESS)  # what was proposed before is decided
    first = network.height(WITNESS) + 1
    network.until_blocks(count, WITNESS)
    blocks = blocks_of(network, WITNESS, first)
    file.heal()
    return tuple(blocks.values())


def _seconds(block: Block) -> float:
    return datetime.fromisoformat(block.time[:19] + "+00:00").timestamp()


@pytest.mark.xdist_group("losses")
def test_validator__paused_upgraded_or_without_its_databases__returns_and_signs_nothing_twice(tmp_path: Path) -> None:
    with running_network(tmp_path) as network:
        network.until(lambda: network.acks() >= 1)

        # Both processes freeze, for several rounds of its own turns.
        network.pause(VICTIM)
        network.until_blocks(8, WITNESS)
        network.resume(VICTIM)
        network.until_signs(VICTIM)

        # Without its state, it runs its blocks again.
        network.stop(VICTIM)
        network.lose(VICTIM, "state.db")
        network.start(VICTIM)
        network.until_signs(VICTIM)

        # Without its view of the chains, it looks at them again.
        network.stop(VICTIM)
        network.lose(VICTIM, "local.db")
        network.start(VICTIM)
        network.until_signs(VICTIM)

        # Without blocks and state, it gets them from its peers, and votes again where it has never voted.
        network.stop(VICTIM)
        network.lose(VICTIM, "state.db", "comet/data")
        network.start(VICTIM)
        network.until_signs(VICTIM)
        assert network.status(VICTIM)["stopped_signing"] is None

        # One after another is restarted, as for an upgrade.
        for index in network.everybody:
            network.stop(index)
            network.until_blocks(2, (index + 1) % len(network.everybody))
            network.start(index)
            network.until_signs(index)
        network.until_converged()
        check_invariants(network)


@pytest.mark.xdist_group("losses")
def test_disk__of_one_is_full__it_says_so_and_returns_when_there_is_space(tmp_path: Path) -> None:
    with running_network(tmp_path, Manifest(faulty=frozenset({VICTIM}))) as network:
        network.until(lambda: network.acks() >= 1)
        home = network.files.validator(VICTIM)

        # A block cannot be committed, whatever else can be written.
        fault = FaultFile(home)
        fault.set(Fault(cannot_write=True))
        network.until(lambda: "DATABASE_UNWRITABLE" in _trouble(network))
        assert network.reason(VICTIM) == "ENGINE_DOWN"
        network.until_blocks(2, WITNESS)
        fault.heal()
        network.until_signs(VICTIM)

        # Nothing can be written, neither by the node nor by CometBFT.
        network.stop(VICTIM)
        with _small_disk(home):
            network.start(VICTIM)
            network.until_signs(VICTIM)
            _fill(home / "filler")
            network.until(lambda: network.reason(VICTIM) in {"ENGINE_DOWN", "DATABASE_UNWRITABLE"})
            network.until_blocks(4, WITNESS)
            (home / "filler").unlink()
            network.until_signs(VICTIM)
            network.until_converged()
            check_invariants(network)


def _trouble(network: CometNetwork) -> str:
    """What the victim's API says of its engine."""
    answer = network.get(VICTIM, f"{API}/status")
    return "" if answer is None or answer["engine_trouble"] is None else str(answer["engine_trouble"]["text"])


@contextmanager
def _small_disk(directory: Path) -> Iterator[None]:
    """A directory moves to a file system of its own. Skips where we may not mount one."""
    aside = directory.with_name("aside")
    directory.rename(aside)
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        directory.rmdir()
        aside.rename(directory)
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    shutil.copytree(aside, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def _fill(path: Path) -> None:
    """Write until there is no space left."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return
