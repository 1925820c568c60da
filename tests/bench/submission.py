"""From the last block of a range being confirmed to the L1 transaction that carries its root, in engine blocks."""

import asyncio
from collections.abc import Iterator

from node.devnet.bootstrap import SIDE
from tests.bench.rows import Row
from tests.bench.sizes import Sizes
from tests.e2e.harness import ROUND_S, Network, running_network

LEAST_BLOCKS = 3
"""One with the head reports, one with the proposal, one with the signatures: each is an answer to the one before."""


def measure(_sizes: Sizes) -> Iterator[Row]:
    """One row."""
    blocks, waited_s = asyncio.run(_measure())
    yield Row(
        "last block of a range confirmed → L1 transaction sent",
        f"{blocks} engine blocks ({waited_s:.1f} s)",
        f"one answer a block: {LEAST_BLOCKS} engine blocks",
        blocks / LEAST_BLOCKS,
        "heads, proposal, signatures: a block each",
    )


async def _measure() -> tuple[int, float]:
    async with running_network() as network:
        await network.until_acks(1)
        await _let_all_but_the_last_block_come(network)
        sent, now_s = network.sent_count(), network.clock.now()
        blocks = 0

        def count_blocks(_: object) -> None:
            nonlocal blocks
            blocks += network.sent_count() == sent

        network.devnet.local_engine.subscribe(0, count_blocks)
        await network.chains.mine(SIDE)
        await network.until(lambda: network.sent_count() > sent)
        return blocks, network.clock.now() - now_s


async def _let_all_but_the_last_block_come(network: Network) -> None:
    """Until the interval is over and one more side-chain block makes the turn due."""
    parameters = network.state.params.root_chains[0]
    next_start = network.turn.next_start
    assert next_start is not None
    last = next_start + parameters.minimum_blocks - 1 + network.state.params.network.side_confirmations
    await network.until(lambda: network.chain(SIDE).head.number >= last - 1)
    del network.block_times_s[SIDE]
    assert network.chain(SIDE).head.number == last - 1, "the side chain went on while the checkpoint was acknowledged"
    await network.rounds(int(parameters.interval_s / ROUND_S))
