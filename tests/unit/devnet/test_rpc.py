"""The JSON-RPC methods, seen by a plain client and by our own reader of chains."""

import aiohttp
import pytest

from bridge.chain.clock import SystemClock
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.sending import SendMeaning
from bridge.chain.transport import HttpTransport
from bridge.codec.abi import encode_values, selector
from bridge.codec.header import header_from_rpc, leaf_of
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.merkle import root
from bridge.codec.receipts import receipt_from_rpc, receipts_root
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chains_local import LocalChains
from tests.unit.devnet.client import Client, RpcFailed
from tests.unit.devnet.world import (
    ALICE,
    BOB,
    CHAIN_ID,
    GWEI,
    LOGGER,
    POOR,
    REVERTER,
    STORER,
    created_address,
    deploy,
    send_and_mine,
    signed,
)

ALICE_HEX, POOR_HEX = to_hex(ALICE.address), to_hex(POOR.address)


async def test_node__who_it_is__is_told(client: Client) -> None:
    assert await client.call("eth_chainId") == quantity(CHAIN_ID)
    assert await client.call("net_version") == str(CHAIN_ID)
    assert "sidewarden" in await client.call("web3_clientVersion")
    assert await client.call("eth_syncing") is False


async def test_block__json_alone__reproduces_hash_and_receipts_root(client: Client, chain: EmbeddedChain) -> None:
    logger = deploy(chain, LOGGER)
    nonce = chain.nonce(ALICE.address)
    chain.send_raw(signed(ALICE, nonce, to=logger, data=b"\x01" * 50))
    chain.send_raw(signed(ALICE, nonce + 1, to=None, data=b"\xfe"))
    chain.mine()
    for number in range(3):
        fields = await client.call("eth_getBlockByNumber", quantity(number), False)
        header = header_from_rpc(fields)
        assert header == chain.header(number)
        receipts = await client.call("eth_getBlockReceipts", fields["hash"])
        assert receipts_root([receipt_from_rpc(receipt) for receipt in receipts]) == header.receipts_root


async def test_block__by_every_name__is_the_same(client: Client, chain: EmbeddedChain) -> None:
    chain.mine(10)
    for tag, number in (("earliest", 0), ("finalized", 8), ("safe", 9), ("latest", 10)):
        by_tag = await client.call("eth_getBlockByNumber", tag, True)
        assert by_tag["number"] == quantity(number)
        assert await client.call("eth_getBlockByNumber", quantity(number), True) == by_tag
        assert await client.call("eth_getBlockByHash", by_tag["hash"], True) == by_tag


async def test_block__not_there__is_null(client: Client) -> None:
    assert await client.call("eth_getBlockByNumber", "0x5", False) is None
    assert await client.call("eth_getBlockByHash", to_hex(bytes(32)), False) is None
    assert await client.call("eth_getBlockReceipts", "0x5") is None
    assert await client.call("eth_getTransactionByHash", to_hex(bytes(32))) is None
    assert await client.call("eth_getTransactionReceipt", to_hex(bytes(32))) is None


async def test_transaction__waiting_then_mined__shows_where_it_is(client: Client, chain: EmbeddedChain) -> None:
    raw = to_hex(signed(ALICE, 0, value_wei=5))
    sent = await client.call("eth_sendRawTransaction", raw)
    waiting = await client.call("eth_getTransactionByHash", sent)
    assert (waiting["blockHash"], waiting["from"], waiting["value"]) == (None, ALICE_HEX, "0x5")
    assert await client.call("eth_getTransactionReceipt", sent) is None
    assert await client.call("eth_getTransactionCount", ALICE_HEX, "latest") == "0x0"
    assert await client.call("eth_getTransactionCount", ALICE_HEX, "pending") == "0x1"
    pending = await client.call("eth_getBlockByNumber", "pending", True)
    assert [(each["hash"], pending["hash"], pending["number"]) for each in pending["transactions"]] == [
        (sent, None, "0x1")
    ]
    chain.mine()
    mined = await client.call("eth_getTransactionByHash", sent)
    assert (mined["blockHash"], mined["transactionIndex"]) == (to_hex(chain.head.hash), "0x0")
    receipt = await client.call("eth_getTransactionReceipt", sent)
    base_fee_wei = chain.head.base_fee_per_gas_wei or 0
    assert (receipt["status"], receipt["gasUsed"], receipt["contractAddress"]) == ("0x1", "0x5208", None)
    assert receipt["effectiveGasPrice"] == mined["gasPrice"] == quantity(base_fee_wei + GWEI)


