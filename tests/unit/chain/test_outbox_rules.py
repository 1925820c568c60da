"""The outbox's decisions as pure functions."""

from dataclasses import replace

import pytest

from bridge.chain import outbox_rules as rules
from bridge.chain.fees import FeePolicy, Price
from bridge.chain.outbox_store import ATTEMPTS_MAX, Attempt, EntryState, Inclusion, Intent, OutboxEntry, Waiting
from bridge.chain.sending import SendMeaning, SendReply
from bridge.codec.types import Address, BlockNumber, Hash32, Wei

INTENT = Intent("take/1", Address(b"\x01" * 20), b"\x01", Wei(5), 100)
OTHER_CALL = replace(INTENT, data=b"\x02")
PLANNED = OutboxEntry(INTENT, EntryState.PLANNED)
POLICY = FeePolicy(replace_after_s=60)


def attempt(number: int = 1, *, is_cancel: bool = False, signed_at_s: int = 1_000) -> Attempt:
    return Attempt(b"raw", Hash32(bytes([number]) * 32), Wei(10), Wei(2), is_cancel, signed_at_s)


def in_state(state: EntryState, *attempts: Attempt, nonce: int = 7) -> OutboxEntry:
    return OutboxEntry(INTENT, state, nonce, attempts or (attempt(),))


def included(entry: OutboxEntry, transaction: Attempt, *, succeeded: bool) -> OutboxEntry:
    inclusion = Inclusion(BlockNumber(3), Hash32(bytes(32)), transaction.hash, succeeded, 21_000)
    return replace(entry, inclusion=inclusion)


SUCCEEDED = included(in_state(EntryState.FINAL), attempt(), succeeded=True)
REVERTED = included(in_state(EntryState.FINAL), attempt(), succeeded=False)


@pytest.mark.parametrize("entry", [None, REVERTED, in_state(EntryState.LOST), in_state(EntryState.CANCELLED)])
def test_replanned__nothing_of_it_can_still_happen__starts_anew(entry: OutboxEntry | None) -> None:
    assert rules.replanned(entry, OTHER_CALL) == OutboxEntry(OTHER_CALL, EntryState.PLANNED)


def test_replanned__it_succeeded__stays_done() -> None:
    assert rules.replanned(SUCCEEDED, OTHER_CALL) == SUCCEEDED


@pytest.mark.parametrize(
    "state",
    [EntryState.PLANNED, EntryState.SIGNED, EntryState.SENT, EntryState.CANCELLING, EntryState.MINED],
)
def test_replanned__it_is_under_way__keeps_its_nonce_and_transactions(state: EntryState) -> None:
    entry = in_state(state)
    assert rules.replanned(entry, OTHER_CALL) == replace(entry, intent=OTHER_CALL)


def test_next_nonce__node_behind_what_we_signed__never_gives_one_twice() -> None:
    entries = [in_state(EntryState.FINAL, nonce=4), in_state(EntryState.SENT, nonce=6), PLANNED]
    assert rules.next_nonce(2, entries) == 7
    assert rules.next_nonce(9, entries) == 9
    assert rules.next_nonce(0, []) == 0


@pytest.mark.parametrize(
    ("meaning", "state", "waiting"),
    [
        (SendMeaning.ACCEPTED, EntryState.SENT, Waiting.NONE),
        (SendMeaning.KNOWN, EntryState.SENT, Waiting.NONE),
        (SendMeaning.NOT_FUNDED, EntryState.SIGNED, Waiting.NOT_FUNDED),
        (SendMeaning.REFUSED, EntryState.SIGNED, Waiting.L1_REFUSES),
        (SendMeaning.NONCE_USED, EntryState.SIGNED, Waiting.NONE),
        (SendMeaning.NONCE_GAP, EntryState.SIGNED, Waiting.NONE),
        (SendMeaning.REPLACEMENT_UNDERPRICED, EntryState.SIGNED, Waiting.NONE),
        (SendMeaning.FEE_TOO_LOW, EntryState.SIGNED, Waiting.NONE),
        (SendMeaning.UNKNOWN, EntryState.SIGNED, Waiting.NONE),
    ],
)
def test_after_send__each_meaning__moves_state_and_reason(
    meaning: SendMeaning, state: EntryState, waiting: Waiting
) -> None:
    after = rules.after_send(in_state(EntryState.SIGNED), SendReply(meaning, "words"))
    assert (after.state, after.waiting) == (state, waiting)
    assert after.attempts == (attempt(),)


