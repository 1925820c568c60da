"""A private key that does not show itself."""

from typing import NoReturn

from bridge.codec import secp256k1
from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Hash32, Signature


class PrivateKey:
    """A secp256k1 private key. It prints as its address, cannot be pickled, and gives its bytes only to a keystore.

    Raises SignatureError for bytes that are no key.
    """

    __slots__ = ("_secret", "address", "public_key")

    def __init__(self, secret: bytes) -> None:
        self.public_key = secp256k1.public_key_of(secret)
        self.address = secp256k1.address_of(self.public_key)
        self._secret = bytes(secret)

    def __repr__(self) -> str:
        return f"PrivateKey({checksum_address(self.address)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled or copied")

    def sign(self, digest: Hash32) -> Signature:
        """Sign a digest. Only `KeyRing` and `SubmissionKey` call this: they know what the digest stands for."""
        return secp256k1.sign(digest, self._secret)

    def reveal(self) -> bytes:
        """The 32 secret bytes, for encrypting them into a keystore."""
        return self._secret
