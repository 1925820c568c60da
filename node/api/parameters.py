"""Path and query parameters, read strictly: each wrong type, size or range has its own clear error."""

import re

from aiohttp import web

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Address, Hash32
from node.api.errors import BadParameterError, UnknownParameterError

UINT64_MAX = 2**64 - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}")
_NAME = re.compile(r"[!-~]{1,64}")


def refuse_unknown_query(request: web.Request, *known: str) -> None:
    """Let nothing but these query parameters pass, each at most once. Raises UnknownParameterError."""
    for name in request.query:
        if name not in known or len(request.query.getall(name)) > 1:
            raise UnknownParameterError(name[:64], known)


def integer(name: str, text: str, minimum: int = 0, maximum: int = UINT64_MAX) -> int:
    """A decimal number in a range. Raises BadParameterError, also for signs, leading zeros and spaces."""
    if not _DECIMAL.fullmatch(text):
        raise BadParameterError(name, "must be a whole decimal number without sign or leading zeros")
    number = int(text)
    if not minimum <= number <= maximum:
        raise BadParameterError(name, f"must be from {minimum} to {maximum}")
    return number


def query_integer(request: web.Request, name: str, minimum: int = 0, maximum: int = UINT64_MAX) -> int | None:
    """The query parameter as a number in a range, or None where it is absent."""
    text = request.query.get(name)
    return None if text is None else integer(name, text, minimum, maximum)


def path_integer(request: web.Request, name: str, minimum: int = 0, maximum: int = UINT64_MAX) -> int:
    """The path parameter as a number in a range."""
    return integer(name, request.match_info[name], minimum, maximum)


def path_hash(request: web.Request, name: str) -> Hash32:
    """The path parameter as 32 bytes of 0x-hex."""
    return Hash32(_hexadecimal(name, request.match_info[name], 32))


def path_address(request: web.Request, name: str) -> Address:
    """The path parameter as an address; with or without 0x and in any case, as Heimdall takes it."""
    text = request.match_info[name]
    return Address(_hexadecimal(name, text if text[:2].lower() == "0x" else "0x" + text, 20))


def query_name(request: web.Request, name: str) -> str | None:
    """The query parameter as the name of something, or None where it is absent."""
    text = request.query.get(name)
    if text is not None and not _NAME.fullmatch(text):
        raise BadParameterError(name, "must be 1 to 64 visible ASCII characters")
    return text


def _hexadecimal(name: str, text: str, length: int) -> bytes:
    try:
        return from_hex(text.lower(), length)
    except HexError:
        raise BadParameterError(name, f"must be 0x and {2 * length} hexadecimal digits") from None