@pytest.mark.parametrize("waiting", [Waiting.FEE_CEILING, Waiting.L1_REFUSES, Waiting.NOT_FUNDED])
def test_after_send__sent_again_while_a_replacement_waits__the_reason_stays(waiting: Waiting) -> None:
    entry = in_state(EntryState.SENT).waits(waiting, "why")
    assert rules.after_send(entry, SendReply(SendMeaning.KNOWN)) == entry


def test_after_send__reading_had_failed__the_reason_goes() -> None:
    entry = in_state(EntryState.SENT).waits(Waiting.CANNOT_TELL, "no endpoint")
    assert rules.after_send(entry, SendReply(SendMeaning.KNOWN)).waiting is Waiting.NONE


@pytest.mark.parametrize("meaning", SendMeaning)
def test_after_send__while_cancelling__stays_so(meaning: SendMeaning) -> None:
    entry = in_state(EntryState.CANCELLING, attempt(1), attempt(2, is_cancel=True))
    assert rules.after_send(entry, SendReply(meaning)).state is EntryState.CANCELLING


def test_at_depth__the_zero_transfer_won__is_cancelled_else_final() -> None:
    ours, cancel = attempt(1), attempt(2, is_cancel=True)
    entry = in_state(EntryState.MINED, ours, cancel)
    by_cancel, by_ours = included(entry, cancel, succeeded=True), included(entry, ours, succeeded=True)
    assert rules.at_depth(by_cancel).state is EntryState.CANCELLED
    assert not by_cancel.succeeded
    assert rules.at_depth(by_ours).state is EntryState.FINAL
    assert by_ours.succeeded


def test_unmined__by_what_is_being_sent__goes_back_to_it() -> None:
    sent = included(in_state(EntryState.MINED), attempt(), succeeded=True)
    cancelling = in_state(EntryState.MINED, attempt(1), attempt(2, is_cancel=True))
    assert rules.unmined(sent) == in_state(EntryState.SENT)
    assert rules.unmined(cancelling).state is EntryState.CANCELLING


@pytest.mark.parametrize(
    ("time_s", "reply", "changed", "due"),
    [
        (1_059, SendMeaning.KNOWN, False, False),
        (1_060, SendMeaning.KNOWN, False, True),
        (1_000, SendMeaning.REPLACEMENT_UNDERPRICED, False, False),
        (1_000, SendMeaning.FEE_TOO_LOW, False, False),
        (1_001, SendMeaning.REPLACEMENT_UNDERPRICED, False, True),
        (1_001, SendMeaning.FEE_TOO_LOW, False, True),
        (1_000, SendMeaning.NONCE_USED, False, False),
        (1_000, SendMeaning.NOT_FUNDED, False, False),
        (1_000, None, False, False),
        (1_000, None, True, True),
        (900, None, False, False),
    ],
)
def test_replacement_due__waited_outbid_or_changed__and_for_nothing_else(
    time_s: int, reply: SendMeaning | None, *, changed: bool, due: bool
) -> None:
    assert rules.replacement_due(in_state(EntryState.SENT), POLICY, time_s, reply, call_changed=changed) is due


def test_replacement_due__as_many_attempts_as_are_kept__no_more() -> None:
    entry = in_state(EntryState.SENT, *[attempt()] * ATTEMPTS_MAX)
    assert not rules.replacement_due(entry, POLICY, 10**9, None, call_changed=True)
    fewer = in_state(EntryState.SENT, *[attempt()] * (ATTEMPTS_MAX - 1))
    assert rules.replacement_due(fewer, POLICY, 10**9, None, call_changed=True)


def test_committed__other_entries_in_flight__at_their_highest_price() -> None:
    dear = replace(attempt(2), max_fee_per_gas_wei=Wei(20))
    entries = [
        replace(in_state(EntryState.SENT, attempt(), dear), intent=replace(INTENT, key="a")),
        replace(in_state(EntryState.MINED), intent=replace(INTENT, key="b")),
        replace(in_state(EntryState.SENT), intent=replace(INTENT, key="c")),
        replace(PLANNED, intent=replace(INTENT, key="d")),
    ]
    assert rules.committed_wei(entries, besides="c") == 100 * 20 + 5
    assert rules.cost_max_wei(INTENT, Price(Wei(3), Wei(1))) == 305
