"""Processes in the background that a later command finds again.

A process holds a lock on its pid file for as long as it lives: the file is opened and locked before it starts, and it
inherits that. So a file left over from a crash, or a pid that the system gave to somebody else, is never taken for it.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.localnet.errors import ProcessFailed

POLL_INTERVAL_S = 0.02
KILLED_WITHIN_S = 5.0
TAIL_LINES = 12
TAIL_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Process:
    """A background process by its name, running or not."""

    name: str
    pid_file: Path
    log: Path

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start it in a session of its own, with its output in the log; if it runs already, leave it.

        Raises ProcessFailed if the command cannot be run.
        """
        for path in (self.pid_file, self.log):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pid_file = os.open(self.pid_file, os.O_RDWR | os.O_CREAT, 0o600)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(pid_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.set_inheritable(pid_file, True)
            # Not subprocess.Popen, which wants to see its child's end: this one is to outlive us.
            pid = os.posix_spawnp(
                command[0],
                list(command),
                os.environ if environment is None else environment,
                file_actions=(
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ),
                setsid=True,
            )
            os.ftruncate(pid_file, 0)
            os.pwrite(pid_file, f"{pid}\n".encode(), 0)
        except BlockingIOError:
            return
        except OSError as error:
            raise ProcessFailed(f"{command[0]} cannot be run: {error.strerror}") from error
        finally:
            os.close(log)
            os.close(pid_file)

    def pid(self) -> int | None:
        """Its process id, or None if it does not run."""
        try:
            pid_file = os.open(self.pid_file, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(pid_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(pid_file, 32, 0).decode().strip()
            return int(text) if text else None  # a start is under way that has not written it yet
        finally:
            os.close(pid_file)
        return None

    def is_paused(self) -> bool:
        """Whether it is stopped by SIGSTOP."""
        pid = self.pid()
        return pid is not None and is_paused(pid)

    def signal(self, number: signal.Signals) -> bool:
        """Send it a signal; False if it does not run."""
        pid = self.pid()
        return pid is not None and send(pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; False if it still runs after that time."""
        deadline_s = time.monotonic() + timeout_s
        while self.pid() is not None:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(POLL_INTERVAL_S)
        return True

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines that it wrote."""
        return tail(self.log, lines)

    def failed(self, what: str) -> ProcessFailed:
        """The error to raise when it did not do what it should."""
        return ProcessFailed(f"{self.name} {what}; the end of {self.log}:\n{self.tail()}")


def stop(processes: Sequence[Process], grace_s: float) -> tuple[str, ...]:
    """Ask all to end and kill those that do not within the grace; the names of those that were killed.

    A paused process hears nothing, so it is let go on first.
    """
    for process in processes:
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)
    deadline_s = time.monotonic() + grace_s
    stubborn = [process for process in processes if not process.wait(max(0.0, deadline_s - time.monotonic()))]
    for process in stubborn:
        process.signal(signal.SIGKILL)
    for process in stubborn:
        if not process.wait(KILLED_WITHIN_S):
            raise ProcessFailed(f"{process.name} (process {process.pid()}) does not end, even when killed")
    return tuple(process.name for process in stubborn)


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; False if there is no such process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def is_paused(pid: int) -> bool:
    """Whether a process is stopped by SIGSTOP."""
    return _looked_up(pid, "stat").startswith("T")


def command_line(pid: int) -> str:
    """How a process was started; empty if there is none."""
    return _looked_up(pid, "args")


def tail(path: Path, lines: int) -> str:
    """The last lines of a file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES_MAX))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _looked_up(pid: int, what: str) -> str:
    """`stat` or `args` of a process, from Linux's /proc, else from `ps`."""
    proc = Path(f"/proc/{pid}")
    try:
        if what == "args":
            return (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return (proc / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        if Path("/proc/self").exists():
            return ""
    asked = ["ps", "-ww", "-o", f"{what}=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - a number and two words
