"""Where the leaves of a checkpoint's blocks come from, and the check that they give its root."""

import asyncio
from typing import Protocol

from bridge.burns.errors import CannotTell, EndpointFalse
from bridge.burns.reading import chain_errors
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.sharing import Recent
from bridge.chain.header_store import HeaderStore
from bridge.chain.headers import leaf_of_stored
from bridge.chain.reader import ChainReader
from bridge.codec import merkle
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import BlockNumber, Hash32

CHECKPOINT_BLOCKS_MAX = 32_768
"""The longest range whose leaves are collected: Bor's own limit for a root."""
PAGE = 1_024
RANGES_KEPT = 8


class LeafSource(Protocol):
    """Leaves of a range of side-chain blocks; nobody trusts them before they give the checkpoint's root."""

    @property
    def origin(self) -> str:
        """Where they come from, for an error that has to name it."""
        ...

    async def leaves(self, start: BlockNumber, end: BlockNumber) -> tuple[Hash32, ...] | None:
        """The leaves of start … end, both included; None where this source does not hold them all. Raises BurnError."""
        ...


class StoredLeaves:
    """Leaves of headers that a follower has kept: no RPC at all."""

    origin = "our own confirmed headers"

    def __init__(self, headers: HeaderStore) -> None:
        self._headers = headers

    async def leaves(self, start: BlockNumber, end: BlockNumber) -> tuple[Hash32, ...] | None:
        """The leaves of start … end, or None where the store does not reach."""
        found: list[Hash32] = []
        for page_start in range(start, end + 1, PAGE):
            count = min(PAGE, end + 1 - page_start)
            headers = self._headers.headers(BlockNumber(page_start), count)
            if len(headers) != count:
                return None
            found.extend(leaf_of_stored(header) for header in headers)
            await asyncio.sleep(0)
        return tuple(found)


class FetchedLeaves:
    """Leaves of headers asked from the side chain, in batches; the hash of each is recomputed from its fields."""

    def __init__(self, reader: ChainReader) -> None:
        self._reader = reader

    @property
    def origin(self) -> str:
        """The endpoint that answered."""
        return self._reader.pool.latest_label

    async def leaves(self, start: BlockNumber, end: BlockNumber) -> tuple[Hash32, ...] | None:
        """The leaves of start … end. Raises CannotTell where the chain does not show them all, EndpointFalse."""
        found: list[Hash32] = []
        for page_start in range(start, end + 1, PAGE):
            count = min(PAGE, end + 1 - page_start)
            with chain_errors(f"side-chain headers from {page_start}", self._reader):
                headers = await self._reader.headers(BlockNumber(page_start), count)
            if len(headers) != count:
                raise CannotTell(f"{self.origin} does not show side-chain block {page_start + len(headers)}")
            found.extend(leaf_of_stored(header) for header in headers)
        return tuple(found)


class ProvedRanges:
    """The leaves of checkpoints, each proved by the root that the root chain has; the last few are kept."""

    def __init__(self, sources: tuple[LeafSource, ...]) -> None:
        self._sources = sources
        self._kept: Recent[tuple[BlockNumber, BlockNumber, Hash32], tuple[Hash32, ...]] = Recent(RANGES_KEPT)

    async def leaves(self, checkpoint: CheckpointOnRoot, root_endpoint: str) -> tuple[Hash32, ...]:
        """The leaves of the checkpoint's blocks. Raises EndpointFalse when they do not give its root, CannotTell."""
        key = (checkpoint.start, checkpoint.end, checkpoint.root)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        if checkpoint.end - checkpoint.start >= CHECKPOINT_BLOCKS_MAX:
            raise CannotTell(f"checkpoint {checkpoint.header_id} is longer than {CHECKPOINT_BLOCKS_MAX} blocks")
        for source in self._sources:
            leaves = await source.leaves(checkpoint.start, checkpoint.end)
            if leaves is None:
                continue
            computed = await asyncio.to_thread(merkle.root, leaves)
            if computed != checkpoint.root:
                raise EndpointFalse(
                    f"says that blocks {checkpoint.start} to {checkpoint.end} have root {to_hex(checkpoint.root)};"
                    f" {source.origin} give {to_hex(computed)}",
                    root_endpoint,
                )
            self._kept.put(key, leaves)
            return leaves
        raise CannotTell(f"no source holds the headers of blocks {checkpoint.start} to {checkpoint.end}")
