"""One question to an NTP server: what time is it? (SNTP, RFC 4330: 48 bytes over UDP, times in seconds since 1900.)"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable

from bridge.chain.clock import Clock

PORT = 123
ANSWER_S = 3.0
"""How long a server has to answer; on the way there and back it must not take longer."""
_PACKET_BYTES = 48
_VERSION_4_CLIENT = 0x23
_MODE_SERVER = 4
_UNSYNCHRONISED = 3
_STRATUM_MAX = 15
_SECONDS_1900_TO_1970 = 2_208_988_800
_ERA_S = 1 << 32
"""The 32-bit seconds began anew in 2036: those with a clear highest bit are of that era."""


class SntpClient:
    """Asks for the time; our own is the clock's."""

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random_bytes = random_bytes

    async def offset_s(self, server: str) -> float | None:
        """How far the server's clock is ahead of ours; None without an answer that can be used.

        `server` is HOST or HOST:PORT.
        """
        host, _, port = server.partition(":")
        # Not our time: it is nobody's business, and what cannot be guessed shows that the answer is one.
        cookie = self._random_bytes(8)
        try:
            async with asyncio.timeout(ANSWER_S):
                address = await _resolved(host, int(port) if port else PORT)
                return await self._ask(address, cookie)
        except (OSError, TimeoutError):
            return None

    async def _ask(self, address: tuple[str, int], cookie: bytes) -> float | None:
        loop = asyncio.get_running_loop()
        transport, exchange = await loop.create_datagram_endpoint(
            lambda: _Exchange(self._clock, cookie), remote_addr=address
        )
        try:
            sent_s = self._clock.now()
            transport.sendto(bytes((_VERSION_4_CLIENT,)) + bytes(_PACKET_BYTES - 9) + cookie)
            packet, received_s = await exchange.answer
        finally:
            transport.close()
        return offset_of(packet, sent_s, received_s)


class _Exchange(asyncio.DatagramProtocol):
    """Waits for the answer to one question."""

    def __init__(self, clock: Clock, cookie: bytes) -> None:
        self.answer: asyncio.Future[tuple[bytes, float]] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._cookie = cookie

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take the first packet that holds the cookie; who cannot know it has not been asked."""
        if len(data) >= _PACKET_BYTES and data[24:32] == self._cookie and not self.answer.done():
            self.answer.set_result((data[:_PACKET_BYTES], self._clock.now()))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there."""
        if not self.answer.done():
            self.answer.set_exception(exc)


def offset_of(packet: bytes, sent_s: float, received_s: float) -> float | None:
    """What an answer says of our clock, on which the question was sent and the answer received; None if nothing.

    Bytes: 0 leap (2 bits), version (3), mode (3); 1 stratum; 32 … 39 the server's time of receipt; 40 … 47 of sending.
    """
    leap, mode, stratum = packet[0] >> 6, packet[0] & 7, packet[1]
    if mode != _MODE_SERVER or leap == _UNSYNCHRONISED or not 1 <= stratum <= _STRATUM_MAX:
        return None
    if not any(packet[40:48]):
        return None
    there_s, back_s = _seconds(packet[32:40]), _seconds(packet[40:48])
    return ((there_s - sent_s) + (back_s - received_s)) / 2


def _seconds(field: bytes) -> float:
    """A timestamp of 32 bits of seconds and 32 bits of their fraction, as seconds since 1970."""
    seconds = int.from_bytes(field[:4])
    era_s = 0 if seconds >> 31 else _ERA_S
    return seconds + era_s - _SECONDS_1900_TO_1970 + int.from_bytes(field[4:]) / _ERA_S


async def _resolved(host: str, port: int) -> tuple[str, int]:
    """The first address of a name. Raises OSError.

    In a thread that nobody waits for at the end: a name server that does not answer must not hold up a stop.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[tuple[str, int]] = loop.create_future()

    def settle(address: tuple[str, int] | OSError) -> None:
        if found.done():
            return
        if isinstance(address, OSError):
            found.set_exception(address)
        else:
            found.set_result(address)

    def resolve() -> None:
        result: tuple[str, int] | OSError
        try:
            address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4]
            result = (str(address[0]), int(address[1]))
        except OSError as error:
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=resolve, name=f"resolve {host}", daemon=True).start()
    return await found
