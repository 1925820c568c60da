"""Receipts, their trie, and the payload of an exit, against the libraries `rlp` and `trie`."""

from collections.abc import Iterator
from dataclasses import dataclass

import rlp as rlp_library  # type: ignore[import-untyped]  # ships no type stubs
from trie.hexary import HexaryTrie

from bridge.burns.blocks import block_of, pack_blocks
from bridge.burns.payloads import build_payload
from bridge.burns.ranges import ProvedRange
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.transactions import BlockReceipts, MinedBurns
from bridge.chain.header_parsing import stored_header
from bridge.codec import merkle, rlp
from bridge.codec.hash import keccak256
from bridge.codec.receipts import Receipt, encode_receipt, receipts_root
from bridge.codec.types import BlockNumber, UnixSeconds
from tests.bench.rows import Row, seconds
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_s
from tests.unit.burns.world import PROPOSER, burn_log, transfer_log
from tests.unit.chain.tiny_chain import Block, TinyChain


@dataclass(frozen=True, slots=True)
class _Burnt:
    """A checkpoint's leaves, and the block among them whose last transaction burns."""

    block: Block
    range: ProvedRange

    @property
    def checkpoint(self) -> CheckpointOnRoot:
        """The checkpoint, as L1 has it."""
        end = BlockNumber(len(self.range.blocks) - 1)
        return CheckpointOnRoot(10_000, self.range.tree.root, BlockNumber(0), end, UnixSeconds(0), PROPOSER)

    @property
    def mined(self) -> MinedBurns:
        """The burn in its block."""
        header, receipts = self.block.header, self.block.receipts
        values = tuple(encode_receipt(receipt) for receipt in receipts)
        within = BlockReceipts(block_of(stored_header(header)), header.hash, values)
        return MinedBurns(keccak256(b"burn"), len(receipts) - 1, within)


def measure(sizes: Sizes) -> Iterator[Row]:
    """Encoding receipts, their root, and a whole proof."""
    burnt = _burnt(sizes)
    receipts = burnt.block.receipts
    values = [encode_receipt(receipt) for receipt in receipts]
    items = [rlp.decode(value[1:]) for value in values]
    count = len(receipts)

    encode_s, library_s, copy_s = fastest_s(
        sizes.repeats,
        lambda: [rlp.encode(item) for item in items],
        lambda: [rlp_library.encode(item) for item in items],
        lambda: b"".join(values),
    )
    yield Row(
        f"RLP of {count} receipts",
        seconds(encode_s),
        f"rlp: {seconds(library_s)}",
        encode_s / library_s,
        f"copying the {sum(map(len, values)):,} bytes: {seconds(copy_s)}",
    )

    root_s, library_s, hash_s = fastest_s(
        sizes.repeats,
        lambda: receipts_root(receipts),
        lambda: _library_trie(receipts).root_hash,
        lambda: [keccak256(value) for value in values],
    )
    yield Row(
        f"receipts root of {count} receipts",
        seconds(root_s),
        f"rlp and trie: {seconds(library_s)}",
        root_s / library_s,
        f"hashing the receipts: {seconds(hash_s)}",
    )

    mined, checkpoint = burnt.mined, burnt.checkpoint
    depth = merkle.depth(len(burnt.range.blocks))
    key = rlp.encode(rlp.uint(count - 1))
    proof_s, library_s, hash_s = fastest_s(
        sizes.repeats,
        lambda: build_payload(mined, 0, checkpoint, burnt.range),
        lambda: _library_trie(receipts).get_proof(key),  # type: ignore[no-untyped-call]  # trie leaves it so
        lambda: [keccak256(data) for data in (*[bytes(64)] * depth, *values)],
    )
    yield Row(
        f"exit proof: {count} receipts, {len(burnt.range.blocks):,} blocks at hand, verified",
        seconds(proof_s),
        f"rlp and trie, the receipt's proof alone: {seconds(library_s)}",
        proof_s / library_s,
        f"hashing receipts and the way to the root: {seconds(hash_s)}",
    )


def _burnt(sizes: Sizes) -> _Burnt:
    chain = TinyChain()
    chain.mine(*[[transfer_log()]] * (sizes.receipts - 1), [burn_log()])
    chain.mine(count=sizes.proof_headers - len(chain.blocks))
    blocks = pack_blocks(BlockNumber(0), [stored_header(block.header) for block in chain.blocks])
    return _Burnt(chain.blocks[1], ProvedRange(blocks, merkle.Tree(blocks.leaves())))


def _library_trie(receipts: tuple[Receipt, ...]) -> HexaryTrie:
    """The receipts trie as the two libraries build it."""
    tree = HexaryTrie({})
    for index, receipt in enumerate(receipts):
        logs = [[log.address, list(log.topics), log.data] for log in receipt.logs]
        fields = [receipt.status_or_root, receipt.cumulative_gas_used, receipt.logs_bloom, logs]
        tree[rlp_library.encode(index)] = bytes((receipt.type,)) + rlp_library.encode(fields)
    return tree
