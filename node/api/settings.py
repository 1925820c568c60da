"""Where the API listens and how much it takes on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Limits of one node's API; each is enforced by the server and has a test at it.

    `host` is loopback unless the operator says otherwise: the API asks for no password, so who may reach it is for a
    proxy to say. `port` 0 takes a free one.
    """

    host: str = "127.0.0.1"
    port: int = 1317
    request_timeout_s: float = 30.0
    requests_in_flight_max: int = 256
    requests_in_flight_per_client_max: int = 128
    request_line_bytes_max: int = 8 * 1024
    """Of the request line, and of each header."""
    retry_after_s: int = 1
    page_size_default: int = 20
    page_size_max: int = 100
    shutdown_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse a limit that would let nothing through."""
        limits = (
            self.requests_in_flight_max,
            self.requests_in_flight_per_client_max,
            self.request_line_bytes_max,
            self.page_size_default,
        )
        if min(limits) < 1 or self.page_size_default > self.page_size_max or self.request_timeout_s <= 0:
            raise ValueError("every limit of the API is at least one, and the default page at most the largest")
