"""The signer keys of a home: listed with their use, added, dropped. The node itself may be running or not."""

import os
from dataclasses import dataclass
from pathlib import Path

from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Address
from config.edit import change_signers
from config.file import Home
from node.keys.keystore import STRONG, find_keystore, read_password, write_keystore
from node.keys.private_key import PrivateKey
from node.validator.committed import read_committed
from node.validator.errors import KeyInUse, KeyUnknown
from node.validator.key_use import KeyReport, key_report


@dataclass(frozen=True, slots=True)
class HomeKeys:
    """The keys that a home's configuration lists, judged by the last block that its node has committed."""

    home: Home
    height: int
    time_s: int
    signers: tuple[KeyReport, ...]
    submission: Address | None


def home_keys(home: Home) -> HomeKeys:
    """The keys of a home. Raises GenesisError, GenesisUnreadable, StoreError."""
    committed = read_committed(home)
    keys = home.config.keys
    reports = tuple(key_report(committed.state, signer) for signer in keys.signers)
    return HomeKeys(home, committed.height, committed.time_s, reports, keys.submission)


def new_signer(home: Home) -> tuple[PrivateKey, Path]:
    """Make a signer key; the key and its keystore file. Raises KeystoreError, ConfigNotEditable."""
    key = PrivateKey(os.urandom(32))
    return key, add_signer(home, key)


def add_signer(home: Home, key: PrivateKey) -> Path:
    """Keep a key under the home's own password, and list it in `keys.signers`; the keystore file.

    The file comes first: a configuration that names a key without one would not start. Raises KeystoreError,
    ConfigNotEditable.
    """
    keys = home.config.keys
    password = read_password(home.locate(keys.password_file))
    file = write_keystore(home.locate(keys.keystore_dir), key, password, STRONG, os.urandom)
    change_signers(home, (*keys.signers, key.address))
    return file


def drop_signer(home: Home, address: Address) -> Path:
    """List a key no more; its keystore file, which stays for a person to delete.

    Raises KeyUnknown, KeyInUse while the network counts on the key, ConfigNotEditable.
    """
    keys = home.config.keys
    if address not in keys.signers:
        held = ", ".join(map(checksum_address, keys.signers)) or "none"
        raise KeyUnknown(f"{checksum_address(address)} is no signer key of this home; there are: {held}")
    report = key_report(read_committed(home).state, address)
    if report.is_needed:
        raise KeyInUse(f"{checksum_address(address)} is still needed, it {report.text}")
    change_signers(home, [signer for signer in keys.signers if signer != address])
    return find_keystore(home.locate(keys.keystore_dir), address)
