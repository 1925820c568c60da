"""secp256k1 signatures with public key recovery, over libsecp256k1 (coincurve).

A signature is 65 bytes r ‖ s ‖ v with v 27 or 28 and s in the lower half of the group order (EIP-2): every signature
has one form that we accept. A contract would recover the others too, or to zero.
"""

from coincurve import PrivateKey
from coincurve import PublicKey as CurvePoint

from bridge.codec.errors import SignatureError
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, Hash32, PublicKey, Signature

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = ORDER // 2

_V_OFFSET = 27
_UNCOMPRESSED_PREFIX = b"\x04"


def sign(digest: Hash32, private_key: bytes) -> Signature:
    """Sign a 32-byte digest deterministically (RFC 6979). Raises SignatureError for a key out of range."""
    compact = _private_key(private_key).sign_recoverable(digest, hasher=None)
    return Signature(compact[:64] + bytes((compact[64] + _V_OFFSET,)))


def is_canonical(signature: bytes) -> bool:
    """Whether the bytes have the one accepted form: 65 bytes, 0 < r < n, 0 < s ≤ n/2, v 27 or 28."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        return False
    r = int.from_bytes(signature[:32])
    s = int.from_bytes(signature[32:64])
    return 0 < r < ORDER and 0 < s <= HALF_ORDER


def recover_public_key(digest: Hash32, signature: Signature) -> PublicKey:
    """The public key that made the signature. Raises SignatureError if it is not canonical or nobody's."""
    if not is_canonical(signature):
        raise SignatureError("signature is not canonical: 65 bytes r ‖ s ‖ v with low s and v 27 or 28 are needed")
    compact = signature[:64] + bytes((signature[64] - _V_OFFSET,))
    try:
        point = CurvePoint.from_signature_and_message(compact, digest, hasher=None)
    except ValueError as error:
        raise SignatureError("no public key recovers from this signature and digest") from error
    return PublicKey(point.format(compressed=False)[1:])


def recover_address(digest: Hash32, signature: Signature) -> Address:
    """The address whose key made the signature. Raises SignatureError as `recover_public_key` does."""
    return address_of(recover_public_key(digest, signature))


def public_key_of(private_key: bytes) -> PublicKey:
    """The public key of a 32-byte private key. Raises SignatureError for a key out of range."""
    return PublicKey(_private_key(private_key).public_key.format(compressed=False)[1:])


def address_of(public_key: PublicKey) -> Address:
    """The last 20 bytes of the key's hash; defined for any 64 bytes, on the curve or not."""
    if len(public_key) != 64:
        raise SignatureError(f"a public key is 64 bytes X ‖ Y, got {len(public_key)}")
    return Address(keccak256(public_key)[12:])


def compressed(public_key: PublicKey) -> bytes:
    """The key in 33 bytes (SEC1): 0x02 or 0x03 by the parity of Y, then X."""
    return bytes((2 + public_key[-1] % 2,)) + public_key[:32]


def decompressed(data: bytes) -> PublicKey:
    """The key of its 33 bytes. Raises SignatureError if they are no point of the curve."""
    if len(data) != 33:
        raise SignatureError(f"a compressed public key is 33 bytes, got {len(data)}")
    try:
        point = CurvePoint(data)
    except ValueError as error:
        raise SignatureError(f"not a point of the curve: {data.hex()}") from error
    return PublicKey(point.format(compressed=False)[1:])


def is_on_curve(public_key: PublicKey) -> bool:
    """Whether the 64 bytes are a point of the curve, which StakeManager does not check."""
    if len(public_key) != 64:
        return False
    try:
        CurvePoint(_UNCOMPRESSED_PREFIX + public_key)
    except ValueError:
        return False
    return True


def _private_key(private_key: bytes) -> PrivateKey:
    # The message must never show the key, nor chain an error that could.
    if len(private_key) != 32 or not 0 < int.from_bytes(private_key) < ORDER:
        raise SignatureError("a private key is 32 bytes between 1 and the group order")
    return PrivateKey(private_key)
