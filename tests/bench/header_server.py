"""A JSON-RPC server in a process of its own, with a long chain of headers ready as text: it does little but send it.

`python -m tests.bench.header_server HEADERS MICROSECONDS` prints its port and ends when its standard input closes. It
takes so many microseconds for each header, one request after another, as a node does that reads its database; 0 shows
what the client alone can do.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import msgspec

from bridge.codec.header import Header
from bridge.codec.hexadecimal import from_quantity, quantity
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from tests.bench.prepared_server import Served, serve, served
from tests.unit.chain.tiny_chain import header_json

CHAIN_ID = ChainId(4343)


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


def served_headers(count: int, microseconds_per_header: int) -> AbstractContextManager[Served]:
    """The server in a child process."""
    return served("tests.bench.header_server", count, microseconds_per_header)


class _Headers:
    """What the node says, as JSON text."""

    def __init__(self, count: int) -> None:
        self._blocks = [msgspec.json.encode(header_json(header)) for header in make_headers(count)]

    def answer(self, method: str, params: Sequence[object]) -> bytes:
        if method == "eth_chainId":
            return msgspec.json.encode(quantity(CHAIN_ID))
        number = len(self._blocks) - 1 if params[0] == "latest" else from_quantity(params[0])
        return self._blocks[number] if number < len(self._blocks) else b"null"


class _OneByOne:
    """One request after another, each taking its time."""

    def __init__(self, microseconds_per_header: int) -> None:
        self._seconds_per_header = microseconds_per_header / 1e6
        self._free_at_s = 0.0

    def sent_at_s(self, headers: int) -> float:
        """When the node is done with the requests before this one and with so many headers of it."""
        if not self._seconds_per_header:
            return 0.0
        now_s = asyncio.get_running_loop().time()
        self._free_at_s = max(self._free_at_s, now_s) + headers * self._seconds_per_header
        return self._free_at_s


if __name__ == "__main__":
    asyncio.run(serve(_Headers(int(sys.argv[1])).answer, _OneByOne(int(sys.argv[2])).sent_at_s))
