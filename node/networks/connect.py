"""Reaching a chain of which only the URL is known: it says itself which chain it is."""

import asyncio
from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.chain.endpoint import Endpoint, RpcCall, label_of
from bridge.chain.fields import as_quantity
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcLimits, RpcPool, with_timeout
from bridge.chain.transport import Transport
from bridge.codec.types import ChainId
from config.table import RpcUrl
from node.networks.errors import SettingsImpossible


@dataclass(frozen=True, slots=True)
class Connected:
    """A chain that answers; the first URL said which one it is, and every other must say the same."""

    name: str
    urls: tuple[RpcUrl, ...]
    chain_id: ChainId
    reader: ChainReader


async def connect(name: str, urls: tuple[str, ...], transport: Transport, clock: Clock) -> Connected:
    """The chain behind these URLs. Raises ChainError if the first does not answer, SettingsImpossible for a bad URL."""
    limits = RpcLimits()
    try:
        endpoint = Endpoint(
            url=urls[0],
            label=label_of(urls[0], 0),
            transport=transport,
            response_bytes_max=limits.response_bytes_max,
            batch_max=1,
            gate=asyncio.Semaphore(1),
        )
    except ValueError as error:
        raise SettingsImpossible(f"the RPC URL of the {name} chain: {error}") from None
    asked = endpoint.post(RpcCall("eth_chainId", []))
    answer = (await with_timeout(clock, asked, limits.budget_s, endpoint.label)).value
    chain_id = ChainId(as_quantity(answer, "eth_chainId"))
    return Connected(
        name, tuple(map(RpcUrl, urls)), chain_id, ChainReader(RpcPool(name, urls, chain_id, transport, clock, limits))
    )
