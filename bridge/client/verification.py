"""An exit payload checked without any chain."""

from bridge.client.arguments import as_bytes, as_hash
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import ExitPayload, decode_payload, verify_payload
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf
from bridge.codec.receipts import Log
from bridge.codec.types import BlockNumber, Hash32

DEPTH_MAX = 15
"""Of a tree over 32,768 blocks, the most that Bor gives a root of."""


def verify_exit_payload(
    payload: bytes | str, root: bytes | str, *, start: int | None = None, end: int | None = None
) -> Log:
    """The log that an exit payload proves under a checkpoint's root; payload and root as bytes or 0x-hex.

    With `start` and `end`, what `headerBlocks` of the RootChain contract says beside the root, everything that the
    contract checks is checked, and that the block lies in the range. Without them the block is proved all the same
    to stand under the root, for its leaf holds its number; but a payload whose place in the tree does not fit the
    contract's `start` is not noticed, and such a one is refused there. That the root is a checkpoint's, and that the
    header id names it, only the root chain can tell.

    Raises PayloadError naming the first thing that does not hold, and ValueError for arguments that cannot be.
    """
    if (start is None) is not (end is None):
        raise ValueError("give both start and end of the checkpoint, or neither")
    decoded = decode_payload(as_bytes(payload, "payload"))
    root_hash = as_hash(root, "root")
    if start is None or end is None:
        first, last = _fitting_range(decoded, root_hash)
    else:
        first, last = BlockNumber(start), BlockNumber(end)
    return verify_payload(decoded, root_hash, first, last)


def _fitting_range(payload: ExitPayload, root: Hash32) -> tuple[BlockNumber, BlockNumber]:
    """The longest range in which the block's leaf leads to the root. Raises PayloadError where there is none.

    Each bit of the leaf's place in the tree says on which side its sibling stands. A leaf is a hash over 128 bytes and
    a node one over 64, so no node can pass for a leaf.
    """
    depth = len(payload.block_proof)
    if depth > DEPTH_MAX:
        raise PayloadError(f"block proof has {depth} hashes; no checkpoint needs more than {DEPTH_MAX}")
    nodes = [leaf(payload.block_number, payload.timestamp, payload.transactions_root, payload.receipts_root)]
    for sibling in payload.block_proof:
        # The node at place i of the list is the one that the low bits of i lead to.
        nodes = [keccak256(node + sibling) for node in nodes] + [keccak256(sibling + node) for node in nodes]
    for place, node in enumerate(nodes):
        if node == root and place <= payload.block_number:
            start = payload.block_number - place
            return BlockNumber(start), BlockNumber(start + 2**depth - 1)
    raise PayloadError("block proof does not lead to the root from any place in the tree")
