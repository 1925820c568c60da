"""A chain of headers and receipts without an EVM: every hash, root and bloom is true, and blocks cost microseconds.

It is for what no real chain does on demand: thousands of blocks, any reorg, any log. Answers the reads of JSON-RPC.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codec.bloom import bloom_of
from bridge.codec.header import Header
from bridge.codec.hexadecimal import from_quantity, quantity, to_hex
from bridge.codec.receipts import SUCCESS, Log, Receipt, receipts_root
from bridge.codec.trie import EMPTY_TRIE_ROOT
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, Wei
from tests.unit.chain.rpc_server import RpcFault

GENESIS_TIME = 1_700_000_000
CHAIN_ID = 4242


@dataclass(frozen=True, slots=True)
class Block:
    """A header with the receipts that it commits to."""

    header: Header
    receipts: tuple[Receipt, ...]


class TinyChain:
    """`blocks` is the canonical chain; orphans stay readable by hash, as with real nodes."""

    def __init__(self, block_time_s: int = 2, *, blooms_are_true: bool = True) -> None:
        self.block_time_s = block_time_s
        self.blooms_are_true = blooms_are_true
        self.blocks: list[Block] = []
        self.by_hash: dict[Hash32, Block] = {}
        self.safe_lag = 4
        self.chain_id = CHAIN_ID
        self.mine()

    @property
    def head(self) -> Header:
        """The latest header."""
        return self.blocks[-1].header

    def mine(self, *transactions: Sequence[Log], salt: bytes = b"", count: int = 1) -> Header:
        """Append `count` blocks; the first has one transaction per sequence of logs."""
        for index in range(count):
            self._append(transactions if index == 0 else (), salt)
        return self.head

    def reorg(self, depth: int, length: int, salt: bytes = b"fork") -> None:
        """Replace the last `depth` blocks (perhaps none) by `length` others."""
        del self.blocks[len(self.blocks) - depth :]
        self.mine(salt=salt, count=length)

    def answer(self, method: str, params: list[object]) -> object:
        """The answer of a node that holds this chain."""
        if method == "eth_chainId":
            return quantity(self.chain_id)
        if method == "eth_blockNumber":
            return quantity(self.head.number)
        if method == "eth_getBlockByNumber":
            block = self._at(params[0])
            return None if block is None else header_json(block.header)
        if method == "eth_getBlockByHash":
            found = self._by_hash(params[0])
            return None if found is None else header_json(found.header)
        if method == "eth_getBlockReceipts":
            found = self._by_hash(params[0])
            return None if found is None else receipts_json(found)
        raise RpcFault(-32601, f"the method {method} does not exist")

    def _append(self, transactions: Sequence[Sequence[Log]], salt: bytes) -> None:
        parent = self.head if self.blocks else None
        receipts = tuple(
            Receipt(2, SUCCESS, 21_000 * (index + 1), bloom_of(logs), tuple(logs))
            for index, logs in enumerate(transactions)
        )
        header = Header(
            parent_hash=Hash32(bytes(32)) if parent is None else parent.hash,
            uncles_hash=Hash32(b"\x11" * 32),
            beneficiary=Address(bytes(20)),
            state_root=Hash32(b"\x22" * 32),
            transactions_root=Hash32(b"\x33" * 32),
            receipts_root=receipts_root(receipts) if receipts else EMPTY_TRIE_ROOT,
            logs_bloom=bloom_of([log for logs in transactions for log in logs] if self.blooms_are_true else []),
            difficulty=0,
            number=BlockNumber(0 if parent is None else parent.number + 1),
            gas_limit=15_000_000,
            gas_used=21_000 * len(receipts),
            timestamp=UnixSeconds(GENESIS_TIME if parent is None else parent.timestamp + self.block_time_s),
            extra_data=salt,
            mix_hash=Hash32(bytes(32)),
            nonce=bytes(8),
            base_fee_per_gas_wei=Wei(7),
        )
        block = Block(header, receipts)
        self.blocks.append(block)
        self.by_hash[header.hash] = block

    def _at(self, reference: object) -> Block | None:
        if reference == "latest":
            return self.blocks[-1]
        if reference in {"safe", "finalized"}:
            return self.blocks[max(0, len(self.blocks) - 1 - self.safe_lag)]
        number = from_quantity(reference)
        return self.blocks[number] if number < len(self.blocks) else None

    def _by_hash(self, reference: object) -> Block | None:
        assert isinstance(reference, str)
        return self.by_hash.get(Hash32(bytes.fromhex(reference[2:])))


def header_json(header: Header) -> dict[str, object]:
    """A block as JSON-RPC shows it, without its transactions."""
    tail = {
        "baseFeePerGas": header.base_fee_per_gas_wei,
        "withdrawalsRoot": header.withdrawals_root,
        "blobGasUsed": header.blob_gas_used,
        "excessBlobGas": header.excess_blob_gas,
        "parentBeaconBlockRoot": header.parent_beacon_block_root,
        "requestsHash": header.requests_hash,
    }
    shown = {name: quantity(v) if isinstance(v, int) else to_hex(v) for name, v in tail.items() if v is not None}
    return {
        "hash": to_hex(header.hash),
        "parentHash": to_hex(header.parent_hash),
        "sha3Uncles": to_hex(header.uncles_hash),
        "miner": to_hex(header.beneficiary),
        "stateRoot": to_hex(header.state_root),
        "transactionsRoot": to_hex(header.transactions_root),
        "receiptsRoot": to_hex(header.receipts_root),
        "logsBloom": to_hex(header.logs_bloom),
        "difficulty": quantity(header.difficulty),
        "number": quantity(header.number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": to_hex(header.extra_data),
        "mixHash": to_hex(header.mix_hash),
        "nonce": to_hex(header.nonce),
        "transactions": [],
        **shown,
    }


def receipts_json(block: Block) -> list[object]:
    """The receipts as eth_getBlockReceipts shows them."""
    return [
        {
            "type": quantity(receipt.type),
            "status": "0x1",
            "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
            "logsBloom": to_hex(receipt.logs_bloom),
            "blockHash": to_hex(block.header.hash),
            "logs": [
                {
                    "address": to_hex(log.address),
                    "topics": [to_hex(topic) for topic in log.topics],
                    "data": to_hex(log.data),
                }
                for log in receipt.logs
            ],
        }
        for receipt in block.receipts
    ]
