"""The server towards bad input and at its limits: always an answer, always the right one."""

import asyncio
import json
from random import Random

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.chain.clock import ManualClock
from bridge.codec.hexadecimal import to_hex
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.rpc import ranges
from node.devnet.rpc.documents import RpcLimits
from node.devnet.rpc.faults import ChainFaults
from node.devnet.rpc.methods import METHODS
from node.devnet.rpc.server import ServedChain, rpc_app
from tests.unit.devnet.client import Client, RpcFailed
from tests.unit.devnet.world import ALICE, LOGGER, WatchedClock, deploy, open_chain, signed

BLOCK_NUMBER = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b'{"id": 1e999}', -32700),
        (b"null", -32600),
        (b"7", -32600),
        (b"[]", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":"' + b"x" * 129 + b'","method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_nope"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}', -32602),
    ],
)
async def test_body__malformed__is_answered_with_its_code(client: Client, body: bytes, code: int) -> None:
    answer = await client.post_bytes(body)
    assert answer["error"]["code"] == code
    assert await client.call("eth_blockNumber") == "0x0"


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("eth_getBalance", [7], "invalid argument 0"),
        ("eth_getBalance", ["0x00"], "expected 20 bytes"),
        ("eth_getBalance", ["00" * 20], "0x-prefixed"),
        ("eth_getBalance", [to_hex(ALICE.address), "newest"], "invalid argument 1"),
        ("eth_getBalance", [to_hex(ALICE.address), "0x01"], "without leading zeros"),
        ("eth_getBalance", [to_hex(ALICE.address), {}], "blockHash or by blockNumber"),
        ("eth_getBalance", [to_hex(ALICE.address), {"blockHash": "0x00"}], "expected 32 bytes"),
        ("eth_getBlockByNumber", ["0x1", "yes"], "true or false"),
        ("eth_getBlockByNumber", ["0x1" + "0" * 16], "64 bits"),
        ("eth_call", ["0x"], "expected an object"),
        ("eth_call", [{"to": 7}], "invalid argument 0"),
        ("eth_call", [{"gas": "0x1" + "0" * 16}], "64 bits"),
        ("eth_getLogs", [{"topics": [None] * 5}], "at most 4"),
        ("eth_getLogs", [{"topics": ["0x00"]}], "expected 32 bytes"),
        ("eth_getLogs", [{"address": ["0x00"]}], "expected 20 bytes"),
        ("eth_getLogs", [{"address": [to_hex(ALICE.address)] * 1_001}], "at most 1000"),
        ("eth_getLogs", [{"blockHash": to_hex(bytes(32)), "fromBlock": "0x0"}], "cannot specify both"),
        ("eth_getLogs", [{"blockHash": to_hex(bytes(32))}], "header not found"),
        ("eth_feeHistory", ["0x1", "latest", [50, 20]], "percentile"),
        ("eth_feeHistory", ["0x1", "latest", [101]], "percentile"),
        ("eth_feeHistory", ["0x1", "latest", ["x"]], "percentile"),
        ("eth_feeHistory", ["0x1", "latest", [1] * 101], "at most 100"),
        ("eth_sendRawTransaction", ["0x"], "transaction type not supported"),
        ("eth_sendRawTransaction", ["0xzz"], "not hex"),
    ],
)
async def test_parameter__malformed__is_named(client: Client, method: str, params: list[object], words: str) -> None:
    with pytest.raises(RpcFailed, match=words):
        await client.call(method, *params)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "0x", "0x0", "0x1", "latest", "pending", to_hex(bytes(32)), to_hex(ALICE.address), "0x" + "f" * 63]
    )
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "to",
                    "from",
                    "data",
                    "input",
                    "gas",
                    "value",
                    "address",
                    "topics",
                    "fromBlock",
                    "toBlock",
                    "blockHash",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(METHODS)), st.lists(json_values, max_size=4))
async def test_parameters__anything__is_answered_without_a_bug(
    client: Client, method: str, params: list[object]
) -> None:
    answer = await client.post({"jsonrpc": "2.0", "id": "x", "method": method, "params": params})
    assert answer["id"] == "x"
    assert ("result" in answer) != ("error" in answer)
    assert "error" not in answer or answer["error"]["code"] != -32603


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), json_values.map(lambda value: json.dumps(value).encode())))
async def test_body__anything__is_answered(client: Client, body: bytes) -> None:
    answer = await client.post_bytes(body)
    assert answer is not None


