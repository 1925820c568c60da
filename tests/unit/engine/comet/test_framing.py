"""Frames: whatever the pieces in which they arrive, the same messages come out, and none that is too long."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.engine.comet.framing import FrameBuffer, FrameReader, encode_frame
from node.engine.errors import WireError


@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_frames__cut_anywhere__come_out_the_same(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(encode_frame, messages))
    buffer, found, at = FrameBuffer(), list[bytes](), 0

    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        found += buffer.feed(stream[at : at + size])
        at += size

    assert found == messages
    assert buffer.is_empty


@pytest.mark.parametrize(
    ("length", "prefix"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**21, "80808001")]
)
def test_frame__by_its_length__has_the_prefix_of_leb128(length: int, prefix: str) -> None:
    assert encode_frame(bytes(length)) == bytes.fromhex(prefix) + bytes(length)


def test_frame__at_the_limit__is_read_and_one_byte_more_refused() -> None:
    assert FrameBuffer(200).feed(encode_frame(bytes(200))) == [bytes(200)]
    with pytest.raises(WireError, match="over the limit of 200"):
        FrameBuffer(200).feed(encode_frame(bytes(201))[:2])


def test_frame__whose_length_never_ends__is_refused() -> None:
    with pytest.raises(WireError, match="more than 5 bytes"):
        FrameBuffer().feed(b"\xff" * 5)


async def test_reader__of_a_stream_that_ends_in_a_message__says_so() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(encode_frame(b"whole") + encode_frame(b"cut off")[:-1])
    stream.feed_eof()
    reader = FrameReader(stream)

    assert await reader.read() == [b"whole"]
    with pytest.raises(WireError, match="in the middle of a message"):
        await reader.read()


async def test_reader__of_a_stream_that_ends_between_messages__ends() -> None:
    stream = asyncio.StreamReader()
    stream.feed_eof()

    assert await FrameReader(stream).read() == []
