"""Whether somebody's submission of the same checkpoint already waits in a root chain's pool."""

from bridge.chain.errors import BadAnswer, ChainError
from bridge.chain.fields import as_items, as_object
from bridge.chain.reader import TRANSACTIONS_MAX, ChainReader
from bridge.codec.hexadecimal import to_hex


async def shows_pending(reader: ChainReader, calldata: bytes) -> bool:
    """Whether the node's pending block has a transaction with this calldata.

    A node that keeps no pending block, or answers nonsense, only costs us the saving: then the answer is no.
    """
    wanted = to_hex(calldata)
    try:
        answer = await reader.pool.call("eth_getBlockByNumber", ["pending", True])
        if answer is None:
            return False
        transactions = as_items(as_object(answer, "block").get("transactions"), "transactions", TRANSACTIONS_MAX)
        return any(as_object(item, "transaction").get("input") == wanted for item in transactions)
    except (BadAnswer, ChainError):
        return False
