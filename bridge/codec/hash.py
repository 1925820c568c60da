"""The one Keccak-256 of the project.

safe-pysha3 (C) does the work, pycryptodome where it is missing (seven times slower, same digests). eth-hash, which
web3 and py-evm use, is set to the same back end, because its own choice is the slower one.
"""

import os
from collections.abc import Callable
from typing import Protocol

from bridge.codec.types import Hash32


class _Digest(Protocol):
    def digest(self) -> Hash32: ...


_keccak_256: Callable[[bytes], _Digest]
try:
    from sha3 import keccak_256  # type: ignore[import-untyped]  # safe-pysha3 ships no type stubs

    _keccak_256 = keccak_256
    os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
except ImportError:  # pragma: no cover - only on a machine without safe-pysha3
    from Crypto.Hash import keccak

    def _pycryptodome_keccak_256(data: bytes) -> _Digest:
        hasher: _Digest = keccak.new(data=data, digest_bits=256)  # type: ignore[assignment]  # its digest is typed bytes
        return hasher

    _keccak_256 = _pycryptodome_keccak_256
    os.environ.setdefault("ETH_HASH_BACKEND", "pycryptodome")


def keccak256(data: bytes) -> Hash32:
    """Keccak-256 as Ethereum uses it (the padding from before SHA-3 was fixed)."""
    return _keccak_256(data).digest()


EMPTY_HASH = keccak256(b"")
"""keccak256 of the empty string."""

if EMPTY_HASH.hex() != "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470":  # pragma: no cover
    raise ImportError("the installed Keccak back end computes another function (SHA-3?); reinstall safe-pysha3")
