"""A crash at any durable write: the same blocks, executed once by everybody, whatever was written when it came."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.app.abci import FinalizeBlockResponse
from node.engine.local.block import Block
from node.engine.local.block_store import BlockStore, StoredGenesis
from node.engine.local.validators import ValidatorSet
from tests.unit.closing import opened
from tests.unit.engine.network import PULSE_S, LocalNetwork, app_hash

HEIGHT = 5
WRITES = 1 + HEIGHT * 6
"""Genesis; then per block the block, its result and four commits."""


class Crash(Exception):
    """The process is gone."""


@dataclass(slots=True)
class Fuse:
    """Lets so many writes through, and crashes before or after the next one."""

    left: int
    burns_after: bool

    def __call__(self, write: Callable[[], None]) -> None:
        if self.left > 0:
            self.left -= 1
            write()
            return
        if self.burns_after:
            write()
        raise Crash


class FusedStore(BlockStore):
    """engine.db whose every write goes through a fuse."""

    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self._fuse = fuse

    def begin(self, genesis: StoredGenesis, first: ValidatorSet, second: ValidatorSet) -> None:
        self._fuse(lambda: BlockStore.begin(self, genesis, first, second))

    def save_block(self, block: Block) -> None:
        self._fuse(lambda: BlockStore.save_block(self, block))

    def save_result(self, height: int, response: FinalizeBlockResponse, validators: ValidatorSet) -> None:
        self._fuse(lambda: BlockStore.save_result(self, height, response, validators))


def fused(network: LocalNetwork, fuse: Fuse) -> None:
    """Open the network over its disks, with every write through the fuse."""
    network.open(opened(FusedStore(network.path, fuse)))
    for application in network.applications:
        application.commit_write = fuse


async def run_to(network: LocalNetwork, height: int) -> None:
    """One transaction for each height; the fourth also changes the validator set."""
    network.engine.start()
    while network.engine.height < height or not network.engine.is_caught_up(0):
        transactions = [b"t%d" % network.engine.height]
        if network.engine.height == 3:
            transactions.append(b"power:0:11")
        for transaction in transactions:
            network.engine.submit(0, transaction)
        await network.block()


def decided(store: BlockStore) -> dict[int, bytes]:
    return {height: store.block(height).request.hash for height in range(1, store.block_height + 1)}


def check_history(network: LocalNetwork) -> None:
    """Every application has executed every block once, in order, and engine.db says so."""
    store = network.store
    blocks = [store.block(height) for height in range(1, network.engine.height + 1)]
    executed = tuple(transaction for block in blocks for transaction in block.request.txs)
    assert [disk.executed for disk in network.disks] == [executed] * 4
    assert [disk.height for disk in network.disks] == [len(blocks)] * 4
    assert store.result(len(blocks)).app_hash == app_hash(executed)
    assert all(later.request.time_ns > earlier.request.time_ns for earlier, later in pairwise(blocks))
    assert [block.request.time_ns for block in blocks[1:]] == [block.commit.time_ns for block in blocks[:-1]]


@pytest.mark.parametrize("burns_after", [False, True])
@pytest.mark.parametrize("writes", range(WRITES))
async def test_crash__at_each_write__loses_no_decided_block_and_executes_none_twice(
    tmp_path: Path, writes: int, burns_after: bool
) -> None:
    network = LocalNetwork(tmp_path)
    network.engine.close()
    fused(network, Fuse(writes, burns_after))
    with pytest.raises(Crash):
        await run_to(network, HEIGHT)
    before = decided(network.store)
    network.engine.close()

    network.open()
    await run_to(network, HEIGHT + 1)
    assert decided(network.store).items() >= before.items()
    check_history(network)


async def test_crash__after_finalize_of_some__has_all_finalize_the_stored_block_again(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.engine.close()
    fused(network, Fuse(1, burns_after=False))
    network.engine.start()
    with pytest.raises(Crash):
        await network.block(b"b")
    network.engine.close()
    network.journal.clear()

    network.restart()
    report = await network.engine.step()
    assert report is not None, "a decided block needs no vote and no waiting"
    assert report.height == 2
    assert network.calls("v1") == ["info", "finalize(2)", "commit(2)"]
    check_history(network)


async def test_crash__after_commit_of_some__replays_to_the_others_only(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.engine.close()
    fused(network, Fuse(4, burns_after=False))
    network.engine.start()
    with pytest.raises(Crash):
        await network.block(b"b")
    assert [disk.height for disk in network.disks] == [2, 2, 1, 1]
    network.engine.close()
    network.journal.clear()

    network.restart()
    await network.engine.step()
    assert "finalize(2)" not in network.calls("v1")
    assert network.calls("v2")[:3] == ["info", "finalize(2)", "commit(2)"]
    check_history(network)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("pause"), st.integers(0, 3)),
        st.tuples(st.just("resume"), st.integers(0, 3)),
        st.tuples(st.just("submit"), st.integers(0, 3)),
        st.tuples(st.just("step"), st.integers(1, 4)),
        st.tuples(st.just("crash"), st.integers(0, 8)),
    ),
    max_size=25,
)


@given(actions)
@settings(max_examples=25, deadline=None)
async def test_history__of_any_pauses_and_crashes__is_one_and_the_same_for_all(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    network = LocalNetwork(tmp_path_factory.mktemp("engine")).start()
    for number, (action, argument) in enumerate(steps):
        if action == "pause":
            network.engine.pause(argument)
        elif action == "resume":
            network.engine.resume(argument)
        elif action == "submit" and not network.engine.is_paused(argument):
            network.engine.submit(argument, b"%d" % number)
        elif action == "step":
            network.clock.advance(PULSE_S / argument)
            await network.engine.step()
        elif action == "crash":
            await crash_within(network, argument)
    for index in range(4):
        network.engine.resume(index)
    for _ in range(2):
        await network.block()
    check_history(network)
    network.engine.close()


async def crash_within(network: LocalNetwork, writes: int) -> None:
    """Restart, crash at one of the next writes or a few blocks on, and restart."""
    network.engine.close()
    fused(network, Fuse(writes, burns_after=writes % 2 == 0))
    network.engine.start()
    try:
        for _ in range(3):
            await network.block()
    except Crash:
        pass
    network.restart()