async def test_receipts__of_a_block__count_gas_and_logs_over_it(client: Client, chain: EmbeddedChain) -> None:
    logger = deploy(chain, LOGGER)
    for position in range(3):
        chain.send_raw(signed(ALICE, 1 + position, to=logger, data=b"\x01" * 32))
    chain.send_raw(signed(ALICE, 4, to=None, data=LOGGER, gas_limit=300_000))
    chain.mine()
    receipts = await client.call("eth_getBlockReceipts", "latest")
    assert [receipt["logs"][0]["logIndex"] for receipt in receipts[:3]] == ["0x0", "0x1", "0x2"]
    assert sum(int(receipt["gasUsed"], 16) for receipt in receipts) == chain.head.gas_used
    assert receipts[3]["contractAddress"] == to_hex(created_address(ALICE, 4))
    for receipt in receipts:
        assert await client.call("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt


async def test_state__is_read_at_any_block(client: Client, chain: EmbeddedChain) -> None:
    storer = to_hex(deploy(chain, STORER))
    send_and_mine(chain, created_address(ALICE, 0), b"\x07".rjust(32, b"\0"))
    assert await client.call("eth_getStorageAt", storer, "0x0", "latest") == "0x" + "07".rjust(64, "0")
    assert await client.call("eth_getStorageAt", storer, "0x" + "00" * 32, "0x1") == "0x" + "00" * 32
    assert await client.call("eth_getCode", storer) == to_hex(STORER[11:])
    assert await client.call("eth_getCode", storer, {"blockNumber": "0x0"}) == "0x"
    assert await client.call("eth_getBalance", to_hex(BOB.address), {"blockHash": to_hex(chain.head.hash)}) == hex(
        10**21
    )


async def test_state__at_an_unknown_block__is_header_not_found(client: Client) -> None:
    with pytest.raises(RpcFailed, match="header not found") as failure:
        await client.call("eth_getBalance", ALICE_HEX, "0x9")
    assert failure.value.code == -32000


async def test_call__reverted__has_geths_code_words_and_data(client: Client, chain: EmbeddedChain) -> None:
    reverter = to_hex(deploy(chain, REVERTER))
    why = selector("Error(string)") + encode_values(("string",), ("not today",))
    for data, words in (
        (why, "execution reverted: not today"),
        (b"\x01\x02", "execution reverted"),
        (why[:9], "execution reverted"),
    ):
        for method in ("eth_call", "eth_estimateGas"):
            with pytest.raises(RpcFailed) as failure:
                await client.call(method, {"to": reverter, "input": to_hex(data)}, "latest")
            assert (failure.value.code, str(failure.value), failure.value.data) == (3, words, to_hex(data))


async def test_logs__by_range_and_by_hash__are_the_same(client: Client, chain: EmbeddedChain) -> None:
    logger = deploy(chain, LOGGER)
    header = send_and_mine(chain, logger, b"\x01" * 32)
    chain.mine(2)
    wanted: dict[str, object] = {"address": [to_hex(logger)], "topics": [None, None][:1]}
    by_range = await client.call("eth_getLogs", {**wanted, "fromBlock": "earliest", "toBlock": "latest"})
    by_hash = await client.call("eth_getLogs", {**wanted, "blockHash": to_hex(header.hash)})
    assert by_range == by_hash
    assert [(each["blockNumber"], each["logIndex"]) for each in by_range] == [("0x2", "0x0")]
    assert await client.call("eth_getLogs", {**wanted}) == []
    assert await client.call("eth_getLogs", {"fromBlock": "0x90", "toBlock": "0x99"}) == []


async def test_logs__range_the_wrong_way_round__is_refused(client: Client, chain: EmbeddedChain) -> None:
    chain.mine(3)
    with pytest.raises(RpcFailed, match="invalid block range"):
        await client.call("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x1"})


