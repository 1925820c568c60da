"""Chains that change behind us: within the confirmations nobody notices; below them nothing is signed or done twice."""

import logging

import pytest

from node.devnet.bootstrap import ROOT, SIDE
from node.duties.status import Reason
from tests.e2e.harness import Network, running_network

CONFIRMATIONS = 2


async def test_side_reorg__above_the_confirmed_depth__invisible() -> None:
    async with running_network() as network:
        while network.turn.acks < 2:
            await network.rounds(4)
            await network.chains.reorg(SIDE, CONFIRMATIONS)
        assert network.turn.no_acks == 0
        assert not any(network.status(index).alarms for index in range(4))


async def test_side_reorg__below_a_signed_block__nothing_more_is_signed_nor_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_network() as network:
        await network.until(lambda: network.proposal is not None and network.proposal.opening is not None)
        assert network.proposal is not None
        await network.chains.reorg(SIDE, network.chain(SIDE).head.number - network.proposal.end + 1)
        await network.until(lambda: _reasons(network) == {Reason.SIDE_REORG_BELOW_SIGNED})
        await network.rounds(4)
        height, executed, sent = network.devnet.local_engine.height, len(network.executed), network.sent_count()
        await network.rounds(100)
        assert network.devnet.local_engine.height > height, "the engine goes on"
        assert (len(network.executed), network.sent_count()) == (executed, sent)
        assert _warnings(caplog) == {"confirmed block replaced"}


@pytest.mark.parametrize("with_transactions", [True, False])
async def test_root_reorg__within_the_confirmations__acknowledged_once(with_transactions: bool) -> None:
    """The submission is in another block then, at the same place or only once it was sent again."""
    async with running_network() as network:
        await network.until(lambda: len(network.submissions()) == 1)
        network.chain(ROOT).reorg(1, with_transactions=with_transactions)
        await network.until_acks(2)
        assert network.turn.no_acks == 0
        assert network.sent_count() == 2


async def test_root_reorg__below_the_cursor_with_the_same_logs__paused_and_anchored_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_network() as network:
        await network.until_acks(1)
        await network.chains.reorg(ROOT, _depth_below_cursor(network))
        await network.until(lambda: network.state.feeds[0].is_paused)
        assert _reasons(network) == {Reason.L1_REORG_BELOW_CURSOR}
        await network.until(lambda: not network.state.feeds[0].is_paused)
        assert network.state.feeds[0].generation == 2
        await network.until_acks(3)
        assert network.turn.no_acks == 0
        assert _warnings(caplog) == {"confirmed block replaced"}


async def test_root_reorg__that_takes_the_header_away__stays_paused_for_people_to_decide(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The submission cannot land any more: it comes back from the pool after the last time for which it was signed."""
    async with running_network() as network:
        await network.until(lambda: network.turn.deadline is not None)
        assert network.turn.deadline is not None
        last_valid_s = network.turn.deadline
        del network.block_times_s[SIDE]
        await network.until_acks(1)
        await network.until(lambda: network.clock.now() > last_valid_s)
        network.chain(ROOT).reorg(_depth_below_cursor(network), with_transactions=False)
        await network.until(lambda: network.state.feeds[0].is_paused)
        sent = network.sent_count()
        await network.rounds(100)
        assert network.state.feeds[0].is_paused
        assert _reasons(network) == {Reason.L1_REORG_BELOW_CURSOR}
        assert (network.turn.acks, network.turn.no_acks, network.sent_count()) == (1, 0, sent)
        assert _warnings(caplog) == {"confirmed block replaced"}


def _depth_below_cursor(network: Network) -> int:
    """How many root-chain blocks a reorg must replace to take the cursor's with it."""
    return network.chain(ROOT).head.number - network.state.feeds[0].cursor.number + 1


def _reasons(network: Network) -> set[Reason]:
    return {network.root_status(index).why.reason for index in range(4)}


def _warnings(caplog: pytest.LogCaptureFixture) -> set[str]:
    return {record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING}
