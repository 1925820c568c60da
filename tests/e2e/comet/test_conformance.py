"""What the local engine and a real CometBFT node do with the same application: the same calls, the same hashes."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.chain.clock import ManualClock, SystemClock
from bridge.codec.types import Hash32
from node.app.abci import ValidatorUpdate
from node.app.application import Application
from node.app.genesis import Genesis, genesis_hash
from node.app.opened import TransactionOpener
from node.app.store import MemoryStateStore
from node.devnet.chains_process import ChainsProcess
from node.devnet.network import Devnet
from node.devnet.settings import DevnetSettings
from node.engine.commits import CommittedBlock
from node.engine.genesis import init_chain_request
from node.engine.local.block_store import BlockStore
from node.engine.local.engine import LocalEngine
from node.engine.local.node import Member
from node.validator.together import run_together
from tests.e2e.comet.recorded import MortalApplication, ProcessDied, RecordedNode
from tests.e2e.comet.synced import SyncedNode
from tests.unit.engine.network import BLOCK_INTERVAL_S, GENESIS_TIME_NS, PULSE_S, Disk, LocalNetwork, genesis, key

HEIGHT = 3
"""The application dies in this block."""
LIFE = [
    "info",
    "init_chain",
    *(f"{call}({height})" for height in (1, 2) for call in ("prepare", "process", "finalize", "commit")),
]
AFTERWARDS = ["prepare(4)", "process(4)", "finalize(4)", "commit(4)"]
DEATHS: dict[str, tuple[list[str], list[str]]] = {
    "before prepare(3)": ([], ["info", "prepare(3)", "process(3)", "finalize(3)", "commit(3)"]),
    "before process(3)": (["prepare(3)"], ["info", "process(3)", "finalize(3)", "commit(3)"]),
    "before finalize(3)": (["prepare(3)", "process(3)"], ["info", "finalize(3)", "commit(3)"]),
    "after finalize(3)": (["prepare(3)", "process(3)", "finalize(3)"], ["info", "finalize(3)", "commit(3)"]),
    "before commit(3)": (["prepare(3)", "process(3)", "finalize(3)"], ["info", "finalize(3)", "commit(3)"]),
    "after commit(3)": (["prepare(3)", "process(3)", "finalize(3)", "commit(3)"], ["info"]),
}
"""What is called of the block before the application dies, and from its restart to the next block."""
BEHIND = 6
"""So many blocks are decided before a late node comes."""
LATE_COMER = [
    "info",
    "init_chain",
    *(f"{call}({height})" for height in range(1, BEHIND) for call in ("finalize", "commit")),
]
"""Nobody asks it to prepare or to judge what is decided."""
UNDECIDED = "before process(3)"
"""CometBFT may find the proposal in its write-ahead log, or not; the local engine has it prepared again."""


def calls(journal: list[str]) -> list[str]:
    """The calls without the application's name, and without checks of transactions, which come at any time."""
    return [call.removeprefix("v0 ") for call in journal if "check" not in call]


@pytest.mark.parametrize("death", DEATHS)
async def test_order_of_calls__of_a_real_node_that_loses_its_application__is_as_we_say(
    tmp_path: Path, death: str
) -> None:
    before, after = DEATHS[death]
    node = RecordedNode(tmp_path)
    await node.run(until=HEIGHT + 1, dies_at=death)
    assert calls(node.journal) == [*LIFE, *before]

    node.journal.clear()
    await node.run(until=HEIGHT + 1)
    found = calls(node.journal)
    if death == UNDECIDED and "prepare(3)" in found:
        found.remove("prepare(3)")
    assert found[: len(after) + len(AFTERWARDS)] == [*after, *AFTERWARDS]


