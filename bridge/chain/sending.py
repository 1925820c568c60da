"""What an answer to eth_sendRawTransaction means: the wordings of geth, Erigon, Nethermind and Besu in one table.

JSON-RPC has no codes for these refusals, so the text decides. Each meaning has its own handling in the outbox; a text
that nobody knows is `UNKNOWN`, which changes nothing: the raw bytes are simply sent again later.
"""

from dataclasses import dataclass
from enum import Enum


class SendMeaning(Enum):
    """What became of raw bytes that were handed to a node."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    """The node has these very bytes already: as good as accepted."""
    NONCE_USED = "nonce_used"
    """A mined transaction has this nonce: perhaps one of ours; look for receipts."""
    REPLACEMENT_UNDERPRICED = "replacement_underpriced"
    """Another transaction waits under this nonce; the price must rise, the nonce stays."""
    FEE_TOO_LOW = "fee_too_low"
    """Below what the node takes at the moment: base fee, minimum tip, or a full pool."""
    NOT_FUNDED = "not_funded"
    NONCE_GAP = "nonce_gap"
    """An earlier nonce is missing at the node: sent again after the earlier ones."""
    REFUSED = "refused"
    """The node will never take these bytes: gas limit, size, type, chain id, signature."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SendReply:
    """The meaning of an answer, with the node's own words for people."""

    meaning: SendMeaning
    text: str = ""


# Tried from the top; the first phrase found in the lower-cased message decides. More specific phrases stand first.
_WORDINGS: tuple[tuple[str, SendMeaning], ...] = (
    ("already known", SendMeaning.KNOWN),  # geth, Erigon
    ("alreadyknown", SendMeaning.KNOWN),  # Nethermind
    ("known transaction", SendMeaning.KNOWN),  # Besu, old geth
    ("already imported", SendMeaning.KNOWN),  # Parity's line, Anvil
    ("existing tx with same hash", SendMeaning.KNOWN),  # Erigon
    ("already in mempool", SendMeaning.KNOWN),
    ("replacement transaction underpriced", SendMeaning.REPLACEMENT_UNDERPRICED),  # geth, Besu, Anvil
    ("could not replace existing tx", SendMeaning.REPLACEMENT_UNDERPRICED),  # Erigon
    ("replacementnotallowed", SendMeaning.REPLACEMENT_UNDERPRICED),  # Nethermind
    ("gas price too low to replace", SendMeaning.REPLACEMENT_UNDERPRICED),  # Parity's line
    ("upfront cost exceeds", SendMeaning.NOT_FUNDED),  # Besu
    ("insufficient funds", SendMeaning.NOT_FUNDED),  # geth, Erigon, Anvil
    ("insufficientfunds", SendMeaning.NOT_FUNDED),  # Nethermind
    ("insufficient balance", SendMeaning.NOT_FUNDED),
    ("overdraft", SendMeaning.NOT_FUNDED),  # geth: queued transactions would overdraw the account
    ("nonce too low", SendMeaning.NONCE_USED),  # geth, Erigon, Anvil
    ("oldnonce", SendMeaning.NONCE_USED),  # Nethermind
    ("nonce below", SendMeaning.NONCE_USED),  # Besu: "transaction nonce below sender account nonce"
    ("nonce too high", SendMeaning.NONCE_GAP),
    ("nonce gap", SendMeaning.NONCE_GAP),
    ("noncegap", SendMeaning.NONCE_GAP),  # Nethermind
    ("nonce too distant", SendMeaning.NONCE_GAP),  # Besu
    ("max fee per gas less than block base fee", SendMeaning.FEE_TOO_LOW),  # geth
    ("less than block base fee", SendMeaning.FEE_TOO_LOW),
    ("less than the current base fee", SendMeaning.FEE_TOO_LOW),  # Besu
    ("feetoolow", SendMeaning.FEE_TOO_LOW),  # Nethermind: "FeeTooLow", "FeeTooLowToCompete"
    ("fee too low", SendMeaning.FEE_TOO_LOW),  # Erigon
    ("tip below minimum", SendMeaning.FEE_TOO_LOW),
    ("gas price below", SendMeaning.FEE_TOO_LOW),  # Besu: "... below configured minimum gas price"
    ("underpriced", SendMeaning.FEE_TOO_LOW),  # geth: "transaction underpriced", Erigon: "underpriced"
    ("txpool is full", SendMeaning.FEE_TOO_LOW),
    ("exceeds block gas limit", SendMeaning.REFUSED),
    ("gaslimitexceeded", SendMeaning.REFUSED),
    ("intrinsic gas", SendMeaning.REFUSED),
    ("gas limit is too high", SendMeaning.REFUSED),
    ("oversized data", SendMeaning.REFUSED),
    ("rlp:", SendMeaning.REFUSED),
    ("invalid sender", SendMeaning.REFUSED),
    ("invalid chain id", SendMeaning.REFUSED),
    ("invalid signature", SendMeaning.REFUSED),
    ("transaction type not supported", SendMeaning.REFUSED),
    ("exceeds the configured cap", SendMeaning.REFUSED),  # geth's --rpc.txfeecap
)

_BEST_FIRST = (
    SendMeaning.ACCEPTED,
    SendMeaning.KNOWN,
    SendMeaning.NONCE_USED,
    SendMeaning.REPLACEMENT_UNDERPRICED,
    SendMeaning.FEE_TOO_LOW,
    SendMeaning.NOT_FUNDED,
    SendMeaning.NONCE_GAP,
    SendMeaning.REFUSED,
    SendMeaning.UNKNOWN,
)


def classify_refusal(message: str) -> SendMeaning:
    """The meaning of a JSON-RPC error message to eth_sendRawTransaction."""
    text = message.lower()
    return next((meaning for phrase, meaning in _WORDINGS if phrase in text), SendMeaning.UNKNOWN)


def best_reply(replies: tuple[SendReply, ...]) -> SendReply:
    """The reply to go by when several nodes were given the same bytes: one acceptance is enough."""
    return min(replies, key=lambda reply: _BEST_FIRST.index(reply.meaning))
