"""Many clients of one HTTP server, each with a connection of its own: little more than the sending and reading."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients saw together."""

    whole_s: float
    each_s: tuple[float, ...]
    """Of every request, shortest first."""
    body: bytes
    """Of one answer."""

    @property
    def requests_per_s(self) -> float:
        """How many were answered a second."""
        return len(self.each_s) / self.whole_s

    def percentile_s(self, percent: int) -> float:
        """The time that so many of a hundred requests did not exceed."""
        return self.each_s[min(len(self.each_s) - 1, len(self.each_s) * percent // 100)]


async def load(url: str, paths: Sequence[str], clients: int) -> Load:
    """Ask for every path once, each client for the next one as soon as it has its answer. All must be 200."""
    left = iter(paths)
    host, port = urlsplit(url).hostname, urlsplit(url).port
    times_s: list[float] = []
    bodies: list[bytes] = []
    connections = [await asyncio.open_connection(host, port) for _ in range(clients)]
    started_s = time.perf_counter()
    await asyncio.gather(*(_client(*connection, left, times_s, bodies) for connection in connections))
    whole_s = time.perf_counter() - started_s
    for _, writer in connections:
        writer.close()
    return Load(whole_s, tuple(sorted(times_s)), bodies[-1])


async def _client(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    paths: Iterator[str],
    times_s: list[float],
    bodies: list[bytes],
) -> None:
    for path in paths:
        started_s = time.perf_counter()
        writer.write(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
        bodies[:] = (await reader.readexactly(int(length.removeprefix(_LENGTH))),)
        times_s.append(time.perf_counter() - started_s)
        assert head.startswith(b"HTTP/1.1 200 "), bodies
