"""Expected errors of the API, and the JSON that a client sees of them.

    ApiError
    ├── BadParameterError        400  a parameter of the wrong type, size or range
    ├── UnknownParameterError    400  a query parameter that the route does not have, or one given twice
    ├── RequestTooLargeError     413  a body, line or header beyond the limit
    ├── NotFoundError            404  no such route, validator, checkpoint
    ├── MethodNotAllowedError    405  anything but GET
    ├── ConflictError            409  well asked, but the state does not allow the answer (yet)
    ├── TooManyRequestsError     429  this client asks too much at a time, or all do
    ├── BadGatewayError          502  an RPC endpoint said something that is not true
    ├── UnavailableError         503  cannot tell now: try again
    └── TimedOutError            504  the answer did not come in time

Every error has a stable `code` in capitals, by which programs may branch; the message is for people. Sidewarden's
routes answer `{"error": {"code", "message", "details"}}`. Routes that Heimdall has too answer as its gRPC gateway
does, with our code as the reason of a google.rpc.ErrorInfo; those of Polygon's proof generation API answer
`{"error": true, "message"}`, or `"msg"` for a wrong parameter, as that API does.
"""

from collections.abc import Mapping
from typing import ClassVar

from aiohttp import web

from node.api.encoding import JsonValue, json_response

_GRPC_CODES = {400: 3, 404: 5, 405: 12, 409: 9, 413: 11, 429: 8, 500: 13, 502: 13, 503: 14, 504: 4}
"""google.rpc.Code by HTTP status, the other way round of what grpc-gateway does."""

HEIMDALL_PREFIXES = ("/checkpoints/", "/stake/")
PROOF_API_PREFIX = "/api/"


class ApiError(Exception):
    """Root of the expected errors of the API."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, details: Mapping[str, JsonValue] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: dict[str, JsonValue] = dict(details or {})


class BadParameterError(ApiError):
    """A parameter has the wrong type, size or range."""

    status = 400

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__("BAD_PARAMETER", f"{parameter}: {message}", {"parameter": parameter})


class UnknownParameterError(ApiError):
    """A query parameter that the route does not have, or one given twice; a typing error must not pass unseen."""

    status = 400

    def __init__(self, parameter: str, known: tuple[str, ...]) -> None:
        names = ", ".join(known) or "none"
        message = f"{parameter}: is not a parameter of this route, or stands there twice; the route has: {names}"
        super().__init__("UNKNOWN_PARAMETER", message, {"parameter": parameter})


class RequestTooLargeError(ApiError):
    """The request is larger than the API reads."""

    status = 413


class NotFoundError(ApiError):
    """There is no such thing, and the node can tell."""

    status = 404


class MethodNotAllowedError(ApiError):
    """The API only reads: GET and HEAD."""

    status = 405


class ConflictError(ApiError):
    """The question is fine, but things are not in the state that the answer needs."""

    status = 409


class TooManyRequestsError(ApiError):
    """More is asked than is taken on, by this client or by all; `retry_after_s` tells when to ask again, if known."""

    status = 429

    def __init__(
        self,
        code: str,
        message: str,
        details: Mapping[str, JsonValue] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(code, message, details)
        self.retry_after_s = retry_after_s


class BadGatewayError(ApiError):
    """An RPC endpoint gave an answer that is provably false."""

    status = 502


class UnavailableError(ApiError):
    """The node cannot tell now; the same question may be answered later."""

    status = 503


class TimedOutError(ApiError):
    """The answer was not there within the time that a request may take."""

    status = 504


def error_response(path: str, error: ApiError, retry_after_s: int) -> web.Response:
    """The answer to a failed request, in the form that clients of this path expect."""
    response = json_response(_body(path, error), status=error.status)
    if error.status in (429, 503):
        known_s = error.retry_after_s if isinstance(error, TooManyRequestsError) else None
        response.headers["Retry-After"] = str(known_s or retry_after_s)
    if error.status == 405:
        response.headers["Allow"] = "GET, HEAD"
    return response


def _body(path: str, error: ApiError) -> JsonValue:
    if path.startswith(HEIMDALL_PREFIXES):
        return _heimdall_body(error)
    if path.startswith(PROOF_API_PREFIX):
        return _proof_api_body(error)
    return error_fields(error)


def error_fields(error: ApiError) -> dict[str, JsonValue]:
    """The error as our own routes write it."""
    return {"error": {"code": error.code, "message": error.message, "details": error.details}}


def _heimdall_body(error: ApiError) -> JsonValue:
    info: JsonValue = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.code,
        "domain": "sidewarden",
        "metadata": {key: str(value) for key, value in error.details.items()},
    }
    return {"code": _GRPC_CODES[error.status], "message": error.message, "details": [info]}


def _proof_api_body(error: ApiError) -> JsonValue:
    if error.code == "NO_SUCH_ROUTE":
        return {"error": {"message": "Not found"}}
    return {"error": True, "msg" if error.status == 400 else "message": error.message}
