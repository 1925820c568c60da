"""The child process `cometbft`: which binary, how it is started, what it says, how it is stopped.

It runs in its own directory, so that it may name its sockets relative to it. When our process dies it ends by itself,
because its connection to the application is cut.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bridge.chain.clock import Clock
from node.engine.comet.build_info import module_version
from node.engine.comet.files import CometFiles
from node.engine.errors import EngineBinaryError

MODULE = "github.com/cometbft/cometbft"
RELEASE = "v0.40.0"
STOP_S = 3.0
"""How long it is given to end by itself; then it is killed."""
ORPHAN_S = 5.0
"""How long one of an earlier run is given."""
LINE_BYTES_MAX = 64 * 1024
CONSENSUS_FAILURE = "CONSENSUS FAILURE!!!"
"""What v0.40.0 logs when its consensus routine has died; the process goes on living at a frozen height."""
PANICS = ("panic: ", "fatal error: ")
"""How Go begins to tell why it ends; stacks follow."""
ERROR_CHARACTERS_MAX = 500
_POLL_S = 0.05
_READ_BYTES = 16 * 1024
_LAST_LINES_S = 1.0
"""How long the end of its log is waited for once it has ended."""

log = logging.getLogger("node.engine.comet")
child_log = logging.getLogger("node.engine.comet.cometbft")


def find_binary(configured: str) -> Path:
    """The `cometbft` to run: the configured one, else that on PATH, else the one beside this Python.

    Raises EngineBinaryError if there is none, or if it is not the release that we know.
    """
    beside = Path(sys.prefix) / "bin" / "cometbft"
    found = configured or shutil.which("cometbft") or (str(beside) if beside.exists() else "")
    if not found:
        raise EngineBinaryError(
            f"no cometbft is on PATH, and none at {beside}: run `make cometbft`, "
            f"or `go install {MODULE}/cmd/cometbft@{RELEASE}`, or name one in engine.comet.binary"
        )
    path = Path(found).expanduser()
    version = module_version(path, MODULE)
    if version != RELEASE:
        raise EngineBinaryError(
            f"{path} was built from {MODULE if version else 'another program than'} {version or MODULE}; "
            f"{RELEASE} is needed: `go install {MODULE}/cmd/cometbft@{RELEASE}`"
        )
    return path


class CometProcess:
    """One run of the child. Start it by `start`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: asyncio.StreamReader,
        files: CometFiles,
        on_failure: Callable[[str], None],
    ) -> None:
        self._process = process
        self._output = output
        self._files = files
        self._on_failure = on_failure
        self._reading = asyncio.create_task(self._read_log(), name="cometbft log")
        self._is_stopping = False
        self.last_error = ""
        """The last line that it logged as an error; the panic, once there was one, and not the stack below it."""
        self._has_panicked = False

    @classmethod
    async def start(
        cls, binary: Path, files: CometFiles, clock: Clock, on_failure: Callable[[str], None]
    ) -> "CometProcess":
        """Start it on its directory, whose files are written.

        One that an earlier run of ours left behind is ended first. `on_failure` is told when its consensus has died
        though the process lives. Raises EngineBinaryError, and OSError.
        """
        await _end_orphan(files, clock)
        for socket in (files.signer_socket, files.rpc_socket):
            socket.unlink(missing_ok=True)
        try:
            process = await asyncio.create_subprocess_exec(
                binary,
                *("start", "--home", "."),
                cwd=files.home,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C at our terminal is ours to handle
            )
        except OSError as error:
            raise EngineBinaryError(f"{binary} cannot be run: {error.strerror}") from error
        try:
            files.process_id.write_text(str(process.pid))
        except OSError:
            # One that the next run cannot find must not go on.
            process.kill()
            await process.communicate()
            raise
        log.info("cometbft started", extra={"binary": binary, "pid": process.pid})
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        return cls(process, process.stdout, files, on_failure)

    @property
    def process_id(self) -> int:
        """Of the child."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return its exit code when it has ended; it ends with 0 also when its application is gone."""
        return await self._process.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """Stop, continue or end it; nothing happens if it has ended."""
        if self.is_running:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """End it, by force if it takes too long."""
        self._is_stopping = True
        self.send_signal(signal.SIGCONT)
        self.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            log.warning("cometbft did not stop in time and is killed", extra={"pid": self._process.pid})
            self.send_signal(signal.SIGKILL)
            await self._process.wait()
        await asyncio.wait((self._reading,), timeout=_LAST_LINES_S)
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._files.process_id.unlink(missing_ok=True)

    async def _read_log(self) -> None:
        """Tell all lines of its log; one over the limit is dropped as a whole."""
        rest, is_dropped = b"", False
        while data := await self._output.read(_READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if not is_dropped:
                    self._tell(line)
                is_dropped = False
            if len(rest) > LINE_BYTES_MAX:
                rest, is_dropped = b"", True

    def _tell(self, line: bytes) -> None:
        """Pass a line on to our own log.

        Its errors are mostly about peers that come and go, and while it ends, about everything that ends: what stops
        it for good is told by its end.
        """
        is_error, text, facts = _parse(line)
        is_news = is_error and not self._is_stopping and not self._has_panicked
        self._has_panicked |= text.startswith(PANICS)
        if is_news:
            self.last_error = f"{text} {facts}".strip()[:ERROR_CHARACTERS_MAX]
        child_log.log(logging.INFO if is_news else logging.DEBUG, text, extra={"facts": facts})
        if CONSENSUS_FAILURE in text:
            self._on_failure(f"{text} {facts}".strip())


def _parse(line: bytes) -> tuple[bool, str, str]:
    """Whether a log line is an error, its text, and the rest; what is no JSON, such as a panic, is one."""
    try:
        document = json.loads(line)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return True, line.decode(errors="replace").strip(), ""
    is_error = document.pop("level", "") not in {"debug", "info"}
    text = str(document.pop("_msg", ""))
    document.pop("ts", None)
    return is_error, text, " ".join(f"{name}={value}" for name, value in document.items())


async def _end_orphan(files: CometFiles, clock: Clock) -> None:
    """End a cometbft of an earlier run that still holds this directory: one that was stopped, or is slow to end."""
    process_id = _orphan(files)
    if process_id is None:
        return
    log.warning("ending the cometbft of an earlier run", extra={"pid": process_id})
    deadline = clock.monotonic() + ORPHAN_S
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGCONT)
        os.kill(process_id, signal.SIGTERM)
        while clock.monotonic() < deadline:
            os.kill(process_id, 0)
            await clock.sleep(_POLL_S)
        os.kill(process_id, signal.SIGKILL)


def _orphan(files: CometFiles) -> int | None:
    """The process that the last run left here, if it lives and still works in this directory."""
    try:
        process_id = int(files.process_id.read_text())
        command = Path(f"/proc/{process_id}/cmdline").read_bytes()
        is_ours = b"cometbft" in command and Path(f"/proc/{process_id}/cwd").resolve() == files.home.resolve()
    except (OSError, ValueError):
        return None
    return process_id if is_ours else None