async def test_batch__answers_in_order_and_each_on_its_own(client: Client) -> None:
    calls = [{**BLOCK_NUMBER, "id": 5}, 7, {**BLOCK_NUMBER, "id": "a", "method": "nope"}, {**BLOCK_NUMBER, "id": 6}]
    answers = await client.post(calls)
    assert [answer["id"] for answer in answers] == [5, None, "a", 6]
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32600, -32601, None]


async def test_notification__is_done_and_not_answered(client: Client, chain: EmbeddedChain) -> None:
    call = {"jsonrpc": "2.0", "method": "eth_sendRawTransaction", "params": [to_hex(signed(ALICE, 0))]}
    assert await client.post_bytes(json.dumps(call).encode()) is None
    assert chain.waiting_count == 1
    assert len(await client.post([call, BLOCK_NUMBER])) == 1


async def test_content_type__other_than_json__is_refused(client: Client) -> None:
    answer = await client.post_bytes(json.dumps(BLOCK_NUMBER).encode(), "text/plain")
    assert answer["error"]["code"] == -32600


async def test_path__unknown__is_not_found(client: Client, session: aiohttp.ClientSession) -> None:
    bare = client._url
    for path in ("/v/0/c", "/v/32/a", "/v/-1/a", "/v/x/b", "/v/0", "/v/0/a/"):
        async with session.post(bare + path, json=BLOCK_NUMBER) as response:
            assert response.status == 404
    async with session.get(bare) as response:
        assert response.status == 405


LIMITS = RpcLimits(body_bytes_max=2_000, batch_max=5, response_bytes_max=3_000, requests_in_flight_max=2)


async def test_limits__at_each__one_more_is_refused(session: aiohttp.ClientSession) -> None:
    served = ServedChain(open_chain(), Random(0))
    async with TestServer(rpc_app({"root": served}, ManualClock(), LIMITS)) as server:
        small = Client(session, str(server.make_url("/root")))
        body = json.dumps(BLOCK_NUMBER).encode()
        assert "result" in await small.post_bytes(body.ljust(2_000))
        too_long = await small.post_bytes(body.ljust(2_001))
        assert "content length too large" in too_long["error"]["message"]
        assert len(await small.post([BLOCK_NUMBER] * 5)) == 5
        assert "batch too large" in (await small.post([BLOCK_NUMBER] * 6))["error"]["message"]
        block = {**BLOCK_NUMBER, "method": "eth_getBlockByNumber", "params": ["0x0", False]}
        answers = await small.post([block, block, BLOCK_NUMBER])
        assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32003, None]


async def test_requests_in_flight__at_the_limit__one_more_is_refused(session: aiohttp.ClientSession) -> None:
    served, clock = ServedChain(open_chain(), Random(0)), WatchedClock()
    served.faults.set(ChainFaults(latency_ms=1_000))
    async with TestServer(rpc_app({"root": served}, clock, LIMITS)) as server:
        slow = Client(session, str(server.make_url("/root/v/0/a")))
        waiting = [asyncio.create_task(slow.call("eth_blockNumber")) for _ in range(2)]
        for _ in waiting:
            await clock.slept.acquire()
        refused = await slow.post(BLOCK_NUMBER)
        assert (refused["error"]["code"], refused["error"]["message"]) == (-32005, "too many requests in flight")
        clock.advance(1)
        assert await asyncio.gather(*waiting) == ["0x0", "0x0"]
        assert "result" in await Client(session, str(server.make_url("/root"))).post(BLOCK_NUMBER)


async def test_logs__at_the_limit_of_blocks__one_more_is_refused(
    monkeypatch: pytest.MonkeyPatch, client: Client, chain: EmbeddedChain
) -> None:
    monkeypatch.setattr(ranges, "LOG_BLOCKS_MAX", 100)
    chain.mine(100)
    assert await client.call("eth_getLogs", {"fromBlock": "0x1", "toBlock": "latest"}) == []
    with pytest.raises(RpcFailed, match="query exceeds max block range 100") as failure:
        await client.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0xffff"})
    assert failure.value.code == -32005


async def test_logs__at_the_limit_of_results__one_more_is_refused(
    monkeypatch: pytest.MonkeyPatch, client: Client, chain: EmbeddedChain
) -> None:
    monkeypatch.setattr(ranges, "LOGS_MAX", 3)
    logger = deploy(chain, LOGGER)
    for nonce in range(1, 4):
        chain.send_raw(signed(ALICE, nonce, to=logger))
    chain.mine()
    everything = {"fromBlock": "0x0", "toBlock": "latest"}
    assert len(await client.call("eth_getLogs", everything)) == 3
    chain.send_raw(signed(ALICE, 4, to=logger))
    chain.mine()
    with pytest.raises(RpcFailed, match="query returned more than 3 results"):
        await client.call("eth_getLogs", everything)
