"""JSON blocks to stored headers, quickly: a follower that catches up does little else.

Most fields of a header are only needed for its hash, so the header's RLP is put together from the JSON's hex text and
turned into bytes once; what is kept is cut out of those bytes. Nothing is believed that the hash does not confirm, and
whatever is unusual goes through `bridge.codec.header`, which knows every form and names every fault.
"""

from binascii import unhexlify
from collections.abc import Mapping
from typing import cast

from bridge.chain.header_store import StoredHeader
from bridge.codec.hash import keccak256
from bridge.codec.header import Header, header_from_rpc
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds

# Where they stand in the RLP: the first seven fields have 32, 32, 20, 32, 32, 32 and 256 bytes.
_PARENT, _TRANSACTIONS, _RECEIPTS, _BLOOM = slice(1, 33), slice(121, 153), slice(154, 186), slice(189, 445)


def stored_header_from_rpc(fields: Mapping[str, object]) -> StoredHeader:
    """The header of a JSON block, its hash reproduced from its fields. Raises as `header_from_rpc` does."""
    return _usual(fields) or stored_header(header_from_rpc(fields))


def stored_header(header: Header) -> StoredHeader:
    """What is kept of a header."""
    return StoredHeader(
        number=header.number,
        hash=header.hash,
        parent_hash=header.parent_hash,
        timestamp=header.timestamp,
        transactions_root=header.transactions_root,
        receipts_root=header.receipts_root,
        logs_bloom=header.logs_bloom,
    )


def _usual(block: Mapping[str, object]) -> StoredHeader | None:
    """The header if its fields have their usual sizes and give the block's hash; None for all else, without a word."""
    fields = cast("Mapping[str, str]", block)  # another type raises one of the errors below
    try:
        payload = unhexlify(_payload(fields))
        block_hash = keccak256(b"\xf9" + len(payload).to_bytes(2) + payload)
        if block_hash != unhexlify(_digits(fields["hash"], 64)):
            return None
        number, timestamp = int(fields["number"], 16), int(fields["timestamp"], 16)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
    return StoredHeader(
        number=BlockNumber(number),
        hash=block_hash,
        parent_hash=Hash32(payload[_PARENT]),
        timestamp=UnixSeconds(timestamp),
        transactions_root=Hash32(payload[_TRANSACTIONS]),
        receipts_root=Hash32(payload[_RECEIPTS]),
        logs_bloom=payload[_BLOOM],
    )


def _payload(fields: Mapping[str, str]) -> str:
    """The RLP of the header's fields, without the list's prefix, as hex. Raises ValueError for unusual sizes."""
    return (
        f"a0{_digits(fields['parentHash'], 64)}a0{_digits(fields['sha3Uncles'], 64)}94{_digits(fields['miner'], 40)}"
        f"a0{_digits(fields['stateRoot'], 64)}a0{_digits(fields['transactionsRoot'], 64)}"
        f"a0{_digits(fields['receiptsRoot'], 64)}b90100{_digits(fields['logsBloom'], 512)}"
        f"{_integer(fields['difficulty'])}{_integer(fields['number'])}{_integer(fields['gasLimit'])}"
        f"{_integer(fields['gasUsed'])}{_integer(fields['timestamp'])}{_bytes(fields['extraData'])}"
        f"a0{_digits(fields['mixHash'], 64)}88{_digits(fields['nonce'], 16)}{_tail(fields)}"
    )


def _tail(fields: Mapping[str, str]) -> str:
    """The RLP of the fields that forks appended, as far as the block shows them."""
    get = fields.get
    base_fee, withdrawals = get("baseFeePerGas"), get("withdrawalsRoot")
    blob_gas, excess_blob_gas = get("blobGasUsed"), get("excessBlobGas")
    beacon, requests = get("parentBeaconBlockRoot"), get("requestsHash")
    return (
        f"{'' if base_fee is None else _integer(base_fee)}{'' if withdrawals is None else _bytes(withdrawals)}"
        f"{'' if blob_gas is None else _integer(blob_gas)}"
        f"{'' if excess_blob_gas is None else _integer(excess_blob_gas)}"
        f"{'' if beacon is None else _bytes(beacon)}{'' if requests is None else _bytes(requests)}"
    )


def _digits(text: str, count: int) -> str:
    """The hex digits after 0x, which must be so many."""
    if len(text) != count + 2 or text[:2] != "0x":
        raise ValueError("an unusual size")
    return text[2:]


def _integer(text: str) -> str:
    """RLP of a quantity, hex to hex. Leading zeros give no header's hash."""
    digits = _digits(text, len(text) - 2)
    size = (len(digits) + 1) // 2
    if not 1 <= size <= 32:
        raise ValueError("an unusual size")
    if digits == "0":
        return "80"
    if len(digits) == 1 or (size == 1 and digits < "80"):
        return digits.zfill(2)
    return f"{0x80 + size:02x}{digits.zfill(2 * size)}"


def _bytes(text: str) -> str:
    """RLP of up to 55 bytes, but not of a single one, hex to hex."""
    size = len(text) // 2 - 1
    if size == 1 or size > 55:
        raise ValueError("an unusual size")
    return f"{0x80 + size:02x}{_digits(text, 2 * size)}"
