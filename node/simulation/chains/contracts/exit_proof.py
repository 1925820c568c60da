"""contracts/src: ExitPayload, BlockTree and ReceiptTrie, the proof that a side-chain log stands under a checkpoint."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32
from node.simulation.chains.abi import OUT_OF_BOUNDS, custom_error, panic, refusal, words
from node.simulation.chains.contracts import rlp_reading as rlp

_TRANSACTION_INDEX_MAX = 2**32 - 1
_LEAF_FLAG = 2
_ODD_FLAG = 1
_DEPTH_END = 256


@dataclass(frozen=True, slots=True)
class HeaderOnChain:
    """What RootChain.headerBlocks says; `created_at` is 0 where there is no header."""

    root: Hash32
    start: int
    end: int
    created_at: int


@dataclass(frozen=True, slots=True)
class ProvedLog:
    """The mark of a log, which is exited once, the place of its transaction on the side chain, and its RLP."""

    exit_hash: Hash32
    burn_place: int
    log: bytes


@dataclass(frozen=True, slots=True)
class _Block:
    number: int
    timestamp: int
    transactions_root: bytes
    receipts_root: bytes


def verify(payload: bytes, header_of: Callable[[int], HeaderOnChain]) -> ProvedLog:
    """The log that a payload proves under a header. Raises Reverted."""
    rest = rlp.whole_list(payload)
    header_id, rest = rlp.take_uint(rest)
    block_proof, rest = rlp.take_bytes(rest)
    number, rest = rlp.take_uint(rest)
    timestamp, rest = rlp.take_uint(rest)
    transactions_root, rest = rlp.take_word(rest)
    receipts_root, rest = rlp.take_word(rest)
    block = _Block(number, timestamp, transactions_root, receipts_root)
    _require_checkpointed(block, block_proof, header_of(header_id))
    return _verify_receipt(block, rest)


def _require_checkpointed(block: _Block, proof: bytes, header: HeaderOnChain) -> None:
    depth = (header.end - header.start).bit_length()
    is_in_range = header.created_at != 0 and header.start <= block.number <= header.end
    if not is_in_range or len(proof) != 32 * depth:
        raise refusal("RootChainManager: INVALID_HEADER")
    leaf = keccak256(words(block.number, block.timestamp, block.transactions_root, block.receipts_root))
    if tree_root(leaf, block.number - header.start, proof) != header.root:
        raise refusal("RootChainManager: INVALID_HEADER")


def tree_root(node: Hash32, index: int, siblings: bytes) -> Hash32:
    """The root above a leaf of the tree of blocks. Raises Reverted."""
    length = len(siblings)
    if length % 32 or length // 32 >= _DEPTH_END or index >> (length // 32):
        raise custom_error("ProofLengthUnfit(uint256)", length)
    for offset in range(0, length, 32):
        sibling = siblings[offset : offset + 32]
        node = keccak256(sibling + node) if index & 1 else keccak256(node + sibling)
        index >>= 1
    return node


def _verify_receipt(block: _Block, rest: bytes) -> ProvedLog:
    receipt, rest = rlp.take_bytes(rest)
    proof, rest = rlp.take_bytes(rest)
    mask, rest = rlp.take_bytes(rest)
    log_index, rest = rlp.take_uint(rest)
    rlp.require_end(rest)
    transaction_index = _transaction_index(mask)
    if not _contains(block.receipts_root, mask[1:], receipt, rlp.whole_list(proof)):
        raise refusal("RootChainManager: INVALID_PROOF")
    nibbles = bytes(int(digit, 16) for digit in mask[1:].hex())
    exit_hash = keccak256(words(block.number) + nibbles + words(log_index))
    return ProvedLog(exit_hash, block.number << 32 | transaction_index, _log_at(receipt, log_index))


def _transaction_index(mask: bytes) -> int:
    if len(mask) < 2 or mask[0]:
        raise refusal("RootChainManager: INVALID_BRANCH_MASK")
    index, rest = rlp.take_uint(mask[1:])
    if rest or index > _TRANSACTION_INDEX_MAX:
        raise refusal("RootChainManager: INVALID_BRANCH_MASK")
    return index


def _log_at(receipt: bytes, index: int) -> bytes:
    if not receipt:
        raise custom_error("MalformedRlp()")
    first = receipt[0]
    if 0x80 <= first < 0xC0:
        raise custom_error("TransactionTypeUnknown(uint256)", first)
    rest = rlp.whole_list(receipt[1:] if first < 0x80 else receipt)
    _, rest = rlp.take_bytes(rest)
    _, rest = rlp.take_uint(rest)
    _, rest = rlp.take_bytes(rest)
    rest, _ = rlp.take_list(rest)
    log, rest = rlp.take_item(rest)
    while index:
        log, rest = rlp.take_item(rest)
        index -= 1
    return log


def _contains(root: bytes, key: bytes, value: bytes, nodes: bytes) -> bool:
    """Whether the nodes, from the root down, prove the value under the key, and none is left over."""
    expected, depth = root, 0
    while nodes:
        node, nodes = rlp.take_item(nodes)
        if keccak256(node) != expected:
            return False
        child, rest = rlp.take_bytes(rlp.whole_list(node))
        second, more = rlp.take_bytes(rest)
        if more:
            if depth == 2 * len(key):
                return False
            for _ in range(_nibble(key, depth)):
                child, rest = rlp.take_bytes(rest)
            depth += 1
        else:
            matches, is_leaf, below = _follow(child, key, depth)
            if not matches:
                return False
            if is_leaf:
                return below == 2 * len(key) and not nodes and second == value
            child, depth = second, below
        if len(child) != 32:
            return False
        expected = child
    return False


def _follow(path: bytes, key: bytes, depth: int) -> tuple[bool, bool, int]:
    """Whether the path goes on as the key does, whether it ends in a leaf, and the depth below it."""
    flags = _nibble(path, 0)
    is_leaf = bool(flags & _LEAF_FLAG)
    for place in range(1 if flags & _ODD_FLAG else 2, 2 * len(path)):
        if depth == 2 * len(key):
            return False, is_leaf, depth
        depth += 1
        if _nibble(path, place) != _nibble(key, depth - 1):
            return False, is_leaf, depth
    return True, is_leaf, depth


def _nibble(data: bytes, place: int) -> int:
    if place // 2 >= len(data):
        raise panic(OUT_OF_BOUNDS)
    pair = data[place // 2]
    return pair & 0x0F if place % 2 else pair >> 4
