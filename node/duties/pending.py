"""Whether somebody's submission of the same checkpoint already waits in a root chain's pool."""

from bridge.chain.endpoint import RpcAnswer
from bridge.chain.errors import BadAnswer
from bridge.chain.fields import as_items, as_object
from bridge.chain.reader import TRANSACTIONS_MAX, ChainReader
from bridge.codec.hexadecimal import to_hex

ANSWER_WITHIN_S = 2.0
"""An endpoint that hangs must not hold up a submission that is due: what it may show only saves gas."""


async def shows_pending(reader: ChainReader, calldata: bytes) -> bool:
    """Whether the pending block of any endpoint has a transaction with this calldata.

    All are asked, because pools differ: a transaction spreads while we look. An endpoint that keeps no pending block,
    does not answer or answers nonsense only costs us the saving: it counts as a no.
    """
    answers = await reader.pool.call_all("eth_getBlockByNumber", ["pending", True], ANSWER_WITHIN_S)
    return any(_holds(answer.value, to_hex(calldata)) for answer in answers if isinstance(answer, RpcAnswer))


def _holds(block: object, wanted: str) -> bool:
    try:
        transactions = as_items(as_object(block, "block").get("transactions"), "transactions", TRANSACTIONS_MAX)
        return any(as_object(item, "transaction").get("input") == wanted for item in transactions)
    except BadAnswer:
        return False
