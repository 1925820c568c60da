"""Why there is no answer about a burn, or no proof of it.

    BurnError
    ├── BurnNotFound           BURN_NOT_FOUND: no such transaction, or nothing burnt in it
    ├── LogNotABurn            LOG_NOT_A_BURN: the transaction has burns, but not at this log index
    ├── LogIndexNeeded         LOG_INDEX_NEEDED: the transaction has several burns
    ├── RootChainUnknown       ROOT_CHAIN_UNKNOWN: no such root chain, or the token is not mapped there
    ├── RootChainNeeded        ROOT_CHAIN_NEEDED: the token is mapped on several root chains
    ├── BurnNotReady           BURN_NOT_READY: it is there, but not under a confirmed checkpoint yet
    ├── ExitRefused            EXIT_REFUSED: the proof holds, but the root chain's contract refuses the exit
    ├── PayloadTooLarge        PAYLOAD_TOO_LARGE: the burn's receipt is larger than an exit can carry
    ├── EventNotFound          EVENT_NOT_FOUND: the receipt has no log of the event that was named
    ├── TokenIndexTooLarge     TOKEN_INDEX_TOO_LARGE: the receipt has fewer logs of that event
    ├── TokenIndexNeeded       TOKEN_INDEX_NEEDED: all payloads of the event together are too large an answer
    ├── BlockNotCheckpointed   BLOCK_NOT_CHECKPOINTED: no checkpoint holds the block
    ├── EndpointFault          another endpoint may do better
    │   ├── EndpointFalse      ENDPOINT_FALSE: an endpoint's answer is provably false or contradicts our chain
    │   └── HistoryPruned      HISTORY_PRUNED: an endpoint no longer holds a block, its receipts or its state
    ├── CannotTell             CANNOT_TELL: something could not be read now
    └── Busy                   BURNS_BUSY: too many different questions at a time

`BurnNotFound` is only said when an endpoint that is not behind says so; all else that is absent is `CannotTell`.
"""

from bridge.burns.report import BurnStatus, ToGo


class BurnError(Exception):
    """Root of the expected errors of this package."""

    code = "BURN_ERROR"


class BurnNotFound(BurnError):
    """There is no such transaction on the side chain, or it burns nothing that a root chain could pay out."""

    code = "BURN_NOT_FOUND"


class LogNotABurn(BurnError):
    """The log at this index of the receipt is not a burn."""

    code = "LOG_NOT_A_BURN"


class LogIndexNeeded(BurnError):
    """There are several burns, and guessing would prove the wrong one."""

    code = "LOG_INDEX_NEEDED"


class RootChainUnknown(BurnError):
    """The burn cannot be exited on the root chain that was named."""

    code = "ROOT_CHAIN_UNKNOWN"


class RootChainNeeded(BurnError):
    """The burn could be exited on several root chains."""

    code = "ROOT_CHAIN_NEEDED"


class BurnNotReady(BurnError):
    """There is no proof before a confirmed checkpoint holds the burn."""

    code = "BURN_NOT_READY"

    def __init__(self, message: str, status: BurnStatus, to_go: ToGo | None) -> None:
        super().__init__(message)
        self.status = status
        self.to_go = to_go


class ExitRefused(BurnError):
    """The contract, asked by eth_call, refuses the exit for a reason that our checks do not cover."""

    code = "EXIT_REFUSED"


class PayloadTooLarge(BurnError):
    """The receipt of the burn is so large that no transaction of a root chain could carry its proof."""

    code = "PAYLOAD_TOO_LARGE"


class EventNotFound(BurnError):
    """The receipt has no log of the event whose signature was given."""

    code = "EVENT_NOT_FOUND"


class TokenIndexTooLarge(BurnError):
    """The receipt has logs of the event, but not that many."""

    code = "TOKEN_INDEX_TOO_LARGE"


class TokenIndexNeeded(BurnError):
    """The payloads of all logs of the event are more than is given at once."""

    code = "TOKEN_INDEX_NEEDED"


class BlockNotCheckpointed(BurnError):
    """No checkpoint at the confirmed root head holds this side-chain block."""

    code = "BLOCK_NOT_CHECKPOINTED"


class EndpointFault(BurnError):
    """An endpoint cannot be used for this question; `endpoint` is its label."""

    def __init__(self, message: str, endpoint: str) -> None:
        super().__init__(f"{endpoint}: {message}")
        self.endpoint = endpoint


class EndpointFalse(EndpointFault):
    """What an endpoint said cannot be true."""

    code = "ENDPOINT_FALSE"


class HistoryPruned(EndpointFault):
    """The endpoint does not hold something that its chain has had for long."""

    code = "HISTORY_PRUNED"

    def __init__(self, what: str, number: int, endpoint: str) -> None:
        super().__init__(
            f"it no longer holds the {what} of block {number}; add an endpoint with the whole history to rpc_urls",
            endpoint,
        )


class CannotTell(BurnError):
    """Something that the answer needs could not be read; asking again later may help."""

    code = "CANNOT_TELL"


class Busy(BurnError):
    """As many different burns are being looked at as the service takes."""

    code = "BURNS_BUSY"
