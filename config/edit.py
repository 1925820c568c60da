"""Changing single keys of a `config.toml` that a person wrote: comments, order and everything else stay as they are."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Address
from config.errors import ConfigError, ConfigNotEditable
from config.file import FILE_NAME, Home, load_home, parse_config
from config.schema import NodeConfig
from node.store.files import write_private

_NEXT_TABLE = re.compile(r"^\[", re.MULTILINE)


def change_signers(home: Home, signers: Sequence[Address]) -> Home:
    """Write another `keys.signers` into a home's file; the home as it is then. Raises ConfigNotEditable."""
    wanted = replace(home.config, keys=replace(home.config.keys, signers=tuple(signers)))
    return _change(home, wanted, "keys", {"signers": [checksum_address(signer) for signer in signers]})


def change_comet(home: Home, **values: str | int | tuple[str, ...]) -> Home:
    """Write other keys of `engine.comet` into a home's file; the home as it is then. Raises ConfigNotEditable."""
    engine = home.config.engine
    comet = replace(engine.comet, **values)  # type: ignore[arg-type]  # each by its own name
    return _change(home, replace(home.config, engine=replace(engine, comet=comet)), "engine.comet", values)


def _change(home: Home, wanted: NodeConfig, table: str, values: Mapping[str, object]) -> Home:
    """The result is read back before it is written. Raises ConfigNotEditable, which says what to write by hand."""
    path = home.path / FILE_NAME
    lines = {name: f"{name} = {json.dumps(value)}" for name, value in values.items()}
    text = path.read_text()
    for name, line in lines.items():
        text = _with_line(text, table, name, line)
    try:
        is_right = parse_config(text.encode()) == wanted
    except ConfigError:
        is_right = False
    if not is_right:
        told = ", ".join(lines.values())
        raise ConfigNotEditable(f"{path} is not written so that it can be changed here: under [{table}], write {told}")
    write_private(path, text.encode())
    return load_home(home.path)


def _with_line(text: str, table: str, name: str, line: str) -> str:
    """The text with `line` in one of its tables, in place of the one that is there."""
    text = f"{text.rstrip()}\n"
    begins = re.search(rf"^\[{re.escape(table)}\][^\n]*\n", text, re.MULTILINE)
    if begins is None:
        return f"{text}\n[{table}]\n{line}\n"
    following = _NEXT_TABLE.search(text, begins.end())
    end = len(text) if following is None else following.start()
    body = text[begins.end() : end]
    pattern = re.compile(rf"^{name}\s*=\s*(\[[^]]*\]|[^\n]*)", re.MULTILINE)
    changed, count = pattern.subn(lambda _: line, body, count=1)
    return text[: begins.end()] + (changed if count else f"{line}\n{body}") + text[end:]
