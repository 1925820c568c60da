"""Where a devnet listens: APIs from the base port on, chains at +100 and +101, control at +110, CometBFT from +200."""

import json
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from node.devnet.settings import PortBusy

HOST = "127.0.0.1"
ROOT_OFFSET = 100
SIDE_OFFSET = 101
CONTROL_OFFSET = 110
P2P_OFFSET = 200
FREE = 0


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one run; 0 takes a free one."""

    apis: tuple[int, ...]
    root: int
    side: int
    control: int
    p2p: tuple[int, ...] = ()
    """Of CometBFT's nodes, where there are any: never 0, for each must tell its own to the others."""


def choose_ports(api_port: int, validators: int, description: Path, *, comet: bool = False) -> Ports:
    """The ports that follow from the first API's; or, for 0, those of the last run where they are still free.

    Raises PortBusy that names who should have a port that is taken, before anything is made.
    """
    if api_port != FREE:
        apis = tuple(api_port + index for index in range(validators))
        p2p = tuple(port + P2P_OFFSET for port in apis) if comet else ()
        ports = Ports(apis, api_port + ROOT_OFFSET, api_port + SIDE_OFFSET, api_port + CONTROL_OFFSET, p2p)
        for index, port in enumerate(apis):
            _require_free(port, f"the API of validator {index + 1}")
        for index, port in enumerate(p2p):
            _require_free(port, f"CometBFT of validator {index + 1}")
        _require_free(ports.root, "the root chain")
        _require_free(ports.side, "the side chain")
        _require_free(ports.control, "the control URL")
        return ports
    last = _ports_of(description) or Ports((FREE,) * validators, FREE, FREE, FREE)
    return Ports(
        tuple(map(_if_free, last.apis)),
        _if_free(last.root),
        _if_free(last.side),
        _if_free(last.control),
        free_ports(validators) if comet else (),
    )


def free_ports(count: int) -> tuple[int, ...]:
    """So many ports that are free now, for programs that must be told theirs."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, FREE))
        return tuple(probe.getsockname()[1] for probe in probes)


def _ports_of(description: Path) -> Ports | None:
    if not description.exists():
        return None
    told = json.loads(description.read_text())
    return Ports(
        apis=tuple(_port(validator["api_url"]) for validator in told["validators"]),
        root=_port(told["root_chains"][0]["rpc_url"]),
        side=_port(told["side_chain"]["rpc_url"]),
        control=_port(told["control_url"]),
    )


def _port(url: str) -> int:
    return urlsplit(url).port or FREE


def _require_free(port: int, who: str) -> None:
    if _if_free(port) == FREE:
        raise port_busy(port, who)


def port_busy(port: int, who: str) -> PortBusy:
    """The error to raise when a port is taken."""
    return PortBusy(f"port {port} for {who} is taken: give another --api-port, or --api-port 0 for free ports")


def _if_free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return FREE
    return port
