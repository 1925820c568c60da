"""The engine and its child: what counts as a failure, what is told of it, and how both are stopped and started."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from node.engine.comet import process, rpc
from node.engine.comet.engine import HEALTHY_S, RESTART_MAX_S, RESTART_S, SILENT_S
from node.engine.comet.process import CONSENSUS_FAILURE, ERROR_CHARACTERS_MAX, LINE_BYTES_MAX
from node.engine.trouble import TroubleCode
from tests.unit.engine.comet.stage import Child, Stage, on_stage, until

PANIC = "panic: state.AppHash does not match AppHash after replay"


def lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


async def started_again(stage: Stage, pause_s: float = 2 * RESTART_S) -> Child:
    """The next child, after the pause of a first failure."""
    await stage.is_down(f"it is started again in {pause_s:g} s")
    stage.clock.advance(pause_s)
    return await stage.enters()


async def test_child__started__runs_on_its_directory_and_is_told_as_starting_until_it_answers(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        assert stage.engine.trouble is not None
        assert (stage.engine.trouble.code, stage.engine.trouble.text) == (
            TroubleCode.ENGINE_DOWN,
            "cometbft is starting",
        )
        child = await stage.enters()
        assert child.arguments == ("start", "--home", ".")
        assert stage.files.process_id.read_text() == str(child.process_id)
        await stage.is_up()
        assert stage.engine.peers == 0
        await stage.stop()
        assert not lives(child.process_id)
        assert not stage.files.process_id.exists()


@pytest.mark.parametrize("code", [0, 1, 2])
async def test_child__that_ends__is_a_failure_whatever_its_exit_code(tmp_path: Path, code: int) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.do("exit", code=code)
        await stage.is_down(f"cometbft ended with exit code {code}; it is started again in 1 s")
        assert stage.engine.trouble is not None
        assert stage.engine.trouble.code is TroubleCode.ENGINE_DOWN
        assert stage.engine.submit(b"tx") == f"ENGINE_DOWN: {stage.engine.trouble.text}"
        assert (stage.engine.share_permille, stage.engine.quorum, stage.engine.peers) == (0, False, None)
        stage.clock.advance(1)
        await stage.enters()
        await stage.is_up()


async def test_pauses__between_starts__double_to_their_limit_and_begin_anew_after_a_healthy_run(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        for pause_s in (1, 2, 4, 8, 16, RESTART_MAX_S, RESTART_MAX_S):
            child = await stage.enters()
            await stage.is_up()
            await child.do("exit", code=1)
            await stage.is_down(f"exit code 1; it is started again in {pause_s:g} s")
            stage.clock.advance(pause_s - 0.5)
            await asyncio.sleep(0)
            assert stage.is_empty
            stage.clock.advance(0.5)

        child = await stage.enters()
        await stage.is_up()
        well_s = stage.clock.monotonic() + HEALTHY_S
        await until(lambda: stage.clock.monotonic() > well_s, stage.look)
        await child.do("exit", code=1)
        await stage.is_down("it is started again in 0.5 s")


async def test_panic__of_the_child__is_told_by_its_first_line_without_the_stack(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await child.says("some peer went away")
        for line in (PANIC, "", "goroutine 1 [running]:", "main.main()", "\t/src/main.go:7 +0x1"):
            await child.do("say", line=line)
        await child.do("exit", code=2)
        await stage.is_down("exit code 2")
        assert stage.engine.trouble is not None
        assert stage.engine.trouble.text == f"cometbft ended with exit code 2 {PANIC}; it is started again in 1 s"


async def test_fatal_error__of_go_itself__is_told_by_its_first_line_without_the_stacks(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        for line in ("fatal error: runtime: out of memory", "", "goroutine 1 [running]:", "main.main()"):
            await child.do("say", line=line)
        await child.do("exit", code=2)
        await stage.is_down("exit code 2 fatal error: runtime: out of memory; it is started again")


async def test_cause__that_is_long__is_cut(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await child.says("x" * 2 * ERROR_CHARACTERS_MAX)
        await child.do("exit", code=2)
        await stage.is_down(f"exit code 2 {'x' * ERROR_CHARACTERS_MAX}; it is")


async def test_lines__that_are_no_errors__are_no_cause(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await child.says("cannot dial", err="refused", peer="ab")
        await child.says("all is well", level="info")
        await child.do("exit", code=1)
        await stage.is_down("exit code 1 cannot dial err=refused peer=ab; it is")


async def test_line__over_the_limit__is_dropped_whole_and_the_next_is_read(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await child.says("before")
        await child.do("say", line="x" * 1024, times=5 * LINE_BYTES_MAX // 1024)
        await child.do("exit", code=1)
        await stage.is_down("exit code 1 before; it is")

        stage.clock.advance(1)
        child = await stage.enters()
        await child.do("say", line="x" * 1024, times=5 * LINE_BYTES_MAX // 1024)
        await child.says("after")
        await child.do("exit", code=1)
        await stage.is_down("exit code 1 after; it is")


async def test_consensus_failure__in_the_log__ends_the_child_though_it_answers(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.says(CONSENSUS_FAILURE, err="failed to apply block")
        await child.has_ended()
        await stage.is_down(f"{CONSENSUS_FAILURE} err=failed to apply block")
        await started_again(stage)


async def test_child__that_falls_silent__is_told_soon_and_killed_and_started_again_in_the_end(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.do("fall_silent", silent=True)
        began_s = stage.clock.monotonic()
        await until(lambda: stage.engine.trouble, stage.look)
        assert stage.engine.trouble is not None
        assert "does not answer" in stage.engine.trouble.text
        assert stage.clock.monotonic() - began_s < SILENT_S
        await until(lambda: "has not answered for 6" in str(stage.engine.trouble), stage.look)
        assert stage.clock.monotonic() - began_s > SILENT_S
        await child.has_ended()
        await started_again(stage, RESTART_S)
        await stage.is_up()


async def test_child__that_is_silent_for_a_while__goes_on_without_a_start(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.do("fall_silent", silent=True)
        await until(lambda: stage.engine.trouble, stage.look)
        await child.do("fall_silent", silent=False)
        await stage.is_up()
        assert lives(child.process_id)
        assert stage.is_empty


async def test_child__that_is_paused__is_neither_down_nor_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        monkeypatch.setattr(rpc, "CALL_S", 0.01)
        stage.engine.pause()
        silent_s = stage.clock.monotonic() + SILENT_S + 3
        await until(lambda: stage.clock.monotonic() > silent_s, stage.look)
        assert (stage.engine.trouble, stage.engine.is_paused) == (None, True)
        assert lives(child.process_id)
        monkeypatch.undo()
        stage.engine.resume()
        assert not stage.engine.is_paused
        await child.do("tell_asked")
        assert stage.is_empty


async def test_stop__of_the_engine__ends_the_child_while_its_signer_still_answers(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await stage.has_signer()
        await stage.stop()
        assert await child.hear() == {"ends": True, "signer_answers": True}
        assert not stage.engine.remote_signer.is_connected


@pytest.mark.timeout(20)
async def test_stop__of_a_child_that_ignores_it__kills_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_S", 0.05)
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await child.do("ignore")
        await stage.stop()
        assert await child.hear() == {}, "it could say nothing any more"
        assert not lives(child.process_id)


async def test_stop__of_a_child_that_is_paused__ends_it(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        stage.engine.pause()
        await stage.stop()
        assert (await child.hear())["ends"]


async def test_orphan__of_an_earlier_run__is_ended_before_the_next_child_starts(tmp_path: Path) -> None:
    async with on_stage(tmp_path / "one") as first:
        orphan = await first.enters()
        os.kill(orphan.process_id, signal.SIGSTOP)
        async with on_stage(tmp_path / "other", home=first.files.home) as second:
            assert (await orphan.hear())["ends"]
            await until(lambda: not second.is_empty, lambda: second.clock.pass_wait(process._POLL_S))
            child = await second.enters()
            assert child.process_id != orphan.process_id
            await second.is_up()


async def test_process__of_an_orphan_s_number_that_is_no_cometbft_or_works_elsewhere__is_left_alone(
    tmp_path: Path,
) -> None:
    strangers = [
        await asyncio.create_subprocess_exec("sleep", "60", cwd=tmp_path),
        await asyncio.create_subprocess_exec("sh", "-c", "sleep 60; : cometbft", cwd=tmp_path.parent),
    ]
    try:
        for number, stranger in enumerate(strangers):
            home = tmp_path / str(number)
            home.mkdir()
            (home / "comet").mkdir()
            (home / "comet" / "cometbft.pid").write_text(str(stranger.pid))
            async with on_stage(home) as stage:
                await stage.enters()
                assert stranger.returncode is None
    finally:
        for stranger in strangers:
            stranger.kill()
            await stranger.wait()


async def test_process_id__that_cannot_be_written__leaves_no_child_behind(tmp_path: Path) -> None:
    (tmp_path / "comet" / "cometbft.pid").mkdir(parents=True)
    async with on_stage(tmp_path) as stage:
        await stage.is_down("Is a directory")
        assert stage.is_empty
        stage.files.process_id.rmdir()
        stage.clock.advance(1)
        await stage.enters()
        await stage.is_up()


async def test_sockets__left_by_a_killed_run__are_in_nobody_s_way(tmp_path: Path) -> None:
    (tmp_path / "comet").mkdir()
    for name in ("app.sock", "signer.sock", "rpc.sock"):
        (tmp_path / "comet" / name).touch()
    async with on_stage(tmp_path) as stage:
        await stage.enters()
        await stage.is_up()


async def test_binary__that_went_away__is_told_and_tried_again(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        hidden = stage.binary.rename(stage.binary.with_name("away"))
        await child.do("exit", code=1)
        await stage.is_down("exit code 1")
        stage.clock.advance(1)
        await stage.is_down("cannot be run: No such file or directory; it is started again in 2 s")
        hidden.rename(stage.binary)
        stage.clock.advance(2)
        await stage.enters()
        await stage.is_up()
