"""The wordings in which clients refuse a transaction."""

import pytest

from bridge.chain.sending import SendMeaning, SendReply, best_reply, classify_refusal

WORDINGS = {
    SendMeaning.KNOWN: [
        "already known",
        "AlreadyKnown",
        "Known transaction",
        "transaction already imported",
        "existing tx with same hash",
    ],
    SendMeaning.NONCE_USED: [
        "nonce too low: next nonce 8, tx nonce 7",
        "nonce too low",
        "OldNonce, Current nonce: 8, nonce of rejected tx: 7",
        "Transaction nonce below sender account nonce",
    ],
    SendMeaning.REPLACEMENT_UNDERPRICED: [
        "replacement transaction underpriced: new tx gas fee cap 7 <= 10 queued",
        "could not replace existing tx",
        "ReplacementNotAllowed",
        "Replacement transaction underpriced",
    ],
    SendMeaning.FEE_TOO_LOW: [
        "transaction underpriced: tip needed 1, tip permitted 0",
        "max fee per gas less than block base fee: address 0x, maxFeePerGas: 6, baseFee: 7",
        "FeeTooLow, EffectivePriorityFeePerGas too low 0 < 1",
        "FeeTooLowToCompete",
        "underpriced",
        "Gas price below configured minimum gas price",
        "txpool is full",
    ],
    SendMeaning.NOT_FUNDED: [
        "insufficient funds for gas * price + value: address 0x have 0 want 21000",
        "InsufficientFunds, Balance is 0 less than sending value + gas 21000",
        "Upfront cost exceeds account balance",
        "insufficient funds for transfer",
    ],
    SendMeaning.NONCE_GAP: ["nonce too high", "NonceGap, Future nonce", "Transaction nonce too distant from current"],
    SendMeaning.REFUSED: [
        "exceeds block gas limit",
        "intrinsic gas too low: gas 20000, minimum needed 21000",
        "oversized data: transaction size 131073, limit 131072",
        "invalid sender",
        "GasLimitExceeded, Gas limit: 30000000, gas limit of rejected tx: 40000000",
    ],
    SendMeaning.UNKNOWN: ["", "something else went wrong", "the moon is full"],
}


@pytest.mark.parametrize(("meaning", "text"), [(m, text) for m, texts in WORDINGS.items() for text in texts])
def test_refusal__as_a_client_words_it__has_its_meaning(meaning: SendMeaning, text: str) -> None:
    assert classify_refusal(text) is meaning


def test_replies__one_endpoint_accepts__that_counts() -> None:
    replies = (SendReply(SendMeaning.UNKNOWN), SendReply(SendMeaning.NONCE_USED), SendReply(SendMeaning.ACCEPTED))
    assert best_reply(replies).meaning is SendMeaning.ACCEPTED


def test_replies__none_accepts__the_most_telling_counts() -> None:
    replies = (SendReply(SendMeaning.UNKNOWN), SendReply(SendMeaning.REPLACEMENT_UNDERPRICED))
    assert best_reply(replies).meaning is SendMeaning.REPLACEMENT_UNDERPRICED
