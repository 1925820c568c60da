"""The blocks of a checkpoint: where they come from, the check that they give its root, and the proofs under it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.burns.blocks import ROW_BYTES, CheckpointedBlock, PackedBlocks, pack_blocks
from bridge.burns.errors import BurnError, CannotTell, EndpointFalse, HistoryPruned
from bridge.burns.keeping import Keep, KeepKind
from bridge.burns.reading import chain_errors
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.sharing import Recent, SharedWork, SharingLimits
from bridge.chain.header_store import HeaderStore
from bridge.chain.reader import ChainReader
from bridge.codec import merkle
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import BlockNumber, Hash32

CHECKPOINT_BLOCKS_MAX = 32_768
"""The longest range whose blocks are collected: Bor's own limit for a root."""
PAGE_BLOCKS = 1_024
BATCH_BLOCKS = 100
"""Headers in one request; Bor takes no more."""
BATCHES_IN_FLIGHT = 4
BLOCKS_IN_MEMORY_MAX = 4 * CHECKPOINT_BLOCKS_MAX
"""Over all ranges held with their trees: some 18 MB."""


class BlockSource(Protocol):
    """Blocks of the side chain; nobody trusts them before they give the checkpoint's root."""

    @property
    def origin(self) -> str:
        """Where they come from, for an error that has to name it."""
        ...

    async def blocks(self, start: BlockNumber, end: BlockNumber) -> PackedBlocks | None:
        """The blocks start … end, both included; None where this source does not hold them all. Raises BurnError."""
        ...


class StoredBlocks:
    """Headers that a follower has kept: no RPC at all."""

    origin = "our own confirmed headers"

    def __init__(self, headers: HeaderStore) -> None:
        self._headers = headers

    async def blocks(self, start: BlockNumber, end: BlockNumber) -> PackedBlocks | None:
        """The blocks start … end, or None where the store does not reach."""
        rows: list[bytes] = []
        for page_start in range(start, end + 1, PAGE_BLOCKS):
            count = min(PAGE_BLOCKS, end + 1 - page_start)
            headers = self._headers.headers(BlockNumber(page_start), count)
            if len(headers) != count:
                return None
            rows.append(pack_blocks(BlockNumber(page_start), headers).rows)
            await asyncio.sleep(0)
        return PackedBlocks(start, b"".join(rows))


class FetchedBlocks:
    """Headers asked from the side chain, in batches; the hash of each is recomputed from its fields."""

    def __init__(self, reader: ChainReader) -> None:
        self._reader = reader

    @property
    def origin(self) -> str:
        """The endpoint that answered."""
        return self._reader.pool.latest_label

    async def blocks(self, start: BlockNumber, end: BlockNumber) -> PackedBlocks | None:
        """The blocks start … end. Raises HistoryPruned where the chain does not show them, and any other BurnError."""
        gate = asyncio.Semaphore(BATCHES_IN_FLIGHT)

        async def fetch(first: int) -> bytes:
            async with gate:
                return await self._batch(BlockNumber(first), min(BATCH_BLOCKS, end + 1 - first))

        try:
            async with asyncio.TaskGroup() as group:
                batches = [group.create_task(fetch(first)) for first in range(start, end + 1, BATCH_BLOCKS)]
        except* BurnError as errors:
            raise _first(errors) from errors
        return PackedBlocks(start, b"".join(batch.result() for batch in batches))

    async def _batch(self, first: BlockNumber, count: int) -> bytes:
        with chain_errors(f"side-chain headers from {first}", self._reader):
            headers = await self._reader.headers(first, count, keep_blooms=False)
        if len(headers) != count:
            raise HistoryPruned("header", first + len(headers), self.origin)
        return pack_blocks(first, headers).rows


@dataclass(frozen=True, slots=True)
class ProvedRange:
    """The blocks of a checkpoint, which give its root, and the tree over them."""

    blocks: PackedBlocks
    tree: merkle.Tree

    def block(self, number: BlockNumber) -> CheckpointedBlock:
        """The block with this number."""
        return self.blocks.block(number)

    def proof(self, number: BlockNumber) -> tuple[Hash32, ...]:
        """The siblings on the way from the block's leaf to the checkpoint's root."""
        return self.tree.proof(number - self.blocks.start)


class ProvedRanges:
    """The ranges of checkpoints, each proved by the root that the root chain has.

    The last ones are held in memory with their trees; the blocks of those that had to be fetched stay in the keep.
    """

    def __init__(self, sources: Sequence[BlockSource], keep: Keep, limits: SharingLimits) -> None:
        self._sources = tuple(sources)
        self._keep = keep
        self._held: Recent[bytes, ProvedRange] = Recent(BLOCKS_IN_MEMORY_MAX, weight=lambda held: len(held.blocks))
        self._work: SharedWork[bytes, ProvedRange] = SharedWork(limits, keep=lambda _: False)

    async def proved(self, checkpoint: CheckpointOnRoot, root_endpoint: str) -> ProvedRange:
        """The checkpoint's blocks. Raises EndpointFalse when they do not give its root, HistoryPruned, CannotTell."""
        key = _key(checkpoint)
        held = self._held.get(key)
        if held is not None:
            return held
        return await self._work.result(key, lambda: self._prove(key, checkpoint, root_endpoint))

    async def close(self) -> None:
        """Stop what is running."""
        await self._work.close()

    async def _prove(self, key: bytes, checkpoint: CheckpointOnRoot, root_endpoint: str) -> ProvedRange:
        if checkpoint.end - checkpoint.start >= CHECKPOINT_BLOCKS_MAX:
            raise CannotTell(f"checkpoint {checkpoint.header_id} is longer than {CHECKPOINT_BLOCKS_MAX} blocks")
        kept = self._keep.get(KeepKind.RANGE, key)
        if kept is not None and len(kept) == (checkpoint.end + 1 - checkpoint.start) * ROW_BYTES:
            blocks = PackedBlocks(checkpoint.start, kept)
            tree = await asyncio.to_thread(_tree_over, blocks)
            if tree.root == checkpoint.root:
                return self._hold(key, ProvedRange(blocks, tree))
        for source in self._sources:
            given = await source.blocks(checkpoint.start, checkpoint.end)
            if given is None:
                continue
            tree = await asyncio.to_thread(_tree_over, given)
            if tree.root != checkpoint.root:
                raise EndpointFalse(
                    f"says that blocks {checkpoint.start} to {checkpoint.end} have root {to_hex(checkpoint.root)};"
                    f" {source.origin} give {to_hex(tree.root)}",
                    root_endpoint,
                )
            if not isinstance(source, StoredBlocks):
                self._keep.put(KeepKind.RANGE, key, given.rows)
            return self._hold(key, ProvedRange(given, tree))
        raise CannotTell(f"no source holds the headers of blocks {checkpoint.start} to {checkpoint.end}")

    def _hold(self, key: bytes, proved: ProvedRange) -> ProvedRange:
        self._held.put(key, proved)
        return proved


def _first(errors: BaseExceptionGroup[BurnError]) -> BurnError:
    """One error of a group, however nested."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _tree_over(blocks: PackedBlocks) -> merkle.Tree:
    return merkle.Tree(blocks.leaves())


def _key(checkpoint: CheckpointOnRoot) -> bytes:
    return checkpoint.root + checkpoint.start.to_bytes(8) + checkpoint.end.to_bytes(8)
