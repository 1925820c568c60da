"""TOML tables as frozen dataclasses: each key declared once, with its meaning, unit, limits and default.

    @dataclass(frozen=True, slots=True)
    class Api:
        port: int = key(1317, "TCP port; 0 takes a free one.", least=0, most=65_535)

    read_table(Api, {"port": 1318}, "api")     # Api(port=1318), or ConfigInvalid that names api.port
    write_table(Api(port=1318))                # the keys that differ from their defaults

Types are str, bool, int, float, `Literal`s, Address (optional or not), RpcUrl, further tables, FreeTable, and tuples of
these.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal, NewType, TypeVar, cast, get_args, get_origin, get_type_hints

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import checksum_address, from_hex
from bridge.codec.types import Address
from config.errors import ConfigInvalid

RpcUrl = NewType("RpcUrl", str)
"""An http or https URL. It may hold an access key, so it is never printed."""

Scalar = str | bool | int | float
TEXT_CHARACTERS_MAX = 1_024
SETTINGS_MAX = 256
"""Keys in a free table, with those in the tables below it."""
_DEPTH_MAX = 3
_KEY = "key"
_TEXT = re.compile(r"[^\x00-\x1f\x7f]+")
_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_URL = re.compile(r"https?://[^\s/]+\S*")

T = TypeVar("T")
Value = str | bool | int | float | list[Any] | dict[str, Any]
"""What a TOML key holds, as tomllib gives it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A key that another program understands; `path` leads to it from the table's top."""

    path: tuple[str, ...]
    value: Scalar | tuple[Scalar, ...]

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class FreeTable:
    """A table, with tables in it, that is passed on to another program as it is."""

    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """What is said about a key beside its type and default; `least` and `most` limit a number, or a list's length."""

    meaning: str
    unit: str
    least: float
    most: float


def key(default: T, meaning: str, *, unit: str = "", least: float = 0, most: float = 2**63 - 1) -> T:
    """Declare a key that may be left out."""
    return field(default=default, metadata={_KEY: Key(meaning, unit, least, most)})


def required(meaning: str, *, least: float = 0, most: float = 2**63 - 1) -> Any:
    """Declare a key that must be there."""
    return field(metadata={_KEY: Key(meaning, "", least, most)})


def key_of(declared: "dataclasses.Field[Any]") -> Key:
    """What was said about a field."""
    said: Key = declared.metadata[_KEY]
    return said


def read_table(kind: type[T], table: object, place: str) -> T:
    """The dataclass of a parsed TOML table. Raises ConfigInvalid, which names the key but never quotes its value."""
    if not isinstance(table, Mapping):
        raise ConfigInvalid(f"{place} must be a table")
    hints = get_type_hints(kind)
    declared = {one.name: one for one in dataclasses.fields(cast(Any, kind))}
    unknown = sorted(set(table) - set(declared))
    if unknown:
        raise ConfigInvalid(f"{_join(place, unknown[0])} is not a known key; there are: {', '.join(declared)}")
    values = {}
    for name, one in declared.items():
        if name in table:
            values[name] = _read(hints[name], table[name], key_of(one), _join(place, name))
        elif one.default is MISSING:
            raise ConfigInvalid(f"{_join(place, name)} is missing: {key_of(one).meaning}")
    try:
        return kind(**values)
    except ValueError as error:  # from __post_init__: keys that do not fit together
        raise ConfigInvalid(f"{place or 'configuration'}: {error}") from error


def write_table(table: object) -> dict[str, Value]:
    """The TOML keys of a dataclass that differ from their defaults."""
    written = {}
    for one in dataclasses.fields(cast(Any, table)):
        value = getattr(table, one.name)
        if value != one.default:
            written[one.name] = _write(value)
    return written


def allowed(kind: object, said: Key) -> str:
    """What a key's value may be, in words."""
    if kind is int or kind is float:
        number = "integer" if kind is int else "number"
        return f"{number} from {said.least:,} to {said.most:,}" if said.most < 2**63 - 1 else number
    if get_origin(kind) is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(kind))
    if kind is FreeTable:
        return "table of the other program's keys"
    if get_origin(kind) is tuple:
        return f"list of {said.least} to {said.most}: {allowed(get_args(kind)[0], said)}"
    if _is_table(kind):
        return "table"
    return _WORDS[kind]


