"""What an embedded chain is made from, is asked, and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from bridge.codec import rlp
from bridge.codec.bloom import may_contain
from bridge.codec.header import Header, encode_header
from bridge.codec.receipts import Log, Receipt
from bridge.codec.types import ZERO_ADDRESS, Address, BlockNumber, Hash32, UnixSeconds, Wei
from node.devnet.chain.transactions import LEGACY_TYPE, Transaction

BlockId = int | bytes
"""A block by its number on the canonical chain, or by its 32-byte hash."""

_EMPTY_LIST = rlp.encode(())


@dataclass(frozen=True, slots=True)
class ChainGenesis:
    """The first block: who has how much, and when it was."""

    alloc: Mapping[Address, Wei]
    timestamp: UnixSeconds
    gas_limit: int = 15_000_000
    """Of every block. A full block takes py-evm two to seven seconds, during which nothing is answered."""
    base_fee_per_gas_wei: Wei = Wei(10**9)


@dataclass(frozen=True, slots=True)
class Block:
    """A block with everything in it; transaction i has receipt i."""

    header: Header
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]
    size_bytes: int
    """Of the block's RLP."""

    @classmethod
    def of(cls, header: Header, transactions: tuple[Transaction, ...], receipts: tuple[Receipt, ...]) -> Self:
        """The block of these parts."""
        bodies = [each.raw if each.type == LEGACY_TYPE else rlp.encode(each.raw) for each in transactions]
        parts = [encode_header(header), rlp.encode_list(bodies), _EMPTY_LIST, _EMPTY_LIST]
        return cls(header, transactions, receipts, len(rlp.encode_list(parts)))

    def gas_used_by(self, index: int) -> int:
        """The gas of one transaction alone; receipts hold running totals."""
        before = self.receipts[index - 1].cumulative_gas_used if index else 0
        return self.receipts[index].cumulative_gas_used - before

    def first_log_index_of(self, index: int) -> int:
        """The position in the block of a transaction's first log."""
        return sum(len(receipt.logs) for receipt in self.receipts[:index])

    def matching_logs(self, wanted: "LogFilter") -> "tuple[FoundLog, ...]":
        """The logs that are wanted, in their order."""
        header = self.header
        return tuple(
            FoundLog(log, header.number, header.hash, header.timestamp, transaction.hash, position, index)
            for position, (transaction, receipt) in enumerate(zip(self.transactions, self.receipts, strict=True))
            for index, log in enumerate(receipt.logs, self.first_log_index_of(position))
            if wanted.matches(log)
        )


@dataclass(frozen=True, slots=True)
class TransactionPlace:
    """Where a mined transaction is."""

    block: Block
    index: int


@dataclass(frozen=True, slots=True)
class Call:
    """A message call that changes nothing; `to` None runs `data` as a contract's creation code."""

    to: Address | None
    data: bytes = b""
    sender: Address = ZERO_ADDRESS
    value_wei: Wei = Wei(0)
    gas_limit: int | None = None
    """None, and anything above it: the block gas limit."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Matches a log of one of `addresses` (empty: any) whose topic i is in `topics[i]` (empty: any)."""

    addresses: frozenset[Address] = frozenset()
    topics: tuple[frozenset[Hash32], ...] = ()

    def may_match(self, bloom: bytes) -> bool:
        """Whether a block of this bloom may hold a match; False is certain."""
        return all(
            not choices or any(may_contain(bloom, choice) for choice in choices)
            for choices in (self.addresses, *self.topics)
        )

    def matches(self, log: Log) -> bool:
        """Whether the log is wanted."""
        if self.addresses and log.address not in self.addresses:
            return False
        return len(self.topics) <= len(log.topics) and all(
            not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False)
        )


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log and where it is; `index` counts over the block."""

    log: Log
    block_number: BlockNumber
    block_hash: Hash32
    block_timestamp: UnixSeconds
    transaction_hash: Hash32
    transaction_index: int
    index: int
