"""What an answer to eth_sendRawTransaction means: the wordings of geth, Erigon, Nethermind, Besu, anvil and providers.

JSON-RPC has no codes of its own for these refusals, and clients use the same code for different ones (-32005 is a rate
limit at one and a gas limit at another), so the text decides, and the code only where no text is known. The meanings
are a closed set, each with its own handling in the outbox (docs/outbox.md); what nobody knows is `UNKNOWN`.
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
    """Below what the node takes at the moment: base fee, minimum tip, or the cheapest of a full pool."""
    ABOVE_NODE_CAP = "above_node_cap"
    """The node's operator caps what one transaction may cost, and this one may cost more."""
    NOT_FUNDED = "not_funded"
    POOL_FULL = "pool_full"
    """No room in the pool, for anyone or for this sender: sent again at the same price."""
    NONCE_GAP = "nonce_gap"
    """An earlier nonce is missing at the node: sent again after the earlier ones."""
    REVERTS = "reverts"
    """The node tried the call before taking it, and the contract refuses it now."""
    REFUSED = "refused"
    """The node will never take these bytes: gas limit, size, type, chain id, signature, sender."""
    UNKNOWN = "unknown"
    """A refusal in words that are not in the table: nothing may be concluded from it."""
    UNAVAILABLE = "unavailable"
    """The endpoint's own trouble (rate limit, syncing, timeout, method missing): says nothing about the bytes."""


@dataclass(frozen=True, slots=True)
class SendReply:
    """The meaning of an answer, with the node's own words for people."""

    meaning: SendMeaning
    text: str = ""


