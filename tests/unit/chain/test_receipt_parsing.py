"""The quick way from a JSON receipt to its trie value gives what the strict way gives, or leaves it to that."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chain.receipt_parsing import receipt_value_from_rpc
from bridge.codec.errors import ReceiptError
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.receipts import encode_receipt, receipt_from_rpc

GAS = st.sampled_from((0, 1, 127, 128, 255, 256, 2**63, 2**64 - 1)) | st.integers(0, 2**64 - 1)
DATA = st.sampled_from((b"", b"\x00", b"\x7f", b"\x80", bytes(55), bytes(56), bytes(256), bytes(70_000))) | st.binary()
TYPES = st.sampled_from((None, "0x0", "0x1", "0x2", "0x3", "0x4", "0x7f"))


def hexadecimal(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).map(to_hex)


LOGS = st.fixed_dictionaries(
    {"address": hexadecimal(20), "topics": st.lists(hexadecimal(32), max_size=4), "data": DATA.map(to_hex)}
)
RECEIPTS = st.fixed_dictionaries(
    {
        "type": TYPES,
        "status": st.sampled_from(("0x0", "0x1", None)),
        "root": hexadecimal(32),
        "cumulativeGasUsed": GAS.map(quantity),
        "logsBloom": hexadecimal(256),
        "logs": st.lists(LOGS, max_size=3),
    }
)


@given(RECEIPTS)
def test_value__of_any_receipt__is_that_of_the_strict_way(fields: dict[str, Any]) -> None:
    assert receipt_value_from_rpc(fields) == encode_receipt(receipt_from_rpc(fields))


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "0x5"},
        {"status": "0x2"},
        {"cumulativeGasUsed": quantity(2**64)},
        {"cumulativeGasUsed": None},
        {"logsBloom": to_hex(bytes(255))},
        {"logsBloom": "1x" + "0" * 512},
        {"logs": None},
        {"logs": [None]},
        {"logs": [{"address": to_hex(bytes(20)), "topics": [to_hex(bytes(32))] * 5, "data": "0x"}]},
        {"logs": [{"address": to_hex(bytes(19)), "topics": [], "data": "0x"}]},
        {"logs": [{"address": to_hex(bytes(20)), "topics": [to_hex(bytes(31))], "data": "0x"}]},
        {"logs": [{"address": to_hex(bytes(20)), "topics": [], "data": "0x0"}]},
        {"logs": [{"address": to_hex(bytes(20)), "topics": [], "data": "0xzz"}]},
    ],
)
def test_value__of_a_malformed_receipt__is_refused_by_the_strict_way(changed: dict[str, Any]) -> None:
    usual = {"type": "0x2", "status": "0x1", "cumulativeGasUsed": "0x1", "logsBloom": to_hex(bytes(256)), "logs": []}
    with pytest.raises(ReceiptError):
        receipt_value_from_rpc({**usual, **changed})
