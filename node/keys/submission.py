"""The key that pays for gas: it signs EIP-1559 transactions for the outbox and nothing else.

It is not the validator's signer key, because root chains do not look at who sends a checkpoint. What it signs starts
with the byte 0x02, so that it can be neither a checkpoint (0x01, or 0x1901 of EIP-712) nor an engine transaction.
It needs no signing record: the outbox stores nonce and raw bytes before they leave, and a chain takes a nonce once.
"""

from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import Address
from node.keys.private_key import PrivateKey


class SubmissionKey:
    """Signs transactions of its own address. It prints as that address."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"SubmissionKey({self._key!r})"

    @property
    def address(self) -> Address:
        """Who sends, and pays."""
        return self._key.address

    def sign(self, transaction: DynamicFeeTransaction) -> bytes:
        """The raw transaction, as eth_sendRawTransaction takes it."""
        return transaction.raw(self._key.sign(transaction.signing_hash()))
