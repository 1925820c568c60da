"""Typed reads of one chain: every field of every answer is checked, and what can be recomputed is.

    reader = ChainReader(pool)
    header = await reader.header("latest")

Headers reproduce their hash from their fields, receipts their header's receiptsRoot. A None that a function returns is
only "this node does not show it now"; nothing may be concluded from it. Every function raises ChainError.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, TypeVar

from bridge.chain.claims import ClaimedLog, LogFilter, MinedCall, claimed_log_from_rpc, mined_call_from_rpc
from bridge.chain.endpoint import RpcAnswer, RpcCall
from bridge.chain.errors import (
    BadAnswer,
    CallReverted,
    HeaderFormatUnknown,
    NoEndpoint,
    NotHeld,
    ReceiptsMismatch,
    RpcRefused,
)
from bridge.chain.fields import as_data, as_hash, as_items, as_object, as_quantity
from bridge.chain.header_parsing import stored_header_from_rpc
from bridge.chain.header_store import StoredHeader
from bridge.chain.receipt_parsing import receipt_value_from_rpc
from bridge.chain.rpc import RpcPool
from bridge.chain.sending import SendMeaning, SendReply, best_reply, classify_refusal
from bridge.codec.errors import HeaderError, HeaderFormatUnknownError, ReceiptError
from bridge.codec.hash import keccak256
from bridge.codec.header import Header, header_from_rpc
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.receipts import Log, Receipt, decode_receipt, log_from_rpc
from bridge.codec.transaction import transaction_hash
from bridge.codec.trie import EMPTY_TRIE_ROOT, ordered_trie_root
from bridge.codec.types import Address, BlockNumber, Hash32, Wei

AnyHeader = TypeVar("AnyHeader", Header, StoredHeader)
Tag = Literal["latest", "safe", "finalized"]
BlockRef = BlockNumber | Tag

TRANSACTIONS_MAX = 100_000
"""In a block: above what any chain's gas limit holds."""
LOGS_MAX = 1_000_000
FEE_HISTORY_BLOCKS_MAX = 1_024

_METHOD_NOT_FOUND = -32601
_REVERT_CODE = 3
_REVERT_WORDINGS = ("revert", "vm execution error", "out of gas", "outofgas")  # geth and others, Parity's line, Anvil


class SealedBlock(Protocol):
    """A block whose receipts can be checked: a Header or a StoredHeader."""

    @property
    def hash(self) -> Hash32:
        """The block hash."""
        ...

    @property
    def receipts_root(self) -> Hash32:
        """What the header commits to."""
        ...


@dataclass(frozen=True, slots=True)
class LocatedLog:
    """A log with the position that the RPC reports for it."""

    index: int
    transaction_index: int
    log: Log


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """What eth_getTransactionReceipt says of a transaction that is in a block."""

    hash: Hash32
    block_number: BlockNumber
    block_hash: Hash32
    transaction_index: int
    succeeded: bool
    gas_used: int


@dataclass(frozen=True, slots=True)
class KnownTransaction:
    """A transaction that a node has; `block_number` is None while it waits in the pool."""

    hash: Hash32
    block_number: BlockNumber | None


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """Recent fees, oldest block first.

    `base_fees_wei` has one entry more than there were blocks: the last is the base fee of the next block.
    `tips_wei` has one entry a block: the tip at the percentile that was asked for.
    """

    base_fees_wei: tuple[Wei, ...]
    tips_wei: tuple[Wei, ...]


