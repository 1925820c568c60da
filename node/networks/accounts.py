"""Keys of those who make a network: drawn at random, or read from a file of the operator."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex
from bridge.codec.secp256k1 import ORDER, address_of, public_key_of
from bridge.codec.types import Address, PublicKey
from node.networks.errors import SettingsImpossible
from node.store.files import require_private

KEY_BYTES = 32
FILE_BYTES_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Account:
    """A key and what follows from it; the key does not show when printed."""

    private_key: bytes = field(repr=False)
    public_key: PublicKey
    address: Address


def is_private_key(data: bytes) -> bool:
    """Whether 32 bytes are a key; nearly all are."""
    return 0 < int.from_bytes(data) < ORDER


def account_of(private_key: bytes) -> Account:
    """The account of a key."""
    public_key = public_key_of(private_key)
    return Account(private_key, public_key, address_of(public_key))


def new_account(random_bytes: Callable[[int], bytes]) -> Account:
    """A new account; `random_bytes` is `secrets.token_bytes` outside tests."""
    while not is_private_key(private_key := random_bytes(KEY_BYTES)):
        continue
    return account_of(private_key)


def read_account(path: Path) -> Account:
    """The account whose key, 0x-hex, is the one line of a private file. Raises FileTooOpen, SettingsImpossible."""
    try:
        require_private(path)
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX + 1).decode(errors="replace").strip()
    except OSError as error:
        raise SettingsImpossible(f"key file {path} cannot be read: {error.strerror}") from error
    try:
        private_key = from_hex(text if text.startswith("0x") else f"0x{text}", KEY_BYTES)
    except HexError:
        private_key = b""
    if not is_private_key(private_key):
        raise SettingsImpossible(f"key file {path} must hold one line: a private key of 32 bytes as 0x-hex")
    return account_of(private_key)