def free_table(settings: Iterable[Setting]) -> dict[str, Value]:
    """Settings as a TOML table; of two for one key the later counts."""
    table: dict[str, Value] = {}
    for setting in settings:
        below = table
        for name in setting.path[:-1]:
            below = cast(dict[str, Value], below.setdefault(name, {}))
        value = setting.value
        below[setting.path[-1]] = list(value) if isinstance(value, tuple) else value
    return table


def _read(kind: object, value: object, said: Key, place: str) -> object:
    if kind is FreeTable:
        return FreeTable(tuple(_read_settings(value, (), place)))
    if _is_table(kind):
        return read_table(cast(type[object], kind), value, place)
    if get_origin(kind) is tuple:
        if not isinstance(value, list) or not said.least <= len(value) <= said.most:
            raise _not_allowed(kind, said, place)
        item = get_args(kind)[0]
        return tuple(_read(item, one, said, f"{place}[{index}]") for index, one in enumerate(value))
    accepted = _read_choice(kind, value) if get_origin(kind) is Literal else _READERS[kind](value, said)
    if accepted is None:
        raise _not_allowed(kind, said, place)
    return accepted


def _read_settings(value: object, path: tuple[str, ...], place: str) -> Generator[Setting]:
    """The settings of a free table. Raises ConfigInvalid."""
    if not isinstance(value, Mapping) or len(value) > SETTINGS_MAX:
        raise ConfigInvalid(f"{place} must be a table of at most {SETTINGS_MAX} keys")
    for name, below in value.items():
        here, inner = f"{place}.{name}", (*path, str(name))
        if not _BARE_NAME.fullmatch(name):
            raise ConfigInvalid(f"{place} has a key with other characters than letters, digits, _ and -")
        if isinstance(below, Mapping) and len(inner) < _DEPTH_MAX:
            yield from _read_settings(below, inner, here)
        elif _is_scalar(below):
            yield Setting(inner, below)
        elif isinstance(below, list) and all(_is_scalar(one) for one in below):
            yield Setting(inner, tuple(below))
        else:
            raise ConfigInvalid(f"{here} must be text, a number, true or false, or a list of these")


def _is_scalar(value: object) -> bool:
    return isinstance(value, Scalar) and (not isinstance(value, float) or math.isfinite(value))


def _write(value: object) -> Value:
    if isinstance(value, FreeTable):
        return free_table(value.settings)
    if isinstance(value, tuple):
        return [_write(one) for one in value]
    if isinstance(value, bytes):
        return checksum_address(Address(value))
    return write_table(value) if dataclasses.is_dataclass(value) else cast(Value, value)


def _is_table(kind: object) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _not_allowed(kind: object, said: Key, place: str) -> ConfigInvalid:
    return ConfigInvalid(f"{place} is not allowed; it must be: {allowed(kind, said)}")


def _read_choice(kind: object, value: object) -> str | None:
    return value if isinstance(value, str) and value in get_args(kind) else None


def _read_int(value: object, said: Key) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if said.least <= value <= said.most else None


def _read_float(value: object, said: Key) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if said.least <= value <= said.most else None  # not so for NaN


def _read_bool(value: object, _: Key) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_text(value: object, _: Key) -> str | None:
    return value if isinstance(value, str) and len(value) <= TEXT_CHARACTERS_MAX and _TEXT.fullmatch(value) else None


def _read_url(value: object, said: Key) -> RpcUrl | None:
    text = _read_text(value, said)
    return RpcUrl(text) if text is not None and _URL.fullmatch(text) else None


def _read_address(value: object, _: Key) -> Address | None:
    """An address in one case, or in mixed case with the right checksum (EIP-55), which catches typing errors."""
    try:
        address = Address(from_hex(value, 20))
    except HexError:
        return None
    digits = cast(str, value)[2:]
    return address if digits in {digits.lower(), digits.upper(), checksum_address(address)[2:]} else None


_READERS: dict[object, Callable[[object, Key], object | None]] = {
    bool: _read_bool,
    int: _read_int,
    float: _read_float,
    str: _read_text,
    RpcUrl: _read_url,
    Address: _read_address,
    Address | None: _read_address,
}
_WORDS: dict[object, str] = {
    str: "text",
    bool: "true or false",
    RpcUrl: "http:// or https:// URL",
    Address: "address: 0x and 40 hex digits, with the right checksum if in mixed case",
    Address | None: "address: 0x and 40 hex digits, with the right checksum if in mixed case",
}
