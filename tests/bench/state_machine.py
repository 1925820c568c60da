"""Blocks through one application: whole checkpoints, every message signed, each block committed to state.db."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import Hash32, Signature
from node.app.abci import FinalizeBlockRequest
from node.app.application import Application
from node.app.genesis import Genesis, genesis_hash
from node.app.messages import Attest, Valid, decode_body, decode_transaction, transaction_digest
from node.app.signatures import recovered_signer
from node.app.store import MemoryStateStore, StateStore
from node.store.state import SqliteStateStore
from tests.bench.rows import Row, per_second, seconds
from tests.bench.sizes import Sizes
from tests.bench.timing import fastest_s
from tests.unit.app.network import Network, with_parameters

STAKES = (100, 90, 80, 70)
BLOCKS_OF_A_CHECKPOINT = 8


def measure(sizes: Sizes) -> Iterator[Row]:
    """Two rows for each number of validators."""
    for validators in sizes.state_validators:
        with tempfile.TemporaryDirectory() as home:
            yield from _measure(validators, sizes, Path(home))


def _measure(validators: int, sizes: Sizes, home: Path) -> Iterator[Row]:
    network = _network_with_history(validators, sizes.state_checkpoints)
    blocks, genesis = network.blocks, network.genesis
    signed = tuple(signatures(genesis, blocks))
    stores = [SqliteStateStore(home / f"{number}.db") for number in range(sizes.repeats)]
    unused = iter(stores)

    def on_disk() -> None:
        _replay(genesis, next(unused), blocks)

    def in_memory() -> None:
        _replay(genesis, MemoryStateStore(), blocks)

    def verify_alone() -> None:
        for digest, signature in signed:
            recover_address(digest, signature)

    disk_s, memory_s, verify_s = fastest_s(sizes.repeats, on_disk, in_memory, verify_alone)
    for store in stores:
        store.close()
    transactions = sum(len(block.txs) for block in blocks)
    name = f"state machine, {validators} validators"
    yield Row(
        f"{name}, state in memory",
        per_second(len(blocks), memory_s, "blocks"),
        f"verifying the {len(signed) / len(blocks):.1f} signatures of a block alone: "
        f"{per_second(len(blocks), verify_s, 'blocks')}",
        verify_s / memory_s,
        f"the same: {transactions / len(blocks):.1f} transactions in a block",
    )
    yield Row(
        f"{name}, state on disk",
        per_second(len(blocks), disk_s, "blocks"),
        f"in memory: {per_second(len(blocks), memory_s, 'blocks')}",
        memory_s / disk_s,
        f"one fsync a block: {seconds(_fsync_s(home, sizes.repeats))}",
    )


def _network_with_history(validators: int, checkpoints: int) -> Network:
    """A network that has agreed on so many checkpoints, with hardly an empty block."""
    stakes = [STAKES[index % len(STAKES)] for index in range(validators)]
    network = Network(stakes, (with_parameters(interval_s=1),))
    for _ in range(checkpoints):
        network.checkpoint(BLOCKS_OF_A_CHECKPOINT)
    return network


def _replay(genesis: Genesis, store: StateStore, blocks: Sequence[FinalizeBlockRequest]) -> None:
    """All blocks through a new application that has verified nothing yet."""
    recovered_signer.cache_clear()
    application = Application(genesis, store)
    for block in blocks:
        application.finalize_block(block)
        application.commit()


def signatures(genesis: Genesis, blocks: Sequence[FinalizeBlockRequest]) -> Iterator[tuple[Hash32, Signature]]:
    """Every signature in the blocks, with a digest to recover it from."""
    for data in (data for block in blocks for data in block.txs):
        transaction = decode_transaction(data)
        digest = transaction_digest(
            genesis_hash(genesis), transaction.kind, transaction.nonce, transaction.sender, transaction.body
        )
        yield digest, transaction.signature
        message = decode_body(transaction)
        if isinstance(message, Attest):
            for statement in message.statements:
                if isinstance(statement, Valid):
                    yield digest, statement.signature  # takes as long with any digest


def _fsync_s(home: Path, repeats: int) -> float:
    """One write of a page that is on disk afterwards."""
    with (home / "page").open("wb", buffering=0) as file:

        def write() -> None:
            file.write(bytes(4096))
            os.fsync(file.fileno())

        (time_s,) = fastest_s(3 * repeats, write)
    return time_s