# Tried from the top; the first phrase found in the lower-cased message decides. More specific phrases stand first.
_WORDINGS: tuple[tuple[str, SendMeaning], ...] = (
    ("unknown transaction", SendMeaning.REFUSED),  # Anvil: of an unknown type; it is not a "known transaction"
    ("already known", SendMeaning.KNOWN),  # geth, Erigon, Nethermind
    ("alreadyknown", SendMeaning.KNOWN),  # Nethermind before 2026
    ("known transaction", SendMeaning.KNOWN),  # Besu, old geth
    ("already imported", SendMeaning.KNOWN),  # Parity's line, Anvil
    ("with same hash", SendMeaning.KNOWN),  # Erigon: "existing txn with same hash"
    ("already in mempool", SendMeaning.KNOWN),
    ("replacement transaction underpriced", SendMeaning.REPLACEMENT_UNDERPRICED),  # geth, Besu, Nethermind, Anvil
    ("could not replace existing tx", SendMeaning.REPLACEMENT_UNDERPRICED),  # Erigon
    ("replacementnotallowed", SendMeaning.REPLACEMENT_UNDERPRICED),  # Nethermind before 2026
    ("gas price too low to replace", SendMeaning.REPLACEMENT_UNDERPRICED),  # Parity's line
    ("upfront cost exceeds", SendMeaning.NOT_FUNDED),  # Besu
    ("insufficient funds", SendMeaning.NOT_FUNDED),  # geth, Erigon, Nethermind, Anvil
    ("insufficientfunds", SendMeaning.NOT_FUNDED),  # Nethermind before 2026
    ("insufficient balance", SendMeaning.NOT_FUNDED),
    ("overdraft", SendMeaning.NOT_FUNDED),  # geth: queued transactions would overdraw the account
    ("nonce too low", SendMeaning.NONCE_USED),  # all but old Nethermind
    ("oldnonce", SendMeaning.NONCE_USED),  # Nethermind before 2026
    ("nonce below", SendMeaning.NONCE_USED),  # old Besu: "transaction nonce below sender account nonce"
    ("nonce too high", SendMeaning.NONCE_GAP),
    ("nonce gap", SendMeaning.NONCE_GAP),
    ("noncegap", SendMeaning.NONCE_GAP),  # Nethermind before 2026
    ("nonce too far in future", SendMeaning.NONCE_GAP),  # Nethermind
    ("noncetoofarinfuture", SendMeaning.NONCE_GAP),  # Nethermind before 2026
    ("nonce too distant", SendMeaning.NONCE_GAP),
    ("nonce is too distant", SendMeaning.NONCE_GAP),  # Besu
    ("with a lower nonce exists", SendMeaning.NONCE_GAP),  # Besu
    ("gapped-nonce", SendMeaning.NONCE_GAP),  # geth, for a sender with delegated code
    ("in-flight transaction limit", SendMeaning.NONCE_GAP),  # geth, for a sender with delegated code
    ("future transaction tries to replace", SendMeaning.NONCE_GAP),  # geth, pool full
    ("exceeds the configured cap", SendMeaning.ABOVE_NODE_CAP),  # geth, Erigon: --rpc.txfeecap
    ("transaction fee cap exceeded", SendMeaning.ABOVE_NODE_CAP),  # Besu
    ("less than block base fee", SendMeaning.FEE_TOO_LOW),  # geth, Anvil
    ("less than base fee", SendMeaning.FEE_TOO_LOW),
    ("less than the current base fee", SendMeaning.FEE_TOO_LOW),  # old Besu
    ("feetoolow", SendMeaning.FEE_TOO_LOW),  # Nethermind before 2026: "FeeTooLow", "FeeTooLowToCompete"
    ("fee too low", SendMeaning.FEE_TOO_LOW),  # Erigon
    ("tip below minimum", SendMeaning.FEE_TOO_LOW),
    ("gas price below", SendMeaning.FEE_TOO_LOW),  # geth and Bor: "... below minimum"; Besu
    ("underpriced", SendMeaning.FEE_TOO_LOW),  # geth: "transaction underpriced", Erigon: "underpriced"
    ("pool is full", SendMeaning.POOL_FULL),  # geth: "txpool is full", Erigon: "pending sub-pool is full"
    ("pool overflow", SendMeaning.POOL_FULL),
    ("account limit exceeded", SendMeaning.POOL_FULL),  # geth
    ("already reserved", SendMeaning.POOL_FULL),  # geth: the sender has a blob transaction waiting
    ("type conflict", SendMeaning.POOL_FULL),  # Nethermind: the same
    ("spammer", SendMeaning.POOL_FULL),  # Erigon: too many from this sender
    ("revert", SendMeaning.REVERTS),  # providers that try the call first
    ("simulation failed", SendMeaning.REVERTS),  # Alchemy
    ("exceeds block gas limit", SendMeaning.REFUSED),
    ("gaslimitexceeded", SendMeaning.REFUSED),
    ("gas limit reached", SendMeaning.REFUSED),  # Nethermind
    ("gas limit too high", SendMeaning.REFUSED),  # geth: above the cap of EIP-7825
    ("gas limit is too high", SendMeaning.REFUSED),  # Erigon
    ("gas limit cap exceeded", SendMeaning.REFUSED),  # Besu
    ("gaslimitcapexceeded", SendMeaning.REFUSED),  # Nethermind
    ("gas limit is greater than", SendMeaning.REFUSED),  # Anvil
    ("intrinsic gas", SendMeaning.REFUSED),
    ("intrinsicgas", SendMeaning.REFUSED),  # Erigon
    ("floor data gas", SendMeaning.REFUSED),  # geth: EIP-7623
    ("overflow", SendMeaning.REFUSED),  # of gas or cost
    ("initcode", SendMeaning.REFUSED),
    ("max priority fee per gas", SendMeaning.REFUSED),  # geth, Anvil, Besu: above the fee cap
    ("maxpriorityfeepergas", SendMeaning.REFUSED),  # Nethermind
    ("oversized data", SendMeaning.REFUSED),
    ("transaction too large", SendMeaning.REFUSED),  # Nethermind
    ("maxtxsizeexceeded", SendMeaning.REFUSED),  # Nethermind before 2026
    ("rlp:", SendMeaning.REFUSED),
    ("rlptoolong", SendMeaning.REFUSED),  # Erigon
    ("failed to decode", SendMeaning.REFUSED),  # Anvil
    ("invalid sender", SendMeaning.REFUSED),
    ("recover sender", SendMeaning.REFUSED),  # Nethermind
    ("failedtoresolvesender", SendMeaning.REFUSED),  # Nethermind before 2026
    ("sender not an eoa", SendMeaning.REFUSED),  # geth, Nethermind
    ("senderiscontract", SendMeaning.REFUSED),  # Nethermind before 2026
    ("not authorized", SendMeaning.REFUSED),  # Besu with permissions
    ("plugin has marked", SendMeaning.REFUSED),  # Besu
    ("chain id", SendMeaning.REFUSED),
    ("chainid", SendMeaning.REFUSED),  # Besu, Nethermind
    ("replay-protected", SendMeaning.REFUSED),  # geth, Erigon
    ("invalid signature", SendMeaning.REFUSED),
    ("invalidtx", SendMeaning.REFUSED),  # Nethermind: "InvalidTxSignature", ...
    ("transaction invalid", SendMeaning.REFUSED),  # Nethermind
    ("transaction type", SendMeaning.REFUSED),  # not supported, invalid, not activated yet
    ("sync is still in progress", SendMeaning.UNAVAILABLE),  # Besu
    ("is syncing", SendMeaning.UNAVAILABLE),  # Nethermind
    ("pool not enabled", SendMeaning.UNAVAILABLE),  # Besu
    ("capacity", SendMeaning.UNAVAILABLE),  # Alchemy
    ("rate exceeded", SendMeaning.UNAVAILABLE),  # Infura
    ("rate limit", SendMeaning.UNAVAILABLE),
    ("too many requests", SendMeaning.UNAVAILABLE),
    ("timed out", SendMeaning.UNAVAILABLE),
    ("timeout", SendMeaning.UNAVAILABLE),
)

