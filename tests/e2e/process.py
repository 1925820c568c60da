"""A devnet as a person starts it: its own process, real time, and nothing seen but what it shows.

with running_devnet(home) as devnet:
    devnet.wait_for("ack: header")
    devnet.get("/sidewarden/v1/status")
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

SIDEWARDEN = Path(sys.executable).with_name("sidewarden")
WAIT_S = 60.0
"""Far longer than anything takes; a slow machine should not fail a test."""
TEST_S = 600.0
"""The limit of a whole test that waits many times."""
STOP_S = 20.0
LOOK_EVERY_S = 0.2
ANSWER_S = 15.0
UP = "addresses, funded keys and the control URL"
"""The last line of a devnet's coming up."""

Json = dict[str, Any]


class Process:
    """A running `sidewarden` command, with what it has written so far."""

    def __init__(self, *arguments: str) -> None:
        """Start it."""
        self.started_s = time.monotonic()
        self._lines: list[str] = []
        self._changed = Condition()
        self._popen = subprocess.Popen(
            [SIDEWARDEN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def output(self) -> str:
        """Everything written so far."""
        with self._changed:
            return "\n".join(self._lines)

    def wait_for(self, text: str, count: int = 1, timeout_s: float = WAIT_S) -> float:
        """Wait for the `count`-th line with this text; the seconds since the start. Fails with the output."""
        with self._changed:
            seen = self._changed.wait_for(lambda: self._count(text) >= count or self._has_ended(), timeout_s)
        assert seen, f"no line {count} with {text!r} within {timeout_s:.0f} s in:\n{self.output}"
        assert self._count(text) >= count, f"ended without line {count} with {text!r} in:\n{self.output}"
        return time.monotonic() - self.started_s

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._popen.send_signal(number)

    def wait(self, timeout_s: float = WAIT_S) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        code = self._popen.wait(timeout_s)
        self._reader.join()
        return code

    def end(self) -> int:
        """Stop it as Ctrl-C does, or by force if that does not help; the exit code."""
        if self._popen.poll() is None:
            self.signal(signal.SIGINT)
            try:
                self._popen.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        return self.wait()

    def tree(self) -> tuple[int, ...]:
        """The process and all below it."""
        found = [self.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += map(int, children.read_text().split())
        return tuple(found)

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        self._popen.stdout.close()
        with self._changed:
            self._changed.notify_all()

    def _count(self, text: str) -> int:
        return sum(text in line for line in self._lines)

    def _has_ended(self) -> bool:
        return self._popen.poll() is not None


class DevnetProcess(Process):
    """A devnet that is up."""

    def __init__(self, home: Path, *options: str) -> None:
        super().__init__("devnet", "--home", str(home), "--api-port", "0", *options)
        self.home = home

    @property
    def described(self) -> Json:
        """devnet.json."""
        return cast(Json, json.loads((self.home / "devnet.json").read_text()))

    def get(self, path: str, validator: int = 0) -> Json:
        """What a validator's API answers."""
        return ask(self.described["validators"][validator]["api_url"] + path)[1]

    def control(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Json]:
        """What the control URL answers; the right token unless another is given."""
        described = self.described
        bearer = described["control_token"] if token is None else token
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return ask(described["control_url"] + path, method, data, {"Authorization": f"Bearer {bearer}"})

    def rpc(self, chain: str, method: str, *params: object) -> Any:
        """What a chain's true RPC answers."""
        described = self.described
        place = described["side_chain"] if chain == "side" else described["root_chains"][0]
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return ask(place["rpc_url"], "POST", json.dumps(request).encode())[1]["result"]


def ask(url: str, method: str = "GET", data: bytes | None = None, headers: Json | None = None) -> tuple[int, Json]:
    """Status and JSON of an HTTP request, also of one that is refused."""
    # The URL is one that a devnet has written into its own devnet.json.
    request = Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)  # noqa: S310
    try:
        with urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def rss_bytes(pid: int) -> int:
    """The memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running_devnet(home: Path, *options: str) -> Iterator[DevnetProcess]:
    """A devnet that is up, and is gone afterwards."""
    devnet = DevnetProcess(home, *options)
    try:
        devnet.wait_for(UP)
        yield devnet
    finally:
        devnet.end()


def wait_until(happened: Callable[[], object], timeout_s: float = WAIT_S) -> None:
    """Look again and again until something has happened."""
    deadline_s = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline_s, f"it has not happened within {timeout_s:.0f} s"
        time.sleep(LOOK_EVERY_S)
