"""Validators that stop and come back: what the others do meanwhile, and that nothing is done twice."""

from http import HTTPStatus
from typing import cast

from node.app import queries
from node.app.history import CheckpointEntry, NoAckEntry
from node.app.state import Stage
from node.duties.status import Reason
from tests.e2e.harness import Json, Network, running_network


async def test_pause__proposer_before_it_proposes__one_no_ack_and_the_next_proposer_acts() -> None:
    async with running_network() as network:
        paused = network.proposer
        network.pause(paused)
        await network.until(lambda: network.turn.deadline is not None)
        due_s = network.clock.now()
        await network.until(lambda: network.turn.no_acks == 1)
        assert network.clock.now() - due_s <= 31, "buffer, a block, its confirmations, and a round of agreement"
        await network.until_acks(1)
        no_ack, ack = network.history()
        assert isinstance(no_ack, NoAckEntry)
        assert isinstance(ack, CheckpointEntry)
        assert (no_ack.turn, network.index_of(no_ack.proposer), no_ack.had_proposal) == (1, paused, False)
        assert ack.turn == 2
        assert network.index_of(ack.proposer) != paused
        assert [network.submitter_of(sent.sender) for sent in network.submissions()] == [network.index_of(ack.proposer)]

        network.resume(paused)
        await network.until(lambda: network.status(paused).caught_up)
        await network.until_acks(2)


async def test_pause__proposer_after_the_quorum__a_backup_submits() -> None:
    async with running_network() as network:
        await network.until(lambda: _stage(network) is Stage.OPEN)
        proposer, backup = (network.index_of(signer) for signer in queries.ranks(network.state, 0)[:2])
        assert proposer == network.proposer
        network.pause(proposer)
        opened_s = network.clock.now()
        await network.until(lambda: len(network.submissions()) == 1)
        assert network.submitter_of(network.submissions()[0].sender) == backup
        assert network.clock.now() - opened_s >= 4, "the proposer has the delay of a rank for itself"
        await network.until_acks(1)
        (ack,) = network.history()
        assert isinstance(ack, CheckpointEntry)
        assert network.index_of(ack.proposer) == proposer

        network.resume(proposer)
        await network.rounds(20)
        assert network.sent_count() == 1, "the proposer came back too late to send anything"


async def test_pause__one_of_four__nothing_stops() -> None:
    async with running_network() as network:
        paused = (network.proposer + 1) % 4
        network.pause(paused)
        await network.until_acks(3)
        acks = [entry for entry in network.history() if isinstance(entry, CheckpointEntry)]
        no_acks = [entry for entry in network.history() if isinstance(entry, NoAckEntry)]
        assert [list(entry.missing) for entry in acks] == [[paused + 1]] * 3
        assert {network.index_of(entry.proposer) for entry in no_acks} <= {paused}
        answer = await network.get("/sidewarden/v1/status", paused)
        assert (answer.status, answer.json["paused"]) == (HTTPStatus.OK, True)
        assert _reason(answer.json) == Reason.VALIDATOR_PAUSED


async def test_pause__two_of_four__waits_and_says_so_and_goes_on_afterwards() -> None:
    async with running_network() as network:
        await network.until(lambda: network.proposal is not None)
        network.pause(2, 3)
        height, sent = network.devnet.local_engine.height, network.sent_count()
        await network.rounds(100)
        assert network.devnet.local_engine.height == height
        assert network.sent_count() == sent
        for index in range(4):
            answer = await network.get("/sidewarden/v1/status", index)
            assert _reason(answer.json) == Reason.ENGINE_NO_QUORUM
        assert (await network.get("/ready")).status == HTTPStatus.SERVICE_UNAVAILABLE

        network.resume(2, 3)
        await network.until_acks(2)
        assert network.turn.no_acks <= 1, "the turn that was going on when the network stood still"


def _stage(network: Network) -> Stage | None:
    return None if network.proposal is None else network.proposal.stage


def _reason(status: Json) -> str:
    (root_chain,) = cast(list[Json], status["root_chains"])
    return cast(str, cast(Json, root_chain["why"])["reason"])
