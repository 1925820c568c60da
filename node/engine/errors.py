"""Expected errors of `node.engine`.

    EngineError
    ├── WireError                 bytes or values that are no ABCI message
    ├── StoreMismatchError        engine.db does not fit this network or these applications
    ├── MemberPausedError         the validator is paused and takes nothing
    ├── MemberLostError           the validator's process ended in the middle of a call
    ├── ProtobufSlowError         protobuf runs on its pure-Python back end
    ├── EngineBinaryError         there is no cometbft to run, or it is another release than the tested one
    ├── EngineSettingRefused      engine.comet.config sets what is ours to set
    ├── NodeKeyError              the file of the node's key in CometBFT's network is none
    ├── EngineUnreachable         cometbft does not answer, or something else than it was asked
    ├── MempoolError              a transaction was not taken, before the application was asked
    │   ├── TransactionTooLargeError
    │   ├── TransactionSeenError
    │   └── MempoolFullError
    └── HaltError                 the engine has stopped for good; its cause must be removed by a person
        ├── ValidatorUpdateError  an application asked for a validator set that cannot be
        ├── DivergenceError       applications disagree about the same block
        └── ApplicationFaultError an application's answer is none that ABCI allows

`code` is the stable name that logs, API and metrics share. Anything else raised by this package is a bug.
"""

from typing import ClassVar


class EngineError(Exception):
    """Root of the expected errors of `node.engine`."""

    code: ClassVar[str] = "ENGINE"


class WireError(EngineError):
    """Bytes are no ABCI message that we know, or a value has no place in one."""

    code = "ENGINE_MESSAGE_MALFORMED"


class StoreMismatchError(EngineError):
    """engine.db belongs to another network, or is older than an application's state."""

    code = "ENGINE_STORE_MISMATCH"


class MemberPausedError(EngineError):
    """The validator is paused: its mempool takes nothing until it is resumed."""

    code = "VALIDATOR_PAUSED"


class MemberLostError(EngineError):
    """The member's process ended before it answered: the engine goes on without it until it joins again."""

    code = "ENGINE_MEMBER_LOST"


class ProtobufSlowError(EngineError):
    """Protobuf runs on its pure-Python back end, which takes most of a block's time at load."""

    code = "ENGINE_PROTOBUF_SLOW"


class EngineBinaryError(EngineError):
    """No `cometbft` is found, or not the release that this program was tested with."""

    code = "ENGINE_BINARY"


class EngineSettingRefused(EngineError):
    """A passed-through setting would cut the engine off from us, or from the network's agreement."""

    code = "ENGINE_SETTING_REFUSED"


class EngineUnreachable(EngineError):
    """CometBFT does not answer: it is starting, has ended, or is stopped."""

    code = "ENGINE_UNREACHABLE"


class NodeKeyError(EngineError):
    """A file is no node key of CometBFT's."""

    code = "ENGINE_NODE_KEY"


class MempoolError(EngineError):
    """A transaction was not taken, before the application was asked."""

    code = "MEMPOOL"


class TransactionTooLargeError(MempoolError):
    """The transaction is larger than any that the mempool takes."""

    code = "MEMPOOL_TRANSACTION_TOO_LARGE"


class TransactionSeenError(MempoolError):
    """The same bytes were taken before, and may be in a block already."""

    code = "MEMPOOL_TRANSACTION_SEEN"


class MempoolFullError(MempoolError):
    """The mempool holds as many transactions or bytes as it may."""

    code = "MEMPOOL_FULL"


class HaltError(EngineError):
    """The engine has stopped for good; every later step raises the same error."""

    code = "ENGINE_HALTED"


class ValidatorUpdateError(HaltError):
    """Validator updates break the rules: a non-member removed, a duplicate, negative power, the cap, an empty set."""

    code = "ENGINE_VALIDATOR_UPDATES_INVALID"


class DivergenceError(HaltError):
    """Applications gave different answers to the same block."""

    code = "ENGINE_APP_HASH_DIFFERS"


class ApplicationFaultError(HaltError):
    """An application's answer is none that ABCI allows: too many bytes in a proposal, a result too few."""

    code = "ENGINE_APPLICATION_FAULT"
