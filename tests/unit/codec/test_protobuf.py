"""The protobuf writer, against protobuf's own library."""

import pytest
from google.protobuf import timestamp_pb2, wrappers_pb2
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import protobuf
from tests.unit.codec.strategies import law


@law
@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_varint_field__any_number__is_what_protobuf_writes(value: int) -> None:
    assert protobuf.varint_field(1, value) == wrappers_pb2.Int64Value(value=value).SerializeToString()


@law
@given(st.binary(max_size=300))
def test_bytes_field__any_bytes__is_what_protobuf_writes(value: bytes) -> None:
    assert protobuf.bytes_field(1, value) == wrappers_pb2.BytesValue(value=value).SerializeToString()


@law
@given(st.text(max_size=100))
def test_string_field__any_text__is_what_protobuf_writes(value: str) -> None:
    assert protobuf.string_field(1, value) == wrappers_pb2.StringValue(value=value).SerializeToString()


@law
@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9))
def test_timestamp__any_time_of_four_digit_years__is_what_protobuf_writes(time_ns: int) -> None:
    expected = timestamp_pb2.Timestamp()
    expected.FromNanoseconds(time_ns)
    assert protobuf.timestamp(time_ns) == expected.SerializeToString()


def test_sfixed64_field__negative_and_zero__takes_eight_bytes_or_none() -> None:
    assert protobuf.sfixed64_field(2, -2).hex() == "11feffffffffffffff"
    assert protobuf.sfixed64_field(2, 0) == b""


def test_message_field__empty__is_written_all_the_same() -> None:
    assert protobuf.message_field(2, b"").hex() == "1200"


@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1])
def test_varint__beyond_64_bits__is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        protobuf.varint(value)


def test_delimited__128_bytes__has_a_length_of_two_bytes() -> None:
    assert protobuf.delimited(bytes(128))[:3].hex() == "800100"
