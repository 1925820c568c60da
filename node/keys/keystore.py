"""Encrypted private keys in files, as geth and eth-account write them (Web3 Secret Storage, version 3).

The password stretches to 32 bytes (scrypt or PBKDF2): the first 16 encrypt the key with AES-128 in counter mode, the
others authenticate the ciphertext (mac = keccak256(second half ‖ ciphertext)).

Opening a keystore of full strength takes half a second and 256 MB meanwhile, so several are opened one after another.
"""

import hashlib
import hmac
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from Crypto.Cipher import AES

from bridge.codec.errors import SignatureError
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Address
from node.keys.errors import KeystoreError
from node.keys.private_key import PrivateKey
from node.store.errors import FileTooOpen
from node.store.files import require_private, write_private

RandomBytes = Callable[[int], bytes]
"""A source of that many random bytes; `os.urandom` outside tests."""

FILE_BYTES_MAX = 16_384
PASSWORD_BYTES_MAX = 1_024
_KEY_BYTES = 32
_SCRYPT_MEMORY_BYTES_MAX = 1 << 30
_PBKDF2_ITERATIONS_MAX = 10_000_000


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """How hard a password is to guess: time grows with n·r·p, memory is 128·n·r bytes. `n` is a power of two."""

    n: int
    r: int = 8
    p: int = 1


STRONG = ScryptCost(n=2**18)
"""What geth and eth-account use: about half a second and 256 MB."""
DEVNET = ScryptCost(n=4_096)
"""For keys that guard nothing: about 10 ms."""


class _CipherParameters(msgspec.Struct):
    iv: str


class _KdfParameters(msgspec.Struct):
    dklen: int
    salt: str
    n: int = 0
    r: int = 0
    p: int = 0
    c: int = 0
    prf: str = ""


class _Crypto(msgspec.Struct):
    cipher: str
    cipherparams: _CipherParameters
    ciphertext: str
    kdf: str
    kdfparams: _KdfParameters
    mac: str


class _Keystore(msgspec.Struct):
    crypto: _Crypto
    version: int
    address: str = ""


def encrypt(key: PrivateKey, password: str, cost: ScryptCost, random_bytes: RandomBytes) -> bytes:
    """The keystore file's JSON."""
    salt, iv = random_bytes(32), random_bytes(16)
    stretched = _scrypt(password, salt, cost)
    ciphertext = _aes_128_ctr(stretched[:16], iv, key.reveal())
    return msgspec.json.encode(
        {
            "address": key.address.hex(),
            "crypto": {
                "cipher": "aes-128-ctr",
                "cipherparams": {"iv": iv.hex()},
                "ciphertext": ciphertext.hex(),
                "kdf": "scrypt",
                "kdfparams": {"dklen": _KEY_BYTES, "n": cost.n, "r": cost.r, "p": cost.p, "salt": salt.hex()},
                "mac": keccak256(stretched[16:] + ciphertext).hex(),
            },
            "id": str(uuid.UUID(bytes=random_bytes(16), version=4)),
            "version": 3,
        }
    )


def decrypt(data: bytes, password: str) -> PrivateKey:
    """The key in a keystore file's JSON. Raises KeystoreError, which never holds the password or the key."""
    try:
        keystore = msgspec.json.decode(data, type=_Keystore)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # also for JSON of another shape
        raise KeystoreError(f"not a keystore: {error}") from error
    crypto = keystore.crypto
    if keystore.version != 3 or crypto.cipher != "aes-128-ctr":
        raise KeystoreError(
            f"keystore version {keystore.version} with {crypto.cipher}; version 3 with aes-128-ctr is known"
        )
    ciphertext = _bytes("ciphertext", crypto.ciphertext, _KEY_BYTES)
    stretched = _stretch(password, crypto)
    if not hmac.compare_digest(keccak256(stretched[16:] + ciphertext), _bytes("mac", crypto.mac, 32)):
        raise KeystoreError("the password does not open it (or it is damaged)")
    try:
        key = PrivateKey(_aes_128_ctr(stretched[:16], _bytes("iv", crypto.cipherparams.iv, 16), ciphertext))
    except SignatureError as error:
        raise KeystoreError("it does not hold a secp256k1 private key") from error
    if keystore.address and keystore.address.lower().removeprefix("0x") != key.address.hex():
        raise KeystoreError(f"it names {keystore.address} but holds the key of {checksum_address(key.address)}")
    return key


