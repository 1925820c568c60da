"""JSON receipts to the values of the receipts trie, quickly: a proof needs those of a whole block, and nothing else.

A value's RLP is put together from the JSON's hex text and turned into bytes once. Nothing is believed that the block's
receiptsRoot does not confirm, and whatever is unusual goes through `bridge.codec.receipts`, which names every fault.
"""

from binascii import unhexlify
from collections.abc import Mapping
from typing import cast

from bridge.codec.receipts import TOPICS_MAX, encode_receipt, receipt_from_rpc

_TYPES = {"0x0": "", "0x1": "01", "0x2": "02", "0x3": "03", "0x4": "04"}
_STATUSES = {"0x0": "80", "0x1": "01"}
_ADDRESS_TEXT, _TOPIC_TEXT, _BLOOM_TEXT = 42, 66, 514
"""Characters, with 0x."""


def receipt_value_from_rpc(fields: Mapping[str, object]) -> bytes:
    """The trie value of an RPC's JSON receipt. Raises ReceiptError as `receipt_from_rpc` does."""
    return _usual(fields) or encode_receipt(receipt_from_rpc(fields))


def _usual(fields: Mapping[str, object]) -> bytes | None:
    """The value if all fields have their usual form; None for all else, without a word."""
    try:
        bloom = _digits(fields["logsBloom"], _BLOOM_TEXT)
        logs = fields["logs"]
        if not isinstance(logs, list):
            return None
        gas = int(_digits(fields["cumulativeGasUsed"]), 16)
        text = (
            _STATUSES[cast(str, fields["status"])] + _integer(gas) + "b90100" + bloom + _list("".join(map(_log, logs)))
        )
        return unhexlify(_TYPES[cast(str, fields["type"])] + _list(text))
    except (KeyError, TypeError, ValueError):
        return None


def _log(log: object) -> str:
    if not isinstance(log, dict):
        raise TypeError("not an object")
    topics = log["topics"]
    if not isinstance(topics, list) or len(topics) > TOPICS_MAX:
        raise TypeError("not a list of topics")
    listed = "".join(["a0" + _digits(topic, _TOPIC_TEXT) for topic in topics])
    return _list("94" + _digits(log["address"], _ADDRESS_TEXT) + _list(listed) + _bytes(_digits(log["data"])))


def _digits(text: object, characters: int | None = None) -> str:
    """What follows 0x. Raises TypeError, ValueError for an unusual form."""
    if not isinstance(text, str) or text[:2] != "0x" or (characters is not None and len(text) != characters):
        raise ValueError("an unusual form")
    return text[2:]


def _integer(value: int) -> str:
    if value < 0 or value >> 64:
        raise ValueError("an unusual size")
    if value == 0:
        return "80"
    digits = f"{value:x}"
    return _bytes("0" * (len(digits) % 2) + digits)


def _bytes(digits: str) -> str:
    size, odd = divmod(len(digits), 2)
    if odd:
        raise ValueError("an unusual size")
    if size == 1 and digits < "80":
        return digits
    return _prefix(0x80, size) + digits


def _list(digits: str) -> str:
    return _prefix(0xC0, len(digits) // 2) + digits


def _prefix(base: int, size: int) -> str:
    if size < 56:
        return f"{base + size:02x}"
    length = f"{size:x}"
    return f"{base + 55 + (len(length) + 1) // 2:02x}{'0' * (len(length) % 2)}{length}"
