"""Transactions decoded and checked for their signature, once for each byte string.

What this finds depends on the bytes and the network alone, so all nodes of a process may share one cache.
"""

from collections import OrderedDict
from dataclasses import dataclass

from bridge.codec.types import Address, Hash32
from node.app.errors import MessageError, TransactionCode
from node.app.messages import (
    TRANSACTION_BYTES_MAX,
    Attest,
    MessageKind,
    ProposeCheckpoint,
    decode_body,
    decode_transaction,
    transaction_digest,
)
from node.app.signatures import recovered_signer

CACHE_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenedTransaction:
    """A transaction whose bytes are canonical and whose signature is its sender's."""

    kind: MessageKind
    nonce: int
    sender: Address
    message: ProposeCheckpoint | Attest
    size: int


class TransactionOpener:
    """Opens a network's transactions and remembers the last of them, up to a number of bytes."""

    def __init__(self, genesis_hash: Hash32, cache_bytes_max: int = CACHE_BYTES_MAX) -> None:
        self._genesis_hash = genesis_hash
        self._cache_bytes_max = cache_bytes_max
        self._cached: OrderedDict[bytes, OpenedTransaction | TransactionCode] = OrderedDict()
        self._cached_bytes = 0

    def open(self, data: bytes) -> OpenedTransaction | TransactionCode:
        """The opened transaction, or why it is refused: TOO_LARGE, MALFORMED or BAD_SIGNATURE."""
        if len(data) > TRANSACTION_BYTES_MAX:
            return TransactionCode.TOO_LARGE
        found = self._cached.get(data)
        if found is None:
            found = self.examine(data)
            self.remember(data, found)
        return found

    def lacks(self, data: bytes) -> bool:
        """Whether `open` would have to examine the transaction."""
        return data not in self._cached and len(data) <= TRANSACTION_BYTES_MAX

    def examine(self, data: bytes) -> OpenedTransaction | TransactionCode:
        """As `open`, without a look at what is remembered: it may be called from any thread."""
        try:
            transaction = decode_transaction(data)
            message = decode_body(transaction)
        except MessageError:
            return TransactionCode.MALFORMED
        digest = transaction_digest(
            self._genesis_hash, transaction.kind, transaction.nonce, transaction.sender, transaction.body
        )
        if recovered_signer(digest, transaction.signature) != transaction.sender:
            return TransactionCode.BAD_SIGNATURE
        return OpenedTransaction(transaction.kind, transaction.nonce, transaction.sender, message, len(data))

    def remember(self, data: bytes, found: OpenedTransaction | TransactionCode) -> None:
        """Keep what `examine` found."""
        if data in self._cached:
            return
        self._cached[data] = found
        self._cached_bytes += len(data)
        while self._cached_bytes > self._cache_bytes_max:
            oldest, _ = self._cached.popitem(last=False)
            self._cached_bytes -= len(oldest)
