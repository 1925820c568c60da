"""What each client's refusal of a transaction means."""

import pytest

from bridge.chain.outbox_rules import after_send
from bridge.chain.outbox_store import Attempt, EntryState, Intent, OutboxEntry, Waiting
from bridge.chain.sending import SendMeaning, SendReply, best_reply, classify_refusal
from bridge.codec.types import Address, Hash32, Wei
from tests.unit.chain.send_errors import REFUSALS, Refusal

SIGNED = OutboxEntry(
    Intent("take/1", Address(bytes(20)), b"", Wei(0), 21_000),
    EntryState.SIGNED,
    7,
    (Attempt(b"", Hash32(bytes(32)), Wei(2), Wei(1), is_cancel=False, signed_at_s=0),),
)


def _name(refusal: Refusal) -> str:
    return f"{refusal.client}: {refusal.kind}"


@pytest.mark.parametrize("refusal", REFUSALS, ids=_name)
def test_refusal__as_a_client_words_it__has_its_meaning(refusal: Refusal) -> None:
    assert classify_refusal(refusal.words, refusal.code) is refusal.meaning


@pytest.mark.parametrize("refusal", REFUSALS, ids=_name)
def test_refusal__of_what_was_just_signed__is_never_taken_for_sent_without_a_name(refusal: Refusal) -> None:
    after = after_send(SIGNED, SendReply(refusal.meaning, refusal.words))
    assert (after.state is EntryState.SENT) == (refusal.meaning is SendMeaning.KNOWN)
    assert (after.waiting is Waiting.NONE) == (refusal.meaning is SendMeaning.KNOWN)


def test_refusals__the_table__has_every_meaning_and_every_client_the_usual_ones() -> None:
    assert {refusal.meaning for refusal in REFUSALS} == set(SendMeaning) - {SendMeaning.ACCEPTED}
    usual = {SendMeaning.KNOWN, SendMeaning.NONCE_USED, SendMeaning.REPLACEMENT_UNDERPRICED}
    for client in {refusal.client for refusal in REFUSALS} - {"nobody yet"}:
        assert usual <= {refusal.meaning for refusal in REFUSALS if refusal.client == client}, client


@pytest.mark.parametrize("words", ["known transaction: 0xab", "Unknown transaction type"])
def test_refusal__known_or_unknown__is_told_apart(words: str) -> None:
    meaning = SendMeaning.REFUSED if words.startswith("Unknown") else SendMeaning.KNOWN
    assert classify_refusal(words) is meaning


def test_replies__one_endpoint_accepts__that_counts() -> None:
    replies = (SendReply(SendMeaning.UNKNOWN), SendReply(SendMeaning.NONCE_USED), SendReply(SendMeaning.ACCEPTED))
    assert best_reply(replies).meaning is SendMeaning.ACCEPTED


def test_replies__none_accepts__the_most_telling_counts() -> None:
    replies = (SendReply(SendMeaning.UNAVAILABLE), SendReply(SendMeaning.UNKNOWN), SendReply(SendMeaning.POOL_FULL))
    assert best_reply(replies).meaning is SendMeaning.POOL_FULL


@pytest.mark.parametrize("meaning", SendMeaning)
def test_replies__each_meaning__has_its_place(meaning: SendMeaning) -> None:
    assert best_reply((SendReply(meaning),)).meaning is meaning