@pytest.mark.parametrize("death", DEATHS)
async def test_order_of_calls__of_the_local_engine_that_loses_its_application__is_the_same(
    tmp_path: Path, death: str
) -> None:
    before, after = DEATHS[death]
    disk, journal = Disk(), list[str]()
    with closing(_local(tmp_path, disk, journal, dies_at=death)) as engine, pytest.raises(ProcessDied):
        await _run(engine, HEIGHT + 1)
    assert calls(journal) == [*LIFE, *before]

    journal.clear()
    with closing(_local(tmp_path, disk, journal)) as engine:
        await _run(engine, HEIGHT + 1)
    expected = ["info", "prepare(3)", *after[1:]] if death == UNDECIDED else after
    assert calls(journal)[: len(expected) + len(AFTERWARDS)] == [*expected, *AFTERWARDS]


@pytest.mark.parametrize("engine", ["comet", "local"])
async def test_order_of_calls__the_application_has_lost_its_database__all_blocks_are_executed_again(
    tmp_path: Path, engine: str
) -> None:
    if engine == "comet":
        node = RecordedNode(tmp_path)
        await node.run(until=HEIGHT)
        node.disk, journal = Disk(), node.journal
        journal.clear()
        await node.run(until=HEIGHT + 1)
    else:
        journal = list[str]()
        with closing(_local(tmp_path, Disk(), journal)) as local:
            await _run(local, HEIGHT)
        journal.clear()
        with closing(_local(tmp_path, Disk(), journal)) as local:
            await _run(local, HEIGHT + 1)

    replayed = ["info", "init_chain", *(f"{call}({height})" for height in (1, 2, 3) for call in ("finalize", "commit"))]
    assert calls(journal)[: len(replayed)] == replayed
    assert not any(call.startswith(("prepare(3)", "process(3)")) for call in calls(journal))


def _local(path: Path, disk: Disk, journal: list[str], dies_at: str = "") -> LocalEngine:
    application = MortalApplication("v0", journal, disk)
    application.dies_at = dies_at
    engine = LocalEngine(
        [Member("v0", (key(0),), application, _CLOCK)],
        BlockStore(path / "engine.db"),
        _CLOCK,
        genesis=genesis((10,)),
        block_interval_s=BLOCK_INTERVAL_S,
        pulse_s=PULSE_S,
    )
    engine.start()
    return engine


_CLOCK = ManualClock(GENESIS_TIME_NS / 10**9)


async def _run(engine: LocalEngine, height: int) -> None:
    while engine.height < height or not engine.is_caught_up(0):
        _CLOCK.advance(PULSE_S)
        await engine.step()


async def test_order_of_calls__of_a_node_that_comes_later__only_executes_what_was_decided_before(
    tmp_path: Path,
) -> None:
    """CometBFT's block sync; the local engine does the same with a member that was away."""
    first = RecordedNode(tmp_path / "first")
    second = RecordedNode(tmp_path / "second", key_index=5, peers=(first.as_peer,))
    first_runs = asyncio.create_task(first.run(until=10**6))
    try:
        await _happens(lambda: len(first.blocks) >= BEHIND)
        await second.run(until=BEHIND)
    finally:
        first_runs.cancel()
        await asyncio.gather(first_runs, return_exceptions=True)

    assert calls(second.journal)[: len(LATE_COMER)] == LATE_COMER
    assert [block.response.app_hash for block in second.blocks] == [
        block.response.app_hash for block in first.blocks[: len(second.blocks)]
    ]


async def test_order_of_calls__of_a_member_of_the_local_engine_that_was_away__is_the_same(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, powers=(10, 10, 10, 10)).start()
    network.engine.pause(3)
    while network.engine.height < BEHIND:
        network.clock.advance(PULSE_S)
        await network.engine.step()
    network.engine.resume(3)
    await network.engine.step()

    of_the_late = [call.removeprefix("v3 ") for call in network.journal if call.startswith("v3 ")]
    assert of_the_late[: len(LATE_COMER)] == LATE_COMER


