"""One false byte in any answer of any endpoint: an error, or the very same payload, and never another one."""

import copy
import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.burns.errors import BurnError, CannotTell, EndpointFalse, HistoryPruned
from bridge.burns.report import BurnStatus
from bridge.codec.abi import selector
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.types import BlockNumber
from tests.unit.burns.world import Side, Tamper, burn_log, burn_world, transfer_log
from tests.unit.chain.rpc_server import always

METHODS = (
    "eth_getTransactionReceipt",
    "eth_getBlockReceipts",
    "eth_call",
    "eth_getBlockByNumber",
)


def flipping(method: str, occurrence: int, seed: int) -> Tamper:
    """Flip one hex digit somewhere in the n-th answer to this method."""
    seen = 0

    def tamper(asked: str, _: list[object], result: object) -> object:
        nonlocal seen
        if asked != method:
            return result
        seen += 1
        return flipped(result, random.Random(seed)) if seen == occurrence else result

    return tamper


def flipped(value: object, draw: random.Random) -> object:
    """The JSON value with one hex digit changed, somewhere."""
    value = copy.deepcopy(value)
    places: list[tuple[dict[str, object] | list[object], str | int]] = []
    holder: list[object] = [value]
    stack: list[dict[str, object] | list[object]] = [holder]
    while stack:
        one = stack.pop()
        items = one.items() if isinstance(one, dict) else enumerate(one)
        for key, item in items:
            if isinstance(item, dict | list):
                stack.append(item)
            elif isinstance(item, str) and len(item) > 2:
                places.append((one, key))
    if not places:
        return value
    container, key = draw.choice(places)
    text = container[key]  # type: ignore[index]  # the key is of the container's own kind
    assert isinstance(text, str)
    at = draw.randrange(2, len(text))
    digit = f"{int(text[at], 16) ^ draw.randrange(1, 16):x}"
    container[key] = text[:at] + digit + text[at + 1 :]  # type: ignore[index]  # as above
    return holder[0]


