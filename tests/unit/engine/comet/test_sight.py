"""What one node's answers and blocks say of the network: who is there, who has caught up, who is stranded."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from bridge.codec.consensus import BlockIdFlag
from node.app.abci import CommitVote, FinalizeBlockResponse
from node.engine.comet.rpc import ConsensusState, Status
from node.engine.comet.sight import LATE_S, STRANDED_S, Sight
from node.engine.commits import CommittedBlock
from node.engine.trouble import TroubleCode
from tests.unit.engine.comet.stage import consensus_answer, status_answer
from tests.unit.engine.network import address, app_hash

PULSE_S = 10
RECORDED = json.loads((Path(__file__).parents[3] / "vectors" / "comet-answers.json").read_text())
"""Of a node of four validators, and of one of two that are left: see the file."""


def status(height: int, *, is_catching_up: bool = False) -> Status:
    return msgspec.convert(json.loads(status_answer(height, is_catching_up=is_catching_up))["result"], Status)


def consensus(height: int, *peer_heights: int) -> ConsensusState:
    return msgspec.convert(json.loads(consensus_answer(height, *peer_heights))["result"], ConsensusState)


Round = tuple[int, int]
"""Power that has prevoted, and that has precommitted, of 340."""


def voting(*rounds: Round, at: int | None = None) -> ConsensusState:
    """A height that hangs, with the votes of its rounds; it is in the last of them."""
    votes = [
        {
            "round": number,
            "prevotes_bit_array": f"BA{{4:xx__}} {prevotes}/340 = 0.50",
            "precommits_bit_array": f"BA{{4:x___}} {precommits}/340 = 0.50",
        }
        for number, (prevotes, precommits) in enumerate(rounds)
    ]
    last = len(rounds) - 1 if at is None else at
    document = {"round_state": {"height": "8", "round": last, "step": 4, "votes": votes}, "peers": []}
    return msgspec.convert(document, ConsensusState)


def block(*powers: tuple[int, BlockIdFlag]) -> CommittedBlock:
    votes = tuple(CommitVote(address(index), power, flag) for index, (power, flag) in enumerate(powers))
    return CommittedBlock(7, 7 * 10**9, (), FinalizeBlockResponse((), (), app_hash(()), ()), votes)


HERE, AWAY, NIL = BlockIdFlag.COMMIT, BlockIdFlag.ABSENT, BlockIdFlag.NIL


@pytest.mark.parametrize(
    ("votes", "permille"),
    [
        ([(100, HERE), (90, HERE)], 1_000),
        ([(2, HERE), (1, AWAY)], 666),
        ([(1, HERE), (1, NIL), (1, AWAY)], 666),
        ([(1, AWAY)], 0),
        ([], 1_000),
    ],
)
def test_share__while_blocks_come__is_what_signed_the_last_commit(
    votes: Sequence[tuple[int, BlockIdFlag]], permille: int
) -> None:
    sight = Sight(0, PULSE_S)
    assert sight.share_permille(0) == 0, "nothing is known yet"
    sight.block_committed(block(*votes), 5)
    assert sight.share_permille(5) == permille
    assert sight.share_permille(5 + PULSE_S + LATE_S) == permille
    assert sight.share_permille(5 + PULSE_S + LATE_S + 0.1) == 0


def late(*looks: tuple[float, ConsensusState]) -> int:
    """The share at the last of these looks, all of them long after the last block."""
    sight, late_s = Sight(0, PULSE_S), PULSE_S + LATE_S + 1
    sight.block_committed(block((1, HERE)), 0)
    for at_s, state in looks:
        sight.seen(status(7), state, late_s + at_s)
    return sight.share_permille(late_s + looks[-1][0])


def test_share__when_a_block_is_late__is_what_votes_in_the_round_that_hangs() -> None:
    assert late((0, voting((170, 0)))) == 500
    assert late((0, voting((340, 170)))) == 500, "who prevoted and then went is not there"
    assert late((0, voting((0, 0)))) == 0
    assert (
        late((0, msgspec.convert({"round_state": {"height": "8", "round": 0, "step": 1, "votes": []}}, ConsensusState)))
        == 0
    )


def test_share__in_a_round_that_is_new__is_that_of_the_round_before_until_votes_had_time_to_come() -> None:
    before, after = voting((340, 0)), voting((340, 340), (0, 0))
    assert late((0, before), (1, after)) == 1_000
    assert late((0, before), (1, after), (1 + LATE_S, after)) == 1_000
    assert late((0, before), (1, after), (1.1 + LATE_S, after)) == 0, "all have gone since"
    assert late((0, before), (1, after), (9, voting((340, 340), (340, 270), (0, 0)))) == 794
    assert late((0, voting((340, 340), (270, 270), (90, 0)))) == 794, "the round before the last one, no older"


def test_share__once_a_late_block_has_come__is_that_of_its_commit() -> None:
    sight = Sight(0, PULSE_S)
    sight.seen(status(7), voting((0, 0)), 100)
    assert sight.share_permille(100) == 0
    sight.block_committed(block((2, HERE), (1, AWAY)), 100)
    assert sight.share_permille(100) == 666


def test_caught_up__needs_a_node_that_has_blocks_and_an_application_that_has_them_too() -> None:
    sight = Sight(0, PULSE_S)
    assert not sight.is_caught_up(0), "nobody was asked"
    for seen, height, expected in [
        (status(0), 0, False),
        (status(7), 6, False),
        (status(7), 7, True),
        (status(7), 8, True),
        (status(7, is_catching_up=True), 7, False),
    ]:
        sight.seen(seen, None, 1)
        assert sight.is_caught_up(height) is expected
    sight.seen(status(7), None, 2)
    sight.begin(3)
    assert not sight.is_caught_up(7), "that was an earlier process"


def stranded_after(sight: Sight, since_s: float) -> bool:
    assert sight.stranded(since_s + STRANDED_S - 0.1) is None
    return sight.stranded(since_s + STRANDED_S) is not None


@pytest.mark.parametrize(
    ("peer_heights", "is_stranded"),
    [
        ((), False),
        ((9, 9, 9), False),
        ((10,), True),
        ((10, 8, 8), False),
        ((10, 10, 8, 8), True),
        ((10, 10, 8, 8, 8, 8), False),
    ],
)
def test_stranded__when_over_a_third_of_the_peers_is_more_than_two_ahead(
    peer_heights: tuple[int, ...], is_stranded: bool
) -> None:
    sight = Sight(0, PULSE_S)
    sight.seen(status(7), consensus(8, *peer_heights), 1)
    sight.seen(status(7), consensus(8, *peer_heights), 20)
    assert stranded_after(sight, 1) is is_stranded


def test_stranded__node_that_moves_or_whose_peers_are_gone__is_not_or_anew() -> None:
    sight = Sight(0, PULSE_S)
    sight.seen(status(7), consensus(8, 20), 0)
    sight.seen(status(8), consensus(9, 20), 29)
    assert stranded_after(sight, 29)
    sight.seen(status(8), consensus(9), 60)
    assert sight.stranded(100) is None
    sight.seen(status(8), consensus(9, 20), 100)
    assert stranded_after(sight, 100)
    trouble = sight.stranded(200)
    assert trouble is not None
    assert trouble.code is TroubleCode.ENGINE_STRANDED
    assert "stands at height 8 while its peers are at 20" in trouble.text
    assert "sidewarden join --resync" in trouble.text
    sight.begin(200)
    assert sight.stranded(300) is None


def test_silence__lasts_since_the_last_answer_or_block() -> None:
    sight = Sight(10, PULSE_S)
    assert sight.silent_s(15) == 5
    sight.seen(status(1), None, 20)
    assert sight.silent_s(25) == 5
    sight.block_committed(block((1, HERE)), 30)
    assert sight.silent_s(35) == 5, "a node that replays blocks answers no calls, and is at work"


def test_answers__of_a_real_node__are_read() -> None:
    running = RECORDED["running"]
    seen = msgspec.convert(running["status"], Status)
    assert (seen.height, seen.earliest_height, seen.is_catching_up) == (RECORDED["height"], 1, False)
    state = msgspec.convert(running["dump_consensus_state"], ConsensusState)
    assert state.height == seen.height + 1
    assert len(state.peer_heights) == 3
    assert all(abs(height - state.height) <= 1 for height in state.peer_heights)


def test_answers__of_a_real_node_without_quorum__show_what_share_votes() -> None:
    sight = Sight(0, PULSE_S)
    sight.block_committed(block((1, HERE)), 0)
    alone = RECORDED["without_quorum"]
    state = msgspec.convert(alone["dump_consensus_state"], ConsensusState)
    sight.seen(msgspec.convert(alone["status"], Status), state, 100)
    assert sight.peers == 1
    assert sight.share_permille(100) == RECORDED["share_permille"]
