"""The frames of CometBFT's sockets, ABCI's and the remote signer's: an unsigned LEB128 length, then the message."""

import asyncio

from node.engine.errors import WireError

FRAME_BYTES_MAX = 64 * 1024 * 1024
"""Longest message that is read. A block holds 4 MiB of transactions, a snapshot's chunk 16 MiB."""
_LENGTH_BYTES_MAX = 5
"""A length of 2^35 would need more; FRAME_BYTES_MAX is far below."""
_READ_BYTES = 64 * 1024


def encode_frame(message: bytes) -> bytes:
    """The message with its length before it."""
    length, prefix = len(message), bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + message


class FrameBuffer:
    """Bytes as they come, cut into messages. Methods raise WireError for a length over the limit."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._frame_bytes_max = frame_bytes_max

    def feed(self, data: bytes) -> list[bytes]:
        """Take further bytes; the messages that are whole now."""
        self._buffer += data
        messages: list[bytes] = []
        at = 0
        while (found := self._next(at)) is not None:
            start, at = found
            messages.append(bytes(self._buffer[start:at]))
        del self._buffer[:at]
        return messages

    @property
    def is_empty(self) -> bool:
        """Whether no begun message waits for its rest."""
        return not self._buffer

    def _next(self, at: int) -> tuple[int, int] | None:
        """Where the message that begins at `at` starts and ends, without its length; None if it is not whole."""
        length = 0
        for place in range(_LENGTH_BYTES_MAX):
            if at + place >= len(self._buffer):
                return None
            byte = self._buffer[at + place]
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                break
        else:
            raise WireError(f"a frame's length takes more than {_LENGTH_BYTES_MAX} bytes")
        if length > self._frame_bytes_max:
            raise WireError(f"a frame of {length} bytes is over the limit of {self._frame_bytes_max}")
        start = at + place + 1
        return (start, start + length) if start + length <= len(self._buffer) else None


class FrameReader:
    """Messages off a stream."""

    def __init__(self, stream: asyncio.StreamReader, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._stream = stream
        self._buffer = FrameBuffer(frame_bytes_max)

    async def read(self) -> list[bytes]:
        """All messages that are there, at least one; none when the other side has closed.

        Raises WireError for a frame that is too long or cut off, and OSError.
        """
        while True:
            data = await self._stream.read(_READ_BYTES)
            if not data:
                if not self._buffer.is_empty:
                    raise WireError("the connection was closed in the middle of a message")
                return []
            messages = self._buffer.feed(data)
            if messages:
                return messages
