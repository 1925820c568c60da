"""The signer keys of a home, by address."""

from collections.abc import Iterable

from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Address, PublicKey, Signature
from node.keys.errors import KeyNotHeld
from node.keys.private_key import PrivateKey
from node.keys.record import Permit


class KeyRing:
    """Several signer keys; the state names the one to sign with, so that a signer change needs no restart.

    It signs permits of the signing record and nothing else. It prints as addresses.
    """

    def __init__(self, keys: Iterable[PrivateKey]) -> None:
        self._keys = {key.address: key for key in keys}

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(map(checksum_address, self._keys))})"

    def __contains__(self, address: Address) -> bool:
        return address in self._keys

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses held, in the order in which they were given."""
        return tuple(self._keys)

    def public_key(self, address: Address) -> PublicKey:
        """The public key of an address held. Raises KeyNotHeld."""
        return self._key(address).public_key

    def sign(self, permit: Permit, address: Address) -> Signature:
        """Sign what the record has admitted, with the key of this address. Raises KeyNotHeld."""
        return self._key(address).sign(permit.digest)

    def require(self, address: Address) -> None:
        """Raise KeyNotHeld unless the key of this address is held."""
        self._key(address)

    def _key(self, address: Address) -> PrivateKey:
        key = self._keys.get(address)
        if key is None:
            raise KeyNotHeld(
                f"no key for signer {checksum_address(address)}: put its keystore into keys.keystore_dir "
                "and its address into keys.signers"
            )
        return key
