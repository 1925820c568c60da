"""The release of a Go binary, read from the modules that Go keeps in it."""

from pathlib import Path

import pytest

from node.engine.comet.build_info import module_version
from node.engine.errors import EngineBinaryError

MODULE = "github.com/cometbft/cometbft"


def _binary(modules: str, go_version: bytes = b"go1.26.8") -> bytes:
    """What Go writes: something, then at a multiple of 16 the header and two strings."""
    listed = bytes(16) + modules.encode() + bytes(16)
    length = bytes((len(listed) & 0x7F | 0x80, len(listed) >> 7))
    header = b"\xff Go buildinf:" + bytes((8, 2)) + bytes(16)
    return b"\x7fELF".ljust(48, b".") + header + bytes((len(go_version),)) + go_version + length + listed


@pytest.mark.parametrize(
    ("modules", "version"),
    [
        (f"path\t{MODULE}/cmd/cometbft\nmod\t{MODULE}\tv0.40.0\th1:abc=\ndep\tcosmossdk.io/log\tv1.6.0\n", "v0.40.0"),
        (f"path\t{MODULE}/cmd/cometbft\nmod\t{MODULE}\t(devel)\t\n", "(devel)"),
        ("mod\texample.org/other\tv0.40.0\th1:abc=\n", None),
        ("path\tcommand-line-arguments\n", None),
    ],
)
def test_module_version__of_a_go_binary__is_its_main_module_s(
    tmp_path: Path, modules: str, version: str | None
) -> None:
    path = tmp_path / "binary"
    path.write_bytes(_binary(modules))

    assert module_version(path, MODULE) == version


def test_module_version__magic_at_an_odd_place_first__the_aligned_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes((b"..\xff Go buildinf:").ljust(64, b"\0") + _binary(f"mod\t{MODULE}\tv0.40.0\t\n"))

    assert module_version(path, MODULE) == "v0.40.0"


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", _binary("mod\n" * 40)[:-30]])
def test_module_version__of_something_else__is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "binary"
    path.write_bytes(data)

    with pytest.raises(EngineBinaryError):
        module_version(path, MODULE)
    with pytest.raises(EngineBinaryError, match="cannot be read"):
        module_version(tmp_path / "nothing", MODULE)
