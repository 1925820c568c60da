"""What the command costs: its help, and a whole devnet in memory and CPU."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tests.bench.rows import Aim, Row, seconds
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_s

SIDEWARDEN = Path(sys.executable).with_name("sidewarden")
HELP_AIM_S = 0.15
FIRST_ACK_AIM_S = 30
MEMORY_AIM_MB = 600
POLL_S = 0.2
REQUEST_TIMEOUT_S = 10
SETTLING_S = 5.0
LEAST_FIRST_ACK_S = 15
MEGABYTE = 1_000_000


def measure_help(sizes: Sizes) -> Iterator[Row]:
    """One row."""
    help_s, bare_s = fastest_s(
        sizes.repeats,
        lambda: subprocess.run([SIDEWARDEN, "--help"], check=True, stdout=subprocess.DEVNULL),
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    )
    yield Row(
        "sidewarden --help",
        seconds(help_s),
        f"Python that does nothing: {seconds(bare_s)}",
        help_s / bare_s,
        f"the interpreter: {seconds(bare_s)}",
        Aim(f"≤ {seconds(HELP_AIM_S)}", help_s <= HELP_AIM_S),
    )


def measure_devnet(sizes: Sizes) -> Iterator[Row]:
    """A devnet from nothing to its first checkpoint, at work, and with both chains standing still. Linux only."""
    took = _measure(sizes.footprint_s)
    memory_mb = took.memory_bytes / MEGABYTE
    yield Row(
        "devnet: start → first checkpoint acknowledged",
        seconds(took.first_ack_s),
        f"what was asked for: {FIRST_ACK_AIM_S} s",
        took.first_ack_s / FIRST_ACK_AIM_S,
        f"9 side blocks, then 1 to 3 root blocks: {LEAST_FIRST_ACK_S} s",
        Aim(f"≤ {FIRST_ACK_AIM_S} s", took.first_ack_s <= FIRST_ACK_AIM_S),
    )
    yield Row(
        "devnet: memory of both processes",
        f"{memory_mb:.0f} MB",
        f"what was asked for: {MEMORY_AIM_MB} MB",
        memory_mb / MEMORY_AIM_MB,
        f"two processes after their imports: {_imports_mb():.0f} MB",
        Aim(f"≤ {MEMORY_AIM_MB} MB", memory_mb <= MEMORY_AIM_MB),
    )
    yield Row("devnet: CPU with demo traffic", f"{took.busy:.1%} of a core", "one core", took.busy, "")
    yield Row(
        "devnet: CPU with both chains paused",
        f"{took.idle:.1%} of a core",
        f"with demo traffic: {took.busy:.1%} of a core",
        took.idle / took.busy,
        "",
    )


def _imports_mb() -> float:
    """The memory of two processes that have only imported what a devnet's two processes import."""
    return sum(map(import_mb, ("node.devnet.run", "node.devnet.chains_child")))


def import_mb(module: str) -> float:
    """The memory of a process that has only imported a module."""
    program = f"import {module}; print(open('/proc/self/statm').read().split()[1])"
    pages = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


class _ValidatorPlace(msgspec.Struct):
    api_url: str


class _Count(msgspec.Struct):
    ack_count: str


class _Description(msgspec.Struct):
    """What we need of devnet.json."""

    validators: list[_ValidatorPlace]
    control_url: str
    control_token: str


@dataclass(frozen=True, slots=True)
class _Footprint:
    """What a devnet took."""

    first_ack_s: float
    memory_bytes: int
    busy: float
    """CPU time per time, with demo traffic."""
    idle: float
    """The same, with both chains paused."""


def _measure(window_s: float) -> _Footprint:
    with tempfile.TemporaryDirectory() as home:
        started_s = time.monotonic()
        command = (SIDEWARDEN, "devnet", "--home", home, "--api-port", "0")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as devnet:
            try:
                description = _description(Path(home) / "devnet.json")
                _wait_for_checkpoint(description)
                first_ack_s = time.monotonic() - started_s
                busy = _cpu_share(devnet.pid, window_s)
                memory = sum(map(resident_bytes, _family(devnet.pid)))
                _pause_chains(description)
                time.sleep(SETTLING_S)
                idle = _cpu_share(devnet.pid, window_s)
            finally:
                devnet.terminate()
    return _Footprint(first_ack_s, memory, busy, idle)


def _description(path: Path) -> _Description:
    """devnet.json, once the devnet is up."""
    while not path.exists():
        time.sleep(POLL_S)
    return msgspec.json.decode(path.read_bytes(), type=_Description)


def _wait_for_checkpoint(description: _Description) -> None:
    """Until the first validator counts an acknowledged checkpoint."""
    url = f"{description.validators[0].api_url}/checkpoints/count"
    while msgspec.json.decode(_ask("GET", url), type=_Count).ack_count == "0":
        time.sleep(POLL_S)


def _pause_chains(description: _Description) -> None:
    for chain in ("root", "side"):
        _ask("POST", f"{description.control_url}/chains/{chain}/pause", f"Bearer {description.control_token}")


def _ask(method: str, url: str, authorization: str = "") -> bytes:
    """The body of a successful answer."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=REQUEST_TIMEOUT_S)
    try:
        connection.request(method, parts.path, headers={"Authorization": authorization})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    assert response.status < 300, f"{method} {url}: {response.status} {body!r}"
    return body


def _cpu_share(process: int, window_s: float) -> float:
    """CPU time of a process and its children, per time."""
    started_s, before_s = time.monotonic(), sum(map(_cpu_s, _family(process)))
    time.sleep(window_s)
    return (sum(map(_cpu_s, _family(process))) - before_s) / (time.monotonic() - started_s)


def _family(process: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *map(int, children)]


def _cpu_s(process: int) -> float:
    """CPU time in user and kernel mode: fields 14 and 15 of proc(5)'s stat, counted after the command's name."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process: int) -> int:
    """The memory of a process that is in RAM."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
