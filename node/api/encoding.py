"""Our values as JSON: one rule each, so that two routes cannot write the same thing in two ways.

Bytes are 0x-hex, enumerations their names, dataclasses objects with their field names, tuples lists. Whole numbers
are JSON numbers, except amounts of a token or of wei (fields that end in `_wei` or `amount`), which pass 2^53 and are
decimal strings.
"""

import dataclasses
from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, TypeAlias

import msgspec.json
from aiohttp import web

from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"

ETAG_BYTES = 16
AMOUNT_SUFFIXES = ("_wei", "amount")


def to_json(value: object) -> JsonValue:
    """The JSON form of a value. Raises TypeError for a kind of value that has no rule, which is a bug of the caller."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str | int):
        return value
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _field(str(key), item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_fields(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_fields(value: "DataclassInstance") -> dict[str, JsonValue]:
    """The JSON object of a dataclass value, for an answer that has more fields."""
    return {field.name: _field(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)}


def json_text(body: JsonValue) -> str:
    """The JSON on one line."""
    return msgspec.json.encode(body).decode()


def finished_response(request: web.Request, body: JsonValue) -> web.Response:
    """An answer that never changes: everybody on the way may keep it for ever."""
    return _tagged(request, body, "public, max-age=31536000, immutable")


def changing_response(request: web.Request, body: JsonValue) -> web.Response:
    """An answer that may be kept only if it is asked each time whether it is still the same, by its ETag."""
    return _tagged(request, body, "no-cache")


def _tagged(request: web.Request, body: JsonValue, cache_control: str) -> web.Response:
    """200 with the body, or 304 to who has it already (RFC 9110, sections 8.8.3 and 13.1.2)."""
    content = msgspec.json.encode(body)
    tag = keccak256(content)[:ETAG_BYTES].hex()
    headers = {"Cache-Control": cache_control, "ETag": f'"{tag}"', "X-Content-Type-Options": "nosniff"}
    asked = request.if_none_match or ()
    if any(one.value in (tag, "*") for one in asked):
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, content_type="application/json", headers=headers)


def json_response(body: JsonValue, status: int = 200) -> web.Response:
    """An HTTP answer with this JSON, which nobody on the way may keep."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def _field(name: str, value: object) -> JsonValue:
    if isinstance(value, int) and not isinstance(value, bool | Enum) and name.endswith(AMOUNT_SUFFIXES):
        return str(value)
    return to_json(value)
