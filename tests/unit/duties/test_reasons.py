"""The one reason: each is produced by a situation, and of several that hold the first in the table is told."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from bridge.chain.feed import DigestedStep, Scan
from bridge.chain.outbox_store import Attempt, EntryState, Intent, OutboxEntry
from bridge.chain.outbox_store import Waiting as OutboxWaiting
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address, UnixSeconds, Wei
from node.app import queries
from node.app.messages import Conflict, Steps
from node.duties.follow import RootView, feed_position
from node.duties.reasons import Surroundings, why_waiting
from node.duties.status import Reason, Why
from node.duties.submit import L1View
from tests.unit.app import logs
from tests.unit.app.network import ROOT, Network

CALM = Surroundings(
    engine_quorum=True,
    engine_share_permille=1000,
    stop=None,
    paused=False,
    waiting_for=None,
    contract_changed=None,
    root_trouble=None,
    side_trouble=None,
    view=None,
    l1=None,
    proposal=None,
    entry=None,
)
SENT_HASH = keccak256(b"transaction")


@dataclass
class Situation:
    """A network, and what one of its nodes sees around it."""

    network: Network
    around: Surroundings = CALM

    def sees(self, **changes: object) -> "Situation":
        """The node sees something else."""
        return Situation(self.network, replace(self.around, **changes))  # type: ignore[arg-type]  # fields by name

    def why(self) -> Why:
        """What the node tells."""
        proposal = self.network.state.proposals[0].current
        return why_waiting(self.network.app.committed, 0, replace(self.around, proposal=proposal))


def _fresh() -> Situation:
    return Situation(Network())


def _reset() -> Situation:
    network = Network(header_id=30_000, end=23)
    network.l1_block(logs.reset_header(20_000))
    network.see_l1()
    return Situation(network)


def _acknowledged() -> Situation:
    network = Network()
    network.checkpoint()
    network.report_heads(15)
    return Situation(network)


def _between_turns() -> Situation:
    network = Network()
    network.make_due(7)
    network.say_quiet()
    return Situation(network)


def _due() -> Situation:
    network = Network()
    network.make_due(7)
    return Situation(network)


def _proposed(signers: int = 0) -> Situation:
    situation = _due()
    network = situation.network
    assert network.propose(0, 7) == 0
    if signers:
        network.sign(*network.validators[:signers])
    return situation


def _l1(network: Network, *, after_s: int = 0, clock_ahead: bool = False, next_header_id: int = 10_000) -> L1View:
    opening = network.proposal.opening
    assert opening is not None
    return L1View(
        turn=network.turn.number,
        block_hash=keccak256(b"newest"),
        time_s=UnixSeconds(opening.time_s + after_s),
        next_header_id=next_header_id,
        clock_ahead=clock_ahead,
        seen_open_s=opening.time_s,
    )


def _entry(
    waiting: OutboxWaiting = OutboxWaiting.NONE, state: EntryState = EntryState.PLANNED, detail: str = ""
) -> OutboxEntry:
    intent = Intent("checkpoint/10000", ROOT.root_chain_address, b"", Wei(0), 500_000)
    attempt = Attempt(b"", SENT_HASH, Wei(2), Wei(1), is_cancel=False, signed_at_s=0)
    attempts = () if state is EntryState.PLANNED else (attempt,)
    return OutboxEntry(intent, state, None, attempts, None, waiting, detail)


def _opened(entry: OutboxEntry | None = None, **l1: int) -> Situation:
    situation = _proposed(signers=4)
    return situation.sees(entry=entry, l1=_l1(situation.network, **l1))  # type: ignore[arg-type]  # a flag is an int


def _landed(*, is_confirmed: bool = False) -> Situation:
    situation = _opened(next_header_id=20_000)
    network = situation.network
    proposal = network.proposal
    odd = replace(logs.new_header(proposal.proposer, 10_000, 0, 7, proposal.root_hash), data=b"\x01")
    network.l1_block(odd, logs.new_header(proposal.proposer, 10_000, 0, 7, proposal.root_hash))
    position = feed_position(network.state, 0)
    found = tuple(DigestedStep(step, digest) for step, digest in network.l1[0].steps) if is_confirmed else ()
    return situation.sees(view=RootView(position, Scan(found, None), None, None, None))


def _paused_chain(situation: Situation) -> Situation:
    network = situation.network
    other = Conflict(0, network.state.feeds[0].step_number, keccak256(b"another block"))
    network.block(*(network.attest(one, other) for one in network.validators[:2]))
    return situation


def _contested(situation: Situation) -> Situation:
    network = situation.network
    feed = network.state.feeds[0]

    def views(name: bytes) -> Steps:
        return Steps(0, feed.generation, feed.step_number, (keccak256(name),))

    first, second, third, fourth = network.validators
    network.block(
        network.attest(first, views(b"a")),
        network.attest(second, views(b"a")),
        network.attest(third, views(b"b")),
        network.attest(fourth, views(b"b")),
    )
    return situation


def _stopped(reason: Reason) -> Callable[[Situation], Situation]:
    return lambda situation: situation.sees(stop=Why(reason, "a person must look"))


def _troubled(reason: Reason) -> Callable[[Situation], Situation]:
    return lambda situation: situation.sees(engine_trouble=Why(reason, "cometbft ended"))


OVERLAYS: dict[Reason, Callable[[Situation], Situation]] = {
    Reason.UPGRADE_NEEDED: _troubled(Reason.UPGRADE_NEEDED),
    Reason.ENGINE_DOWN: _troubled(Reason.ENGINE_DOWN),
    Reason.ENGINE_STRANDED: _troubled(Reason.ENGINE_STRANDED),
    Reason.ENGINE_NO_QUORUM: lambda one: one.sees(engine_quorum=False, engine_share_permille=500),
    Reason.VALIDATOR_PAUSED: lambda one: one.sees(paused=True),
    Reason.STALE_RECORD: _stopped(Reason.STALE_RECORD),
    Reason.TWIN_NODE: _stopped(Reason.TWIN_NODE),
    Reason.SIDE_REORG_BELOW_SIGNED: _stopped(Reason.SIDE_REORG_BELOW_SIGNED),
    Reason.GENESIS_CONTRADICTED: _stopped(Reason.GENESIS_CONTRADICTED),
    Reason.CLOCK_SKEW: lambda one: one.sees(clock_skew="600 s behind"),
    Reason.CATCHING_UP: lambda one: one.sees(waiting_for="the engine has not caught up"),
    Reason.L1_REORG_BELOW_CURSOR: _paused_chain,
    Reason.CONTRACT_CHANGED: lambda one: one.sees(contract_changed="other code"),
    Reason.L1_VIEWS_DIFFER: _contested,
    Reason.ROOT_RPC_DOWN: lambda one: one.sees(root_trouble="RPC_DOWN: nobody answers"),
    Reason.SIDE_RPC_DOWN: lambda one: one.sees(side_trouble="RPC_DOWN: nobody answers"),
}
"""What may hold whatever the checkpoint waits for, in order of precedence."""

WAITS: dict[Reason, Callable[[], Situation]] = {
    Reason.NEXT_START_UNKNOWN: _reset,
    Reason.WAITING_FOR_SIDE_BLOCKS: _fresh,
    Reason.WAITING_FOR_INTERVAL: _acknowledged,
    Reason.WAITING_FOR_TURN: _between_turns,
    Reason.WAITING_FOR_PROPOSAL: _due,
    Reason.COLLECTING: lambda: _proposed(signers=1),
    Reason.GRACE: lambda: _proposed(signers=3),
    Reason.WAITING_FOR_SUBMITTER: _opened,
    Reason.FEE_CEILING: lambda: _opened(_entry(OutboxWaiting.FEE_CEILING, detail="the market asks 60 gwei")),
    Reason.NOT_FUNDED: lambda: _opened(_entry(OutboxWaiting.NOT_FUNDED)),
    Reason.L1_REFUSES: lambda: _opened(_entry(OutboxWaiting.L1_REFUSES)),
    Reason.UNDERPRICED: lambda: _opened(_entry(OutboxWaiting.UNDERPRICED)),
    Reason.POOL_FULL: lambda: _opened(_entry(OutboxWaiting.POOL_FULL)),
    Reason.NONCE_GAP: lambda: _opened(_entry(OutboxWaiting.NONCE_GAP)),
    Reason.NONCE_USED: lambda: _opened(_entry(OutboxWaiting.NONCE_USED)),
    Reason.L1_CLOCK_AHEAD: lambda: _opened(clock_ahead=True),
    Reason.WAITING_FOR_INCLUSION: lambda: _opened(_entry(state=EntryState.SENT)),
    Reason.WAITING_FOR_CONFIRMATIONS: _landed,
    Reason.WAITING_FOR_FEED_QUORUM: lambda: _landed(is_confirmed=True),
}


def test_reasons__the_table__every_one_has_a_situation_here_in_its_order() -> None:
    assert [*OVERLAYS, *WAITS] == list(Reason)


@pytest.mark.parametrize("reason", WAITS)
def test_reason__nothing_else_is_in_the_way__told(reason: Reason) -> None:
    assert WAITS[reason]().why().reason is reason


@pytest.mark.parametrize("reason", OVERLAYS)
@pytest.mark.parametrize("begin", [_fresh, _due, _opened], ids=["fresh", "due", "open"])
def test_reason__it_holds_beside_any_wait__told(reason: Reason, begin: Callable[[], Situation]) -> None:
    assert OVERLAYS[reason](begin()).why().reason is reason


@pytest.mark.parametrize("place", range(len(OVERLAYS)))
def test_reasons__several_hold__the_first_is_told(place: int) -> None:
    """All of the table from one place on, except for other troubles and stops: a node has one of each kind."""
    reasons = list(OVERLAYS)[place:]
    troubles = [one for one in reasons if one in list(OVERLAYS)[:3]]
    stops = [one for one in reasons if one in list(OVERLAYS)[5:9]]
    situation = _due()
    for reason in reasons:
        if reason not in (*troubles[1:], *stops[1:]):
            situation = OVERLAYS[reason](situation)
    assert situation.why().reason is reasons[0]


@pytest.mark.parametrize(
    ("reason", "number", "words"),
    [
        (Reason.WAITING_FOR_SIDE_BLOCKS, 8, "8 more side-chain blocks"),
        (Reason.WAITING_FOR_INTERVAL, None, "the interval since the last ack ends in"),
        (Reason.WAITING_FOR_TURN, 1, "begins in 1 engine blocks"),
        (Reason.COLLECTING, 294, "29.4 % of the power has signed"),
        (Reason.GRACE, 4, "79.4 % of the power has signed; late signatures may come for 4 blocks"),
        (Reason.WAITING_FOR_SUBMITTER, 0, "(rank 0) may submit now"),
        (Reason.FEE_CEILING, None, "the market asks 60 gwei"),
        (Reason.WAITING_FOR_INCLUSION, None, to_hex(SENT_HASH)),
        (Reason.WAITING_FOR_CONFIRMATIONS, 2, "header 10000 is on the root chain"),
        (Reason.WAITING_FOR_FEED_QUORUM, 0, "0.0 % of the power attests that header 10000"),
    ],
)
def test_reason__its_facts__are_in_words_and_as_a_number(reason: Reason, number: int | None, words: str) -> None:
    why = WAITS[reason]().why()
    assert words in why.text
    if number is not None:
        assert why.number == number


def test_reason__no_quorum_of_the_engine__how_much_is_present() -> None:
    why = OVERLAYS[Reason.ENGINE_NO_QUORUM](_fresh()).why()
    assert (why.number, why.text) == (500, "50.0 % of the power is present; over 66.6 % is needed")


def test_reason__power_enough_but_not_the_stake_that_l1_counts__says_both() -> None:
    unusable = logs.staked(Address(b"\x05" * 20), 5, 300 * 10**18, bytes(64))
    network = Network()
    network.l1_block(unusable)
    network.see_l1()
    network.make_due(7)
    assert network.propose(0, 7) == 0
    network.sign(*network.validators)
    why = Situation(network).why()
    assert why.reason is Reason.COLLECTING
    assert why.text == "100.0 % of the power has signed, but only 53.1 % of the power that the root chain counts"


def test_reason__views_of_l1_differ__names_the_digests_and_who_holds_them() -> None:
    why = _contested(_due()).why()
    assert f"{to_hex(keccak256(b'a'))} by validators 1, 2 (55.8 % of the power)" in why.text
    assert f"{to_hex(keccak256(b'b'))} by validators 3, 4 (44.1 % of the power)" in why.text


def test_reason__waiting_for_a_proposal__who_and_until_when() -> None:
    situation = _due()
    why = situation.why()
    assert to_hex(situation.network.proposer.key.address) in why.text
    assert str(situation.network.deadline) in why.text


@pytest.mark.parametrize(("after_s", "rank"), [(-3, 0), (0, 0), (3, 0), (4, 1), (8, 2), (500, 2)])
def test_reason__waiting_for_a_submitter__the_rank_whose_time_it_is(after_s: int, rank: int) -> None:
    situation = _opened(after_s=after_s)
    why = situation.why()
    assert why.number == rank
    assert to_hex(queries.ranks(situation.network.state, 0)[rank]) in why.text


@pytest.mark.parametrize("waiting", [one for one in OutboxWaiting if one is not OutboxWaiting.NONE])
@pytest.mark.parametrize("state", [EntryState.PLANNED, EntryState.SIGNED, EntryState.SENT])
def test_reason__our_transaction_waits_for_something__that_in_the_outboxs_words(
    waiting: OutboxWaiting, state: EntryState
) -> None:
    why = _opened(_entry(waiting, state, detail="as the node says")).why()
    told = Reason.ROOT_RPC_DOWN.value if waiting is OutboxWaiting.CANNOT_TELL else waiting.value
    assert (why.reason.value, why.text) == (told, "as the node says")


def test_reason__nobody_looked_at_l1_yet__rank_zero() -> None:
    assert _opened().sees(l1=None).why().number == 0


@pytest.mark.parametrize("state", [EntryState.MINED, EntryState.CANCELLING, EntryState.FINAL])
def test_reason__our_transaction_is_not_what_it_waits_for__not_inclusion(state: EntryState) -> None:
    assert _opened(_entry(state=state)).why().reason is Reason.WAITING_FOR_SUBMITTER


def test_reason__it_has_landed_though_our_own_waits__that_it_has_landed() -> None:
    situation = _landed()
    refused = situation.sees(entry=_entry(OutboxWaiting.L1_REFUSES))
    assert refused.why().reason is Reason.WAITING_FOR_CONFIRMATIONS
