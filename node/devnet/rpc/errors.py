"""The error that a JSON-RPC call is answered with. Codes: JSON-RPC 2.0, EIP-1474, and geth's for reverts."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
RESPONSE_TOO_LARGE = -32003
LIMIT_EXCEEDED = -32005
REVERTED = 3


class JsonRpcError(Exception):
    """Becomes `{"error": {"code", "message", "data"}}`, always under HTTP status 200, as geth answers."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def fields(self) -> dict[str, object]:
        """The error as JSON fields."""
        plain: dict[str, object] = {"code": self.code, "message": self.message}
        return plain if self.data is None else {**plain, "data": self.data}
