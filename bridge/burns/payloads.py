"""The exit payload of a burn, verified down from the root that the root chain has."""

from collections.abc import Sequence

from bridge.burns.report import CheckpointOnRoot
from bridge.burns.transactions import MinedBurns
from bridge.codec import merkle
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import ExitPayload, branch_mask, decode_payload, encode_payload, verify_payload
from bridge.codec.receipts import encode_receipt
from bridge.codec.trie import ordered_trie_proof
from bridge.codec.types import Hash32


def build_payload(mined: MinedBurns, log_index: int, checkpoint: CheckpointOnRoot, leaves: Sequence[Hash32]) -> bytes:
    """The bytes that RootChainManager.exit takes; decoded again and verified before they are returned.

    Raises PayloadError where they do not prove this very log under the checkpoint.
    """
    block = mined.block
    values = [encode_receipt(receipt) for receipt in mined.receipts]
    payload = ExitPayload(
        header_id=checkpoint.header_id,
        block_proof=merkle.proof(leaves, block.number - checkpoint.start),
        block_number=block.number,
        timestamp=block.timestamp,
        transactions_root=block.transactions_root,
        receipts_root=block.receipts_root,
        receipt=values[mined.transaction_index],
        receipt_proof=ordered_trie_proof(values, mined.transaction_index),
        branch_mask=branch_mask(mined.transaction_index),
        log_index=log_index,
    )
    data = encode_payload(payload)
    proved = verify_payload(decode_payload(data), checkpoint.root, checkpoint.start, checkpoint.end)
    if proved != mined.receipt.logs[log_index]:
        raise PayloadError("the payload proves another log")
    return data
