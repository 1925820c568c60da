"""A JSON-RPC server in a process of its own, with a long chain of headers ready as text: it does little but send it.

`python -m tests.bench.header_server HEADERS MICROSECONDS` prints its port and ends when its standard input closes. It
takes so many microseconds for each header, one request after another, as a node does that reads its database; 0 shows
what the client alone can do.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import msgspec

from bridge.codec.header import Header
from bridge.codec.hexadecimal import from_quantity, quantity
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from tests.unit.chain.tiny_chain import header_json

CHAIN_ID = ChainId(4343)
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


def make_headers(count: int) -> Iterator[Header]:
    """A parent-linked chain with Prague's fields; each bloom is half full, as on a busy chain."""
    parent = Hash32(bytes(32))
    for number in range(count):
        header = Header(
            parent_hash=parent,
            uncles_hash=Hash32(b"\x11" * 32),
            beneficiary=Address(b"\x12" * 20),
            state_root=Hash32(b"\x13" * 32),
            transactions_root=Hash32(b"\x14" * 32),
            receipts_root=Hash32(b"\x15" * 32),
            logs_bloom=b"\x0f" * 256,
            difficulty=0,
            number=BlockNumber(number),
            gas_limit=30_000_000,
            gas_used=21_000,
            timestamp=UnixSeconds(1_700_000_000 + number),
            extra_data=b"sidewarden bench",
            mix_hash=Hash32(b"\x16" * 32),
            nonce=bytes(8),
            base_fee_per_gas_wei=Wei(1_000_000_000),
            withdrawals_root=Hash32(b"\x17" * 32),
            blob_gas_used=0,
            excess_blob_gas=0,
            parent_beacon_block_root=Hash32(b"\x18" * 32),
            requests_hash=Hash32(b"\x19" * 32),
        )
        parent = header.hash
        yield header


@contextlib.contextmanager
def served_headers(count: int, microseconds_per_header: int) -> Iterator[str]:
    """The URL of a server in a child process."""
    command = [sys.executable, "-m", "tests.bench.header_server", str(count), str(microseconds_per_header)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}/"
        child.stdin.close()


class _Answers:
    """What the node says, as JSON text."""

    def __init__(self, count: int) -> None:
        self._blocks = [msgspec.json.encode(header_json(header)) for header in make_headers(count)]

    def to_request(self, body: bytes) -> tuple[bytes, int]:
        """The answer to a call or a batch, and how many headers it holds."""
        request = msgspec.json.decode(body)
        if isinstance(request, list):
            return b"[" + b",".join(self._to_call(call) for call in request) + b"]", len(request)
        return self._to_call(request), 1

    def _to_call(self, call: dict[str, object]) -> bytes:
        return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (
            cast(int, call["id"]),
            self._result(str(call["method"]), cast(Sequence[object], call["params"])),
        )

    def _result(self, method: str, params: Sequence[object]) -> bytes:
        if method == "eth_chainId":
            return msgspec.json.encode(quantity(CHAIN_ID))
        number = len(self._blocks) - 1 if params[0] == "latest" else from_quantity(params[0])
        return self._blocks[number] if number < len(self._blocks) else b"null"


class _Connection(asyncio.Protocol):
    """As much HTTP as a client with keep-alive needs."""

    def __init__(self, answers: _Answers, pace: "_Pace") -> None:
        self._answers = answers
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
            body, headers = self._answers.to_request(rest[:length])
            response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            self._pace.after(headers, lambda: self._transport.write(response % (len(body), body)))


class _Pace:
    """One request after another, each taking its time."""

    def __init__(self, microseconds_per_header: int) -> None:
        self._seconds_per_header = microseconds_per_header / 1e6
        self._free_at_s = 0.0

    def after(self, headers: int, send: Callable[[], None]) -> None:
        """Call `send` when the node is done with the requests before this one and with so many headers of it."""
        loop = asyncio.get_running_loop()
        self._free_at_s = max(self._free_at_s, loop.time()) + headers * self._seconds_per_header
        if self._seconds_per_header:
            loop.call_at(self._free_at_s, send)
        else:
            send()


async def _serve(count: int, microseconds_per_header: int) -> None:
    loop = asyncio.get_running_loop()
    answers, pace = _Answers(count), _Pace(microseconds_per_header)
    server = await loop.create_server(lambda: _Connection(answers, pace), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    await server.serve_forever()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
