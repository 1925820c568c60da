"""Receipts of all types: bytes, JSON, and refusals."""

from collections.abc import Callable

import pytest
import rlp as oracle  # type: ignore[import-untyped]  # ships no type stubs
from hypothesis import given

from bridge.codec import rlp
from bridge.codec.errors import ReceiptError
from bridge.codec.exit_payload import decode_payload
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import (
    STATE_SYNC_TYPE,
    Log,
    Receipt,
    decode_receipt,
    encode_receipt,
    receipt_from_rpc,
    receipts_root,
)
from bridge.codec.trie import EMPTY_TRIE_ROOT
from bridge.codec.types import Address, Hash32
from tests.unit.codec.strategies import law, receipts
from tests.unit.codec.vectors import RealPayload, real_payloads

LOG = Log(Address(b"\x11" * 20), (Hash32(b"\x22" * 32),), b"data")
RECEIPT = Receipt(2, b"\x01", 21_000, bytes(256), (LOG,))


def rpc_json(receipt: Receipt) -> dict[str, object]:
    """The receipt as an RPC reports it."""
    return {
        "type": hex(receipt.type),
        "status": "0x1" if receipt.status_or_root else "0x0",
        "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
        "logsBloom": to_hex(receipt.logs_bloom),
        "logs": [
            {
                "address": to_hex(log.address),
                "topics": [to_hex(topic) for topic in log.topics],
                "data": to_hex(log.data),
            }
            for log in receipt.logs
        ],
        "transactionIndex": "0x0",
    }


@pytest.mark.parametrize("vector", real_payloads(), ids=lambda vector: vector.name)
def test_decode_receipt__real_receipt__has_its_known_fields(vector: RealPayload) -> None:
    value = decode_payload(vector.payload).receipt
    receipt = decode_receipt(value)
    assert receipt.type == vector.receipt_type
    assert receipt.status_or_root == b"\x01"
    assert receipt.cumulative_gas_used == vector.cumulative_gas_used
    assert len(receipt.logs) == vector.log_count
    assert encode_receipt(receipt) == value
    assert receipt_from_rpc(rpc_json(receipt)) == receipt


def test_real_receipts__include_a_state_sync__of_type_0x7f() -> None:
    assert STATE_SYNC_TYPE in {vector.receipt_type for vector in real_payloads()}


@law
@given(receipts)
def test_encode_receipt__any_receipt__agrees_with_the_oracle_and_round_trips(receipt: Receipt) -> None:
    value = encode_receipt(receipt)
    items = [
        receipt.status_or_root,
        oracle.sedes.big_endian_int.serialize(receipt.cumulative_gas_used),
        receipt.logs_bloom,
        [[log.address, list(log.topics), log.data] for log in receipt.logs],
    ]
    assert value == (bytes((receipt.type,)) if receipt.type else b"") + oracle.encode(items)
    assert decode_receipt(value) == receipt
    assert receipt_from_rpc(rpc_json(receipt)) == receipt


def test_receipts_root__of_an_empty_block__is_the_empty_tries() -> None:
    assert receipts_root([]) == EMPTY_TRIE_ROOT


def test_receipt_from_rpc__before_byzantium__takes_the_state_root() -> None:
    fields = rpc_json(RECEIPT) | {"status": None, "root": to_hex(b"\x33" * 32)}
    del fields["type"]
    receipt = receipt_from_rpc(fields)
    assert (receipt.type, receipt.status_or_root) == (0, b"\x33" * 32)
    assert decode_receipt(encode_receipt(receipt)) == receipt


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "0x5"),
        ("type", "0x100"),
        ("type", 2),
        ("status", "0x2"),
        ("status", True),
        ("status", None),
        ("cumulativeGasUsed", hex(2**64)),
        ("cumulativeGasUsed", None),
        ("logsBloom", "0x00"),
        ("logsBloom", None),
        ("logs", None),
        ("logs", {}),
        ("logs", ["0x"]),
        ("logs", [{}]),
        ("logs", [{"address": "0x00", "topics": [], "data": "0x"}]),
        ("logs", [{"address": "0x" + "11" * 20, "topics": ["0x00"], "data": "0x"}]),
        ("logs", [{"address": "0x" + "11" * 20, "topics": ["0x" + "22" * 32] * 5, "data": "0x"}]),
        ("logs", [{"address": "0x" + "11" * 20, "topics": "0x", "data": "0x"}]),
        ("logs", [{"address": "0x" + "11" * 20, "topics": [], "data": None}]),
    ],
)
def test_receipt_from_rpc__wrong_type_size_or_range__is_refused(name: str, value: object) -> None:
    with pytest.raises(ReceiptError):
        receipt_from_rpc(rpc_json(RECEIPT) | {name: value})


@pytest.mark.parametrize("name", ["cumulativeGasUsed", "logsBloom", "logs", "status"])
def test_receipt_from_rpc__missing_field__is_refused(name: str) -> None:
    fields = rpc_json(RECEIPT)
    del fields[name]
    with pytest.raises(ReceiptError, match="missing"):
        receipt_from_rpc(fields)


def _with_items(change: Callable[[list[rlp.RlpItem]], None]) -> bytes:
    items = list(rlp.as_list(rlp.decode(encode_receipt(RECEIPT)[1:])))
    change(items)
    return b"\x02" + rlp.encode(items)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x02",
        b"\x05" + encode_receipt(RECEIPT)[1:],
        b"\x00" + encode_receipt(RECEIPT)[1:],
        b"\x80",
        encode_receipt(RECEIPT) + b"\x00",
        _with_items(lambda items: items.append(b"")),
        _with_items(lambda items: items.__setitem__(0, b"\x02")),
        _with_items(lambda items: items.__setitem__(0, b"\x00")),
        _with_items(lambda items: items.__setitem__(1, b"\x00\x01")),
        _with_items(lambda items: items.__setitem__(2, bytes(255))),
        _with_items(lambda items: items.__setitem__(3, ((b"\x11" * 19, (), b""),))),
        _with_items(lambda items: items.__setitem__(3, ((b"\x11" * 20, (b"1",), b""),))),
        _with_items(lambda items: items.__setitem__(3, ((b"\x11" * 20, (bytes(32),) * 5, b""),))),
        _with_items(lambda items: items.__setitem__(3, ((b"\x11" * 20, ()),))),
        _with_items(lambda items: items.__setitem__(3, b"")),
    ],
)
def test_decode_receipt__not_a_receipt__is_refused(value: bytes) -> None:
    with pytest.raises(ReceiptError):
        decode_receipt(value)
