"""Endpoints that lag, fail, or leave things out: nothing is said that was not seen, nothing is missed, nobody spams."""

from typing import cast

import pytest

from node.app.state import Stage
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.rpc.faults import ChainFaults
from node.duties.status import Reason
from tests.e2e.harness import ROUND_S, Json, Network, running_network

LAGGARD = 3


async def test_side_rpc__one_validator_20_blocks_behind__its_signature_comes_late_and_is_recorded() -> None:
    async with running_network() as network:
        await network.fault(SIDE, ChainFaults(validator=LAGGARD, hide_newest_blocks=20))
        await network.until_acks(1)
        assert await _timings(network, 1) == ["IN_TIME"] * 3
        await network.until_acks(3)
        assert await _timings(network, 1) == ["IN_TIME"] * 3 + ["AFTER_ACK"]
        assert network.turn.no_acks == 0
        assert network.status(LAGGARD).stopped_signing is None


@pytest.mark.parametrize(("outage_s", "no_acks"), [(10, 0), (70, 1)])
async def test_root_rpc__down_for_all__nothing_moves_and_nobody_spams(outage_s: int, no_acks: int) -> None:
    """An outage that outlasts the deadline costs that turn once L1 can be read again: then, and not before."""
    async with running_network() as network:
        await network.until(lambda: network.proposal is not None and network.proposal.stage is Stage.OPEN)
        await network.fault(ROOT, ChainFaults(error_rate=1.0))
        turn, sent = network.turn.number, network.sent_count()
        await network.rounds(int(outage_s / ROUND_S))
        assert (network.turn.number, network.turn.no_acks, network.sent_count()) == (turn, 0, sent)
        assert _reasons(network) == {Reason.ROOT_RPC_DOWN}
        await network.heal(ROOT)
        await network.until_acks(2)
        assert network.turn.no_acks == no_acks
        assert [sent.succeeded for sent in network.submissions()] == [True, True]


async def test_root_rpc__of_the_proposer_down_when_it_should_submit__a_backup_does() -> None:
    async with running_network() as network:
        await network.until(lambda: network.proposal is not None and network.proposal.stage is Stage.OPEN)
        proposer = network.proposer
        await network.fault(ROOT, ChainFaults(validator=proposer, error_rate=1.0))
        await network.until_acks(1)
        (sent,) = network.submissions()
        assert network.submitter_of(sent.sender) != proposer
        assert network.turn.no_acks == 0


async def test_rpc__three_calls_in_ten_fail_everywhere__acks_go_on() -> None:
    async with running_network() as network:
        for chain in (ROOT, SIDE):
            await network.fault(chain, ChainFaults(error_rate=0.3))
        await network.until_acks(3)


async def test_side_chain__makes_no_blocks__no_turn_is_due_and_no_no_ack_comes() -> None:
    async with running_network() as network:
        await network.until_acks(1)
        del network.block_times_s[SIDE]
        await network.rounds(200)
        acks, sent, executed = network.turn.acks, network.sent_count(), len(network.executed)
        app_hash = network.status().app_hash
        await network.rounds(200)
        assert (network.turn.acks, network.turn.no_acks, network.sent_count()) == (acks, 0, sent)
        assert (len(network.executed), network.status().app_hash) == (executed, app_hash), "an idle network is idle"
        assert network.turn.next_start == network.chain(SIDE).head.number - 1, "all that is confirmed has its root"
        assert _reasons(network) == {Reason.WAITING_FOR_SIDE_BLOCKS}
        network.block_times_s[SIDE] = 1
        await network.until_acks(acks + 1)
        assert network.turn.no_acks == 0


async def test_root_rpc__answers_empty_logs__nothing_is_skipped() -> None:
    async with running_network() as network:
        await network.fault(ROOT, ChainFaults(empty_logs=True))
        await network.until_acks(2)
        assert network.turn.no_acks == 0


async def test_root_rpc__answers_empty_receipts__cannot_tell_and_skips_nothing() -> None:
    async with running_network() as network:
        await network.fault(ROOT, ChainFaults(empty_receipts=True))
        await network.until(lambda: len(network.submissions()) == 1)
        await network.rounds(140)
        assert (network.turn.acks, network.turn.no_acks, len(network.submissions())) == (0, 0, 1)
        assert _reasons(network) == {Reason.ROOT_RPC_DOWN}
        assert "receipts" in network.root_status().why.text
        await network.heal(ROOT)
        await network.until_acks(2)
        assert network.turn.no_acks == 0, "the header was there in time, and its log comes before any quiet"


async def _timings(network: Network, checkpoint: int) -> list[str]:
    """How the signatures of a checkpoint came, by validator."""
    answer = await network.get(f"/sidewarden/v1/checkpoints/{checkpoint}")
    signatures = cast(list[Json], answer.json["signatures"])
    return [cast(str, one["timing"]) for one in sorted(signatures, key=lambda one: cast(int, one["validator_id"]))]


def _reasons(network: Network) -> set[Reason]:
    return {network.root_status(index).why.reason for index in range(4)}
