"""The logs bloom of block headers and receipts (yellow paper, section 4.3.1): 2048 bits, three per address or topic.

A bloom that lacks an item proves that no log has it; a bloom that has it proves nothing.
"""

from collections.abc import Iterable
from functools import lru_cache

from bridge.codec.hash import keccak256
from bridge.codec.receipts import BLOOM_BYTES, Log

EMPTY_BLOOM = bytes(BLOOM_BYTES)


def may_contain(bloom: bytes, item: bytes) -> bool:
    """Whether an address or topic may be among the logs; False is certain."""
    mask = _mask(item)
    return int.from_bytes(bloom) & mask == mask


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The bloom of these logs: every address and every topic."""
    bits = 0
    for log in logs:
        bits |= _mask(log.address)
        for topic in log.topics:
            bits |= _mask(topic)
    return bits.to_bytes(BLOOM_BYTES)


@lru_cache(maxsize=4096)
def _mask(item: bytes) -> int:
    digest = keccak256(item)
    mask = 0
    for offset in (0, 2, 4):
        mask |= 1 << (int.from_bytes(digest[offset : offset + 2]) & 0x7FF)
    return mask