class ChainReader:
    """Typed reads through one pool."""

    def __init__(self, pool: RpcPool) -> None:
        self.pool = pool

    def second(self) -> "ChainReader | None":
        """The same reads over other endpoints than the one that answered last, or None if there is no other."""
        pool = self.pool.second()
        return None if pool is None else ChainReader(pool)

    def twin(self) -> "ChainReader":
        """The same reads through a twin of the pool, whose order may change without anybody else's noticing."""
        return ChainReader(self.pool.twin())

    async def head_number(self) -> BlockNumber:
        """The number of the latest block."""
        return BlockNumber(as_quantity(await self.pool.call("eth_blockNumber", []), "eth_blockNumber"))

    async def header(self, block: BlockRef) -> Header | None:
        """The header at a number or tag, its hash recomputed; None if the node has none there."""
        answer = await self.pool.call("eth_getBlockByNumber", [_reference(block), False])
        return _header(answer, None if isinstance(block, str) else block)

    async def stored_header(self, block: BlockRef, *, keep_bloom: bool = True) -> StoredHeader | None:
        """What is kept of the header at a number or tag; None if the node has none there."""
        answer = await self.pool.call("eth_getBlockByNumber", [_reference(block), False])
        if answer is None:
            return None
        parse = partial(stored_header_from_rpc, keep_bloom=keep_bloom)
        return _parsed(answer, None if isinstance(block, str) else block, parse)

    async def header_by_hash(self, block_hash: Hash32) -> Header | None:
        """The header with this hash; None if the node does not hold it."""
        header = _header(await self.pool.call("eth_getBlockByHash", [to_hex(block_hash), False]), None)
        if header is not None and header.hash != block_hash:
            raise BadAnswer("eth_getBlockByHash: a block with another hash than asked for")
        return header

    async def headers(self, start: BlockNumber, count: int, *, keep_blooms: bool = True) -> tuple[StoredHeader, ...]:
        """What is kept of the headers from `start` on, at most `count`, up to the first that the node does not show.

        All come from one endpoint but perhaps from different moments: whoever needs a chain checks the links. A header
        that is refused ends them too, so that a node with few calls to give away is still of use; raises if it is the
        first.
        """
        calls = [RpcCall("eth_getBlockByNumber", (hex(start + i), False)) for i in range(count)]
        parse = partial(stored_header_from_rpc, keep_bloom=keep_blooms)
        headers: list[StoredHeader] = []
        for number, answer in enumerate(await self.pool.batch(calls), start):
            if headers and isinstance(answer, RpcRefused):
                break
            block = _value(answer)
            if block is None:
                break
            headers.append(_parsed(block, BlockNumber(number), parse))
        return tuple(headers)

    async def receipts(self, block: SealedBlock) -> tuple[Receipt, ...]:
        """All receipts of a block, proved complete and true by its header's receiptsRoot.

        Raises NotHeld when the node shows none, ReceiptsMismatch when they do not hash to the root.
        """
        return tuple(decode_receipt(value) for value in await self.receipt_values(block))

    async def receipt_values(self, block: SealedBlock) -> tuple[bytes, ...]:
        """The same receipts as the trie's values, for who proves one of them. Raises as `receipts`."""
        if block.receipts_root == EMPTY_TRIE_ROOT:
            return ()
        items = [as_object(item, "receipt") for item in await self._receipt_items(block.hash)]
        try:
            values = tuple(receipt_value_from_rpc(item) for item in items)
        except ReceiptError as error:
            raise BadAnswer(str(error)) from error
        if not values:
            raise NotHeld("the node shows no receipts for a block whose receiptsRoot says that there are some")
        if ordered_trie_root(values) == block.receipts_root:
            return values
        # Before PIP-74 Bor shows its state sync as a last receipt that used no gas, and no trie holds it.
        used_no_gas = decode_receipt(values[-1]).cumulative_gas_used == 0
        if used_no_gas and ordered_trie_root(values[:-1]) == block.receipts_root:
            return values[:-1]
        raise ReceiptsMismatch("the receipts do not hash to the header's receiptsRoot")

    async def _receipt_items(self, block_hash: Hash32) -> list[object]:
        try:
            answer = await self.pool.call("eth_getBlockReceipts", [to_hex(block_hash)])
        except RpcRefused as error:
            if error.rpc_code != _METHOD_NOT_FOUND:
                raise
            return await self._receipt_items_one_by_one(block_hash)
        return [] if answer is None else as_items(answer, "eth_getBlockReceipts", TRANSACTIONS_MAX)

    async def _receipt_items_one_by_one(self, block_hash: Hash32) -> list[object]:
        """For nodes without eth_getBlockReceipts."""
        block = await self.pool.call("eth_getBlockByHash", [to_hex(block_hash), False])
        if block is None:
            raise NotHeld("the node does not hold the block whose receipts are needed")
        hashes = as_items(as_object(block, "block").get("transactions"), "transactions", TRANSACTIONS_MAX)
        calls = [RpcCall("eth_getTransactionReceipt", (to_hex(as_hash(h, "transaction hash")),)) for h in hashes]
        items = [_value(answer) for answer in await self.pool.batch(calls)]
        if any(item is None for item in items):
            raise NotHeld("the node does not show every receipt of the block")
        return items

    async def logs_of_block(self, block_hash: Hash32) -> tuple[LocatedLog, ...]:
        """What eth_getLogs shows for a block. An empty answer proves nothing; a log shown is only claimed."""
        answer = await self.pool.call("eth_getLogs", [{"blockHash": to_hex(block_hash)}])
        return tuple(_located_log(item, block_hash) for item in as_items(answer, "eth_getLogs", LOGS_MAX))

    async def logs(self, wanted: LogFilter, start: BlockNumber, end: BlockNumber) -> tuple[ClaimedLog, ...]:
        """What eth_getLogs shows of blocks start..end, in order. An empty answer proves nothing."""
        query = {
            "address": to_hex(wanted.address),
            "topics": [[to_hex(topic) for topic in topics] or None for topics in wanted.topics],
            "fromBlock": quantity(start),
            "toBlock": quantity(end),
        }
        answer = await self.pool.call("eth_getLogs", [query])
        logs = [claimed_log_from_rpc(item) for item in as_items(answer, "eth_getLogs", LOGS_MAX)]
        if not all(start <= one.block_number <= end and wanted.takes(one.log) for one in logs):
            raise BadAnswer("eth_getLogs: a log that was not asked for")
        return tuple(sorted(logs, key=lambda one: (one.block_number, one.index)))

    async def call(
        self,
        to: Address,
        data: bytes,
        block: BlockRef = "latest",
        sender: Address | None = None,
        value_wei: Wei = Wei(0),
        gas_limit: int | None = None,
    ) -> bytes:
        """The return data of a call at a block. Raises CallReverted when the contract refuses.

        Without a `gas_limit` the node gives the call as much gas as it likes.
        """
        request = {"to": to_hex(to), "data": to_hex(data)}
        if sender is not None:
            request["from"] = to_hex(sender)
        if value_wei:
            request["value"] = quantity(value_wei)
        if gas_limit is not None:
            request["gas"] = quantity(gas_limit)
        try:
            answer = await self.pool.call("eth_call", [request, _reference(block)])
        except RpcRefused as error:
            if is_revert(error):
                raise CallReverted(_revert_data(error.data), error.rpc_message) from error
            raise
        return as_data(answer, "eth_call")

    async def calls(
        self, calls: Sequence[tuple[Address, bytes]], block: BlockRef = "latest"
    ) -> tuple[bytes | CallReverted, ...]:
        """The return data of several calls at a block, in one request; in place of it, why a contract refuses."""
        requests = [
            RpcCall("eth_call", ({"to": to_hex(to), "data": to_hex(data)}, _reference(block))) for to, data in calls
        ]
        return tuple(_returned(answer) for answer in await self.pool.batch(requests))

    async def balance(self, address: Address, block: BlockRef = "latest") -> Wei:
        """An account's balance at a block."""
        answer = await self.pool.call("eth_getBalance", [to_hex(address), _reference(block)])
        return Wei(as_quantity(answer, "eth_getBalance", 256))

    async def transaction_count(self, address: Address, block: BlockRef = "latest") -> int:
        """The nonce of an account's next transaction, as of a block."""
        answer = await self.pool.call("eth_getTransactionCount", [to_hex(address), _reference(block)])
        return as_quantity(answer, "eth_getTransactionCount")

    async def code_hash(self, address: Address, block: BlockRef = "latest") -> Hash32:
        """keccak256 of the code at an address."""
        answer = await self.pool.call("eth_getCode", [to_hex(address), _reference(block)])
        return keccak256(as_data(answer, "eth_getCode"))

    async def transaction_receipt(self, transaction: Hash32) -> MinedTransaction | None:
        """Where a transaction was mined and how it ended; None if the node shows no receipt."""
        answer = await self.pool.call("eth_getTransactionReceipt", [to_hex(transaction)])
        if answer is None:
            return None
        fields = as_object(answer, "receipt")
        if as_hash(fields.get("transactionHash"), "transactionHash") != transaction:
            raise BadAnswer("eth_getTransactionReceipt: the receipt of another transaction")
        return MinedTransaction(
            hash=transaction,
            block_number=BlockNumber(as_quantity(fields.get("blockNumber"), "blockNumber")),
            block_hash=as_hash(fields.get("blockHash"), "blockHash"),
            transaction_index=as_quantity(fields.get("transactionIndex"), "transactionIndex", 32),
            succeeded=as_quantity(fields.get("status"), "status", 1) == 1,
            gas_used=as_quantity(fields.get("gasUsed"), "gasUsed"),
        )

    async def transaction(self, transaction: Hash32) -> KnownTransaction | None:
        """A transaction in the node's pool or in a block; None if it shows none with this hash."""
        answer = await self.pool.call("eth_getTransactionByHash", [to_hex(transaction)])
        if answer is None:
            return None
        fields = as_object(answer, "transaction")
        if as_hash(fields.get("hash"), "transaction hash") != transaction:
            raise BadAnswer("eth_getTransactionByHash: another transaction than asked for")
        number = fields.get("blockNumber")
        return KnownTransaction(
            transaction, None if number is None else BlockNumber(as_quantity(number, "blockNumber"))
        )

    async def mined_call(self, transaction: Hash32) -> MinedCall | None:
        """What a transaction in a block called; None if the node shows none with this hash in a block."""
        answer = await self.pool.call("eth_getTransactionByHash", [to_hex(transaction)])
        if answer is None or as_object(answer, "transaction").get("blockNumber") is None:
            return None
        found = mined_call_from_rpc(answer)
        if found.hash != transaction:
            raise BadAnswer("eth_getTransactionByHash: another transaction than asked for")
        return found

    async def calls_of_block(self, number: BlockNumber) -> tuple[MinedCall, ...]:
        """What the transactions of a block called, in order; none where the node does not show the block."""
        block = await self.pool.call("eth_getBlockByNumber", [quantity(number), True])
        if block is None:
            return ()
        items = as_items(as_object(block, "block").get("transactions"), "transactions", TRANSACTIONS_MAX)
        calls = tuple(mined_call_from_rpc(item) for item in items)
        if any(call.block_number != number for call in calls):
            raise BadAnswer("eth_getBlockByNumber: a transaction of another block than asked for")
        return calls

    async def fee_history(self, blocks: int, tip_percentile: int) -> FeeHistory:
        """Base fees and tips of the last `blocks` blocks (fewer on a young chain)."""
        answer = await self.pool.call("eth_feeHistory", [quantity(blocks), "latest", [tip_percentile]])
        fields = as_object(answer, "eth_feeHistory")
        base_fees = as_items(fields.get("baseFeePerGas"), "baseFeePerGas", FEE_HISTORY_BLOCKS_MAX + 1)
        rewards = as_items(fields.get("reward") or [], "reward", FEE_HISTORY_BLOCKS_MAX)
        if not base_fees:
            raise BadAnswer("eth_feeHistory: no base fees; the chain must have EIP-1559")
        tips = [as_items(row, "reward", 1) for row in rewards]
        return FeeHistory(
            base_fees_wei=tuple(Wei(as_quantity(fee, "baseFeePerGas", 256)) for fee in base_fees),
            tips_wei=tuple(Wei(as_quantity(row[0], "reward", 256)) for row in tips if row),
        )

    async def send_raw(self, raw: bytes) -> SendReply:
        """Hand a signed transaction to every endpoint; the best reply counts. Raises NoEndpoint when none answers."""
        replies: list[SendReply] = []
        failures: list[NoEndpoint] = []
        for answer in await self.pool.call_all("eth_sendRawTransaction", [to_hex(raw)]):
            if isinstance(answer, RpcRefused):
                meaning = classify_refusal(answer.rpc_message, answer.rpc_code)
                replies.append(SendReply(meaning, f"{answer.rpc_message} ({answer.rpc_code})".strip()))
            elif isinstance(answer, RpcAnswer):
                same = answer.value == to_hex(transaction_hash(raw))
                replies.append(
                    SendReply(SendMeaning.ACCEPTED)
                    if same
                    else SendReply(SendMeaning.UNKNOWN, "the answer is not the transaction's hash")
                )
            else:
                failures.append(answer)
        if not replies:
            raise failures[0]
        return best_reply(tuple(replies))


