"""Receipts, their trie, and the payload of an exit, against the libraries `rlp` and `trie`."""

from collections.abc import Iterator
from dataclasses import dataclass

import rlp as rlp_library  # type: ignore[import-untyped]  # ships no type stubs
from trie.hexary import HexaryTrie

from bridge.burns.payloads import build_payload
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.transactions import MinedBurns
from bridge.chain.header_parsing import stored_header
from bridge.codec import merkle, rlp
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf_of
from bridge.codec.receipts import Receipt, encode_receipt, receipts_root
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from tests.bench.rows import Row, seconds
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_s
from tests.unit.burns.world import PROPOSER, burn_log, transfer_log
from tests.unit.chain.tiny_chain import Block, TinyChain


@dataclass(frozen=True, slots=True)
class _Burnt:
    """A checkpoint's leaves, and the block among them whose last transaction burns."""

    block: Block
    leaves: tuple[Hash32, ...]

    @property
    def checkpoint(self) -> CheckpointOnRoot:
        """The checkpoint, as L1 has it."""
        end = BlockNumber(len(self.leaves) - 1)
        return CheckpointOnRoot(10_000, merkle.root(self.leaves), BlockNumber(0), end, UnixSeconds(0), PROPOSER)

    @property
    def mined(self) -> MinedBurns:
        """The burn in its block."""
        header, receipts = self.block.header, self.block.receipts
        return MinedBurns(keccak256(b"burn"), stored_header(header), len(receipts) - 1, receipts)


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
    nodes = [leaf + leaf for leaf in burnt.leaves[1:]]
    key = rlp.encode(rlp.uint(count - 1))
    proof_s, library_s, hash_s = fastest_s(
        sizes.repeats,
        lambda: build_payload(mined, 0, checkpoint, burnt.leaves),
        lambda: _library_trie(receipts).get_proof(key),  # type: ignore[no-untyped-call]  # trie leaves it so
        lambda: [keccak256(data) for data in (*nodes, *values)],
    )
    yield Row(
        f"exit proof: {count} receipts, {len(burnt.leaves):,} blocks, verified",
        seconds(proof_s),
        f"rlp and trie, the receipt's proof alone: {seconds(library_s)}",
        proof_s / library_s,
        f"hashing receipts and block tree: {seconds(hash_s)}",
    )


def _burnt(sizes: Sizes) -> _Burnt:
    chain = TinyChain()
    chain.mine(*[[transfer_log()]] * (sizes.receipts - 1), [burn_log()])
    chain.mine(count=sizes.proof_headers - len(chain.blocks))
    return _Burnt(chain.blocks[1], tuple(leaf_of(block.header) for block in chain.blocks))


def _library_trie(receipts: tuple[Receipt, ...]) -> HexaryTrie:
    """The receipts trie as the two libraries build it."""
    tree = HexaryTrie({})
    for index, receipt in enumerate(receipts):
        logs = [[log.address, list(log.topics), log.data] for log in receipt.logs]
        fields = [receipt.status_or_root, receipt.cumulative_gas_used, receipt.logs_bloom, logs]
        tree[rlp_library.encode(index)] = bytes((receipt.type,)) + rlp_library.encode(fields)
    return tree
