"""Background processes: found again by their lock, however they ended, and stopped whatever they do."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.localnet.errors import ProcessFailed
from node.localnet.processes import Process, command_line, stop
from tests.e2e.process import wait_until

SAYS_AND_WAITS = "import signal; print('ready', flush=True); signal.pause()"
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SAYS_AND_WAITS.partition("; ")[2]
GRACE_S = 10.0


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    one = Process("one", tmp_path / "run" / "one.pid", tmp_path / "logs" / "one.log")
    yield one
    one.signal(signal.SIGKILL)
    assert one.wait(GRACE_S)


def started(process: Process, program: str = SAYS_AND_WAITS) -> int:
    """Start it, and wait until it has said so; its process id."""
    process.start((sys.executable, "-c", program))
    wait_until(lambda: "ready" in process.tail())
    pid = process.pid()
    assert pid is not None
    return pid


def reap(pid: int) -> int:
    """How a process ended that this one has started."""
    return os.waitpid(pid, 0)[1]


def test_process__never_started__does_not_run(process: Process) -> None:
    assert process.pid() is None
    assert not process.is_paused()
    assert not process.signal(signal.SIGKILL)
    assert process.tail() == ""


def test_process__started__is_found_by_whoever_looks_and_has_a_session_of_its_own(process: Process) -> None:
    pid = started(process)
    again = Process(process.name, process.pid_file, process.log)
    assert again.pid() == pid
    assert os.getsid(pid) == pid != os.getsid(0)
    assert SAYS_AND_WAITS[:20] in command_line(pid)
    assert process.pid_file.stat().st_mode & 0o077 == process.log.stat().st_mode & 0o077 == 0


def test_process__started_twice__runs_once(process: Process) -> None:
    pid = started(process)
    process.start((sys.executable, "-c", SAYS_AND_WAITS))
    assert process.pid() == pid
    assert process.tail().count("ready") == 1


def test_process__killed__is_not_taken_for_another_with_its_number(process: Process) -> None:
    pid = started(process)
    process.signal(signal.SIGKILL)
    assert process.wait(GRACE_S)
    assert reap(pid) == signal.SIGKILL
    process.pid_file.write_text(f"{os.getpid()}\n")  # as if the system had given its number to us
    assert process.pid() is None
    assert not process.signal(signal.SIGTERM)
    assert started(process) != os.getpid()


def test_stop__of_one_that_ends__kills_nothing(process: Process) -> None:
    pid = started(process)
    assert stop([process], GRACE_S) == ()
    assert reap(pid) == signal.SIGTERM


def test_stop__of_a_paused_one__lets_it_hear(process: Process) -> None:
    pid = started(process)
    process.signal(signal.SIGSTOP)
    wait_until(process.is_paused)
    assert stop([process], GRACE_S) == ()
    assert reap(pid) == signal.SIGTERM


def test_stop__of_one_that_does_not_listen__kills_it_after_the_grace(process: Process) -> None:
    pid = started(process, IGNORES_SIGTERM)
    assert stop([process], 0.1) == ("one",)
    assert process.pid() is None
    assert reap(pid) == signal.SIGKILL


def test_start__of_what_cannot_be_run__says_so_and_leaves_nothing_locked(process: Process) -> None:
    with pytest.raises(ProcessFailed, match="/nowhere/anvil cannot be run: No such file"):
        process.start(("/nowhere/anvil",))
    assert process.pid() is None


def test_failed__of_one_that_ended__quotes_the_end_of_its_log(process: Process) -> None:
    process.start((sys.executable, "-c", "[print(i, flush=True) for i in range(1000)]"))
    assert process.wait(GRACE_S)
    told = str(process.failed("ended"))
    assert told.startswith(f"one ended; the end of {process.log}:\n988\n")
    assert told.endswith("\n999")
