"""Exit payloads: the proof that a side-chain log stands under a checkpoint, as RootChainManager.exit takes it.

RLP of ten items, byte for byte as matic.js builds them: header id, block proof, block number, timestamp,
transactionsRoot, receiptsRoot, receipt, receipt proof (RLP list of trie nodes, as a string), branch mask, log index
within the receipt.

Contracts accept aliases of some payloads (other flag nibbles in the mask, padded integers, further items) and ignore
the end of the checkpoint; here every payload has one encoding, and the block must lie in the range.
"""

from dataclasses import dataclass

from bridge.codec import merkle, rlp
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.errors import PayloadError, ProofError, ReceiptError, RlpError
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf
from bridge.codec.receipts import Log, decode_receipt
from bridge.codec.trie import verify_trie_proof
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds

PAYLOAD_BYTES_MAX = 1024 * 1024

_EVEN_PATH_FLAG = b"\x00"
_TRANSACTION_INDEX_BITS = 24


@dataclass(frozen=True, slots=True)
class ExitPayload:
    """The ten items; `receipt` is the trie value, `receipt_proof` the encoded trie nodes from the root to the leaf."""

    header_id: int
    block_proof: tuple[Hash32, ...]
    block_number: BlockNumber
    timestamp: UnixSeconds
    transactions_root: Hash32
    receipts_root: Hash32
    receipt: bytes
    receipt_proof: tuple[bytes, ...]
    branch_mask: bytes
    log_index: int


def branch_mask(transaction_index: int) -> bytes:
    """The path of a receipt in the trie as payloads write it: the flag of an even path, then rlp(index)."""
    return _EVEN_PATH_FLAG + rlp.encode(rlp.uint(transaction_index))


def transaction_index_of(mask: bytes) -> int:
    """The transaction index of a branch mask. Raises PayloadError for any mask that `branch_mask` does not give."""
    if mask[:1] != _EVEN_PATH_FLAG:
        raise PayloadError("branch mask does not begin with 0x00")
    try:
        return rlp.as_uint(rlp.decode(mask[1:]), _TRANSACTION_INDEX_BITS, "transaction index")
    except RlpError as error:
        raise PayloadError(f"branch mask: {error}") from error


def exit_hash(block_number: BlockNumber, branch_mask: bytes, log_index: int) -> Hash32:
    """The key under which the contract remembers an exit: keccak256(block32 ‖ path nibbles as bytes ‖ log index32)."""
    nibbles = bytes(int(digit, 16) for digit in branch_mask[1:].hex())
    return keccak256(block_number.to_bytes(32) + nibbles + log_index.to_bytes(32))


def encode_payload(payload: ExitPayload) -> bytes:
    """The payload's bytes."""
    return rlp.encode(
        (
            rlp.uint(payload.header_id),
            b"".join(payload.block_proof),
            rlp.uint(payload.block_number),
            rlp.uint(payload.timestamp),
            payload.transactions_root,
            payload.receipts_root,
            payload.receipt,
            rlp.encode_list(list(payload.receipt_proof)),
            payload.branch_mask,
            rlp.uint(payload.log_index),
        )
    )


def decode_payload(data: bytes) -> ExitPayload:
    """The payload of its bytes. Raises PayloadError unless they are its one canonical encoding."""
    if len(data) > PAYLOAD_BYTES_MAX:
        raise PayloadError(f"payload of {len(data)} bytes is over the limit of {PAYLOAD_BYTES_MAX}")
    try:
        items = rlp.as_list(rlp.decode(data), 10, "payload")
        nodes = rlp.as_list(rlp.decode(rlp.as_bytes(items[7], None, "receipt proof")), None, "receipt proof")
        payload = ExitPayload(
            header_id=rlp.as_uint(items[0], 64, "header id"),
            block_proof=_split_hashes(rlp.as_bytes(items[1], None, "block proof")),
            block_number=BlockNumber(rlp.as_uint(items[2], 64, "block number")),
            timestamp=UnixSeconds(rlp.as_uint(items[3], 64, "timestamp")),
            transactions_root=Hash32(rlp.as_bytes(items[4], 32, "transactionsRoot")),
            receipts_root=Hash32(rlp.as_bytes(items[5], 32, "receiptsRoot")),
            receipt=rlp.as_bytes(items[6], None, "receipt"),
            receipt_proof=tuple(rlp.encode(node) for node in nodes),
            branch_mask=rlp.as_bytes(items[8], None, "branch mask"),
            log_index=rlp.as_uint(items[9], 32, "log index"),
        )
    except RlpError as error:
        raise PayloadError(f"payload: {error}") from error
    transaction_index_of(payload.branch_mask)
    return payload


def verify_payload(payload: ExitPayload, root: Hash32, start: BlockNumber, end: BlockNumber) -> Log:
    """The log that the payload proves under the checkpoint of blocks start..end with this root.

    Raises PayloadError naming the first thing that does not hold.
    """
    if payload.header_id == 0 or payload.header_id % HEADER_ID_STEP:
        raise PayloadError(f"header id {payload.header_id} is not a positive multiple of {HEADER_ID_STEP}")
    if not start <= payload.block_number <= end:
        raise PayloadError(f"block {payload.block_number} is not in the checkpoint {start}..{end}")
    _verify_block(payload, root, start, end)
    transaction_index_of(payload.branch_mask)
    try:
        value = verify_trie_proof(payload.receipts_root, payload.branch_mask[1:], payload.receipt_proof)
        if value != payload.receipt:
            raise PayloadError("the receipt is not the one that its proof leads to")
        logs = decode_receipt(payload.receipt).logs
    except (ProofError, ReceiptError) as error:
        raise PayloadError(f"receipt: {error}") from error
    if payload.log_index >= len(logs):
        raise PayloadError(f"log index {payload.log_index} is not among the receipt's {len(logs)} logs")
    return logs[payload.log_index]


def _verify_block(payload: ExitPayload, root: Hash32, start: BlockNumber, end: BlockNumber) -> None:
    expected_length = merkle.depth(end - start + 1)
    if len(payload.block_proof) != expected_length:
        raise PayloadError(
            f"block proof has {len(payload.block_proof)} hashes, not {expected_length} for the checkpoint"
        )
    block_leaf = leaf(payload.block_number, payload.timestamp, payload.transactions_root, payload.receipts_root)
    if not merkle.verify(block_leaf, payload.block_number - start, payload.block_proof, root):
        raise PayloadError("block proof does not lead to the checkpoint's root")


def _split_hashes(data: bytes) -> tuple[Hash32, ...]:
    if len(data) % 32:
        raise PayloadError(f"block proof of {len(data)} bytes is not a whole number of hashes")
    return tuple(Hash32(data[at : at + 32]) for at in range(0, len(data), 32))
