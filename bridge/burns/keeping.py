"""What the burn service remembers over a restart: ranges, finished proofs, paid exits, blocks that burns were seen in.

It is a cache. Each value is checked again before it is used, or follows from confirmed blocks alone, so a keep may be
emptied or lost at any time: that costs RPC calls, never an answer.
"""

from collections.abc import Hashable
from enum import StrEnum
from typing import Protocol

from bridge.burns.sharing import Recent


class KeepKind(StrEnum):
    """What a kept value is."""

    RANGE = "range"
    PROOF = "proof"
    EXIT = "exit"
    SEEN = "seen"


class Keep(Protocol):
    """Values by kind and key, the least recently used ones forgotten beyond a limit in bytes."""

    def get(self, kind: KeepKind, key: bytes) -> bytes | None:
        """The value, or None where it is not held."""
        ...

    def put(self, kind: KeepKind, key: bytes, value: bytes) -> None:
        """Hold the value in place of any before it."""
        ...


class MemoryKeep:
    """A `Keep` in memory."""

    def __init__(self, bytes_max: int) -> None:
        self._values: Recent[Hashable, bytes] = Recent(bytes_max, weight=len)

    def get(self, kind: KeepKind, key: bytes) -> bytes | None:
        """The value, or None where it is not held."""
        return self._values.get((kind, key))

    def put(self, kind: KeepKind, key: bytes, value: bytes) -> None:
        """Hold the value in place of any before it."""
        self._values.put((kind, key), value)