async def test_root_hash__decimal_numbers__gives_bors_form(client: Client, chain: EmbeddedChain) -> None:
    chain.mine(70)
    for start, end in ((0, 0), (0, 6), (3, 69), (0, 70)):
        leaves = [leaf_of(chain.header(number)) for number in range(start, end + 1)]
        assert await client.call("eth_getRootHash", start, end) == root(leaves).hex()


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (0, 6, "Invalid parameters start: 0 and end block: 6 params"),
        (3, 2, "Invalid parameters start: 3 and end block: 2 params"),
        (0, 32_767, "Invalid parameters"),
        (0, 32_768, "Start: 0 and end block: 32768 exceed max allowed checkpoint length: 32768"),
        ("0x0", 1, "expected a whole JSON number"),
        (-1, 1, "expected a whole JSON number"),
        (True, 1, "expected a whole JSON number"),
        (0, 2**64, "expected a whole JSON number"),
    ],
)
async def test_root_hash__impossible_range__is_an_error(
    client: Client, chain: EmbeddedChain, start: object, end: object, words: str
) -> None:
    chain.mine(5)
    with pytest.raises(RpcFailed, match=words):
        await client.call("eth_getRootHash", start, end)


async def test_fee_history__tips_at_percentiles__follow_the_gas(client: Client, chain: EmbeddedChain) -> None:
    chain.mine()
    for nonce, tip in enumerate((1, 2, 3)):
        chain.send_raw(signed(ALICE, nonce, tip_wei=tip * GWEI))
    chain.mine()
    history = await client.call("eth_feeHistory", "0x5", "latest", [0, 50, 100])
    assert history["oldestBlock"] == "0x0"
    assert history["reward"][2] == [quantity(tip * GWEI) for tip in (1, 2, 3)]
    assert history["reward"][1] == ["0x0"] * 3
    assert history["gasUsedRatio"][2] == 63_000 / 15_000_000
    fees = [chain.header(number).base_fee_per_gas_wei or 0 for number in range(3)]
    assert history["baseFeePerGas"] == [quantity(fee) for fee in (*fees, chain.next_base_fee_wei())]
    chain.mine()
    assert chain.head.base_fee_per_gas_wei == int(history["baseFeePerGas"][3], 16)
    assert await client.call("eth_gasPrice") == quantity(chain.next_base_fee_wei() + GWEI)


async def test_send__refused__is_an_error_with_geths_words(client: Client) -> None:
    await client.call("eth_sendRawTransaction", to_hex(signed(ALICE, 0)))
    with pytest.raises(RpcFailed, match="already known") as failure:
        await client.call("eth_sendRawTransaction", to_hex(signed(ALICE, 0)))
    assert failure.value.code == -32000


async def test_reader__of_ours__reads_the_chain_with_every_check(
    chains: LocalChains, chain: EmbeddedChain, session: aiohttp.ClientSession
) -> None:
    logger = deploy(chain, LOGGER)
    header = send_and_mine(chain, logger, b"\x01" * 32)
    pool = RpcPool("root", [chains.rpc_url("root")], CHAIN_ID, HttpTransport(session), SystemClock())
    reader = ChainReader(pool)
    assert await reader.head_number() == 2
    assert await reader.header(header.number) == header
    headers = await reader.headers(chain.header(0).number, 3)
    assert [each.hash for each in headers] == [chain.header(number).hash for number in range(3)]
    assert await reader.receipts(header) == chain.receipts(header.hash)
    assert (await reader.send_raw(signed(ALICE, 0))).meaning is SendMeaning.NONCE_USED
    assert (await reader.fee_history(2, 50)).tips_wei == (GWEI, GWEI)


async def test_chains__under_one_name_each__are_not_mixed_up(
    chains: LocalChains, session: aiohttp.ClientSession
) -> None:
    side = Client(session, chains.rpc_url("side"))
    chains.chain("side").mine(4)
    assert await side.call("eth_chainId") == quantity(CHAIN_ID + 1)
    assert await side.call("eth_blockNumber") == "0x4"
    async with session.post(chains.rpc_url("side").replace("side", "root"), json={}) as response:
        assert response.status == 404
