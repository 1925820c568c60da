"""Two chains for whoever proves burns, and the server that speaks for both: it does little but send.

`python -m tests.bench.burn_chains BLOCKS MILLISECONDS TRANSACTIONS…` prints its port and ends when its standard input
closes. Each answer goes out so many milliseconds late, any number at a time.

The side chain has a checkpoint of so many blocks for each number of transactions; each of its blocks has as many
ERC-20 transactions, the middle one a burn. Headers, blooms, receipts and roots are true. The blocks of a checkpoint
have the same receipts but for the places that receipts name, so their JSON is one text with these filled in. The root
chain's contract has as many checkpoints as a network of years, so a search for one is as deep. What was made is kept,
roots too, which Bor would compute anew.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import msgspec

from bridge.burns.report import CheckpointOnRoot
from bridge.codec import merkle
from bridge.codec.abi import decode_values, encode_values, selector
from bridge.codec.bloom import bloom_of
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.hash import keccak256
from bridge.codec.header import Header, leaf_of
from bridge.codec.hexadecimal import from_quantity, quantity, to_hex
from bridge.codec.receipts import SUCCESS, Log, Receipt, receipts_root
from bridge.codec.types import ZERO_HASH, Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from tests.bench.prepared_server import Served, serve, served
from tests.unit.chain.tiny_chain import header_json

CHAIN_ID = ChainId(4344)
CHECKPOINTS = 90_000
FIRST_CHECKPOINT = 70_000
"""The one with real blocks; the next ones follow for each further number of transactions."""
GENESIS_TIME = 1_600_000_000
BLOCK_TIME_S = 2
ROOT_CHAIN = Address(b"\xc0" * 20)
TOKEN = Address(b"\x70" * 20)
USER = Address(b"\xb0" * 20)
GAS = 52_000
COUNTS_METHOD = "bench_calls"
"""The calls by method since it was asked for last."""

_BLOCK_HASH = b"@" * 64
_BLOCK_NUMBER = b"@number"
_TRANSACTION_PREFIX = b"@transaction"
_PREFIX_BYTES = 20


@dataclass(frozen=True, slots=True)
class Burns:
    """A checkpoint whose blocks have so many transactions, each block one burn."""

    transactions: int
    checkpoint: CheckpointOnRoot
    headers: tuple[Header, ...]
    receipts: tuple[Receipt, ...]

    def burn(self, place: int) -> Hash32:
        """The burn in the checkpoint's block number `place`."""
        return transaction_hash(self.headers[place].number, self.transactions // 2)

    def header(self, number: int) -> Header:
        """The block with this number."""
        return self.headers[number - self.checkpoint.start]


def make_burns(blocks: int, transactions: Sequence[int]) -> tuple[Burns, ...]:
    """A checkpoint for each number of transactions, of so many blocks each."""
    return tuple(_burns(FIRST_CHECKPOINT + place, blocks, count) for place, count in enumerate(transactions))


def transaction_hash(number: int, index: int) -> Hash32:
    """A hash that tells its place, for no transaction here has bytes."""
    return Hash32(keccak256(b"burns")[:_PREFIX_BYTES] + number.to_bytes(8) + index.to_bytes(4))


def served_burns(blocks: int, late_ms: int, transactions: Sequence[int]) -> AbstractContextManager[Served]:
    """Both chains at one URL, in a child process."""
    return served("tests.bench.burn_chains", blocks, late_ms, *transactions)


def _burns(checkpoint: int, blocks: int, transactions: int) -> Burns:
    receipts = tuple(_receipt(index, transactions // 2) for index in range(transactions))
    bloom = bloom_of([log for receipt in receipts for log in receipt.logs])
    root, parent, start = receipts_root(receipts), Hash32(keccak256(b"parent")), (checkpoint - 1) * blocks
    headers: list[Header] = []
    for number in range(start, start + blocks):
        headers.append(_header(number, parent, root, bloom, GAS * transactions))
        parent = headers[-1].hash
    held = CheckpointOnRoot(
        header_id=checkpoint * HEADER_ID_STEP,
        root=merkle.root([leaf_of(header) for header in headers]),
        start=BlockNumber(start),
        end=BlockNumber(start + blocks - 1),
        created_at=UnixSeconds(headers[-1].timestamp),
        proposer=USER,
    )
    return Burns(transactions, held, tuple(headers), receipts)


def _receipt(index: int, burning: int) -> Receipt:
    receiver = ZERO_HASH if index == burning else Hash32(bytes(12) + keccak256(index.to_bytes(4))[:20])
    logs = (Log(TOKEN, (TRANSFER_TOPIC, Hash32(bytes(12) + USER), receiver), (10**18 + index).to_bytes(32)),)
    return Receipt(2, SUCCESS, GAS * (index + 1), bloom_of(logs), logs)


def _header(number: int, parent: Hash32, root: Hash32, bloom: bytes, gas_used: int) -> Header:
    """With London's fields, as Bor's."""
    return Header(
        parent_hash=parent,
        uncles_hash=Hash32(b"\x11" * 32),
        beneficiary=Address(bytes(20)),
        state_root=Hash32(b"\x13" * 32),
        transactions_root=Hash32(b"\x14" * 32),
        receipts_root=root,
        logs_bloom=bloom,
        difficulty=21,
        number=BlockNumber(number),
        gas_limit=45_000_000,
        gas_used=gas_used,
        timestamp=UnixSeconds(GENESIS_TIME + BLOCK_TIME_S * number),
        extra_data=bytes(32) + b"\x1f" * 65,
        mix_hash=Hash32(bytes(32)),
        nonce=bytes(8),
        base_fee_per_gas_wei=Wei(25_000_000_000),
    )


class _Texts:
    """The JSON of one checkpoint's blocks."""

    def __init__(self, burns: Burns) -> None:
        self._burns = burns
        places = range(burns.transactions)
        self._receipts = [msgspec.json.encode(_receipt_json(burns.receipts[index], index)) for index in places]
        self._transactions = [msgspec.json.encode(_transaction_json(index)) for index in places]

    def receipt(self, header: Header, index: int) -> bytes:
        return _filled(self._receipts[index], header)

    def transaction(self, header: Header, index: int) -> bytes:
        return _filled(self._transactions[index], header)

    def receipts(self, header: Header) -> bytes:
        return _filled(b"[" + b",".join(self._receipts) + b"]", header)

    def block(self, header: Header, *, is_full: bool) -> bytes:
        block = {**header_json(header), "size": "0x400", "totalDifficulty": "0x15", "uncles": []}
        if not is_full:
            return msgspec.json.encode(block)
        block["transactions"] = msgspec.Raw(_filled(b"[" + b",".join(self._transactions) + b"]", header))
        return msgspec.json.encode(block)


class Chains:
    """What a node of the side chain, and one of the root chain, say."""

    def __init__(self, burns: Sequence[Burns]) -> None:
        self._burns = {one.checkpoint.header_id: one for one in burns}
        self._texts = {one.checkpoint.header_id: _Texts(one) for one in burns}
        self._blocks = len(burns[0].headers)
        self._by_hash = {to_hex(header.hash): header for one in burns for header in one.headers}
        self._made = lru_cache(maxsize=4_096)(self._make)
        self._root = lru_cache(maxsize=4_096)(self._root_hash)
        self._counts: Counter[str] = Counter()

    def answer(self, method: str, params: Sequence[object]) -> bytes:
        """The JSON of a result."""
        if method == COUNTS_METHOD:
            counts, self._counts = self._counts, Counter()
            return msgspec.json.encode(counts)
        self._counts[method] += 1
        match method:
            case "eth_chainId":
                return msgspec.json.encode(quantity(CHAIN_ID))
            case "eth_blockNumber":
                return msgspec.json.encode(quantity(CHECKPOINTS * self._blocks + 64))
            case "eth_getRootHash":
                return self._root(cast(int, params[0]), cast(int, params[1]))
            case "eth_call":
                request = cast(dict[str, str], params[0])
                return msgspec.json.encode(
                    to_hex(self._call(bytes.fromhex((request.get("data") or request["input"])[2:])))
                )
        return self._made(method, cast(str, params[0]), params[1:] == [True])

    def _make(self, method: str, place: str, is_full: bool) -> bytes:
        if method == "eth_getBlockByNumber":
            header = self._header(from_quantity(place))
            return self._texts_of(header).block(header, is_full=is_full)
        if method == "eth_getBlockReceipts":
            header = self._by_hash[place]
            return self._texts_of(header).receipts(header)
        told = bytes.fromhex(place[2:])[_PREFIX_BYTES:]
        header, index = self._header(int.from_bytes(told[:8])), int.from_bytes(told[8:])
        texts = self._texts_of(header)
        return {"eth_getTransactionReceipt": texts.receipt, "eth_getTransactionByHash": texts.transaction}[method](
            header, index
        )

    def _header(self, number: int) -> Header:
        return self._burns[self._header_id(number)].header(number)

    def _texts_of(self, header: Header) -> _Texts:
        return self._texts[self._header_id(header.number)]

    def _header_id(self, number: int) -> int:
        return (number // self._blocks + 1) * HEADER_ID_STEP

    def _root_hash(self, start: int, end: int) -> bytes:
        """As Bor says it, without 0x."""
        leaves = [leaf_of(self._header(number)) for number in range(start, end + 1)]
        return msgspec.json.encode(merkle.root(leaves).hex())

    def _call(self, data: bytes) -> bytes:
        if data[:4] == selector("getLastChildBlock()"):
            return encode_values(("uint256",), (CHECKPOINTS * self._blocks - 1,))
        if data[:4] == selector("currentHeaderBlock()"):
            return encode_values(("uint256",), (CHECKPOINTS * HEADER_ID_STEP,))
        assert data[:4] == selector("headerBlocks(uint256)")
        header_id = cast(int, decode_values(("uint256",), data[4:])[0])
        start = (header_id // HEADER_ID_STEP - 1) * self._blocks
        end, held = start + self._blocks - 1, self._burns.get(header_id)
        root = keccak256(header_id.to_bytes(32)) if held is None else held.checkpoint.root
        types = ("bytes32", "uint256", "uint256", "uint256", "address")
        return encode_values(types, (root, start, end, GENESIS_TIME + BLOCK_TIME_S * end, USER))


def _filled(text: bytes, header: Header) -> bytes:
    prefix = transaction_hash(header.number, 0)[:-4].hex().encode()
    number = quantity(header.number).encode()
    filled = text.replace(_BLOCK_HASH, header.hash.hex().encode()).replace(_BLOCK_NUMBER, number)
    return filled.replace(_TRANSACTION_PREFIX, prefix)


def _place_json(index: int) -> dict[str, object]:
    return {
        "blockHash": f"0x{_BLOCK_HASH.decode()}",
        "blockNumber": _BLOCK_NUMBER.decode(),
        "transactionIndex": quantity(index),
    }


def _transaction_name(index: int) -> str:
    return f"0x{_TRANSACTION_PREFIX.decode()}{index:08x}"


def _receipt_json(receipt: Receipt, index: int) -> dict[str, object]:
    """With all that Bor shows."""
    name, place = _transaction_name(index), _place_json(index)
    return {
        **place,
        "contractAddress": None,
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "effectiveGasPrice": quantity(30_000_000_000),
        "from": to_hex(USER),
        "gasUsed": quantity(GAS),
        "logs": [
            {
                **place,
                "address": to_hex(log.address),
                "topics": [to_hex(topic) for topic in log.topics],
                "data": to_hex(log.data),
                "transactionHash": name,
                "logIndex": quantity(index),
                "removed": False,
            }
            for log in receipt.logs
        ],
        "logsBloom": to_hex(receipt.logs_bloom),
        "status": "0x1",
        "to": to_hex(TOKEN),
        "transactionHash": name,
        "type": "0x2",
    }


def _transaction_json(index: int) -> dict[str, object]:
    return {
        **_place_json(index),
        "hash": _transaction_name(index),
        "from": to_hex(USER),
        "to": to_hex(TOKEN),
        "value": "0x0",
        "gas": quantity(GAS),
        "gasPrice": quantity(30_000_000_000),
        "maxFeePerGas": quantity(60_000_000_000),
        "maxPriorityFeePerGas": quantity(30_000_000_000),
        "input": to_hex(bytes(68)),
        "nonce": quantity(index),
        "type": "0x2",
        "accessList": [],
        "chainId": quantity(CHAIN_ID),
        "v": "0x0",
        "r": to_hex(b"\x21" * 32),
        "s": to_hex(b"\x22" * 32),
    }


async def _serve(blocks: int, late_ms: int, transactions: Sequence[int]) -> None:
    loop = asyncio.get_running_loop()
    chains = Chains(make_burns(blocks, transactions))
    await serve(chains.answer, lambda _: loop.time() + late_ms / 1_000 if late_ms else 0.0)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), [int(count) for count in sys.argv[3:]]))