# Decide only where the text is unknown. They speak of the endpoint, not of what it was asked.
_UNAVAILABLE_CODES = frozenset(
    {
        -32601,  # method not found
        -32603,  # internal error
        -32604,  # Besu: method not enabled
        -32002,  # resource unavailable; geth: request timed out
        -32005,  # limit exceeded (EIP-1474)
        -32016,  # Nethermind: timeout
        -32017,  # Nethermind: module timeout
        429,  # limit exceeded, as some providers say it
    }
)

_BEST_FIRST = (
    SendMeaning.ACCEPTED,
    SendMeaning.KNOWN,
    SendMeaning.NONCE_USED,
    SendMeaning.REPLACEMENT_UNDERPRICED,
    SendMeaning.FEE_TOO_LOW,
    SendMeaning.ABOVE_NODE_CAP,
    SendMeaning.NOT_FUNDED,
    SendMeaning.POOL_FULL,
    SendMeaning.NONCE_GAP,
    SendMeaning.REVERTS,
    SendMeaning.REFUSED,
    SendMeaning.UNKNOWN,
    SendMeaning.UNAVAILABLE,
)


def classify_refusal(message: str, code: int = 0) -> SendMeaning:
    """The meaning of a JSON-RPC error to eth_sendRawTransaction."""
    text = message.lower()
    unworded = SendMeaning.UNAVAILABLE if code in _UNAVAILABLE_CODES else SendMeaning.UNKNOWN
    return next((meaning for phrase, meaning in _WORDINGS if phrase in text), unworded)


def best_reply(replies: tuple[SendReply, ...]) -> SendReply:
    """The reply to go by when several nodes were given the same bytes: one acceptance is enough."""
    return min(replies, key=lambda reply: _BEST_FIRST.index(reply.meaning))
