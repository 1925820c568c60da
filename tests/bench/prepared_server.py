"""An HTTP server in a process of its own that does little but send: answers to JSON-RPC, ready as text.

A module with answers calls `serve` when it is run; `served` runs such a module and gives its URL. The server prints
its port and ends when its standard input closes.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

Answer = Callable[[str, Sequence[object]], bytes]
"""The JSON of a call's result."""
Pace = Callable[[int], float]
"""The event loop's time at which the answer to a request of so many calls is sent; 0 for at once."""

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Served:
    """A server in a child process."""

    url: str
    process: int


@contextlib.contextmanager
def served(module: str, *arguments: object) -> Iterator[Served]:
    """The server of a module."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield Served(f"http://127.0.0.1:{int(child.stdout.readline())}", child.pid)
        child.stdin.close()


async def serve(answer: Answer, pace: Pace) -> None:
    """Answer until the parent closes the standard input."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answer, pace), "127.0.0.1", 0)
    announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def announce(port: int) -> None:
    """Tell the parent the port, and end with it."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_parent, daemon=True).start()


class _Connection(asyncio.Protocol):
    """As much HTTP as a client with keep-alive needs."""

    def __init__(self, answer: Answer, pace: Pace) -> None:
        self._answer = answer
        self._pace = pace
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(_END_OF_HEAD)
        if not found:
            return
        line = next(line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
        length = int(line.removeprefix(_LENGTH))
        if len(rest) >= length:
            self._received = rest[length:]
            self._respond(msgspec.json.decode(rest[:length]))

    def _respond(self, request: object) -> None:
        if isinstance(request, list):
            body, calls = b"[" + b",".join(map(self._to_call, request)) + b"]", len(request)
        else:
            body, calls = self._to_call(cast(dict[str, object], request)), 1
        response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )
        send_at_s = self._pace(calls)
        if send_at_s:
            asyncio.get_running_loop().call_at(send_at_s, self._transport.write, response)
        else:
            self._transport.write(response)

    def _to_call(self, call: dict[str, object]) -> bytes:
        result = self._answer(str(call["method"]), cast(Sequence[object], call.get("params", ())))
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (msgspec.json.encode(call["id"]), result)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)
