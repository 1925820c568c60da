"""The engine with its application, its mempool and its signer: what it carries, what it refuses, and how it fails."""

import asyncio
from pathlib import Path

import pytest

from bridge.codec.hash import keccak256
from node.app.abci import FinalizeBlockRequest
from node.app.messages import Upgrade
from node.app.store import MemoryStateStore
from node.engine.comet import rpc
from node.engine.comet.engine import PENDING_MAX, RESTART_MAX_S, SILENT_S
from node.engine.comet.set_changes import SetChanges
from node.engine.convert import CommitRequest, InfoRequest
from node.engine.errors import EngineUnreachable
from node.engine.proto import abci_pb2 as pb
from node.engine.trouble import TroubleCode
from node.keys.private_key import PrivateKey
from tests.unit.app import logs
from tests.unit.app.network import Network, key
from tests.unit.engine.comet.stage import Child, Stage, envelope, on_stage, status_answer, until
from tests.unit.engine.network import address
from tests.unit.engine.test_engine_application import a_genesis

OLD, NEW = PrivateKey(key(1).private), PrivateKey(key(50).private)


def a_block(height: int) -> FinalizeBlockRequest:
    genesis_ns = a_genesis().time_s * 10**9
    return FinalizeBlockRequest((), height, genesis_ns + height * 10**9, b"\1" * 32, address(0))


async def stays_down(stage: Stage, child: Child) -> None:
    """The child is ended, and none comes after it, however long that lasts."""
    await child.has_ended()
    await until(lambda: not stage.files.process_id.exists())
    stage.clock.advance(10 * (RESTART_MAX_S + SILENT_S))
    await until(lambda: stage.is_empty)


