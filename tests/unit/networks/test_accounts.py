"""The file with the key that pays: private, one line, and never shown."""

from pathlib import Path

import pytest

from bridge.codec.secp256k1 import ORDER
from node.networks.accounts import new_account, read_account
from node.networks.errors import SettingsImpossible
from node.store.errors import FileTooOpen

KEY = b"\x11" * 32


def key_file(tmp_path: Path, text: str) -> Path:
    """A private file."""
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("text", [KEY.hex(), f"0x{KEY.hex()}\n"])
def test_account__of_a_file__is_that_of_the_key(tmp_path: Path, text: str) -> None:
    account = read_account(key_file(tmp_path, text))
    assert account.private_key == KEY
    assert KEY.hex() not in repr(account)


@pytest.mark.parametrize("text", ["", "0x12", "not hex", "0" * 64, f"{ORDER:064x}", KEY.hex() * 40])
def test_account__of_a_file_without_a_key__refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsImpossible, match="must hold one line: a private key") as refused:
        read_account(key_file(tmp_path, text))
    assert not text or text not in str(refused.value)


def test_account__of_a_file_that_others_can_read__refused(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY.hex())
    path.chmod(0o640)
    with pytest.raises(FileTooOpen):
        read_account(path)


def test_account__of_a_missing_file__refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsImpossible, match="cannot be read"):
        read_account(tmp_path / "nowhere")


def test_new_account__from_bytes_that_are_no_key__draws_again() -> None:
    drawn = iter((bytes(32), ORDER.to_bytes(32), KEY))
    assert new_account(lambda _: next(drawn)).private_key == KEY
