"""Which release of CometBFT a binary was built from: what `go version -m` reads (Go's debug/buildinfo).

`cometbft version` cannot tell: v0.40.0 calls itself 0.39.0. Go keeps the modules of a build in the binary, behind a
magic at a multiple of 16: pointer size, flags (bit 1: the strings follow right here), padding up to 32 bytes, then two
strings with unsigned LEB128 lengths, the Go version and the module list, the latter between two 16-byte marks.
"""

import mmap
from pathlib import Path

from node.engine.errors import EngineBinaryError

_MAGIC = b"\xff Go buildinf:"
_STRINGS_FOLLOW = 2
_HEADER_BYTES = 32
_MARK_BYTES = 16
_MODULES_BYTES_MAX = 1024 * 1024


def module_version(path: Path, module: str) -> str | None:
    """The version of the main module in a Go binary; None if it was built from another. Raises EngineBinaryError."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as binary:
            at = _find(binary)
            if at is None:
                raise EngineBinaryError(f"{path} holds no build information of Go: it is no cometbft binary")
            after_go_version = _string(binary, at + _HEADER_BYTES)[1]
            modules = _string(binary, after_go_version)[0][_MARK_BYTES:-_MARK_BYTES]
    except (OSError, ValueError) as error:
        raise EngineBinaryError(f"{path} cannot be read: {error}") from error
    for line in modules.decode(errors="replace").splitlines():
        kind, *words = line.split("\t")
        if kind == "mod" and len(words) >= 2:
            return words[1] if words[0] == module else None
    return None


def _find(binary: mmap.mmap) -> int | None:
    at = binary.find(_MAGIC)
    while at >= 0:
        if at % _MARK_BYTES == 0 and at + _HEADER_BYTES < len(binary) and binary[at + 15] & _STRINGS_FOLLOW:
            return at
        at = binary.find(_MAGIC, at + 1)
    return None


def _string(binary: mmap.mmap, at: int) -> tuple[bytes, int]:
    """A string with its length before it, and where it ends."""
    length = shift = 0
    while True:
        byte = binary[at]
        length |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    if length > _MODULES_BYTES_MAX or at + length > len(binary):
        raise ValueError("its build information is damaged")
    return binary[at : at + length], at + length
