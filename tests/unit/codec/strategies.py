"""Random values for the codec's laws, and how often a law is tried."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st

from bridge.codec.bloom import bloom_of
from bridge.codec.receipts import FAILURE, SUCCESS, Log, Receipt
from bridge.codec.rlp import RlpItem
from bridge.codec.types import Address, Hash32

law = settings(max_examples=60, deadline=None)
"""Enough examples to find a wrong boundary, few enough for a quick suite."""

hashes = st.binary(min_size=32, max_size=32).map(Hash32)
addresses = st.binary(min_size=20, max_size=20).map(Address)
private_keys = st.integers(1, 2**250).map(lambda number: number.to_bytes(32))

logs = st.builds(
    Log,
    address=addresses,
    topics=st.lists(hashes, max_size=4).map(tuple),
    data=st.binary(max_size=100),
)


def _receipt(receipt_type: int, status: bytes, gas: int, receipt_logs: Sequence[Log]) -> Receipt:
    return Receipt(receipt_type, status, gas, bloom_of(receipt_logs), tuple(receipt_logs))


receipts = st.builds(
    _receipt,
    st.sampled_from((0, 1, 2, 3, 4, 0x7F)),
    st.sampled_from((SUCCESS, FAILURE)),
    st.integers(0, 2**40),
    st.lists(logs, max_size=4),
)


def _nested(children: st.SearchStrategy[RlpItem]) -> st.SearchStrategy[RlpItem]:
    return st.lists(children, max_size=5).map(tuple)


_strings: st.SearchStrategy[RlpItem] = st.binary(max_size=70)
rlp_items: st.SearchStrategy[RlpItem] = st.recursive(_strings, _nested, max_leaves=30)
