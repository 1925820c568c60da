"""Where the API listens and how much it takes on."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


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
    waiting_max: int = 1_024
    """Long polls and streams of events, which wait for a change and do not count as requests in flight."""
    waiting_per_client_max: int = 64
    requests_per_client_per_s: float = 20.0
    """Of those that need new work done, in the long run."""
    requests_per_client_burst: int = 100
    """How many of these at once."""
    clients_max: int = 10_000
    """Clients whose speed is remembered."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""
    proof_networks: tuple[str, ...] = ("matic", "mumbai", "amoy")
    """What the routes of the proof generation API call the first root chain's network."""
    connections_max: int = 2_048
    """Open ones; fewer where the process may not open that many files."""
    connections_per_client_max: int = 256
    """Of these; trusted proxies are not counted."""
    sending_bytes_max: int = 64 * 1024 * 1024
    """Of large answers that their clients have not read yet; one alone may be larger."""
    send_timeout_s: float = 60.0
    """For reading a large answer."""
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
            self.waiting_max,
            self.waiting_per_client_max,
            self.requests_per_client_burst,
            self.clients_max,
            self.connections_max,
            self.connections_per_client_max,
            self.sending_bytes_max,
            self.request_line_bytes_max,
            self.page_size_default,
        )
        rates = (self.request_timeout_s, self.send_timeout_s, self.requests_per_client_per_s)
        if min(limits) < 1 or self.page_size_default > self.page_size_max or min(rates) <= 0:
            raise ValueError("every limit of the API is at least one, and the default page at most the largest")


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks as operators write them: "10.0.0.0/8", "fd00::/8", or one address. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)
