"""Everything that can go wrong between us and a chain without being a bug.

    ChainError
    ├── EndpointError        one endpoint did not give a JSON-RPC answer
    │   ├── EndpointTimeout      RPC_TIMEOUT
    │   ├── EndpointUnreachable  RPC_UNREACHABLE
    │   ├── EndpointStatus       RPC_HTTP_STATUS
    │   ├── EndpointGarbage      RPC_NOT_JSON_RPC
    │   ├── EndpointTooLarge     RPC_RESPONSE_TOO_LARGE
    │   └── WrongChain           RPC_WRONG_CHAIN
    ├── NoEndpoint           RPC_DOWN: no endpoint of the pool answered within the budget
    ├── RpcRefused           RPC_REFUSED: the node answered with a JSON-RPC error
    ├── OutboxFull           OUTBOX_FULL: too many intents wait already
    ├── CallReverted         CALL_REVERTED: eth_call ran and the contract refused
    ├── NotHeld              RPC_NOT_HELD: the node has no answer (null) for something that must exist
    └── BadAnswer            RPC_BAD_ANSWER: an answer of the wrong type, size or content
        ├── HeaderFormatUnknown  HEADER_FORMAT_UNKNOWN
        └── ReceiptsMismatch     RECEIPTS_MISMATCH

None of these is ever evidence that something did *not* happen on the chain. Only `CallReverted` is a statement by a
contract; all others mean "cannot tell, ask again". Messages never hold a URL: endpoints are named by label.
"""


class ChainError(Exception):
    """Root of the expected errors of this package."""

    code = "CHAIN_ERROR"


class EndpointError(ChainError):
    """One endpoint failed; the pool counts it against that endpoint and asks the next."""

    code = "RPC_ENDPOINT"


class EndpointTimeout(EndpointError):
    """No complete answer within the time that the call could spend on this endpoint."""

    code = "RPC_TIMEOUT"


class EndpointUnreachable(EndpointError):
    """The connection was refused, reset or cut."""

    code = "RPC_UNREACHABLE"


class EndpointStatus(EndpointError):
    """An HTTP status other than 200; 429 is the one that asks for a pause."""

    code = "RPC_HTTP_STATUS"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class EndpointGarbage(EndpointError):
    """The body is not the JSON-RPC 2.0 answer to what was asked."""

    code = "RPC_NOT_JSON_RPC"


class EndpointTooLarge(EndpointError):
    """The body is larger than `RpcLimits.response_bytes_max`; reading was stopped there."""

    code = "RPC_RESPONSE_TOO_LARGE"


class WrongChain(EndpointError):
    """The endpoint serves another chain id or another genesis block than configured; it is never read from."""

    code = "RPC_WRONG_CHAIN"


class NoEndpoint(ChainError):
    """Every endpoint of the pool is down, on the wrong chain, or was tried without success within the budget."""

    code = "RPC_DOWN"


class RpcRefused(ChainError):
    """The node answered with a JSON-RPC error object."""

    code = "RPC_REFUSED"

    def __init__(self, rpc_code: int, rpc_message: str, data: object = None) -> None:
        super().__init__(f"the node refused: {rpc_message} ({rpc_code})")
        self.rpc_code = rpc_code
        self.rpc_message = rpc_message
        self.data = data


class CallReverted(ChainError):
    """The contract refused the call. `data` is its revert data, empty where it or the node gives none."""

    code = "CALL_REVERTED"

    def __init__(self, data: bytes, reason: str) -> None:
        super().__init__(f"the contract refuses the call: {reason}")
        self.data = data
        self.reason = reason


class OutboxFull(ChainError):
    """The outbox holds as many open intents as it may."""

    code = "OUTBOX_FULL"


class NotHeld(ChainError):
    """The node does not hold what was asked: it is behind, pruned, or hides it."""

    code = "RPC_NOT_HELD"


class BadAnswer(ChainError):
    """A field of the answer is missing, of the wrong type or size, or contradicts another."""

    code = "RPC_BAD_ANSWER"


class HeaderFormatUnknown(BadAnswer):
    """The hash does not reproduce from the header's fields: a lie, or a fork whose fields we do not know."""

    code = "HEADER_FORMAT_UNKNOWN"


class ReceiptsMismatch(BadAnswer):
    """The receipts do not hash to the header's receiptsRoot."""

    code = "RECEIPTS_MISMATCH"
