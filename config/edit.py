"""Changing one key of a `config.toml` that a person wrote: comments, order and everything else stay as they are."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Address
from config.errors import ConfigError, ConfigNotEditable
from config.file import FILE_NAME, Home, load_home, parse_config
from node.store.files import write_private

_KEYS_TABLE = re.compile(r"^\[keys\][^\n]*\n", re.MULTILINE)
_NEXT_TABLE = re.compile(r"^\[", re.MULTILINE)
_SIGNERS = re.compile(r"^signers\s*=\s*\[[^]]*\]", re.MULTILINE)


def change_signers(home: Home, signers: Sequence[Address]) -> Home:
    """Write another `keys.signers` into a home's file; the home as it is then.

    The result is read back before it is written. Raises ConfigNotEditable, which says what to write by hand.
    """
    line = f"signers = {json.dumps([checksum_address(signer) for signer in signers])}"
    path = home.path / FILE_NAME
    wanted = replace(home.config, keys=replace(home.config.keys, signers=tuple(signers)))
    text = _with_line(path.read_text(), line)
    try:
        is_right = parse_config(text.encode()) == wanted
    except ConfigError:
        is_right = False
    if not is_right:
        raise ConfigNotEditable(f"{path} is not written so that it can be changed here: under [keys], write {line}")
    write_private(path, text.encode())
    return load_home(home.path)


def _with_line(text: str, line: str) -> str:
    """The text with `line` in its [keys] table, in place of the one that is there."""
    text = f"{text.rstrip()}\n"
    table = _KEYS_TABLE.search(text)
    if table is None:
        return f"{text}\n[keys]\n{line}\n"
    following = _NEXT_TABLE.search(text, table.end())
    end = len(text) if following is None else following.start()
    body = text[table.end() : end]
    changed, count = _SIGNERS.subn(lambda _: line, body, count=1)
    return text[: table.end()] + (changed if count else f"{line}\n{body}") + text[end:]
