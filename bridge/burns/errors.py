"""Why there is no answer about a burn, or no proof of it.

    BurnError
    ├── BurnNotFound           BURN_NOT_FOUND: no such transaction, or nothing burnt in it
    ├── LogNotABurn            LOG_NOT_A_BURN: the transaction has burns, but not at this log index
    ├── LogIndexNeeded         LOG_INDEX_NEEDED: the transaction has several burns
    ├── RootChainUnknown       ROOT_CHAIN_UNKNOWN: no such root chain, or the token is not mapped there
    ├── RootChainNeeded        ROOT_CHAIN_NEEDED: the token is mapped on several root chains
    ├── BurnNotReady           BURN_NOT_READY: it is there, but not under a confirmed checkpoint yet
    ├── ExitRefused            EXIT_REFUSED: the proof holds, but the root chain's contract refuses the exit
    ├── EndpointFalse          ENDPOINT_FALSE: an endpoint's answer is provably false or contradicts our chain
    ├── CannotTell             CANNOT_TELL: something could not be read now
    └── Busy                   BURNS_BUSY: too many different questions at a time

`BurnNotFound` is only said when an endpoint that is not behind says so; all else that is absent is `CannotTell`.
"""

from bridge.burns.report import BurnStatus


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

    def __init__(self, message: str, status: BurnStatus, blocks_to_go: int | None, seconds_to_go: int | None) -> None:
        super().__init__(message)
        self.status = status
        self.blocks_to_go = blocks_to_go
        self.seconds_to_go = seconds_to_go


class ExitRefused(BurnError):
    """The contract, asked by eth_call, refuses the exit for a reason that our checks do not cover."""

    code = "EXIT_REFUSED"


class EndpointFalse(BurnError):
    """What an endpoint said cannot be true; `endpoint` is its label."""

    code = "ENDPOINT_FALSE"

    def __init__(self, message: str, endpoint: str) -> None:
        super().__init__(f"{endpoint}: {message}")
        self.endpoint = endpoint


class CannotTell(BurnError):
    """Something that the answer needs could not be read; asking again later may help."""

    code = "CANNOT_TELL"


class Busy(BurnError):
    """As many different burns are being looked at as the service takes."""

    code = "BURNS_BUSY"
