"""Signing and sending engine transactions: nonces, and what is on its way.

A nonce is used for one transaction for ever (the signing record sees to it); gaps are allowed, so a transaction that
was lost is simply said again under the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from node.app.messages import (
    VERSION,
    Attest,
    MessageKind,
    ProposeCheckpoint,
    Transaction,
    encode_body,
    encode_transaction,
    transaction_digest,
)
from node.app.state import Committed
from node.duties.identity import Identity
from node.keys.signer import Signer

RESEND_BLOCKS = 3
"""After this many blocks without it, a transaction is taken for lost."""

Submit = Callable[[bytes], str | None]
"""Hands a transaction to the engine's mempool; None, or why it was refused."""


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """A message that was sent and is not in a committed block yet."""

    message: ProposeCheckpoint | Attest
    nonce: int
    height: int
    """The committed height at which it was sent."""


class TransactionSender:
    """Sends the messages of one validator; one on its way per kind."""

    def __init__(self, signer: Signer, submit: Submit) -> None:
        self._signer = signer
        self._submit = submit
        self._on_its_way: dict[MessageKind, OnItsWay] = {}
        self._last_nonce = 0
        self.last_refusal: str | None = None
        """Why the mempool refused the last transaction, if it did."""

    def on_its_way(self, kind: MessageKind, committed: Committed, identity: Identity) -> OnItsWay | None:
        """The message of a kind that may still come into a block: neither executed nor given up."""
        waiting = self._on_its_way.get(kind)
        if waiting is None:
            return None
        executed = _executed_nonce(committed, identity)
        if waiting.nonce <= executed or committed.height >= waiting.height + RESEND_BLOCKS:
            del self._on_its_way[kind]
            return None
        return waiting

    def send(self, message: ProposeCheckpoint | Attest, committed: Committed, identity: Identity) -> bool:
        """Sign under a new nonce and hand over; whether the mempool took it.

        Raises what the signer raises: SigningRefusedError, RecordError.
        """
        kind = MessageKind.ATTEST if isinstance(message, Attest) else MessageKind.PROPOSE_CHECKPOINT
        body = encode_body(message)
        least = max(_executed_nonce(committed, identity), self._last_nonce) + 1
        nonce = self._signer.next_nonce(identity.signer, least)
        digest = transaction_digest(committed.state.params.genesis_hash, kind, nonce, identity.signer, body)
        signature = self._signer.sign_transaction(identity.signer, nonce, digest)
        self._last_nonce = nonce
        transaction = Transaction(VERSION, kind, nonce, identity.signer, body, signature)
        self.last_refusal = self._submit(encode_transaction(transaction))
        if self.last_refusal is not None:
            return False
        self._on_its_way[kind] = OnItsWay(message, nonce, committed.height)
        return True


def _executed_nonce(committed: Committed, identity: Identity) -> int:
    senders = committed.state.senders
    return next((sender.nonce for sender in senders if sender.address == identity.signer), 0)
