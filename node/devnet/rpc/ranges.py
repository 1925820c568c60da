"""The methods that read many blocks. They let others run after each piece, so that no query holds up the chain."""

import asyncio
from collections.abc import AsyncIterator

from bridge.codec.header import Header, leaf_of
from bridge.codec.hexadecimal import quantity
from bridge.codec.merkle import root
from bridge.codec.types import Hash32
from node.devnet.chain import Block, FoundLog, LogFilter, TooManyLogs
from node.devnet.rpc.errors import INVALID_PARAMS, LIMIT_EXCEEDED, SERVER_ERROR, JsonRpcError
from node.devnet.rpc.view import ChainView

LOG_BLOCKS_MAX = 10_000
LOGS_MAX = 10_000
ROOT_BLOCKS_MAX = 1 << 15
"""Bor's limit."""
FEE_BLOCKS_MAX = 1_024
BLOCKS_PER_PIECE = 16


async def logs_in_range(view: ChainView, wanted: LogFilter, first: int, last: int) -> list[FoundLog]:
    """The matching logs of a range, which ends at the head at the latest. Raises JsonRpcError."""
    if first > last:
        raise JsonRpcError(INVALID_PARAMS, "invalid block range params")
    last = min(last, view.head_number)
    if last - first >= LOG_BLOCKS_MAX:
        raise JsonRpcError(LIMIT_EXCEEDED, f"query exceeds max block range {LOG_BLOCKS_MAX}")
    found: list[FoundLog] = []
    async for piece_first, piece_last in _pieces(first, last):
        try:
            found += view.chain.logs(wanted, piece_first, piece_last, LOGS_MAX - len(found))
        except TooManyLogs as error:
            raise JsonRpcError(LIMIT_EXCEEDED, f"query returned more than {LOGS_MAX} results") from error
    return found


async def checkpoint_root(view: ChainView, start: int, end: int) -> str:
    """Bor's eth_getRootHash: the checkpoint tree's root of blocks `start` to `end`, in hex without 0x.

    Raises JsonRpcError.
    """
    if end - start >= ROOT_BLOCKS_MAX:
        message = f"Start: {start} and end block: {end} exceed max allowed checkpoint length: {ROOT_BLOCKS_MAX}"
        raise JsonRpcError(SERVER_ERROR, message)
    if start > end or end > view.head_number:
        raise JsonRpcError(SERVER_ERROR, f"Invalid parameters start: {start} and end block: {end} params")
    last: Header = view.header(end)
    leaves: list[Hash32] = []
    async for piece_first, piece_last in _pieces(start, end):
        leaves += [leaf_of(view.chain.header(number)) for number in range(piece_first, piece_last + 1)]
    if not view.chain.is_canonical(last):
        raise JsonRpcError(SERVER_ERROR, "the chain was reorganised meanwhile")
    return root(leaves).hex()


async def fee_history(view: ChainView, count: int, newest: int, percentiles: tuple[float, ...]) -> dict[str, object]:
    """Base fees, how full the blocks were, and tips at percentiles of the gas used."""
    count = min(count, FEE_BLOCKS_MAX, newest + 1)
    if not count:
        return {"oldestBlock": quantity(0), "baseFeePerGas": None, "gasUsedRatio": None}
    oldest = newest - count + 1
    blocks: list[Block] = []
    async for piece_first, piece_last in _pieces(oldest, newest):
        blocks += [view.chain.block(number) for number in range(piece_first, piece_last + 1)]
    base_fees_wei = [block.header.base_fee_per_gas_wei or 0 for block in blocks]
    history: dict[str, object] = {
        "oldestBlock": quantity(oldest),
        "baseFeePerGas": [quantity(fee) for fee in (*base_fees_wei, view.chain.next_base_fee_wei(newest))],
        "gasUsedRatio": [block.header.gas_used / block.header.gas_limit for block in blocks],
        "baseFeePerBlobGas": [quantity(1)] * (count + 1),
        "blobGasUsedRatio": [0] * count,
    }
    if percentiles:
        history["reward"] = [[quantity(tip) for tip in _tips_at(block, percentiles)] for block in blocks]
    return history


def _tips_at(block: Block, percentiles: tuple[float, ...]) -> list[int]:
    base_fee_wei = block.header.base_fee_per_gas_wei or 0
    tips = sorted(
        (transaction.tip_wei(base_fee_wei), block.gas_used_by(index))
        for index, transaction in enumerate(block.transactions)
    )
    if not tips:
        return [0] * len(percentiles)
    found, position, gas = [], 0, tips[0][1]
    for percentile in percentiles:
        while gas < block.header.gas_used * percentile / 100 and position < len(tips) - 1:
            position += 1
            gas += tips[position][1]
        found.append(tips[position][0])
    return found


async def _pieces(first: int, last: int) -> AsyncIterator[tuple[int, int]]:
    for start in range(first, last + 1, BLOCKS_PER_PIECE):
        if start > first:
            await asyncio.sleep(0)
        yield start, min(start + BLOCKS_PER_PIECE - 1, last)
