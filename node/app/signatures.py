"""Signatures, recovered once: the cache is keyed by the bytes alone, so all nodes of a process may share it."""

from functools import lru_cache

from bridge.codec.errors import SignatureError
from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import Address, Hash32, Signature

CACHED_MAX = 65_536


@lru_cache(maxsize=CACHED_MAX)
def recovered_signer(digest: Hash32, signature: Signature) -> Address | None:
    """Whose key made the signature; None if it is not canonical or nobody's."""
    try:
        return recover_address(digest, signature)
    except SignatureError:
        return None
