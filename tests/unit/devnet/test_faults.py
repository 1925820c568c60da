"""Faults of the RPC: who meets them, and what they look like."""

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.hexadecimal import quantity, to_hex
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chains_local import LocalChains
from node.devnet.rpc.faults import NO_FAULTS, ChainFaults, FaultTable
from tests.unit.devnet.client import Client, RpcFailed
from tests.unit.devnet.world import ALICE, LOGGER, WatchedClock, deploy, send_and_mine, signed


@given(
    st.lists(st.builds(ChainFaults, validator=st.none() | st.integers(0, 3), latency_ms=st.integers(0, 5)), max_size=6)
)
def test_table__the_last_word_on_a_validator__counts_and_the_bare_url_is_true(settings: list[ChainFaults]) -> None:
    table = FaultTable()
    for faults in settings:
        table.set(faults)
    assert table.of(None) == NO_FAULTS
    for validator in range(4):
        said = [faults for faults in settings if faults.validator in (None, validator)]
        assert table.of(validator) == (said[-1] if said else NO_FAULTS)


async def test_faults__of_one_validator__hit_both_of_its_urls_and_nobody_else(
    chains: LocalChains, chain: EmbeddedChain, session: aiohttp.ClientSession
) -> None:
    chain.mine(5)
    await chains.set_faults("root", ChainFaults(validator=1, hide_newest_blocks=2))

    async def heads(validator: int) -> list[str]:
        return [await Client(session, url).call("eth_blockNumber") for url in chains.validator_urls("root", validator)]

    assert await heads(0) == ["0x5", "0x5"]
    assert await heads(1) == ["0x3", "0x3"]
    await chains.set_faults("root", ChainFaults(hide_newest_blocks=1))
    assert await heads(0) == await heads(1) == ["0x4", "0x4"]
    assert await Client(session, chains.rpc_url("root")).call("eth_blockNumber") == "0x5"
    await chains.set_faults("root", NO_FAULTS)
    assert await heads(1) == ["0x5", "0x5"]


async def test_hidden_blocks__every_answer__is_as_of_the_older_head(
    chains: LocalChains, chain: EmbeddedChain, client: Client, validator_0: Client
) -> None:
    logger = to_hex(deploy(chain, LOGGER))
    sent = chain.send_raw(signed(ALICE, 1, value_wei=5))
    newest = chain.mine(3)[-1]
    everything = {"fromBlock": "earliest", "toBlock": "latest"}
    older = {
        "balance": await client.call("eth_getBalance", to_hex(ALICE.address), "0x1"),
        "code": await client.call("eth_getCode", logger, "0x1"),
        "block": await client.call("eth_getBlockByNumber", "0x1", True),
        "fees": await client.call("eth_feeHistory", "0x2", "0x1", [50]),
    }
    await chains.set_faults("root", ChainFaults(hide_newest_blocks=3))
    assert await validator_0.call("eth_blockNumber") == "0x1"
    assert await validator_0.call("eth_getBalance", to_hex(ALICE.address)) == older["balance"]
    assert await validator_0.call("eth_getCode", logger, "pending") == older["code"]
    assert await validator_0.call("eth_getBlockByNumber", "latest", True) == older["block"]
    assert await validator_0.call("eth_feeHistory", "0x2", "latest", [50]) == older["fees"]
    assert await validator_0.call("eth_getTransactionCount", to_hex(ALICE.address), "latest") == "0x1"
    assert await validator_0.call("eth_getLogs", everything) == []
    for method, name in (
        ("eth_getBlockByHash", to_hex(newest.hash)),
        ("eth_getBlockByNumber", quantity(newest.number)),
        ("eth_getBlockReceipts", to_hex(newest.hash)),
        ("eth_getTransactionByHash", to_hex(sent)),
        ("eth_getTransactionReceipt", to_hex(sent)),
    ):
        assert await validator_0.call(method, name) is None
        assert await client.call(method, name) is not None
    with pytest.raises(RpcFailed, match="Invalid parameters"):
        await validator_0.call("eth_getRootHash", 0, 2)
    for tag in ("safe", "finalized"):
        assert (await validator_0.call("eth_getBlockByNumber", tag, False))["number"] == "0x0"


async def test_hidden_blocks__sends__still_reach_the_pool(
    chains: LocalChains, chain: EmbeddedChain, validator_0: Client
) -> None:
    chain.mine(3)
    await chains.set_faults("root", ChainFaults(hide_newest_blocks=100))
    sent = await validator_0.call("eth_sendRawTransaction", to_hex(signed(ALICE, 0)))
    assert await validator_0.call("eth_blockNumber") == "0x0"
    assert (await validator_0.call("eth_getTransactionByHash", sent))["hash"] == sent


async def test_empty_logs__receipts_stay_true(
    chains: LocalChains, chain: EmbeddedChain, client: Client, validator_0: Client
) -> None:
    header = send_and_mine(chain, deploy(chain, LOGGER), b"\x01" * 32)
    await chains.set_faults("root", ChainFaults(validator=0, empty_logs=True))
    by_hash = {"blockHash": to_hex(header.hash)}
    assert len(await client.call("eth_getLogs", by_hash)) == 1
    assert await validator_0.call("eth_getLogs", by_hash) == []
    assert await validator_0.call("eth_getLogs", {"fromBlock": "0x0"}) == []
    receipts = await validator_0.call("eth_getBlockReceipts", to_hex(header.hash))
    assert receipts == await client.call("eth_getBlockReceipts", to_hex(header.hash))
    assert len(receipts[0]["logs"]) == 1


async def test_empty_receipts__headers_stay_true(
    chains: LocalChains, chain: EmbeddedChain, client: Client, validator_0: Client
) -> None:
    header = send_and_mine(chain, deploy(chain, LOGGER), b"\x01" * 32)
    await chains.set_faults("root", ChainFaults(validator=0, empty_receipts=True))
    assert await validator_0.call("eth_getBlockReceipts", to_hex(header.hash)) == []
    assert await validator_0.call("eth_getTransactionReceipt", to_hex(chain.block().transactions[0].hash)) is None
    latest = await validator_0.call("eth_getBlockByNumber", "latest", False)
    assert latest == await client.call("eth_getBlockByNumber", "latest", False)


async def test_latency__answer__comes_when_the_clock_says(
    chains: LocalChains, clock: WatchedClock, validator_0: Client, client: Client
) -> None:
    await chains.set_faults("root", ChainFaults(latency_ms=1_500))
    waiting = asyncio.create_task(validator_0.call("eth_blockNumber"))
    await clock.slept.acquire()
    assert await client.call("eth_blockNumber") == "0x0"
    clock.advance(1.499)
    assert await client.call("eth_blockNumber") == "0x0"
    assert not waiting.done()
    clock.advance(0.001)
    assert await waiting == "0x0"


async def test_error_rate__calls_fail_alike_for_the_same_seed(
    chains: LocalChains, client: Client, validator_0: Client
) -> None:
    await chains.set_faults("root", ChainFaults(error_rate=0.3))
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"}
    answers = await validator_0.post([call] * 200)
    failed = [answer["error"]["code"] for answer in answers if "error" in answer]
    assert set(failed) == {-32603}
    assert 40 <= len(failed) <= 80
    await chains.set_faults("root", ChainFaults(error_rate=1.0))
    with pytest.raises(RpcFailed):
        await validator_0.call("eth_blockNumber")
    assert await client.call("eth_blockNumber") == "0x0"
