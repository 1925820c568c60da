"""Asking a chain of which only the URLs are known which chain it is."""

import asyncio
from collections.abc import Sequence

from bridge.chain.clock import Clock
from bridge.chain.endpoint import Endpoint, RpcCall, label_of
from bridge.chain.errors import EndpointError, RpcRefused
from bridge.chain.fields import as_quantity
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcLimits, RpcPool, with_timeout
from bridge.chain.transport import Transport
from bridge.codec.types import ChainId


async def connect(
    name: str, urls: Sequence[str], transport: Transport, clock: Clock, limits: RpcLimits | None = None
) -> ChainReader:
    """A reader of the chain behind these URLs. The first that answers says which chain it is; all others must agree.

    Raises ChainError if none answers, ValueError for a bad URL, without quoting it, or for none at all.
    """
    limits = limits or RpcLimits()
    if not urls:
        raise ValueError(f"{name}: give an RPC URL")
    endpoints = [
        Endpoint(
            url=url,
            label=label_of(url, position),
            transport=transport,
            response_bytes_max=limits.response_bytes_max,
            batch_max=1,
            gate=asyncio.Semaphore(1),
        )
        for position, url in enumerate(urls)
    ]
    chain_id = await _chain_id(endpoints, clock, limits)
    return ChainReader(RpcPool(name, urls, chain_id, transport, clock, limits))


async def _chain_id(endpoints: Sequence[Endpoint], clock: Clock, limits: RpcLimits) -> ChainId:
    for endpoint in endpoints:
        asked = endpoint.post(RpcCall("eth_chainId", []))
        try:
            answer = await with_timeout(clock, asked, limits.budget_s, endpoint.label)
        except (EndpointError, RpcRefused):
            if endpoint is endpoints[-1]:
                raise
        else:
            return ChainId(as_quantity(answer.value, "eth_chainId"))
    raise AssertionError("there is an endpoint")