async def test_application__that_raises__is_asked_no_more_and_its_cause_stays(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        (answer,) = await child.ask_application(a_block(7))
        assert pb.Response.FromString(answer).exception.error.startswith("HEIGHT_UNEXPECTED: ")
        await stage.is_down("the application failed, and is asked no more: HEIGHT_UNEXPECTED: ")
        assert stage.engine.trouble is not None
        assert stage.engine.trouble.code is TroubleCode.ENGINE_DOWN
        await stays_down(stage, child)
        assert "HEIGHT_UNEXPECTED" in stage.engine.trouble.text


async def test_application__that_needs_a_newer_program__says_so_and_is_not_asked_again(tmp_path: Path) -> None:
    network = Network()
    upgrade = Upgrade(version=2, height=network.app.committed.height + 110, notes_digest=keccak256(b"notes"))
    network.block(*(network.attest(validator, upgrade) for validator in network.validators))
    network.empty_blocks(upgrade.height - 1 - network.app.committed.height)
    time_ns = (network.time_ms + 1_000) * 1_000_000
    block = FinalizeBlockRequest((), upgrade.height, time_ns, b"", network.validators[0].key.address)
    async with on_stage(tmp_path, genesis=network.genesis, store=network.store) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.ask_application(block)
        await stage.is_down(f"version 2 is needed from height {upgrade.height}")
        assert stage.engine.trouble is not None
        assert stage.engine.trouble.code is TroubleCode.UPGRADE_NEEDED
        await stays_down(stage, child)


async def test_child__that_replays_blocks_and_answers_nothing_meanwhile__is_let_work(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await child.do("fall_silent", silent=True)
        for height in range(1, 5):
            await child.ask_application(a_block(height), CommitRequest())
            calls = await child.asked("status")
            while await child.asked("status") < calls + SILENT_S / 2:
                stage.look()
        assert stage.is_empty
        await child.do("fall_silent", silent=False)
        await child.do("answer", method="status", body=status_answer(4))
        await stage.is_up()
        await until(lambda: stage.engine.is_caught_up, stage.look)


async def test_submit__more_than_the_limit__is_refused_and_told_until_cometbft_took_some(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        refused = stage.engine.submit(b"tx")
        assert refused == "ENGINE_DOWN: cometbft is starting"
        child = await stage.enters()
        await stage.is_up()
        await child.do("answer", method="broadcast_tx_sync", body=envelope({"code": 0}))
        answers = [stage.engine.submit(b"%d" % number) for number in range(PENDING_MAX + 1)]
        assert answers == [None] * PENDING_MAX + ["16 transactions wait for cometbft to answer"]
        await child.do("tell_asked")
        await until(lambda: stage.engine.submit(b"next") is None)
        assert stage.engine.last_refusal is None


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (envelope({"code": 5, "log": "UNKNOWN_SIGNER"}), "CheckTx code 5: UNKNOWN_SIGNER"),
        (
            '{"error": {"code": -32603, "message": "Internal error", "data": "mempool is full"}}',
            "Internal error: mempool is full",
        ),
        ('{"error": {"message": "tx already exists in cache"}}', "tx already exists in cache: "),
        ("[]", "cometbft answers something else than was asked"),
        ('{"result": {}}', "cometbft answers something else than was asked"),
    ],
)
async def test_transaction__that_the_mempool_does_not_take__is_told_with_the_reason_until_one_is_taken(
    tmp_path: Path, body: str, refusal: str
) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.do("answer", method="broadcast_tx_sync", body=body)
        assert stage.engine.submit(b"tx") is None
        await until(lambda: (stage.engine.last_refusal or "").startswith(refusal))
        await child.do("answer", method="broadcast_tx_sync", body=envelope({"code": 0}))
        assert stage.engine.submit(b"tx") is None
        await until(lambda: stage.engine.last_refusal is None)


async def test_transaction__that_nobody_answers__is_told_as_that(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.do("fall_silent", silent=True)
        assert stage.engine.submit(b"tx") is None
        await until(lambda: "cometbft does not answer broadcast_tx_sync" in (stage.engine.last_refusal or ""))


async def test_askers__of_the_api_on_every_connection_there_is__do_not_blind_the_watch(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.do("keep_waiting", method="block")
        async with asyncio.TaskGroup() as askers:
            asking = [askers.create_task(stage.engine.rpc.raw("block", {})) for _ in range(2 * rpc.CONNECTIONS_MAX)]
            while (
                len([1 for call in (await child.do("tell_asked"))["asked"] if call["method"] == "block"])
                < rpc.CONNECTIONS_MAX
            ):
                pass
            looked_s = stage.clock.monotonic() + 5
            await until(lambda: stage.clock.monotonic() > looked_s, stage.look)
            assert stage.engine.trouble is None
            for asker in asking:
                asker.cancel()


async def test_answer__over_the_limit__is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await child.do("answer", method="block", body="x" * 1_000)
        monkeypatch.setattr(rpc, "ANSWER_BYTES_MAX", 1_000)
        assert await stage.engine.rpc.raw("block", {}) == b"x" * 1_000
        monkeypatch.setattr(rpc, "ANSWER_BYTES_MAX", 999)
        with pytest.raises(EngineUnreachable, match="over 999 bytes"):
            await stage.engine.rpc.raw("block", {})


def changed_signer() -> tuple[Network, int]:
    """A network in whose last block but two validator 1 changed its key from OLD to NEW; and that block's height."""
    network = Network()
    network.block()
    change = logs.signer_change(network.validators[0].id, 2, OLD.address, NEW.address, NEW.public_key)
    network.l1_block(change)
    network.see_l1()
    height = network.app.committed.height
    network.empty_blocks(2)
    return network, height


async def test_key__around_a_change_of_signer__is_that_of_the_set_two_heights_later(tmp_path: Path) -> None:
    network, changed = changed_signer()
    async with on_stage(tmp_path, genesis=network.genesis, held=(NEW, OLD)) as stage:
        child = await stage.enters()
        await stage.has_signer()
        named = {}
        for block in network.blocks:
            named[block.height] = await child.asks_for_key(network.genesis.name)
            await child.ask_application(block, CommitRequest())
        expected = {height: OLD if height <= changed + 1 else NEW for height in named}
        assert named == {height: held.public_key for height, held in expected.items()}
        assert max(named) > changed + 1


async def test_key__after_a_start_between_the_change_and_its_coming_into_force__is_still_the_old_one(
    tmp_path: Path,
) -> None:
    network, changed = changed_signer()
    store = MemoryStateStore()
    async with on_stage(tmp_path, genesis=network.genesis, store=store, held=(NEW, OLD)) as stage:
        child = await stage.enters()
        for block in network.blocks[:changed]:
            await child.ask_application(block, CommitRequest())
        assert stage.application.committed.height == changed
    async with on_stage(tmp_path, genesis=network.genesis, store=store, held=(NEW, OLD)) as stage:
        child = await stage.enters()
        await stage.has_signer()
        assert await child.asks_for_key(network.genesis.name) == OLD.public_key
        await child.ask_application(network.blocks[changed], CommitRequest())
        assert await child.asks_for_key(network.genesis.name) == NEW.public_key


async def test_key__after_a_crash_between_execution_and_commit_of_the_change__is_the_old_one_all_the_same(
    tmp_path: Path,
) -> None:
    network, changed = changed_signer()
    store = MemoryStateStore()
    for blocks in (network.blocks[: changed - 1], ()):
        async with on_stage(tmp_path, genesis=network.genesis, store=store, held=(NEW, OLD)) as stage:
            child = await stage.enters()
            for block in blocks:
                await child.ask_application(block, CommitRequest())
            await child.ask_application(network.blocks[changed - 1])
            await stage.has_signer()
            assert await child.asks_for_key(network.genesis.name) == OLD.public_key
    assert stage.application.committed.height == changed - 1


async def test_change__that_cannot_be_written_down__is_not_committed_and_comes_anew_once_it_can(tmp_path: Path) -> None:
    network, changed = changed_signer()
    async with on_stage(tmp_path, genesis=network.genesis, held=(NEW, OLD)) as stage:
        child = await stage.enters()
        await stage.is_up()
        stage.files.set_changes.mkdir()
        for block in network.blocks[:changed]:
            await child.ask_application(block, CommitRequest())
        await stage.is_down(f"DATABASE_UNWRITABLE: {stage.files.set_changes} cannot be written")
        assert stage.application.committed.height == changed - 1
        stage.files.set_changes.rmdir()
        stage.clock.advance(1)
        child = await stage.enters()
        await child.ask_application(InfoRequest(), network.blocks[changed - 1], CommitRequest())
        assert stage.application.committed.height == changed


def test_set_changes__in_blocks_in_a_row__keep_the_last_two_and_outlive_the_program(tmp_path: Path) -> None:
    path = tmp_path / "changes.json"
    changes = SetChanges(path)
    assert changes.before(1) is None
    sets = [(address(0),), (address(0), address(1)), (address(1),)]
    for height, before in enumerate(sets, start=1):
        changes.note(height, before)
    changes.note(3, (address(2),))
    for known in (changes, SetChanges(path)):
        assert [known.before(height) for height in range(5)] == [None, None, sets[1], (address(2),), None]


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", '[[1, ["0xzz"]]]', '[["x", []]]', "{}"])
def test_set_changes__of_a_file_that_is_none__are_unknown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "changes.json"
    path.write_text(text)
    assert SetChanges(path).before(1) is None
