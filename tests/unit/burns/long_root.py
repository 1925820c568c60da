"""A root chain of any length, made up as it is asked: a RootChain contract with regular checkpoints, and its logs."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from bridge.burns.header_index import HeaderIndexer, IndexStore
from bridge.burns.views import RootView
from bridge.chain.clock import ManualClock
from bridge.chain.header_store import HeaderChange, MemoryHeaderStore, StoredHeader
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.abi import decode_values, encode_values, selector
from bridge.codec.events import NEW_HEADER_BLOCK_TOPIC, RESET_HEADER_BLOCK_TOPIC
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_quantity, quantity, to_hex
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, ChainId, Hash32, UnixSeconds
from tests.unit.chain.rpc_server import RpcFault, RpcServer

ROOT_CHAIN = Address(b"\xc0" * 20)
PROPOSER = Address(b"\xd0" * 20)
CHAIN_ID = 1
FIRST_BLOCK = 1_000
BLOCKS_EACH = 256
Json = dict[str, object]
_HEADER_TYPES = ("bytes32", "uint256", "uint256", "uint256", "address")


@dataclass
class LongRoot:
    """Checkpoint n (from 1) stands in block FIRST_BLOCK + (n − 1) · `pace`, and holds BLOCKS_EACH side-chain blocks."""

    checkpoints: int
    pace: int = 150
    window_max: int = 10**9
    logs_max: int = 10**9
    refusal: str = "query exceeds max block range"
    hidden: set[int] = field(default_factory=set)
    """Checkpoints whose logs are not shown."""
    changed: Callable[[int, Json], Json] | None = None
    """What a log of a checkpoint looks like instead."""
    resets: dict[int, int] = field(default_factory=dict)
    """By block: the checkpoint from which on the owner deleted all; they come again from there."""

    salt: bytes = b"root"
    """Tells the roots of one chain from another's."""
    later: int = 0
    """Blocks after those of the checkpoints."""

    @property
    def head(self) -> int:
        """The last block."""
        return FIRST_BLOCK + self.checkpoints * self.pace + self.later

    def root(self, number: int) -> Hash32:
        """The root of a checkpoint."""
        return keccak256(self.salt + number.to_bytes(8))

    def answer(self, method: str, params: list[object]) -> object:
        """A node's answer."""
        if method == "eth_chainId":
            return quantity(CHAIN_ID)
        if method == "eth_getLogs":
            query = params[0]
            assert isinstance(query, dict)
            return self._logs(from_quantity(query["fromBlock"]), from_quantity(query["toBlock"]))
        assert method == "eth_call", method
        request = params[0]
        assert isinstance(request, dict)
        return to_hex(self._call(bytes.fromhex(str(request["data"])[2:])))

    def _logs(self, first: int, last: int) -> list[Json]:
        if last - first >= self.window_max:
            raise RpcFault(-32005, self.refusal)
        low = max(1, -(-(first - FIRST_BLOCK) // self.pace) + 1)
        high = min(self.checkpoints, (last - FIRST_BLOCK) // self.pace + 1)
        found = [self._log(number) for number in range(low, high + 1) if number not in self.hidden]
        for block, number in self.resets.items():
            if first <= block <= last:
                found.append(_log(block, (RESET_HEADER_BLOCK_TOPIC, _word(PROPOSER), _word(number * 10_000)), b""))
        if len(found) > self.logs_max:
            raise RpcFault(-32602, "query returned more than 10000 results")
        return sorted(found, key=lambda log: from_quantity(log["blockNumber"]))

    def _log(self, number: int) -> Json:
        start = (number - 1) * BLOCKS_EACH
        data = encode_values(("uint256", "uint256", "bytes32"), (start, start + BLOCKS_EACH - 1, self.root(number)))
        topics = (NEW_HEADER_BLOCK_TOPIC, _word(PROPOSER), _word(number * 10_000), _word(5))
        log = _log(FIRST_BLOCK + (number - 1) * self.pace, topics, data)
        return log if self.changed is None else self.changed(number, log)

    def _call(self, data: bytes) -> bytes:
        if data[:4] == selector("currentHeaderBlock()"):
            return encode_values(("uint256",), (self.checkpoints * 10_000,))
        assert data[:4] == selector("headerBlocks(uint256)")
        (header_id,) = decode_values(("uint256",), data[4:])
        assert isinstance(header_id, int)
        number = header_id // 10_000
        if not 1 <= number <= self.checkpoints or header_id % 10_000:
            return encode_values(_HEADER_TYPES, (ZERO_HASH, 0, 0, 0, ZERO_ADDRESS))
        start = (number - 1) * BLOCKS_EACH
        return encode_values(
            _HEADER_TYPES, (self.root(number), start, start + BLOCKS_EACH - 1, 1_000 + number, PROPOSER)
        )


def _word(value: int | bytes) -> Hash32:
    return Hash32(value.to_bytes(32) if isinstance(value, int) else bytes(12) + value)


def _log(block: int, topics: tuple[Hash32, ...], data: bytes) -> Json:
    return {
        "address": to_hex(ROOT_CHAIN),
        "topics": [to_hex(topic) for topic in topics],
        "data": to_hex(data),
        "blockNumber": quantity(block),
        "logIndex": "0x0",
        "transactionHash": to_hex(keccak256(block.to_bytes(8))),
    }


def confirm_head(headers: MemoryHeaderStore, chain: LongRoot) -> None:
    """Let a store hold the head of a chain as confirmed, and nothing else."""
    headers.apply(HeaderChange(remove_from=headers.confirmed()))
    header = StoredHeader(
        number=BlockNumber(chain.head),
        hash=keccak256(chain.head.to_bytes(8)),
        parent_hash=ZERO_HASH,
        timestamp=UnixSeconds(10**9),
        transactions_root=ZERO_HASH,
        receipts_root=ZERO_HASH,
        logs_bloom=b"",
    )
    headers.apply(HeaderChange(append=(header,), confirmed=header.number))


@dataclass
class Indexing:
    """An indexer over one or two endpoints of a root chain."""

    chain: LongRoot
    servers: tuple[RpcServer, ...]
    indexer: HeaderIndexer
    headers: MemoryHeaderStore

    def confirm(self) -> None:
        """Let the chain's head be confirmed."""
        confirm_head(self.headers, self.chain)

    async def run(self) -> int:
        """Passes until there is nothing more to read."""
        passes = 1
        while await self.indexer.run_once():
            passes += 1
        return passes


@asynccontextmanager
async def indexing(chain: LongRoot, store: IndexStore, other: LongRoot | None = None) -> AsyncIterator[Indexing]:
    """An indexer whose confirmed head is the chain's."""
    async with aiohttp.ClientSession() as session, RpcServer(chain.answer) as first:
        second = None if other is None else await RpcServer(other.answer).__aenter__()
        servers = (first,) if second is None else (first, second)
        urls = [server.url for server in servers]
        pool = RpcPool("root", urls, ChainId(CHAIN_ID), HttpTransport(session), ManualClock())
        headers = MemoryHeaderStore()
        view = RootView("root", ChainReader(pool), headers, ROOT_CHAIN)
        made = Indexing(chain, servers, HeaderIndexer(view, store, BlockNumber(FIRST_BLOCK)), headers)
        made.confirm()
        try:
            yield made
        finally:
            if second is not None:
                await second.__aexit__(None, None, None)
