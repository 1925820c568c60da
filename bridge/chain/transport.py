"""How bytes reach an RPC endpoint and come back: a seam, so that a test can put another network in its place.

Production passes `HttpTransport`. A transport knows nothing of JSON-RPC, labels, retries or health.
"""

from dataclasses import dataclass
from typing import Protocol

import aiohttp

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class ConnectionFailed(Exception):
    """The connection was refused, reset or cut. The message holds no URL."""


class ReplyTooLarge(Exception):
    """The body is larger than was asked for; reading was stopped there."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back. The body is only there for status 200."""

    status: int
    body: bytes = b""


class Transport(Protocol):
    """Posts a body to a URL."""

    async def post(self, url: str, body: bytes, reply_bytes_max: int) -> HttpReply:
        """The reply. It may never come: the caller brings the time limit. Raises ConnectionFailed, ReplyTooLarge."""
        ...


class HttpTransport:
    """HTTP by aiohttp. The session is the caller's, who closes it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, url: str, body: bytes, reply_bytes_max: int) -> HttpReply:
        """Post JSON; redirects are not followed."""
        try:
            async with self._session.post(
                url, data=body, headers=_HEADERS, timeout=_NO_TIMEOUT, allow_redirects=False
            ) as response:
                if response.status != 200:
                    return HttpReply(response.status)
                return HttpReply(response.status, await _read(response, reply_bytes_max))
        except (aiohttp.ClientError, OSError) as error:
            # aiohttp's errors quote URLs, which may hold keys, so they are not chained.
            raise ConnectionFailed(type(error).__name__) from None


async def _read(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > bytes_max:
            raise ReplyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)