def write_keystore(
    directory: Path, key: PrivateKey, password: str, cost: ScryptCost, random_bytes: RandomBytes
) -> Path:
    """Encrypt a key into `directory/<address>.json`, mode 0600, on disk on return.

    Raises KeystoreError if the directory holds a keystore of that address: it is never overwritten.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for existing in _keystores_of(directory, key.address):
        raise KeystoreError(f"{existing} exists already and is not overwritten")
    path = directory / f"{checksum_address(key.address)}.json"
    write_private(path, encrypt(key, password, cost, random_bytes))
    return path


def find_keystore(directory: Path, address: Address) -> Path:
    """The file with this address in its name: ours (`<address>.json`) or geth's (`UTC--<time>--<address>`).

    Raises KeystoreError unless there is exactly one.
    """
    found = _keystores_of(directory, address)
    if len(found) != 1:
        raise KeystoreError(
            f"keystore directory {directory} (keys.keystore_dir) must hold exactly one file with "
            f"{checksum_address(address)} in its name, and holds {len(found)}"
        )
    return found[0]


def open_keystore(path: Path, password: str) -> PrivateKey:
    """Read and decrypt a keystore file. Raises KeystoreError, which names the file."""
    data = _read_private(path, "keystore", FILE_BYTES_MAX)
    try:
        return decrypt(data, password)
    except KeystoreError as error:
        raise KeystoreError(f"keystore {path}: {error}") from error


def open_keystores(directory: Path, addresses: Iterable[Address], password: str) -> tuple[PrivateKey, ...]:
    """Open the keystores of these addresses, one after another, so that only one at a time takes its 256 MB.

    Raises KeystoreError.
    """
    keys = []
    for address in addresses:
        path = find_keystore(directory, address)
        key = open_keystore(path, password)
        if key.address != address:
            raise KeystoreError(f"keystore {path} holds the key of {checksum_address(key.address)}")
        keys.append(key)
    return tuple(keys)


def read_password(path: Path) -> str:
    """The one line of a password file of mode 0600, without its line end. Raises KeystoreError."""
    data = _read_private(path, "password file", PASSWORD_BYTES_MAX)
    try:
        password = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise KeystoreError(f"password file {path} is not UTF-8 text") from None
    if not password or "\n" in password:
        raise KeystoreError(f"password file {path} must hold exactly one line that is not empty")
    return password


def _keystores_of(directory: Path, address: Address) -> list[Path]:
    return sorted(path for path in directory.glob("*") if address.hex() in path.name.lower())


def _read_private(path: Path, what: str, bytes_max: int) -> bytes:
    try:
        require_private(path)
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except FileTooOpen as error:
        raise KeystoreError(str(error)) from error
    except OSError as error:
        raise KeystoreError(f"{what} {path} cannot be read: {error.strerror}") from error
    if len(data) > bytes_max:
        raise KeystoreError(f"{what} {path} is larger than {bytes_max} bytes")
    return data


def _stretch(password: str, crypto: _Crypto) -> bytes:
    """The 32 bytes that the password gives. Costs beyond a limit are refused before they are paid."""
    parameters = crypto.kdfparams
    if parameters.dklen != 32:
        raise KeystoreError(f"kdfparams.dklen must be 32, not {parameters.dklen}")
    salt = _bytes("salt", parameters.salt)
    if crypto.kdf == "scrypt":
        return _scrypt(password, salt, ScryptCost(parameters.n, parameters.r, parameters.p))
    if crypto.kdf == "pbkdf2" and parameters.prf == "hmac-sha256":
        if not 1 <= parameters.c <= _PBKDF2_ITERATIONS_MAX:
            raise KeystoreError(f"kdfparams.c must be 1 to {_PBKDF2_ITERATIONS_MAX}, not {parameters.c}")
        return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, parameters.c, 32)
    raise KeystoreError(f"key derivation {crypto.kdf!r} is not known; scrypt and pbkdf2 with hmac-sha256 are")


def _scrypt(password: str, salt: bytes, cost: ScryptCost) -> bytes:
    memory_bytes = 128 * cost.n * cost.r
    if (
        cost.n < 2
        or cost.n & (cost.n - 1)
        or cost.r < 1
        or not 1 <= cost.p <= 16
        or memory_bytes > _SCRYPT_MEMORY_BYTES_MAX
    ):
        raise KeystoreError(f"scrypt parameters n={cost.n}, r={cost.r}, p={cost.p} are out of range")
    # OpenSSL needs a little more than the table itself.
    allowance_bytes = memory_bytes + 128 * cost.r * cost.p + (1 << 20)
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=allowance_bytes, dklen=_KEY_BYTES
    )


def _aes_128_ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt (the same in counter mode); the counter starts at `iv` and fills the whole block."""
    return AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=iv).encrypt(data)


def _bytes(name: str, text: str, length: int | None = None) -> bytes:
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise KeystoreError(f"{name} is not hex") from None
    if length is not None and len(data) != length:
        raise KeystoreError(f"{name} must be {length} bytes, not {len(data)}")
    return data
