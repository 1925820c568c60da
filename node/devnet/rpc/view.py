"""A chain as of some blocks below its head: what a node that lags would answer."""

from typing import Literal, get_args

from bridge.codec.header import Header
from bridge.codec.types import BlockNumber, Hash32
from node.devnet.chain import Block, BlockId, BlockUnknown, Chain, TransactionPlace

BlockTag = Literal["earliest", "finalized", "safe", "latest", "pending"]
BLOCK_TAGS: tuple[BlockTag, ...] = get_args(BlockTag)
BlockParameter = BlockTag | BlockId
"""How a client names a block: by tag, number or hash."""


class ChainView:
    """Reads a chain and knows nothing of its newest `hidden_blocks` blocks."""

    def __init__(self, chain: Chain, hidden_blocks: int = 0) -> None:
        self.chain = chain
        self._hidden_blocks = hidden_blocks

    @property
    def head_number(self) -> BlockNumber:
        """The newest block that is seen."""
        return self._below(self.chain.head.number)

    def resolve(self, block: BlockParameter) -> BlockId:
        """The number or hash behind a client's name of a block. Raises BlockUnknown if it is not seen.

        There is no state after transactions that only wait, so `pending` is the head.
        """
        match block:
            case "latest" | "pending":
                return self.head_number
            case "safe":
                return self._below(self.chain.safe_number)
            case "finalized":
                return self._below(self.chain.finalized_number)
            case "earliest":
                return 0
            case _:
                number = self.chain.header(block).number if isinstance(block, bytes) else block
                if number > self.head_number:
                    raise BlockUnknown(f"no block {number}: the head is {self.head_number}")
                return block

    def header(self, block: BlockParameter) -> Header:
        """A header. Raises BlockUnknown."""
        return self.chain.header(self.resolve(block))

    def block(self, block: BlockParameter) -> Block:
        """A whole block. Raises BlockUnknown."""
        return self.chain.block(self.resolve(block))

    def mined(self, transaction_hash: Hash32) -> TransactionPlace | None:
        """Where a transaction is on the canonical chain, as far as it is seen."""
        place = self.chain.mined(transaction_hash)
        return place if place is not None and place.block.header.number <= self.head_number else None

    def _below(self, number: BlockNumber) -> BlockNumber:
        return BlockNumber(max(0, number - self._hidden_blocks))
