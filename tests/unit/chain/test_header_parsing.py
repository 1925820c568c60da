"""The quick way from JSON to a stored header against the careful one: equal on every header, no laxer on any other."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.header_parsing import stored_header, stored_header_from_rpc
from bridge.codec.errors import HeaderError, HeaderFormatUnknownError
from bridge.codec.header import Header, header_from_rpc
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, Wei
from tests.unit.chain.tiny_chain import TinyChain, header_json

hashes = st.binary(min_size=32, max_size=32).map(Hash32)
numbers = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x100, 30_000_000, 2**64 - 1]) | st.integers(0, 2**64 - 1)


def with_fork(header: Header, tail_fields: int) -> Header:
    """The header with only the first so many of the fields that forks appended (1, 2, 5, 6: London to Prague)."""
    if tail_fields < 6:
        header = replace(header, requests_hash=None)
    if tail_fields < 5:
        header = replace(header, blob_gas_used=None, excess_blob_gas=None, parent_beacon_block_root=None)
    if tail_fields < 2:
        header = replace(header, withdrawals_root=None)
    return header if tail_fields else replace(header, base_fee_per_gas_wei=None)


headers = st.builds(
    with_fork,
    st.builds(
        Header,
        parent_hash=hashes,
        uncles_hash=hashes,
        beneficiary=st.binary(min_size=20, max_size=20).map(Address),
        state_root=hashes,
        transactions_root=hashes,
        receipts_root=hashes,
        logs_bloom=st.binary(min_size=256, max_size=256),
        difficulty=st.integers(0, 2**100) | st.just(0),
        number=numbers.map(BlockNumber),
        gas_limit=numbers,
        gas_used=numbers,
        timestamp=numbers.map(UnixSeconds),
        extra_data=st.binary(max_size=40) | st.binary(min_size=50, max_size=300),
        mix_hash=hashes,
        nonce=st.binary(min_size=8, max_size=8),
        base_fee_per_gas_wei=numbers.map(Wei),
        withdrawals_root=hashes,
        blob_gas_used=numbers,
        excess_blob_gas=numbers,
        parent_beacon_block_root=hashes,
        requests_hash=hashes,
    ),
    st.sampled_from([0, 1, 2, 5, 6]),
)


@settings(max_examples=150, deadline=None)
@given(header=headers)
def test_parsing__headers_of_every_fork__are_as_the_careful_way_has_them(header: Header) -> None:
    assert stored_header_from_rpc(header_json(header)) == stored_header(header)


@settings(max_examples=150, deadline=None)
@given(
    header=headers,
    name=st.sampled_from(sorted(header_json(with_fork(TinyChain().head, 1)))),
    value=st.one_of(
        st.none(),
        st.integers(),
        st.lists(st.text(max_size=3), max_size=2),
        st.text(alphabet="0xabz18 _-", max_size=8),
        st.integers(0, 2**70).map(hex),
        st.binary(max_size=33).map(lambda data: "0x" + data.hex()),
    ),
)
def test_parsing__one_field_is_anything__ends_as_the_careful_way_does(header: Header, name: str, value: object) -> None:
    fields = {**header_json(header), name: value}
    try:
        careful = stored_header(header_from_rpc(fields))
    except HeaderError as error:
        with pytest.raises(type(error)):
            stored_header_from_rpc(fields)
    else:
        assert stored_header_from_rpc(fields) == careful


def test_parsing__field_missing__is_named() -> None:
    fields = header_json(TinyChain().head)
    del fields["gasUsed"]
    with pytest.raises(HeaderError, match="gasUsed"):
        stored_header_from_rpc(fields)


def test_parsing__endpoint_reports_a_field_that_the_hash_lacks__is_still_the_header() -> None:
    header = TinyChain().head
    fields = {**header_json(header), "withdrawalsRoot": "0x" + "11" * 32}
    assert stored_header_from_rpc(fields) == stored_header(header)


def test_parsing__bytes_moved_from_one_field_to_the_next__are_not_the_header() -> None:
    """Sizes are checked, so the hash commits to each field and not only to all of them in a row."""
    header = replace(TinyChain().head, uncles_hash=Hash32(b"\x11" * 31 + b"\x94"))
    fields = header_json(header)
    fields["sha3Uncles"] = str(fields["sha3Uncles"])[:-2]
    with pytest.raises(HeaderError) as raised:
        stored_header_from_rpc(fields)
    assert not isinstance(raised.value, HeaderFormatUnknownError)
