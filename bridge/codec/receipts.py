"""Transaction receipts: from JSON-RPC, to and from the bytes that the receipts trie holds, and that trie's root.

A trie value is RLP([status or root, cumulative gas, bloom, logs]), with one type byte before it for typed
transactions (EIP-2718). Known types: 0 (legacy, no type byte), 1 (EIP-2930), 2 (EIP-1559), 3 (EIP-4844), 4 (EIP-7702)
and 0x7f (Bor's state sync, PIP-74).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.codec import rlp
from bridge.codec.errors import HexError, ReceiptError, RlpError
from bridge.codec.hexadecimal import from_hex, from_quantity
from bridge.codec.trie import ordered_trie_root
from bridge.codec.types import Address, Hash32

LEGACY_TYPE = 0
STATE_SYNC_TYPE = 0x7F
KNOWN_TYPES = frozenset((0, 1, 2, 3, 4, STATE_SYNC_TYPE))

SUCCESS = b"\x01"
FAILURE = b""
TOPICS_MAX = 4
BLOOM_BYTES = 256

_FIRST_LIST_BYTE = 0xC0


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract emitted; its place in the block is known by where it stands."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as the trie commits to it.

    `status_or_root` is SUCCESS, FAILURE, or before Byzantium a 32-byte state root.
    """

    type: int
    status_or_root: bytes
    cumulative_gas_used: int
    logs_bloom: bytes
    logs: tuple[Log, ...]


def encode_receipt(receipt: Receipt) -> bytes:
    """The receipt's trie value."""
    logs = tuple((log.address, log.topics, log.data) for log in receipt.logs)
    body = rlp.encode((receipt.status_or_root, rlp.uint(receipt.cumulative_gas_used), receipt.logs_bloom, logs))
    return body if receipt.type == LEGACY_TYPE else bytes((receipt.type,)) + body


def decode_receipt(data: bytes) -> Receipt:
    """The receipt of a trie value. Raises ReceiptError unless it is canonical and of a known type."""
    if not data:
        raise ReceiptError("receipt is empty")
    is_typed = data[0] < _FIRST_LIST_BYTE
    receipt_type = data[0] if is_typed else LEGACY_TYPE
    if receipt_type not in KNOWN_TYPES or (is_typed and receipt_type == LEGACY_TYPE):
        raise ReceiptError(f"receipt type {data[0]:#04x} is not known")
    try:
        status, gas, bloom, logs = rlp.as_list(rlp.decode(data[1:] if is_typed else data), 4, "receipt")
        return Receipt(
            type=receipt_type,
            status_or_root=_checked_status(rlp.as_bytes(status, None, "status")),
            cumulative_gas_used=rlp.as_uint(gas, 64, "cumulative gas"),
            logs_bloom=rlp.as_bytes(bloom, BLOOM_BYTES, "logs bloom"),
            logs=tuple(_decode_log(item) for item in rlp.as_list(logs, None, "logs")),
        )
    except RlpError as error:
        raise ReceiptError(f"receipt: {error}") from error


def receipts_root(receipts: Sequence[Receipt]) -> Hash32:
    """The receiptsRoot that a block header has over these receipts, in transaction order."""
    return ordered_trie_root([encode_receipt(receipt) for receipt in receipts])


def receipt_from_rpc(fields: Mapping[str, object]) -> Receipt:
    """The receipt of an RPC's JSON object (eth_getTransactionReceipt, eth_getBlockReceipts).

    Only the fields that the trie commits to are read; whether they are true is for `receipts_root` to show.
    Raises ReceiptError for a field of the wrong type, size or range.
    """
    try:
        receipt_type = from_quantity(fields["type"], 8) if fields.get("type") is not None else LEGACY_TYPE
        if receipt_type not in KNOWN_TYPES:
            raise ReceiptError(f"receipt type {receipt_type:#04x} is not known")
        logs = fields["logs"]
        if not isinstance(logs, list):
            raise ReceiptError("receipt: logs is not a list")
        return Receipt(
            type=receipt_type,
            status_or_root=_status_from_rpc(fields),
            cumulative_gas_used=from_quantity(fields["cumulativeGasUsed"], 64),
            logs_bloom=from_hex(fields["logsBloom"], BLOOM_BYTES),
            logs=tuple(log_from_rpc(log) for log in logs),
        )
    except KeyError as error:
        raise ReceiptError(f"receipt: field {error} is missing") from error
    except HexError as error:
        raise ReceiptError(f"receipt: {error}") from error


def log_from_rpc(fields: object) -> Log:
    """Address, topics and data of a log's JSON object. Raises ReceiptError."""
    if not isinstance(fields, dict):
        raise ReceiptError("log is not an object")
    try:
        topics = fields["topics"]
        if not isinstance(topics, list) or len(topics) > TOPICS_MAX:
            raise ReceiptError(f"log: topics is not a list of at most {TOPICS_MAX}")
        return Log(
            address=Address(from_hex(fields["address"], 20)),
            topics=tuple(Hash32(from_hex(topic, 32)) for topic in topics),
            data=from_hex(fields["data"]),
        )
    except KeyError as error:
        raise ReceiptError(f"log: field {error} is missing") from error
    except HexError as error:
        raise ReceiptError(f"log: {error}") from error


def _decode_log(item: rlp.RlpItem) -> Log:
    address, topics, data = rlp.as_list(item, 3, "log")
    topic_items = rlp.as_list(topics, None, "topics")
    if len(topic_items) > TOPICS_MAX:
        raise ReceiptError(f"log has {len(topic_items)} topics")
    return Log(
        address=Address(rlp.as_bytes(address, 20, "log address")),
        topics=tuple(Hash32(rlp.as_bytes(topic, 32, "topic")) for topic in topic_items),
        data=rlp.as_bytes(data, None, "log data"),
    )


def _checked_status(status: bytes) -> bytes:
    if status not in (SUCCESS, FAILURE) and len(status) != 32:
        raise ReceiptError("status is neither 1, nor empty, nor a 32-byte state root")
    return status


def _status_from_rpc(fields: Mapping[str, object]) -> bytes:
    if fields.get("status") is not None:
        return SUCCESS if from_quantity(fields["status"], 1) else FAILURE
    return from_hex(fields["root"], 32)
