"""Expected errors of `node.app`, and the codes by which it refuses or ignores.

    AppError
    ├── EncodingError      STATE_ENCODING     bytes are not the one encoding of the expected type
    │   └── MessageError   MESSAGE_MALFORMED  a transaction, or something in it, is not in its one canonical form
    ├── GenesisError       GENESIS_INVALID    a genesis breaks a rule; the text names the field
    ├── EngineSetError     ENGINE_SET_INVALID the engine would refuse these validator updates
    ├── QueryError         QUERY_NOT_ANSWERED a query asks for what is not there
    │   └── QueryUnready   QUERY_UNREADY      it is not there yet: ask again
    ├── HeightError        HEIGHT_UNEXPECTED  the engine asks for a block that does not follow the committed one
    ├── StoreError         STATE_CORRUPT      what the store holds does not have the app hash that it was saved with
    └── UpgradeNeeded      UPGRADE_NEEDED     the next block needs a newer version of this program

Anything else raised by this package is a bug. Transactions, statements and logs never raise: they get one of the codes
below.
"""

from enum import IntEnum, StrEnum
from typing import ClassVar


class AppError(Exception):
    """Root of the expected errors of `node.app`."""

    code: ClassVar[str] = "APP"


class EncodingError(AppError):
    """Bytes are not the one encoding of a value of the expected type."""

    code = "STATE_ENCODING"


class MessageError(EncodingError):
    """A transaction, or something in it, is not in its one canonical form."""

    code = "MESSAGE_MALFORMED"


class GenesisError(AppError):
    """A genesis breaks a rule; the text names the field and says what would do."""

    code = "GENESIS_INVALID"


class EngineSetError(AppError):
    """CometBFT would refuse these validator updates, and halt."""

    code = "ENGINE_SET_INVALID"


class QueryError(AppError):
    """A query asks for what is not there, or has no known path; the engine never sees it as a fault."""

    code = "QUERY_NOT_ANSWERED"
    response_code: ClassVar[int] = 1


class QueryUnready(QueryError):
    """The log is still being read for its first proof: the same query finds more done."""

    code = "QUERY_UNREADY"
    response_code = 2


class HeightError(AppError):
    """The engine asks for a block that does not follow the committed one."""

    code = "HEIGHT_UNEXPECTED"


class StoreError(AppError):
    """What the store holds does not have the app hash that it was saved with."""

    code = "STATE_CORRUPT"


class UpgradeNeeded(AppError):
    """The validators agreed on a version that this program does not have; it stops before the height."""

    code = "UPGRADE_NEEDED"

    def __init__(self, version: int, height: int) -> None:
        super().__init__(f"version {version} is needed from height {height} on: install it and start again")
        self.version = version
        self.height = height


class TransactionCode(IntEnum):
    """`code` of CheckTx and of a transaction's result; 0 is success. Refused proposals have 20 and above.

    A refused proposal is a no-op that does not use up its turn. Statements that no longer matter are no-ops of a
    transaction with code 0.
    """

    OK = 0
    MALFORMED = 1
    TOO_LARGE = 2
    UNKNOWN_SIGNER = 3
    NONCE_USED = 4
    NONCE_TOO_HIGH = 5
    TOO_MANY_PENDING = 6
    BAD_SIGNATURE = 7
    UNKNOWN_ROOT_CHAIN = 20
    ROOT_CHAIN_PAUSED = 21
    WRONG_TURN = 22
    NOT_YOUR_TURN = 23
    NOT_DUE = 24
    ALREADY_PROPOSED = 25
    GAP = 26
    OVERLAP = 27
    BAD_LENGTH = 28
    FUTURE_RANGE = 29
    WRONG_ACCOUNT_ROOT = 30

    @property
    def is_executed(self) -> bool:
        """Whether the transaction used up its nonce: it succeeded, or its proposal was refused."""
        return self is TransactionCode.OK or self >= TransactionCode.UNKNOWN_ROOT_CHAIN


class LogOutcome(StrEnum):
    """What became of an L1 log: applied, applied with an alert, or ignored for a reason."""

    APPLIED = "APPLIED"
    NONCE_OUT_OF_ORDER = "NONCE_OUT_OF_ORDER"
    """Applied all the same: the order of the logs is the only order."""
    EPOCH_JUMPED = "EPOCH_JUMPED"
    """Applied; L1's epoch was set by hand, and ours follows it."""
    SIGNER_MISMATCH = "SIGNER_MISMATCH"
    """Applied; the old signer of the event is not the one that we had."""
    CONTRACT_CHANGED = "CONTRACT_CHANGED"
    """A proxy has another implementation: nodes stop signing for this chain until their operators confirm it."""
    UNKNOWN_EVENT = "UNKNOWN_EVENT"
    MALFORMED = "MALFORMED"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNKNOWN_VALIDATOR = "UNKNOWN_VALIDATOR"
    VALIDATOR_EXISTS = "VALIDATOR_EXISTS"
    SIGNER_IN_USE = "SIGNER_IN_USE"


class InvalidReason(IntEnum):
    """Why a validator says INVALID; sent only after a second endpoint agreed with the first."""

    ROOT_MISMATCH = 1
    """The Merkle root over the range's headers is another one."""
