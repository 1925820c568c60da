"""Reaching a chain of which only the URL is known: it says itself which chain it is."""

from dataclasses import dataclass

from bridge.chain import connect as chain_connect
from bridge.chain.clock import Clock
from bridge.chain.reader import ChainReader
from bridge.chain.transport import Transport
from bridge.codec.types import ChainId
from config.table import RpcUrl
from node.networks.errors import SettingsImpossible


@dataclass(frozen=True, slots=True)
class Connected:
    """A chain that answers; the first URL that did said which one it is, and every other must say the same."""

    name: str
    urls: tuple[RpcUrl, ...]
    chain_id: ChainId
    reader: ChainReader


async def connect(name: str, urls: tuple[str, ...], transport: Transport, clock: Clock) -> Connected:
    """The chain behind these URLs. Raises ChainError if none answers, SettingsImpossible for a bad URL."""
    try:
        reader = await chain_connect.connect(name, urls, transport, clock)
    except ValueError as error:
        raise SettingsImpossible(f"the RPC URL of the {name} chain: {error}") from None
    return Connected(name, tuple(map(RpcUrl, urls)), reader.pool.chain_id, reader)
