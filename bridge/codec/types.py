"""Named quantities of the whole project.

A bare `bytes` or `int` says nothing at a module boundary; these names do. They are checked by mypy and cost next to
nothing at run time.
"""

from typing import NewType

Hash32 = NewType("Hash32", bytes)
"""32 bytes: a keccak256 digest, a block hash, a Merkle root, a topic."""

Address = NewType("Address", bytes)
"""20 bytes: an account or a contract."""

PublicKey = NewType("PublicKey", bytes)
"""64 bytes X ‖ Y of a secp256k1 point without the 0x04 prefix, as StakeManager takes it; perhaps not on the curve."""

Signature = NewType("Signature", bytes)
"""65 bytes r ‖ s ‖ v with low s and v 27 or 28."""

BlockNumber = NewType("BlockNumber", int)
ChainId = NewType("ChainId", int)
Wei = NewType("Wei", int)
UnixSeconds = NewType("UnixSeconds", int)
"""Whole seconds since 1970, as a block header has them."""

ValidatorId = NewType("ValidatorId", int)
"""The id that StakeManager gave (its NFT), from 1."""

ZERO_HASH = Hash32(bytes(32))
ZERO_ADDRESS = Address(bytes(20))
