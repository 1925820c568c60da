"""The tale of a devnet and the lines that the terminal shows of it."""

import io
from dataclasses import replace
from itertools import pairwise

import pytest
from rich.console import Console

from bridge.chain.outbox import OutboxEvent
from bridge.chain.outbox_rules import gap_filling
from bridge.chain.outbox_store import Attempt, EntryState, Inclusion, Intent, OutboxEntry, Waiting
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address, BlockNumber, Wei
from node.app.state import State
from node.devnet.story import Story
from node.devnet.tale import (
    Acknowledged,
    Due,
    Happening,
    NotAcknowledged,
    Opened,
    Proposed,
    Rejected,
    Signed,
    happenings,
)
from tests.unit.app import logs
from tests.unit.app.network import Network, key, root_of


class _Listener:
    """Hears of a network what the terminal would, block by block."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._last: State = network.state

    def heard(self) -> list[Happening]:
        """What is new since the last time."""
        told = happenings(self._last, self.network.state)
        self._last = self.network.state
        return list(told)


def test_tale__a_checkpoint__from_due_to_ack() -> None:
    network = Network()
    listener = _Listener(network)
    first, second, third, fourth = network.validators
    network.report_heads(7)
    assert listener.heard() == [Due(1, first.key.address, network.turn.deadline)]  # type: ignore[arg-type]  # it is set
    network.propose(0, 7)
    assert listener.heard() == [Proposed(1, first.key.address, BlockNumber(0), BlockNumber(7), root_of(0, 7))]
    network.sign(first)
    assert listener.heard() == [Signed(first.id, 294, is_late=False)]
    network.sign(second, third)
    assert listener.heard() == [Signed(second.id, 558, is_late=False), Signed(third.id, 794, is_late=False)]
    network.empty_blocks(4)
    assert listener.heard() == [Opened(10_000, 3, 794)]
    network.sign(fourth)
    assert listener.heard() == [Signed(fourth.id, 1000, is_late=True)]
    network.land()
    (ack,) = listener.heard()
    assert ack == Acknowledged(10_000, BlockNumber(0), BlockNumber(7), 1, network.proposer.key.address)
    network.empty_blocks(3)
    assert listener.heard() == []


def test_tale__everything_within_one_look__is_told_in_order() -> None:
    network = Network()
    listener = _Listener(network)
    network.checkpoint()
    told = listener.heard()
    assert [type(one) for one in told] == [Acknowledged]
    listener = _Listener(network)
    network.make_due(15)
    network.propose(8, 15)
    network.sign()
    assert [type(one) for one in listener.heard()] == [Proposed, Signed, Signed, Signed, Signed, Opened, Due]


def test_tale__a_signature_after_the_ack__is_told_as_late() -> None:
    network = Network()
    network.make_due(7)
    network.propose(0, 7)
    network.sign(*network.validators[:3])
    network.empty_blocks(4)
    late, landed = network.valid(network.validators[3]), network.proposal
    network.land(landed)
    listener = _Listener(network)
    network.block(network.attest(network.validators[3], late))
    assert listener.heard() == [Signed(network.validators[3].id, 1000, is_late=True)]


def test_tale__nobody_proposes__a_no_ack_and_the_next_turn() -> None:
    network = Network()
    network.make_due(7)
    listener = _Listener(network)
    network.say_quiet()
    following = network.proposer.key.address
    assert listener.heard() == [NotAcknowledged(1, following)]
    network.block()
    assert [type(one) for one in listener.heard()] == [Due]


def test_tale__a_wrong_proposal__rejected() -> None:
    network = Network()
    network.make_due(7)
    network.propose(0, 7, keccak256(b"wrong"))
    listener = _Listener(network)
    network.block(*(network.attest(one, network.invalid()) for one in network.validators[1:3]))
    assert listener.heard() == [Rejected(1, network.proposer.key.address)]


def test_tale__a_foreign_header__is_an_ack_without_signatures() -> None:
    network = Network()
    listener = _Listener(network)
    network.l1_block(logs.new_header(Address(b"\x09" * 20), 10_000, 0, 7, keccak256(b"foreign")))
    network.see_l1()
    assert [type(one) for one in listener.heard()] == [Acknowledged]


class _Terminal:
    """A story that writes into a string."""

    def __init__(self) -> None:
        self.written = io.StringIO()
        console = Console(file=self.written, width=200, force_terminal=False)
        self.story = Story(console, {key(1).address: "validator 1"})

    @property
    def text(self) -> str:
        """All that was written."""
        return self.written.getvalue()


ME, STRANGER = key(1).address, Address(b"\x09" * 20)
ZERO, SEVEN = BlockNumber(0), BlockNumber(7)


@pytest.mark.parametrize(
    ("happening", "line"),
    [
        (Due(3, ME, 5), "turn 3 is due: validator 1 proposes"),  # type: ignore[arg-type]  # seconds
        (Due(3, STRANGER, 5), f"turn 3 is due: {to_hex(STRANGER)} proposes"),  # type: ignore[arg-type]  # seconds
        (Proposed(3, ME, ZERO, SEVEN, root_of(0, 7)), "validator 1 proposes blocks 0 to 7, root 0x"),
        (Signed(2, 588, is_late=False), "  validator 2 signs: 58.8 % of the power\n"),  # type: ignore[arg-type]  # an id
        (Signed(2, 588, is_late=True), "58.8 % of the power (late)\n"),  # type: ignore[arg-type]  # an id
        (Opened(10_000, 3, 794), "  enough: 3 signatures, 79.4 % of the power; header 10000 may be submitted"),
        (Acknowledged(10_000, ZERO, SEVEN, 1, ME), "  ack: header 10000 with blocks 0 to 7 is on the root chain"),
        (NotAcknowledged(3, ME), "no-ack: turn 3 ended without a checkpoint; next: validator 1"),
        (Rejected(3, ME), "turn 3 ended: a third of the power or more calls the proposal wrong; next: validator 1"),
    ],
)
def test_story__each_happening__has_its_line(happening: Happening, line: str) -> None:
    terminal = _Terminal()
    terminal.story.tell(happening)
    assert line in terminal.text


def test_story__a_submission_on_its_way__sent_replaced_mined_or_waiting() -> None:
    terminal = _Terminal()
    intent = Intent("checkpoint/10000", STRANGER, b"", Wei(0), 1)
    attempts = tuple(
        Attempt(b"", keccak256(b"%d" % n), Wei(2), Wei(1), is_cancel=False, signed_at_s=0) for n in range(2)
    )
    planned = OutboxEntry(intent, EntryState.PLANNED)
    dear = planned.waits(Waiting.FEE_CEILING, "the market asks 60 gwei")
    signed = replace(planned, state=EntryState.SIGNED, nonce=0, attempts=attempts[:1])
    replaced = replace(signed, attempts=attempts)
    included = Inclusion(BlockNumber(5), keccak256(b"block"), attempts[0].hash, succeeded=True, gas_used=89_974)
    mined = replace(replaced, state=EntryState.MINED, inclusion=included)
    failed = replace(mined, inclusion=replace(included, succeeded=False))
    path = [planned, dear, dear, signed, replaced, mined, mined, replaced, failed]
    for before, after in pairwise(path):
        terminal.story.tell_submission("validator 1", OutboxEvent(before, after))
    assert terminal.text.splitlines() == [
        "  validator 1 waits: FEE_CEILING: the market asks 60 gwei",
        f"  validator 1 submits with L1 transaction {to_hex(attempts[0].hash)}",
        f"  validator 1 replaces its transaction by {to_hex(attempts[1].hash)}",
        "  mined in L1 block 5, 89,974 gas",
        "  mined in L1 block 5, 89,974 gas, and it failed",
    ]


def test_story__a_zero_transfer_where_a_nonce_is_missing__is_called_so() -> None:
    terminal = _Terminal()
    missing = gap_filling(5, STRANGER)
    attempt = Attempt(b"", keccak256(b"gap"), Wei(2), Wei(1), is_cancel=True, signed_at_s=0)
    terminal.story.tell_submission("validator 1", OutboxEvent(missing, replace(missing, attempts=(attempt,))))
    assert terminal.text.splitlines() == [f"  validator 1 fills a nonce gap by {to_hex(attempt.hash)}"]


def test_story__no_terminal__no_bar_and_markup_is_plain_text() -> None:
    terminal = _Terminal()
    with terminal.story as story:
        story.gathering(3, 8, "WAITING_FOR_SIDE_BLOCKS")
        story.gathering(9, 8, "WAITING_FOR_INTERVAL")
        story.say("plain")
    assert terminal.text.strip() == "plain"
