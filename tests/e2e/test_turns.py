"""Turns under slow inclusion, odd clocks, absence, liars, dead proposers: acks go on, with the no-acks of the rules."""

from dataclasses import dataclass

from bridge.codec.types import BlockNumber
from node.app.history import CheckpointEntry, NoAckEntry
from node.app.messages import Head
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.network import DevnetOptions
from node.devnet.rpc.faults import ChainFaults
from tests.e2e.harness import Network, running_network

BUFFER_S = 24
HOUR_S = 3_600
FAR_HEAD = BlockNumber(1_000_000)


@dataclass(frozen=True, slots=True)
class Armed:
    """A turn that has become due, and how long it was given on our clock."""

    turn: int
    given_s: float


async def test_turns__inclusion_slower_than_the_buffer__one_no_ack_and_twice_the_time() -> None:
    """A root-chain block each 32 s: what is sent in a turn of 24 s comes too late, in one of 48 s it lands."""
    async with running_network() as network:
        network.block_times_s[ROOT], network.round_s = 32, 1.0
        armed = await _until_acks(network, 1)
        assert [round(turn.given_s / BUFFER_S) for turn in armed] == [1, 2]
        assert _told(network) == ["no-ack of 0", "ack of 1"]
        assert [sent.succeeded for sent in network.submissions()] == [False, True]


async def test_turns__polygon_form_lands_after_its_turn_has_ended__acknowledged_all_the_same() -> None:
    """Its signatures do not expire: the header finds its turn ended, and counts as that turn's in the one after it."""
    async with running_network("polygon") as network:
        network.block_times_s[ROOT], network.round_s = 32, 1.0
        await network.until_acks(1)
        assert _told(network) == ["no-ack of 0", "ack of 0"]
        ack = network.history()[-1]
        assert isinstance(ack, CheckpointEntry)
        assert (ack.turn, ack.ended_turn, ack.is_foreign) == (1, 2, False)
        assert network.proposer == 1, "an ack of another turn does not rotate again"
        assert [sent.succeeded for sent in network.submissions()] == [True]


async def test_turns__l1_clock_600_s_ahead__one_no_ack_and_then_every_turn_has_its_time() -> None:
    async with running_network() as network:
        await network.until_acks(1)
        network.leads_s[ROOT] = 600
        armed = await _until_acks(network, 3)
        assert [turn.given_s > 600 for turn in armed] == [False, True, True]
        assert _told(network) == ["ack of 0", "no-ack of 1", "ack of 2", "ack of 3"]
        assert [sent.succeeded for sent in network.submissions()] == [True] * 3, "the ranks wait by L1's own clock"


async def test_turns__everybody_away_for_an_hour__one_no_ack() -> None:
    async with running_network() as network:
        await network.until(lambda: network.turn.deadline is not None)
        network.clock.advance(HOUR_S)
        await network.until_acks(2)
        assert _told(network) == ["no-ack of 0", "ack of 1", "ack of 2"]


async def test_turns__stopped_for_an_hour_and_started_again__one_no_ack() -> None:
    async with running_network() as network:
        await network.until(lambda: network.proposal is not None and network.proposal.opening is not None)
        network.clock.advance(HOUR_S)
        await network.restart()
        await network.until_acks(2)
        assert _told(network) == ["no-ack of 0", "ack of 1", "ack of 2"]
        assert all(sent.succeeded for sent in network.submissions())


async def test_turns__liar_about_its_head_beside_a_laggard__acks_go_on() -> None:
    """With the liar's words a quorum has a far head, and without them only what the laggard has."""
    liar, laggard = 2, 3
    async with running_network() as network:
        await network.rounds(2)
        await network.fault(SIDE, ChainFaults(validator=laggard, hide_newest_blocks=8))
        network.dormant.add(liar)
        side_hash = network.chain(SIDE).head.hash
        while network.turn.acks < 3:
            told_far = network.devnet.local_engine.height % 2 == 0
            network.say(liar, Head(FAR_HEAD if told_far else BlockNumber(0), side_hash))
            await network.round()
            assert network.devnet.local_engine.height < 200, network.story()
        assert {entry for entry in _told(network) if entry.startswith("no-ack")} <= {f"no-ack of {liar}"}


async def test_turns__row_of_dead_proposers__a_no_ack_for_each_and_no_more_time_than_before() -> None:
    options = DevnetOptions(periodic_blocks=False, proposal_makers=(lambda *_: None,) * 3)
    async with running_network(options=options) as network:
        armed = await _until_acks(network, 1)
        assert [round(turn.given_s / BUFFER_S) for turn in armed] == [1, 1, 1, 1]
        assert _told(network) == ["no-ack of 0", "no-ack of 1", "no-ack of 2", "ack of 3"]


async def _until_acks(network: Network, acks: int) -> list[Armed]:
    """Rounds until so many acks, and the turns that became due meanwhile."""
    armed: list[Armed] = []

    def happened() -> bool:
        turn = network.turn
        if turn.deadline is not None and turn.number not in [one.turn for one in armed]:
            armed.append(Armed(turn.number, turn.deadline - network.clock.now()))
        return turn.acks >= acks

    await network.until(happened, rounds_max=600)
    return armed


def _told(network: Network) -> list[str]:
    """What the agreed log tells, with the index of the proposer."""
    told = []
    for entry in network.history():
        assert isinstance(entry, CheckpointEntry | NoAckEntry)
        told.append(
            f"{'ack' if isinstance(entry, CheckpointEntry) else 'no-ack'} of {network.index_of(entry.proposer)}"
        )
    return told