@given(method=st.sampled_from(METHODS), occurrence=st.integers(1, 4), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_proof__with_one_false_digit_in_an_answer__is_an_error_or_unchanged(
    method: str, occurrence: int, seed: int
) -> None:
    async with burn_world(stored_blocks=False) as world:
        transaction = await world.ready_burn(transfer_log(), burn_log(), before=[[burn_log(9)]])
        true = (await world.service.proof(transaction)).payload
    async with burn_world(stored_blocks=False) as world:
        transaction = await world.ready_burn(transfer_log(), burn_log(), before=[[burn_log(9)]])
        world.tamper = flipping(method, occurrence, seed)
        with suppress(BurnError):
            assert (await world.service.proof(transaction)).payload == true


async def test_burns__with_another_receipt_than_the_block_has__name_the_endpoint() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn(burn_log(1))

        def more(method: str, _: list[object], result: object) -> object:
            if method == "eth_getTransactionReceipt" and isinstance(result, dict):
                return {**result, "cumulativeGasUsed": "0x5209"}
            return result

        world.tamper = more
        with pytest.raises(EndpointFalse) as refused:
            await world.service.burns(transaction)
        assert refused.value.endpoint in str(refused.value)
        assert "key-0123456789" not in str(refused.value)


async def test_burns__with_receipts_missing__say_that_the_endpoint_no_longer_has_them() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()

        def empty(method: str, _: list[object], result: object) -> object:
            return [] if method == "eth_getBlockReceipts" else result

        world.tamper = empty
        with pytest.raises(HistoryPruned, match="receipts of block 5; add an endpoint"):
            await world.service.burns(transaction)


async def test_burns__with_a_block_that_is_not_on_our_chain__name_the_endpoint() -> None:
    async with burn_world() as world:
        transaction = await world.ready_burn()

        def elsewhere(method: str, _: list[object], result: object) -> object:
            if method == "eth_getTransactionReceipt" and isinstance(result, dict):
                return {**result, "blockHash": "0x" + "ab" * 32}
            return result

        world.tamper = elsewhere
        with pytest.raises(EndpointFalse, match="ours is"):
            await world.service.burns(transaction)


def lying(method: str, lie: Callable[[dict[str, object]], dict[str, object]]) -> Tamper:
    """The same lie in every JSON object that answers this method."""

    def tamper(asked: str, _: list[object], result: object) -> object:
        if asked != method:
            return result
        if isinstance(result, list):
            return [lie(one) if isinstance(one, dict) else one for one in result]
        return lie(result) if isinstance(result, dict) else result

    return tamper


def another_root(method: str, params: list[object], result: object) -> object:
    """A RootChain whose every checkpoint has another root."""
    asks = method == "eth_call" and to_hex(selector("headerBlocks(uint256)")) in str(params[0])
    return f"0x{'ab' * 32}{str(result)[66:]}" if asks else result


LIES = {
    "receipt": lying("eth_getTransactionReceipt", lambda fields: {**fields, "cumulativeGasUsed": "0x5209"}),
    "block": lying("eth_getTransactionReceipt", lambda fields: {**fields, "blockHash": "0x" + "ab" * 32}),
    "receipts": lying("eth_getBlockReceipts", lambda fields: {**fields, "cumulativeGasUsed": "0x5209"}),
    "headers": lying("eth_getBlockByNumber", lambda fields: {**fields, "gasUsed": "0x5209"}),
    "checkpoint": another_root,
}


@pytest.mark.parametrize("lie", LIES)
async def test_proof__one_endpoint_of_two_lies__is_made_from_the_other(lie: str) -> None:
    async with burn_world(stored_blocks=False) as world:
        true = (await world.service.proof(await world.ready_burn(burn_log(), before=[[burn_log(9)]]))).payload
    async with burn_world(stored_blocks=False, honest_seconds=True) as world:
        transaction = await world.ready_burn(burn_log(), before=[[burn_log(9)]])
        world.tamper = LIES[lie]
        assert (await world.service.proof(transaction)).payload == true


async def test_proof__every_endpoint_lies__names_one() -> None:
    async with burn_world(stored_blocks=False) as world:
        transaction = await world.ready_burn()
        world.tamper = another_root
        with pytest.raises(EndpointFalse, match="have root"):
            await world.service.proof(transaction)


async def test_burns__two_endpoints_differ_about_a_paid_exit__cannot_be_told() -> None:
    async with burn_world(honest_seconds=True) as world:
        transaction = await world.ready_burn()

        def claims_paid(method: str, params: list[object], result: object) -> object:
            asks = method == "eth_call" and to_hex(selector("processedExits(bytes32)")) in str(params[0])
            return to_hex((1).to_bytes(32)) if asks else result

        world.tamper = claims_paid
        with pytest.raises(CannotTell, match="differ about which exits"):
            await world.service.burns(transaction)


async def test_burns__the_second_endpoint_cannot_answer__the_first_is_believed() -> None:
    async with burn_world(honest_seconds=True) as world:
        transaction = await world.ready_burn()
        for server in world.second_servers:
            server.behaviour = always(lambda: web.Response(status=503))
        assert (await world.service.burns(transaction)).status is BurnStatus.READY


async def test_burns__in_a_block_that_one_endpoint_made_up__are_not_ready() -> None:
    """Of a block older than our headers, the endpoint shows its own version once, and the true one among the leaves."""
    async with burn_world(stored_blocks=False) as world:
        await world.ready_burn()
        number = BlockNumber(world.side.head.number - 10)
        world.followers[0].store.prune_below(BlockNumber(number + 1))
        fork = Side()
        fork.blocks = world.side.blocks[:number]
        made_up = fork.burn(burn_log(1_000_000))
        is_shown = False

        def tamper(method: str, params: list[object], result: object) -> object:
            nonlocal is_shown
            if method == "eth_getBlockByNumber" and params[0] == quantity(number) and not is_shown:
                is_shown = True
                return fork.answer(method, params)
            of_it = [to_hex(made_up), to_hex(fork.head.hash)]
            return fork.answer(method, params) if params and params[0] in of_it else result

        world.tamper = tamper
        with pytest.raises(EndpointFalse, match=f"block {number} is not under checkpoint 10000"):
            await world.service.burns(made_up)