async def test_order_of_calls__of_a_node_that_starts_from_a_snapshot__offers_chunks_and_then_later_blocks(
    tmp_path: Path,
) -> None:
    journal = list[str]()
    giver = SyncedNode(tmp_path / "giver", journal=[])
    async with giver.running(), giver.served() as server:
        await _happens(lambda: giver.height >= 2 * SyncedNode.SNAPSHOT_EVERY + 2)
        trusted = await giver.header_hash(SyncedNode.SNAPSHOT_EVERY)
        joiner = SyncedNode(tmp_path / "joiner", journal=journal, giver=giver, server=server, trusted=trusted)
        async with joiner.running():
            await _happens(lambda: joiner.height > joiner.first_height + 2)
            assert joiner.app_hash_at[joiner.height] == giver.app_hash_at[joiner.height]

    snapshot = joiner.first_height - 1
    assert snapshot % SyncedNode.SNAPSHOT_EVERY == 0
    offered = journal.index("offer_snapshot")
    assert set(journal[:offered]) <= {"info"}
    after = journal[offered + 1 :]
    chunks = next(place for place, call in enumerate(after) if call != "apply_snapshot_chunk")
    assert chunks > 0
    assert after[chunks] == "info"
    assert after[chunks + 1 : chunks + 3] == [f"finalize({snapshot + 1})", f"commit({snapshot + 1})"]
    assert "init_chain" not in journal


async def _happens(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - it is seen in another process's doings
            await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a block did, as far as consensus covers it."""

    height: int
    transactions: tuple[bytes, ...]
    codes: tuple[int, ...]
    updates: tuple[ValidatorUpdate, ...]
    app_hash: Hash32


@pytest.mark.timeout(240)
async def test_blocks__of_a_whole_network_on_cometbft__give_the_same_hashes_in_the_local_engine(tmp_path: Path) -> None:
    """A checkpoint's life from the first head report to the ack, on four real nodes; then again in the local engine."""
    blocks, genesis_of_network = await _checkpoint_on_cometbft(tmp_path / "comet")

    outcomes = await _in_local_engine(tmp_path, genesis_of_network, blocks)

    assert outcomes == [_outcome(block) for block in blocks]
    assert len({outcome.app_hash for outcome in outcomes}) > 10, "nothing happened"


async def _checkpoint_on_cometbft(home: Path) -> tuple[list[CommittedBlock], Genesis]:
    settings = DevnetSettings(home, api_port=0, engine="comet")
    devnet = await Devnet.start(settings, SystemClock(), ChainsProcess.start)
    blocks: list[CommittedBlock] = []
    acknowledged = asyncio.Event()

    def note(block: CommittedBlock) -> None:
        blocks.append(block)
        if devnet.validators[0].committed.state.turns[0].acks:
            acknowledged.set()

    devnet.engine.subscribe(0, note)
    try:
        async with asyncio.timeout(120):
            await run_together(acknowledged.wait(), devnet.run())
    finally:
        await devnet.close()
    return blocks, devnet.genesis


async def _in_local_engine(path: Path, genesis_: Genesis, blocks: list[CommittedBlock]) -> list[Outcome]:
    """Hand the local engine each block's transactions at that block's time; what it makes of them."""
    clock = ManualClock(genesis_.time_s)
    opener = TransactionOpener(genesis_hash(genesis_))
    heard: list[CommittedBlock] = []
    members = [
        Member(f"validator {one.id}", (one.public_key,), Application(genesis_, MemoryStateStore(), opener), clock)
        for one in genesis_.validators
    ]
    with closing(BlockStore(path / "engine.db")) as store:
        request = init_chain_request(genesis_)
        engine = LocalEngine(members, store, clock, genesis=request, block_interval_s=0, pulse_s=0)
        engine.subscribe(0, heard.append)
        engine.start()
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            for transaction in block.transactions:
                for index in range(len(members)):
                    engine.submit(index, transaction)
            if following is not None:
                # The clock at this block's precommits is the next block's time.
                clock.advance(max(0.0, following.time_ns / 1e9 - clock.now()))
            await engine.step()
    return [_outcome(block) for block in heard]


def _outcome(block: CommittedBlock) -> Outcome:
    response = block.response
    codes = tuple(result.code for result in response.tx_results)
    return Outcome(block.height, block.transactions, codes, response.validator_updates, response.app_hash)
