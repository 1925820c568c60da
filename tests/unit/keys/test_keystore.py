"""Keystores: the same files as eth-account's, opened only when everything fits."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.hexadecimal import checksum_address
from node.keys.errors import KeystoreError
from node.keys.keystore import (
    DEVNET,
    PASSWORD_BYTES_MAX,
    ScryptCost,
    decrypt,
    encrypt,
    find_keystore,
    open_keystore,
    open_keystores,
    read_password,
    write_keystore,
)
from node.keys.private_key import PrivateKey
from tests.unit.keys.helpers import ALICE, BOB

QUICK = ScryptCost(n=2)
PASSWORD = "correct horse"


@given(secret=st.integers(1, 2**255).map(lambda n: n.to_bytes(32)), password=st.text(max_size=40))
@settings(max_examples=25, deadline=None)
def test_keystore__any_key_and_password__opens_to_the_same_key(secret: bytes, password: str) -> None:
    data = encrypt(PrivateKey(secret), password, QUICK, os.urandom)

    assert decrypt(data, password).reveal() == secret


def test_keystore__written_by_us__eth_account_opens_it() -> None:
    data = encrypt(ALICE, PASSWORD, DEVNET, os.urandom)

    assert bytes(Account.decrypt(json.loads(data), PASSWORD)) == ALICE.reveal()


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_keystore__written_by_eth_account__we_open_it(kdf: Any) -> None:
    keystore = Account.encrypt(ALICE.reveal(), PASSWORD, kdf=kdf, iterations=4_096)

    assert decrypt(json.dumps(keystore).encode(), PASSWORD).address == ALICE.address


def test_keystore__wrong_password__refused_without_showing_it() -> None:
    data = encrypt(ALICE, PASSWORD, QUICK, os.urandom)

    with pytest.raises(KeystoreError, match="the password does not open it") as refusal:
        decrypt(data, "wrong battery")

    assert "battery" not in str(refusal.value)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("version",), 4, "version 4"),
        (("crypto", "cipher"), "aes-256-gcm", "aes-256-gcm"),
        (("crypto", "kdf"), "argon2", "argon2"),
        (("crypto", "kdfparams", "n"), 3, "out of range"),
        (("crypto", "kdfparams", "n"), 2**40, "out of range"),
        (("crypto", "kdfparams", "p"), 1_000, "out of range"),
        (("crypto", "kdfparams", "dklen"), 64, "dklen"),
        (("crypto", "kdfparams", "salt"), "zz", "salt is not hex"),
        (("crypto", "ciphertext"), "00", "ciphertext must be 32 bytes"),
        (("crypto", "mac"), "00" * 32, "password does not open"),
        (("crypto", "mac"), 7, "not a keystore"),
        (("address",), "0x" + "11" * 20, "it names"),
    ],
)
def test_keystore__a_field_is_wrong__refused_with_its_name(place: tuple[str, ...], value: object, message: str) -> None:
    keystore = json.loads(encrypt(ALICE, PASSWORD, QUICK, os.urandom))
    *parents, name = place
    part = keystore
    for parent in parents:
        part = part[parent]
    part[name] = value

    with pytest.raises(KeystoreError, match=message):
        decrypt(json.dumps(keystore).encode(), PASSWORD)


@pytest.mark.parametrize("data", [b'{"address":"\xff"}', b'{"x":' + b"[" * 5_000], ids=["not UTF-8", "deep"])
def test_keystore__text_or_nesting_that_no_json_has__refused(data: bytes) -> None:
    with pytest.raises(KeystoreError, match="not a keystore"):
        decrypt(data, PASSWORD)


@given(junk=st.binary(max_size=60))
@settings(max_examples=30)
def test_keystore__junk__refused(junk: bytes) -> None:
    with pytest.raises(KeystoreError):
        decrypt(junk, PASSWORD)


def test_keystore_file__written__is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = write_keystore(tmp_path / "keystore", ALICE, PASSWORD, QUICK, os.urandom)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(KeystoreError, match="exists already"):
        write_keystore(tmp_path / "keystore", ALICE, PASSWORD, QUICK, os.urandom)


def test_keystore_file__readable_by_others__refused_with_the_remedy(tmp_path: Path) -> None:
    path = write_keystore(tmp_path, ALICE, PASSWORD, QUICK, os.urandom)
    path.chmod(0o640)

    with pytest.raises(KeystoreError, match="chmod 600"):
        open_keystore(path, PASSWORD)


def test_keystores__several_with_a_geth_file_name__all_open_in_order(tmp_path: Path) -> None:
    write_keystore(tmp_path, ALICE, PASSWORD, QUICK, os.urandom)
    written = write_keystore(tmp_path, BOB, PASSWORD, QUICK, os.urandom)
    written.rename(tmp_path / f"UTC--2026-01-01T00-00-00.000000000Z--{BOB.address.hex()}")

    opened = open_keystores(tmp_path, (BOB.address, ALICE.address), PASSWORD)

    assert [key.address for key in opened] == [BOB.address, ALICE.address]


def test_keystores__none_or_two_of_an_address__refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match=r"keys\.keystore_dir.*holds 0"):
        find_keystore(tmp_path, ALICE.address)
    path = write_keystore(tmp_path, ALICE, PASSWORD, QUICK, os.urandom)
    (tmp_path / f"copy-{path.name}").write_bytes(path.read_bytes())
    with pytest.raises(KeystoreError, match="holds 2"):
        find_keystore(tmp_path, ALICE.address)


def test_keystores__file_name_of_another_key__refused(tmp_path: Path) -> None:
    path = write_keystore(tmp_path, ALICE, PASSWORD, QUICK, os.urandom)
    path.rename(tmp_path / f"{checksum_address(BOB.address)}.json")

    with pytest.raises(KeystoreError, match="holds the key of"):
        open_keystores(tmp_path, (BOB.address,), PASSWORD)


@pytest.mark.parametrize(
    ("content", "password"),
    [(b"secret", "secret"), (b"secret\n", "secret"), (b" a b \r\n", " a b "), (b"\xc3\xa9", "é")],
)
def test_password__one_line__read_without_its_end(tmp_path: Path, content: bytes, password: str) -> None:
    assert read_password(_private(tmp_path / "password", content)) == password


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe", b"x" * (PASSWORD_BYTES_MAX + 1)])
def test_password__empty_or_long_or_not_text__refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(KeystoreError) as refusal:
        read_password(_private(tmp_path / "password", content))

    assert "two" not in str(refusal.value)


def test_password__missing_or_open_to_others__refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match="cannot be read: No such file"):
        read_password(tmp_path / "password")
    path = _private(tmp_path / "password", b"secret")
    path.chmod(0o604)
    with pytest.raises(KeystoreError, match="chmod 600"):
        read_password(path)


def _private(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path