def is_revert(error: RpcRefused) -> bool:
    """Whether a JSON-RPC error to eth_call speaks for the contract: code 3 (geth), or a text that says so.

    A call that runs out of gas is refused like one that reverts: as a transaction it would fail too, and be paid for.
    """
    text = error.rpc_message.lower()
    return error.rpc_code == _REVERT_CODE or any(wording in text for wording in _REVERT_WORDINGS)


def _returned(answer: RpcAnswer | RpcRefused) -> bytes | CallReverted:
    if isinstance(answer, RpcAnswer):
        return as_data(answer.value, "eth_call")
    if is_revert(answer):
        return CallReverted(_revert_data(answer.data), answer.rpc_message)
    raise answer


def _reference(block: BlockRef) -> str:
    return block if isinstance(block, str) else quantity(block)


def _value(answer: RpcAnswer | RpcRefused) -> object:
    if isinstance(answer, RpcRefused):
        raise answer
    return answer.value


def _header(answer: object, number: BlockNumber | None) -> Header | None:
    return None if answer is None else _parsed(answer, number, header_from_rpc)


def _parsed(
    answer: object, number: BlockNumber | None, parse: Callable[[Mapping[str, object]], AnyHeader]
) -> AnyHeader:
    """A JSON block as a header of either kind, at the number that was asked for."""
    try:
        header = parse(as_object(answer, "block"))
    except HeaderFormatUnknownError as error:
        raise HeaderFormatUnknown(str(error)) from error
    except HeaderError as error:
        raise BadAnswer(str(error)) from error
    if number is not None and header.number != number:
        raise BadAnswer(f"asked for block {number}, got block {header.number}")
    return header


def _located_log(item: object, block_hash: Hash32) -> LocatedLog:
    fields = as_object(item, "log")
    if as_hash(fields.get("blockHash"), "blockHash") != block_hash:
        raise BadAnswer("eth_getLogs: a log of another block than asked for")
    try:
        log = log_from_rpc(fields)
    except ReceiptError as error:
        raise BadAnswer(str(error)) from error
    return LocatedLog(
        index=as_quantity(fields.get("logIndex"), "logIndex", 32),
        transaction_index=as_quantity(fields.get("transactionIndex"), "transactionIndex", 32),
        log=log,
    )


def _revert_data(data: object) -> bytes:
    """The bytes in an error's `data`: hex (geth, Erigon), {"data": hex} (providers), "Reverted 0x…" (Nethermind)."""
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str):
        return b""
    start = data.find("0x")
    try:
        return as_data(data[start:], "revert data") if start >= 0 else b""
    except BadAnswer:
        return b""
