"""Private files are written whole and stay private."""

import os
import stat
from pathlib import Path

import pytest

from node.store.errors import FileTooOpen
from node.store.files import create_private, require_private, write_private


def test_write_private__new_or_replaced__holds_the_data_with_mode_600(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for data in (b"one", b"two"):
        write_private(path, data)
        assert path.read_bytes() == data
        require_private(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_write_private__a_file__is_on_disk_before_it_gets_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "secret", []
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced.append(("directory" if stat.S_ISDIR(status.st_mode) else status.st_size, path.exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_private(path, b"whole")

    assert synced == [(5, False), ("directory", True)]


def test_write_private__under_an_open_umask__is_private_all_the_same(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        write_private(tmp_path / "a", b"")
        create_private(tmp_path / "b")
    finally:
        os.umask(previous)
    for name in ("a", "b"):
        require_private(tmp_path / name)


def test_write_private__draft_left_by_a_crash__is_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.new").write_bytes(b"half")
    write_private(tmp_path / "secret", b"whole")

    assert (tmp_path / "secret").read_bytes() == b"whole"


def test_create_private__file_is_there__refused(tmp_path: Path) -> None:
    create_private(tmp_path / "a")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "a")


@pytest.mark.parametrize("mode", [0o601, 0o610, 0o604, 0o666])
def test_require_private__others_may_touch_it__refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(mode)
    with pytest.raises(FileTooOpen, match=f"{mode:o}"):
        require_private(tmp_path / "a")
