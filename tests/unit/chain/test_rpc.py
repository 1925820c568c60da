"""The pool against servers that are slow, silent, wrong, huge, partial or on another chain."""

import asyncio
import json
import logging

import aiohttp
import pytest
from aiohttp import web

from bridge.chain.clock import ManualClock
from bridge.chain.endpoint import EndpointState, RpcAnswer, RpcCall
from bridge.chain.errors import NoEndpoint, RpcRefused
from bridge.chain.rpc import RpcLimits, RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec.types import ChainId, Hash32
from tests.unit.chain.rpc_server import RpcFault, RpcServer, always
from tests.unit.chain.tiny_chain import CHAIN_ID, TinyChain

SMALL = RpcLimits(budget_s=10.0, probe_s=2.0, response_bytes_max=10_000, batch_max=4)


def pool_of(
    session: aiohttp.ClientSession, clock: ManualClock, *servers: RpcServer, genesis: Hash32 | None = None
) -> RpcPool:
    return RpcPool(
        "tiny", [one.url for one in servers], ChainId(CHAIN_ID), HttpTransport(session), clock, SMALL, genesis
    )


def state_of(pool: RpcPool) -> EndpointState:
    """The state of the primary."""
    return pool.endpoints[0].state


async def numbers(pool: RpcPool, count: int) -> list[object]:
    """The numbers of the first blocks, by one batch."""
    calls = [RpcCall("eth_getBlockByNumber", (hex(number), False)) for number in range(count)]
    answers = await pool.batch(calls)
    values = [answer.value for answer in answers if isinstance(answer, RpcAnswer)]
    return [value["number"] for value in values if isinstance(value, dict)]


async def test_pool__all_is_well__answers_and_shows_health(pool: RpcPool) -> None:
    assert await pool.call("eth_blockNumber", []) == "0x0"
    (report,) = pool.endpoints
    assert report.state is EndpointState.READY
    assert report.errors == ()


