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
        (SendMeaning.REVERTS, EntryState.SIGNED, Waiting.L1_REFUSES),
        (SendMeaning.ABOVE_NODE_CAP, EntryState.SIGNED, Waiting.FEE_CEILING),
        (SendMeaning.NONCE_USED, EntryState.SIGNED, Waiting.NONCE_USED),
        (SendMeaning.NONCE_GAP, EntryState.SIGNED, Waiting.NONCE_GAP),
        (SendMeaning.REPLACEMENT_UNDERPRICED, EntryState.SIGNED, Waiting.UNDERPRICED),
        (SendMeaning.FEE_TOO_LOW, EntryState.SIGNED, Waiting.UNDERPRICED),
        (SendMeaning.POOL_FULL, EntryState.SIGNED, Waiting.POOL_FULL),
        (SendMeaning.UNKNOWN, EntryState.SIGNED, Waiting.CANNOT_TELL),
        (SendMeaning.UNAVAILABLE, EntryState.SIGNED, Waiting.CANNOT_TELL),
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


@pytest.mark.parametrize("state", [EntryState.SENT, EntryState.CANCELLING])
@pytest.mark.parametrize("waiting", [Waiting.CANNOT_TELL, Waiting.UNDERPRICED, Waiting.POOL_FULL, Waiting.NONCE_USED])
def test_after_send__accepted_at_last__the_reason_goes(state: EntryState, waiting: Waiting) -> None:
    entry = in_state(state).waits(waiting, "why")
    assert rules.after_send(entry, SendReply(SendMeaning.KNOWN)).waiting is Waiting.NONE


@pytest.mark.parametrize("meaning", [SendMeaning.FEE_TOO_LOW, SendMeaning.UNKNOWN, SendMeaning.NONCE_GAP])
def test_after_send__at_the_ceiling_and_nodes_want_more__the_ceiling_stays_the_reason(meaning: SendMeaning) -> None:
    entry = in_state(EntryState.SENT).waits(Waiting.FEE_CEILING, "at the ceiling")
    assert rules.after_send(entry, SendReply(meaning, "words")).waiting is Waiting.FEE_CEILING


@pytest.mark.parametrize(
    ("meaning", "state"),
    [
        (SendMeaning.UNAVAILABLE, EntryState.SENT),
        (SendMeaning.UNKNOWN, EntryState.SENT),
        (SendMeaning.NONCE_USED, EntryState.SENT),
        (SendMeaning.POOL_FULL, EntryState.SIGNED),
        (SendMeaning.FEE_TOO_LOW, EntryState.SIGNED),
        (SendMeaning.NONCE_GAP, EntryState.SIGNED),
    ],
)
def test_after_send__accepted_before__is_sent_until_a_node_says_that_it_has_it_not(
    meaning: SendMeaning, state: EntryState
) -> None:
    assert rules.after_send(in_state(EntryState.SENT), SendReply(meaning)).state is state


def test_missing_nonce__nothing_open_uses_the_chains_next_but_higher_ones_wait__is_it() -> None:
    final, sent = in_state(EntryState.FINAL, nonce=5), in_state(EntryState.SENT, nonce=6)
    assert rules.missing_nonce(5, [final, sent]) == 5
    assert rules.missing_nonce(5, [in_state(EntryState.CANCELLING, nonce=5), sent]) is None
    assert rules.missing_nonce(6, [final, sent]) is None
    assert rules.missing_nonce(5, [final]) is None
    assert rules.missing_nonce(3, [sent]) == 3


def test_with_gap__what_stands_behind_it__says_so_until_it_is_closed() -> None:
    sent = in_state(EntryState.SENT, nonce=6)
    behind = rules.with_gap(sent, 5)
    assert behind.waiting is Waiting.NONCE_GAP
    assert "nonce 5" in behind.detail
    assert rules.with_gap(behind, 5) == behind
    assert rules.with_gap(behind, None) == sent
    assert rules.with_gap(sent, None) == sent
    dear = sent.waits(Waiting.FEE_CEILING, "why")
    assert rules.with_gap(dear, 5) == dear == rules.with_gap(dear, None)


@pytest.mark.parametrize(("time_s", "overdue"), [(1_059, False), (1_060, True)])
def test_gap__behind_it_waits_an_offer__overdue_when_a_better_one_would_be(time_s: int, *, overdue: bool) -> None:
    before, behind = in_state(EntryState.MINED, attempt(signed_at_s=0), nonce=4), in_state(EntryState.SENT, nonce=6)
    assert rules.gap_is_overdue(5, [before, behind], POLICY, time_s) is overdue
    assert not rules.gap_is_overdue(5, [before], POLICY, time_s)
    assert not rules.gap_is_overdue(5, [replace(behind, state=EntryState.FINAL)], POLICY, time_s)


def test_gap_filling__its_intent__is_a_zero_transfer_and_no_owners_business() -> None:
    filling = rules.gap_filling(5, Address(b"\x02" * 20))
    assert (filling.state, filling.nonce, filling.intent.value_wei) == (EntryState.CANCELLING, 5, 0)
    assert rules.fills_gap(filling.intent)
    assert not rules.fills_gap(INTENT)


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
        (1_060, SendMeaning.POOL_FULL, False, True),
        (1_060, SendMeaning.UNKNOWN, False, True),
        (9_999, SendMeaning.UNAVAILABLE, False, False),
        (9_999, SendMeaning.REFUSED, False, False),
        (9_999, None, False, False),
        (1_000, None, True, True),
        (900, None, False, False),
    ],
)
def test_replacement_due__waited_outbid_or_changed__and_for_nothing_else(
    time_s: int, reply: SendMeaning | None, *, changed: bool, due: bool
) -> None:
    entry = in_state(EntryState.SENT)
    assert rules.replacement_due(entry, POLICY, time_s, reply, is_next=True, call_changed=changed) is due


def test_replacement_due__behind_a_lower_nonce__no_price_helps() -> None:
    for reply, due in ((SendMeaning.KNOWN, False), (SendMeaning.FEE_TOO_LOW, True)):
        entry = in_state(EntryState.SENT)
        assert rules.replacement_due(entry, POLICY, 9_999, reply, is_next=False, call_changed=False) is due


def test_replacement_due__as_many_attempts_as_are_kept__no_more() -> None:
    entry = in_state(EntryState.SENT, *[attempt()] * ATTEMPTS_MAX)
    assert not rules.replacement_due(entry, POLICY, 10**9, None, is_next=True, call_changed=True)
    fewer = in_state(EntryState.SENT, *[attempt()] * (ATTEMPTS_MAX - 1))
    assert rules.replacement_due(fewer, POLICY, 10**9, None, is_next=True, call_changed=True)


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
