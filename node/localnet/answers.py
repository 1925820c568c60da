"""Waiting until processes answer: a chain by its RPC, validators by their APIs."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from bridge.chain.clock import Clock
from bridge.chain.errors import ChainError
from bridge.chain.transport import Transport
from node.localnet.processes import Process
from node.networks.connect import connect

CHAIN_WITHIN_S = 30.0
BLOCKS_WITHIN_S = 180.0
BLOCKS_MIN = 2
"""Of each validator, seen in one run: the network makes blocks."""
POLL_INTERVAL_S = 0.2
ANSWER_WITHIN_S = 5.0
STATUS_PATH = "/sidewarden/v1/status"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A validator that should answer, and the process that should."""

    process: Process
    api_url: str


async def until_chain_answers(process: Process, url: str, transport: Transport, clock: Clock) -> None:
    """Wait for a chain that was just started. Raises ProcessFailed."""
    deadline_s = clock.monotonic() + CHAIN_WITHIN_S
    while True:
        try:
            await connect(process.name, (url,), transport, clock)
        except ChainError as error:
            if process.pid() is None:
                raise process.failed("ended") from error
            if clock.monotonic() > deadline_s:
                raise process.failed(f"does not answer within {CHAIN_WITHIN_S:.0f} s") from error
            await clock.sleep(POLL_INTERVAL_S)
        else:
            return


async def until_blocks_come(
    validators: Sequence[Awaited], session: aiohttp.ClientSession, clock: Clock
) -> tuple[int, ...]:
    """Wait until every validator has seen the network make blocks; their heights. Raises ProcessFailed."""
    deadline_s = clock.monotonic() + BLOCKS_WITHIN_S
    first: dict[str, int] = {}
    heights: dict[str, int] = {}
    while len(heights) < len(validators) or min(heights[url] - first[url] for url in heights) < BLOCKS_MIN:
        for validator in validators:
            if validator.process.pid() is None:
                raise validator.process.failed("ended")
            status = await node_status(session, validator.api_url)
            if status is not None:
                heights[validator.api_url] = status["engine_height"]
                first.setdefault(validator.api_url, status["engine_height"])
        if clock.monotonic() > deadline_s:
            late = next((one for one in validators if one.api_url not in heights), validators[0])
            raise late.process.failed(f"made no {BLOCKS_MIN} blocks within {BLOCKS_WITHIN_S:.0f} s")
        await clock.sleep(POLL_INTERVAL_S)
    return tuple(heights[validator.api_url] for validator in validators)


async def node_status(session: aiohttp.ClientSession, api_url: str) -> dict[str, Any] | None:
    """What a validator's API says of itself; None while it does not answer."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    try:
        async with session.get(api_url + STATUS_PATH, timeout=timeout) as answer:
            if answer.status != HTTPStatus.OK:
                return None
            status: dict[str, Any] = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return status
