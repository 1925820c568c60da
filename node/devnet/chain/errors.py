"""Expected errors of `node.devnet.chain`.

EmbeddedChainError
├── ChainFileRefused     CHAIN_FILE             the file is of another chain, is no chain, or is in use
├── BlockUnknown         CHAIN_BLOCK_UNKNOWN    no block of this number or hash
├── TimestampRefused     CHAIN_TIMESTAMP        a block may not have this time
├── TransactionRefused   CHAIN_TRANSACTION      the pool does not take a transaction; geth's words
├── CallReverted         CHAIN_CALL_REVERTED    a call ended in REVERT, with its data
├── CallFailed           CHAIN_CALL_FAILED      a call ended otherwise without result
└── TooManyLogs          CHAIN_TOO_MANY_LOGS    a log query found more than its limit
"""

from typing import ClassVar


class EmbeddedChainError(Exception):
    """Root of the expected errors of `node.devnet.chain`."""

    code: ClassVar[str] = "CHAIN"


class ChainFileRefused(EmbeddedChainError):
    """The database file cannot be this chain's."""

    code = "CHAIN_FILE"


class BlockUnknown(EmbeddedChainError):
    """The chain has no such block."""

    code = "CHAIN_BLOCK_UNKNOWN"


class TimestampRefused(EmbeddedChainError):
    """A block's time must be later than its parent's."""

    code = "CHAIN_TIMESTAMP"


class TransactionRefused(EmbeddedChainError):
    """The pool refuses a transaction. The message has geth's wording, because clients tell refusals apart by it."""

    code = "CHAIN_TRANSACTION"


class CallReverted(EmbeddedChainError):
    """A call ended in REVERT; `data` is what it reverted with: nothing, Error(string), or a contract's own error."""

    code = "CHAIN_CALL_REVERTED"

    def __init__(self, data: bytes) -> None:
        super().__init__(f"execution reverted with {len(data)} bytes: 0x{data[:100].hex()}")
        self.data = data


class CallFailed(EmbeddedChainError):
    """A call ran out of gas, met an invalid instruction, or could not start."""

    code = "CHAIN_CALL_FAILED"


class TooManyLogs(EmbeddedChainError):
    """More logs match than the query may return."""

    code = "CHAIN_TOO_MANY_LOGS"
