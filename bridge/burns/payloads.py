"""The exit payload of a log, verified down from the root that the root chain has."""

from bridge.burns.errors import PayloadTooLarge
from bridge.burns.ranges import ProvedRange
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.transactions import MinedBurns
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import (
    PAYLOAD_BYTES_MAX,
    ExitPayload,
    branch_mask,
    decode_payload,
    encode_payload,
    verify_payload,
)
from bridge.codec.trie import ordered_trie_proof


def build_payload(mined: MinedBurns, log_index: int, checkpoint: CheckpointOnRoot, proved: ProvedRange) -> bytes:
    """The bytes that an exit takes; decoded again and verified before they are returned.

    Raises PayloadError where they do not prove this very log under the checkpoint, and PayloadTooLarge.
    """
    block, values = mined.block, mined.within.values
    payload = ExitPayload(
        header_id=checkpoint.header_id,
        block_proof=proved.proof(block.number),
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
    if len(data) > PAYLOAD_BYTES_MAX:
        raise PayloadTooLarge(
            f"the receipt is so large that its payload has {len(data)} bytes, over {PAYLOAD_BYTES_MAX}"
        )
    log = verify_payload(decode_payload(data), checkpoint.root, checkpoint.start, checkpoint.end)
    if log != mined.receipt.logs[log_index]:
        raise PayloadError("the payload proves another log")
    return data