async def test_pool__primary_silent__second_answers_within_the_budget(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    server.behaviour = server.silence
    call = asyncio.ensure_future(pool.call("eth_blockNumber", []))
    await server.arrived.wait()
    assert not call.done()
    clock.advance(2.0)
    assert await call == "0x0"
    assert clock.monotonic() <= SMALL.budget_s
    assert pool.endpoints[0].errors == (("RPC_TIMEOUT", 1),)


async def test_pool__primary_goes_silent_after_its_check__half_of_the_budget_is_the_second_s(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    await pool.call("eth_blockNumber", [])
    server.behaviour = server.silence
    server.arrived.clear()
    call = asyncio.ensure_future(pool.call("eth_blockNumber", []))
    await server.arrived.wait()
    clock.advance(SMALL.budget_s / 2)
    async with asyncio.timeout(10):  # else it would wait for a clock that stands still
        assert await call == "0x0"


async def test_pool__only_endpoint_goes_silent_after_its_check__fails_when_the_budget_is_spent(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer
) -> None:
    pool = pool_of(session, clock, server)
    await pool.call("eth_blockNumber", [])
    server.behaviour = server.silence
    server.arrived.clear()
    call = asyncio.ensure_future(pool.call("eth_blockNumber", []))
    await server.arrived.wait()
    clock.advance(9.9)
    assert not call.done()
    clock.advance(0.1)
    with pytest.raises(NoEndpoint):
        await call


async def test_pool__wrong_chain_id__is_never_read(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    server.answer = lambda method, _params: "0x1" if method == "eth_chainId" else "0x63"
    pool = pool_of(session, clock, server, other)
    assert await pool.call("eth_blockNumber", []) == "0x0"
    assert set(server.calls) == {"eth_chainId"}
    assert state_of(pool) is EndpointState.WRONG_CHAIN


async def test_pool__right_chain_id_but_other_genesis__is_never_read(
    session: aiohttp.ClientSession, clock: ManualClock, chain: TinyChain, server: RpcServer
) -> None:
    assert await pool_of(session, clock, server, genesis=chain.head.hash).call("eth_blockNumber", []) == "0x0"
    pool = pool_of(session, clock, server, genesis=Hash32(b"\x01" * 32))
    with pytest.raises(NoEndpoint, match="genesis"):
        await pool.call("eth_blockNumber", [])


async def test_pool__primary_fails_and_heals__is_left_alone_then_used_again(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    server.behaviour = always(lambda: web.Response(status=500))
    for _ in range(3):
        await pool.call("eth_blockNumber", [])
    assert state_of(pool) is EndpointState.PAUSED
    asked = server.requests
    await pool.call("eth_blockNumber", [])
    assert server.requests == asked
    server.behaviour = None
    clock.advance(2.0)
    other_asked = other.requests
    await pool.call("eth_blockNumber", [])
    assert state_of(pool) is EndpointState.READY
    assert other.requests == other_asked
    assert server.calls[-2:] == ["eth_chainId", "eth_blockNumber"]


async def test_pool__every_endpoint_paused__fails_at_once_without_a_request(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer
) -> None:
    pool = pool_of(session, clock, server)
    server.behaviour = always(lambda: web.Response(status=500))
    for _ in range(3):
        with pytest.raises(NoEndpoint):
            await pool.call("eth_blockNumber", [])
    asked = server.requests
    with pytest.raises(NoEndpoint, match="HTTP status 500"):
        await pool.call("eth_blockNumber", [])
    assert server.requests == asked


async def test_pool__http_429__is_left_alone_at_once(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    server.behaviour = always(lambda: web.Response(status=429))
    assert await pool.call("eth_blockNumber", []) == "0x0"
    assert state_of(pool) is EndpointState.PAUSED


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>gateway</html>", "RPC_NOT_JSON_RPC"),
        (b"", "RPC_NOT_JSON_RPC"),
        (b'{"a":"\xff"}', "RPC_NOT_JSON_RPC"),
        (b"[" * 9_000, "RPC_NOT_JSON_RPC"),
        (b"{}", "RPC_NOT_JSON_RPC"),
        (b"[]", "RPC_NOT_JSON_RPC"),
        (b"null", "RPC_NOT_JSON_RPC"),
        (b'{"jsonrpc":"2.0","id":2,"result":"0x0"}', "RPC_NOT_JSON_RPC"),
        (b'{"jsonrpc":"2.0","id":1}', "RPC_NOT_JSON_RPC"),
        (b'{"jsonrpc":"2.0","id":1,"result":"0x0","error":{"code":1,"message":"both"}}', "RPC_NOT_JSON_RPC"),
        (b'{"jsonrpc":"2.0","id":1,"error":"text"}', "RPC_NOT_JSON_RPC"),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":1}}', "RPC_NOT_JSON_RPC"),
        (b'"' + b"a" * 20_000 + b'"', "RPC_RESPONSE_TOO_LARGE"),
    ],
)
async def test_pool__body_is_no_answer__counts_against_the_endpoint(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer, body: bytes, code: str
) -> None:
    pool = pool_of(session, clock, server, other)
    server.behaviour = always(lambda: web.Response(body=body))
    assert await pool.call("eth_blockNumber", []) == "0x0"
    assert pool.endpoints[0].errors == ((code, 1),)


async def test_pool__node_repeats_the_key_of_its_url__no_error_shows_it(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer
) -> None:
    def refuse(method: str, _params: list[object]) -> object:
        raise RpcFault(-32000, f"{method}: the key key-0123456789 is out of credit")

    server.answer = refuse
    pool = pool_of(session, clock, server)
    with pytest.raises(NoEndpoint) as down:
        await pool.call("eth_blockNumber", [])
    assert "the key … is out of credit" in str(down.value)
    assert "key-0123456789" not in f"{down.value}{pool.endpoints}"


async def test_pool__response_of_exactly_the_limit__is_read(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer
) -> None:
    pool = pool_of(session, clock, server)
    await pool.call("eth_chainId", [])
    frame = len(b'{"jsonrpc":"2.0","id":1,"result":""}')
    size = SMALL.response_bytes_max - frame

    async def of_size(_request: object) -> web.Response:
        return web.Response(body=b'{"jsonrpc":"2.0","id":1,"result":"' + b"a" * size + b'"}')

    server.behaviour = of_size
    assert await pool.call("x", []) == "a" * size
    size += 1
    with pytest.raises(NoEndpoint, match="more than 10000 bytes"):
        await pool.call("x", [])


async def test_pool__connection_refused__says_so(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    pool = RpcPool("tiny", ["http://127.0.0.1:1/"], ChainId(CHAIN_ID), HttpTransport(session), clock)
    with pytest.raises(NoEndpoint, match="no connection"):
        await pool.call("eth_blockNumber", [])
    assert pool.endpoints[0].errors == (("RPC_UNREACHABLE", 1),)


async def test_pool__redirect__is_not_followed(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    server.behaviour = always(lambda: web.Response(status=307, headers={"Location": other.url}))
    with pytest.raises(NoEndpoint, match="307"):
        await pool_of(session, clock, server).call("eth_blockNumber", [])
    assert other.requests == 0


async def test_pool__refusal_that_speaks_of_the_call__is_raised_at_once(
    session: aiohttp.ClientSession, clock: ManualClock, chain: TinyChain, server: RpcServer, other: RpcServer
) -> None:
    def refuse(method: str, params: list[object]) -> object:
        if method == "eth_chainId":
            return chain.answer(method, params)
        raise RpcFault(-32000, "nonce too low")

    server.answer = refuse
    pool = pool_of(session, clock, server, other)
    with pytest.raises(RpcRefused) as refused:
        await pool.call("eth_sendRawTransaction", ["0x"])
    assert refused.value.rpc_message == "nonce too low"
    assert other.requests == 0
    assert state_of(pool) is EndpointState.READY


async def test_pool__refusal_that_speaks_of_the_endpoint__next_one_is_asked(
    session: aiohttp.ClientSession, clock: ManualClock, chain: TinyChain, server: RpcServer, other: RpcServer
) -> None:
    def refuse(method: str, params: list[object]) -> object:
        if method == "eth_chainId":
            return chain.answer(method, params)
        raise RpcFault(-32005, "daily request count exceeded")

    server.answer = refuse
    assert await pool_of(session, clock, server, other).call("eth_blockNumber", []) == "0x0"


async def test_batch__longer_than_a_request_may_be__is_split_and_stays_in_order(
    session: aiohttp.ClientSession, clock: ManualClock, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=10)
    pool = pool_of(session, clock, server)
    assert await numbers(pool, 9) == [hex(number) for number in range(9)]
    assert server.requests == 1 + 3


async def test_batch__answered_out_of_order__comes_back_in_order(
    session: aiohttp.ClientSession, clock: ManualClock, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=3)
    pool = pool_of(session, clock, server)
    await pool.call("eth_chainId", [])

    async def backwards(request: object) -> web.Response:
        assert isinstance(request, list)
        replies = [
            {"jsonrpc": "2.0", "id": item["id"], "result": chain.answer(item["method"], item["params"])}
            for item in request
        ]
        return web.json_response(replies[::-1])

    server.behaviour = backwards
    assert await numbers(pool, 4) == ["0x0", "0x1", "0x2", "0x3"]


@pytest.mark.parametrize("damage", ["partial", "doubled", "foreign", "textual"])
async def test_batch__answers_do_not_fit_the_calls__next_endpoint_is_asked(
    session: aiohttp.ClientSession,
    clock: ManualClock,
    chain: TinyChain,
    server: RpcServer,
    other: RpcServer,
    damage: str,
) -> None:
    chain.mine(count=3)
    pool = pool_of(session, clock, server, other)

    async def damaged(request: object) -> web.Response | None:
        if not isinstance(request, list):
            return None
        ids = [item["id"] for item in request]
        damages: dict[str, list[object]] = {
            "partial": ids[:-1],
            "doubled": [ids[0], *ids[:-1]],
            "foreign": [99, *ids[1:]],
            "textual": [str(one) for one in ids],
        }
        return web.json_response([{"jsonrpc": "2.0", "id": one, "result": "0x0"} for one in damages[damage]])

    server.behaviour = damaged
    assert await numbers(pool, 3) == ["0x0", "0x1", "0x2"]
    assert pool.endpoints[0].errors == (("RPC_NOT_JSON_RPC", 1),)


async def test_batch__node_refuses_batches_of_that_size__halves_until_it_takes_them(
    session: aiohttp.ClientSession, clock: ManualClock, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=8)
    pool = pool_of(session, clock, server)

    async def small_only(request: object) -> web.Response | None:
        if not isinstance(request, list) or len(request) <= 1:
            return None
        return web.json_response(
            {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "batch too large"}}
        )

    server.behaviour = small_only
    assert await numbers(pool, 5) == [hex(number) for number in range(5)]
    asked = server.requests
    await numbers(pool, 5)
    assert server.requests == asked + 5  # it remembers


async def test_batch__one_call_refused__the_others_count(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer
) -> None:
    pool = pool_of(session, clock, server)
    good, bad = await pool.batch([RpcCall("eth_blockNumber", ()), RpcCall("eth_nothing", ())])
    assert good == RpcAnswer("0x0")
    assert isinstance(bad, RpcRefused)


async def test_batch__endpoint_refuses_every_call_of_it__next_endpoint_is_asked(
    session: aiohttp.ClientSession, clock: ManualClock, chain: TinyChain, server: RpcServer, other: RpcServer
) -> None:
    chain.mine(count=3)
    pool = pool_of(session, clock, server, other)
    await pool.call("eth_chainId", [])

    def limited(method: str, _params: list[object]) -> object:
        raise RpcFault(-32005, f"{method}: limit exceeded")

    server.answer = limited
    assert await numbers(pool, 3) == ["0x0", "0x1", "0x2"]


async def test_pool__second__is_another_endpoint_than_the_one_in_use(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    await pool.call("eth_blockNumber", [])
    second = pool.second()
    assert second is not None
    await second.call("eth_blockNumber", [])
    assert "eth_blockNumber" in other.calls
    server.behaviour = always(lambda: web.Response(status=500))
    await pool.call("eth_blockNumber", [])
    again = pool.second()
    assert again is not None
    assert again.endpoints[0].label == pool.endpoints[0].label
    assert pool_of(session, clock, server).second() is None


async def test_pool__demoted_in_a_twin__is_asked_last_there_and_first_in_the_pool(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    twin, (first, last) = pool.twin(), (report.label for report in pool.endpoints)
    assert twin.demote(first)
    assert [report.label for report in twin.endpoints] == [last, first]
    assert [report.label for report in pool.endpoints] == [first, last]
    await twin.call("eth_blockNumber", [])
    assert ("eth_blockNumber" in other.calls, "eth_blockNumber" in server.calls) == (True, False)
    assert not twin.demote("nobody")
    assert not pool_of(session, clock, server).demote(first)


async def test_pool__call_all__asks_every_endpoint_and_survives_a_dead_one(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    server.behaviour = always(lambda: web.Response(status=500))
    dead, alive = await pool.call_all("eth_blockNumber", [])
    assert isinstance(dead, NoEndpoint)
    assert alive == RpcAnswer("0x0")


async def test_pool__call_on__asks_that_endpoint_only(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer, other: RpcServer
) -> None:
    pool = pool_of(session, clock, server, other)
    assert await pool.call_on(pool.endpoints[1].label, "eth_blockNumber", []) == "0x0"
    assert server.requests == 0
    with pytest.raises(KeyError):
        await pool.call_on("nobody", "eth_blockNumber", [])


async def test_pool__cancelled_call__leaves_no_task_behind(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer
) -> None:
    pool = pool_of(session, clock, server)
    server.behaviour = server.silence
    before = asyncio.all_tasks()
    call = asyncio.ensure_future(pool.call("eth_blockNumber", []))
    await server.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    ours = {task for task in asyncio.all_tasks() - before if "rpc.py" in repr(task.get_coro())}
    assert not ours


@pytest.mark.parametrize(
    "failure",
    [
        lambda: web.Response(status=500, text="secret-key in the page"),
        lambda: web.Response(status=302, headers={"Location": "/secret-key"}),
        lambda: web.Response(body=b"not json"),
    ],
)
async def test_pool__url_holds_a_key__it_is_shown_nowhere(
    session: aiohttp.ClientSession,
    clock: ManualClock,
    server: RpcServer,
    caplog: pytest.LogCaptureFixture,
    failure: object,
) -> None:
    caplog.set_level(logging.DEBUG)
    port = server.url.split(":")[2].split("/")[0]
    assert callable(failure)
    server.behaviour = always(failure)
    urls = [f"http://user:secret-key@127.0.0.1:{port}/v3/secret-key?key=secret-key", "http://secret-key.invalid:1/"]
    pool = RpcPool("tiny", urls[:1], ChainId(CHAIN_ID), HttpTransport(session), clock)
    with pytest.raises(NoEndpoint) as raised:
        await pool.call("eth_blockNumber", [])
    shown = [str(raised.value), repr(raised.value), str(pool.endpoints), repr(pool._endpoints)]
    assert raised.value.__cause__ is None
    assert "secret-key" not in "".join(shown)


@pytest.mark.parametrize(
    "url", ["ftp://secret-key/", "secret-key", "http://", "http://host:99999999/secret-key", "//x"]
)
async def test_pool__bad_url__is_refused_without_quoting_it(
    session: aiohttp.ClientSession, clock: ManualClock, url: str
) -> None:
    with pytest.raises(ValueError, match="endpoint 0") as raised:
        RpcPool("tiny", [url], ChainId(CHAIN_ID), HttpTransport(session), clock)
    assert "secret-key" not in str(raised.value)


@pytest.mark.parametrize("count", [0, 17])
async def test_pool__no_or_too_many_urls__is_refused(
    session: aiohttp.ClientSession, clock: ManualClock, count: int
) -> None:
    with pytest.raises(ValueError, match="between 1 and 16"):
        RpcPool("tiny", ["http://127.0.0.1:1/"] * count, ChainId(CHAIN_ID), HttpTransport(session), clock)


async def test_pool__many_calls_at_once__requests_in_flight_stay_within_the_limit(
    session: aiohttp.ClientSession, clock: ManualClock, server: RpcServer
) -> None:
    limits = RpcLimits(in_flight_max=3)
    pool = RpcPool("tiny", [server.url], ChainId(CHAIN_ID), HttpTransport(session), clock, limits)
    await pool.call("eth_chainId", [])
    in_flight = most = 0

    async def count(_request: object) -> web.Response:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        for _ in range(20):
            await asyncio.sleep(0)
        in_flight -= 1
        return web.Response(body=json.dumps({"jsonrpc": "2.0", "id": 1, "result": True}).encode())

    server.behaviour = count
    assert await asyncio.gather(*(pool.call("x", []) for _ in range(20))) == [True] * 20
    assert most == 3
