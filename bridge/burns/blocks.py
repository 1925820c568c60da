"""Side-chain blocks as a checkpoint commits to them: of each block four fields, packed row after row."""

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.chain.header_store import StoredHeader
from bridge.codec.header import leaf
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds

ROW_BYTES = 72
"""timestamp (8 bytes, big-endian) ‖ transactionsRoot ‖ receiptsRoot; the number follows from the row's place."""


@dataclass(frozen=True, slots=True)
class CheckpointedBlock:
    """All that a leaf says of a block: neither its hash nor its state."""

    number: BlockNumber
    timestamp: UnixSeconds
    transactions_root: Hash32
    receipts_root: Hash32

    @property
    def leaf(self) -> Hash32:
        """The block's leaf in the checkpoint tree."""
        return leaf(self.number, self.timestamp, self.transactions_root, self.receipts_root)


@dataclass(frozen=True, slots=True)
class PackedBlocks:
    """Consecutive blocks from `start` on, ROW_BYTES each."""

    start: BlockNumber
    rows: bytes

    def __len__(self) -> int:
        return len(self.rows) // ROW_BYTES

    def block(self, number: BlockNumber) -> CheckpointedBlock:
        """The block with this number, which must be among them."""
        at = (number - self.start) * ROW_BYTES
        if not 0 <= at < len(self.rows):
            raise IndexError(f"block {number} is not among {len(self)} from {self.start}")
        row = self.rows[at : at + ROW_BYTES]
        timestamp = UnixSeconds(int.from_bytes(row[:8]))
        return CheckpointedBlock(number, timestamp, Hash32(row[8:40]), Hash32(row[40:]))

    def leaves(self) -> tuple[Hash32, ...]:
        """The leaf of each block."""
        return tuple(self.block(BlockNumber(number)).leaf for number in range(self.start, self.start + len(self)))


def pack_blocks(start: BlockNumber, headers: Iterable[StoredHeader]) -> PackedBlocks:
    """The rows of these headers, the first of which has the number `start`."""
    return PackedBlocks(
        start,
        b"".join(header.timestamp.to_bytes(8) + header.transactions_root + header.receipts_root for header in headers),
    )


def block_of(header: StoredHeader) -> CheckpointedBlock:
    """What a checkpoint says of a header."""
    return CheckpointedBlock(header.number, header.timestamp, header.transactions_root, header.receipts_root)
