"""The JSON form of a genesis: bytes as 0x-hex, amounts of wei as decimal strings, enumerations by name.

The hash is over the canonical encoding, never over this text. The form loses nothing; unknown or missing keys are
refused.
"""

import dataclasses
import json
from enum import IntEnum
from typing import Any, NewType, get_args, get_origin, get_type_hints

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.types import Wei
from node.app import canonical
from node.app.errors import GenesisError
from node.app.genesis import Genesis

FILE_BYTES_MAX = 4 * 1024 * 1024
WEI_DIGITS_MAX = 78
"""Of 2^256."""


def genesis_to_json(genesis: Genesis) -> str:
    """The file's text, indented for people."""
    return json.dumps(_to_json(Genesis, genesis), indent=2) + "\n"


def genesis_from_json(text: str | bytes) -> Genesis:
    """The checked genesis of a file's text. Raises GenesisError that names the place."""
    if len(text) > FILE_BYTES_MAX:
        raise GenesisError(f"genesis file: over the limit of {FILE_BYTES_MAX} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GenesisError(f"genesis file: not JSON: {error}") from error
    genesis: Genesis = _from_json(Genesis, document, "genesis")
    return genesis.checked()


def _to_json(kind: Any, value: Any) -> Any:
    if kind is Wei:
        return str(value)
    base = _base(kind)
    if get_origin(base) is tuple:
        return [_to_json(get_args(base)[0], item) for item in value]
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, bytes):
        return to_hex(value)
    if dataclasses.is_dataclass(base):
        hints = get_type_hints(base)
        return {
            field.name: _to_json(hints[field.name], getattr(value, field.name)) for field in dataclasses.fields(base)
        }
    return value


def _from_json(kind: Any, value: Any, place: str) -> Any:
    base = _base(kind)
    if get_origin(base) is tuple:
        _expect(isinstance(value, list), place, "a list")
        return tuple(_from_json(get_args(base)[0], item, f"{place}[{index}]") for index, item in enumerate(value))
    if kind is Wei:
        is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= WEI_DIGITS_MAX
        _expect(is_number and int(value) < 2**256, place, "wei as a decimal string, below 2^256")
        return int(value)
    if base is bytes:
        return _bytes_from_json(value, canonical.fixed_length(kind), place)
    if base is str:
        _expect(isinstance(value, str) and value.isprintable(), place, "printable text")
        return value
    if base is int:
        _expect(type(value) is int and 0 <= value < 2**64, place, "a whole number, not negative")
        return value
    if issubclass(base, IntEnum):
        names = {member.name.lower(): member for member in base}
        _expect(isinstance(value, str) and value in names, place, f"one of {', '.join(names)}")
        return names[value]
    return _record_from_json(base, value, place)


def _record_from_json(kind: Any, value: Any, place: str) -> Any:
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    _expect(isinstance(value, dict), place, "an object")
    _expect(set(value) == set(names), place, f"an object with exactly the keys {', '.join(names)}")
    return kind(**{name: _from_json(hints[name], value[name], f"{place}.{name}") for name in names})


def _bytes_from_json(value: Any, length: int | None, place: str) -> bytes:
    _expect(isinstance(value, str), place, "0x-hex")
    try:
        return from_hex(value, length)
    except HexError as error:
        raise GenesisError(f"{place}: {error}") from error


def _base(kind: Any) -> Any:
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    return kind


def _expect(holds: bool, place: str, what: str) -> None:
    if not holds:
        raise GenesisError(f"{place}: expected {what}")
