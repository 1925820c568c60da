"""Who asks: the name that limits per client go by."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from node.api.settings import Network

IPV6_CLIENT_BITS = 64
"""The part of an IPv6 address that is one client: whoever has one address of such a network has them all."""


def is_trusted(remote: str, trusted_proxies: Sequence[Network]) -> bool:
    """Whether a connection from there is one of a trusted proxy."""
    address = _address(remote)
    return address is not None and any(address in network for network in trusted_proxies)


def client_of(remote: str | None, forwarded_for: Sequence[str], trusted_proxies: Sequence[Network]) -> str:
    """The name of the client behind a connection from `remote`.

    `forwarded_for` are the values of X-Forwarded-For: each proxy adds at the end whom it was asked by. What stands
    before the last address that is no trusted proxy may be anybody's invention, so it is not read.
    """
    client = _address(remote or "")
    if client is None:
        return ""
    said = [one for value in forwarded_for for one in value.split(",")]
    while said and any(client in network for network in trusted_proxies):
        before = _address(said.pop())
        if before is None:
            break
        client = before
    if isinstance(client, IPv6Address):
        return str(IPv6Network((client, IPV6_CLIENT_BITS), strict=False))
    return str(client)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address without a port; some proxies add one. An IPv4 address in IPv6 form is taken as IPv4."""
    host = text.strip().rpartition("%")[0] or text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
