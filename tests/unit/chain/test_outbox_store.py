"""Rows of an outbox: what is written is what is read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.outbox_store import (
    Attempt,
    EntryState,
    Inclusion,
    Intent,
    OutboxEntry,
    Waiting,
    decode_entry,
    encode_entry,
)
from bridge.codec import rlp
from bridge.codec.errors import RlpError
from bridge.codec.types import Address, BlockNumber, Hash32, Wei

hashes = st.binary(min_size=32, max_size=32).map(Hash32)
weis = st.integers(0, 2**200).map(Wei)
numbers = st.integers(0, 2**63)
intents = st.builds(
    Intent,
    key=st.text(max_size=30),
    to=st.binary(min_size=20, max_size=20).map(Address),
    data=st.binary(max_size=100),
    value_wei=weis,
    gas_limit=numbers,
)
attempts = st.builds(
    Attempt,
    raw=st.binary(max_size=50),
    hash=hashes,
    max_fee_per_gas_wei=weis,
    max_priority_fee_per_gas_wei=weis,
    is_cancel=st.booleans(),
    signed_at_s=numbers,
)
inclusions = st.builds(
    Inclusion,
    block_number=numbers.map(BlockNumber),
    block_hash=hashes,
    transaction_hash=hashes,
    succeeded=st.booleans(),
    gas_used=numbers,
)
entries = st.builds(
    OutboxEntry,
    intent=intents,
    state=st.sampled_from(EntryState),
    nonce=st.none() | numbers,
    attempts=st.lists(attempts, max_size=3).map(tuple),
    inclusion=st.none() | inclusions,
    waiting=st.sampled_from(Waiting),
    detail=st.text(max_size=30),
)


@settings(max_examples=100, deadline=None)
@given(entry=entries)
def test_entry__written_and_read__is_the_same(entry: OutboxEntry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@given(entry=entries, cut=st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_entry__row_cut_short__is_refused(entry: OutboxEntry, cut: int) -> None:
    with pytest.raises(RlpError):
        decode_entry(encode_entry(entry)[:-cut])


def test_entry__of_another_version__is_refused_by_name() -> None:
    intent = Intent("k", Address(bytes(20)), b"", Wei(0), 1)
    items = rlp.as_list(rlp.decode(encode_entry(OutboxEntry(intent, EntryState.PLANNED))))
    with pytest.raises(ValueError, match="version 9"):
        decode_entry(rlp.encode([rlp.uint(9), *items[1:]]))


def test_entry__long_words_of_a_node__are_cut() -> None:
    intent = Intent("k", Address(bytes(20)), b"", Wei(0), 1)
    assert len(OutboxEntry(intent, EntryState.PLANNED).waits(Waiting.L1_REFUSES, "x" * 10_000).detail) == 500
