"""Where a node begins that starts by state sync: a recent block, of which two peers say the same.

Each shows a block that over two thirds of that height's validators have signed, so neither can make one up alone. That
these are the network's validators, only a person can say who has the hash from somebody else: so it is shown.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.chain.transport import Transport
from bridge.codec.hexadecimal import to_hex
from bridge.codec.light_block import LightBlock
from bridge.codec.types import Hash32
from bridge.light.errors import HeadersDiffer
from bridge.light.rpc import NodeRpc, engine_rpc
from bridge.light.verifier import verified_commit
from node.networks.errors import SettingsImpossible

SERVERS_MIN = 2
SERVERS_MAX = 16
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TrustedStart:
    """A block that is trusted to begin with."""

    height: int
    hash: Hash32
    time_s: int


async def fetch_start(
    servers: Sequence[str], chain_id: str, height: int | None, expected: Hash32 | None, transport: Transport
) -> TrustedStart:
    """The block of a height, or the newest that all servers have; `expected` is the hash that a person brings.

    Raises HeadersDiffer when they do not all show the same, SourceFailed, HeaderForged, SettingsImpossible.
    """
    nodes = [_node(url, position, transport) for position, url in enumerate(servers)]
    if height is None:
        newest = await asyncio.gather(*(node.light_block() for node in nodes))
        height = min(block.header.height for block in newest)
    blocks = await asyncio.gather(*(node.light_block(height) for node in nodes))
    for block in blocks:
        verified_commit(block, chain_id)
    seen = {block.header.hash() for block in blocks} | ({expected} if expected is not None else set())
    if len(seen) > 1:
        shown = "; ".join(_shown(node, block) for node, block in zip(nodes, blocks, strict=True))
        wanted = "" if expected is None else f"; --trust-hash says {to_hex(expected)}"
        raise HeadersDiffer(f"of height {height} not all say the same: {shown}{wanted}: trust none before you know why")
    header = blocks[0].header
    return TrustedStart(header.height, header.hash(), header.time_ns // _NANOSECONDS)


def _node(server: str, position: int, transport: Transport) -> NodeRpc:
    try:
        return NodeRpc(engine_rpc(server.rstrip("/")), position, transport)
    except ValueError as error:
        raise SettingsImpossible(f"--server: {error}") from None


def _shown(node: NodeRpc, block: LightBlock) -> str:
    return f"{node.label} shows {to_hex(block.header.hash())}"
