"""Typed reads: every answer of the wrong type, size or content is an error, and absence is never a value."""

from collections.abc import Callable

import pytest

from bridge.chain.claims import ClaimedLog, LogFilter, MinedCall
from bridge.chain.errors import (
    BadAnswer,
    CallReverted,
    ChainError,
    HeaderFormatUnknown,
    NotHeld,
    ReceiptsMismatch,
    RpcRefused,
)
from bridge.chain.reader import ChainReader
from bridge.chain.sending import SendMeaning
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, Hash32
from tests.unit.chain.rpc_server import RpcFault, RpcServer
from tests.unit.chain.tiny_chain import TinyChain, header_json

ALICE = Address(b"\xa1" * 20)
TOPIC = Hash32(b"\x70" * 32)
TRANSACTION = Hash32(b"\x44" * 32)


def override(server: RpcServer, method: str, value: object) -> None:
    """Answer one method with a fixed value, or with the exception it is; all else stays true."""
    truth = server.answer

    def answer(asked: str, params: list[object]) -> object:
        if asked != method:
            return truth(asked, params)
        if isinstance(value, Exception):
            raise value
        return value

    server.answer = answer


def a_log(data: bytes = b"") -> Log:
    return Log(ALICE, (TOPIC,), data)


async def test_header__by_number_tag_and_hash__is_the_same_block(reader: ChainReader, chain: TinyChain) -> None:
    head = chain.mine(count=6)
    assert await reader.header("latest") == head
    assert await reader.header(head.number) == head
    assert await reader.header_by_hash(head.hash) == head
    assert await reader.header("safe") == chain.blocks[2].header
    assert await reader.head_number() == 6


async def test_header__beyond_the_head__is_none(reader: ChainReader) -> None:
    assert await reader.header(BlockNumber(9)) is None
    assert await reader.header_by_hash(TRANSACTION) is None


@pytest.mark.parametrize("field", ["timestamp", "stateRoot", "receiptsRoot", "parentHash", "logsBloom", "extraData"])
async def test_header__one_field_lies__its_hash_does_not_reproduce(
    reader: ChainReader, server: RpcServer, chain: TinyChain, field: str
) -> None:
    fields = header_json(chain.head)
    text = str(fields[field])
    fields[field] = text[:-1] + ("1" if text[-1] == "0" else "0") if len(text) > 2 else "0xff"
    override(server, "eth_getBlockByNumber", fields)
    with pytest.raises(HeaderFormatUnknown):
        await reader.header("latest")


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", 1), ("number", "1"), ("number", "0x" + "f" * 17), ("hash", None), ("logsBloom", "0x00"), ("miner", [])],
)
async def test_header__field_of_wrong_type_or_size__is_a_bad_answer(
    reader: ChainReader, server: RpcServer, chain: TinyChain, field: str, value: object
) -> None:
    override(server, "eth_getBlockByNumber", {**header_json(chain.head), field: value})
    with pytest.raises(BadAnswer):
        await reader.header("latest")


@pytest.mark.parametrize("answer", ["0x0", [], 7, True])
async def test_header__not_an_object__is_a_bad_answer(reader: ChainReader, server: RpcServer, answer: object) -> None:
    override(server, "eth_getBlockByNumber", answer)
    with pytest.raises(BadAnswer):
        await reader.header("latest")


async def test_header__another_height_than_asked__is_a_bad_answer(
    reader: ChainReader, server: RpcServer, chain: TinyChain
) -> None:
    override(server, "eth_getBlockByNumber", header_json(chain.mine(count=3)))
    with pytest.raises(BadAnswer, match="asked for block 1, got block 3"):
        await reader.header(BlockNumber(1))


async def test_header_by_hash__another_block__is_a_bad_answer(
    reader: ChainReader, server: RpcServer, chain: TinyChain
) -> None:
    override(server, "eth_getBlockByHash", header_json(chain.mine()))
    with pytest.raises(BadAnswer):
        await reader.header_by_hash(chain.blocks[0].header.hash)


async def test_headers__one_of_them_refused__those_before_it_count(
    reader: ChainReader, chain: TinyChain, server: RpcServer
) -> None:
    chain.mine(count=6)
    truth = server.answer

    def answer(method: str, params: list[object]) -> object:
        if params[:1] == ["0x4"]:
            raise RpcFault(-32005, "limit exceeded")
        return truth(method, params)

    server.answer = answer
    shown = await reader.headers(BlockNumber(2), 5)
    assert [header.number for header in shown] == [2, 3]
    with pytest.raises(RpcRefused):
        await reader.headers(BlockNumber(4), 3)


async def test_headers__range_beyond_the_head__ends_at_the_head(reader: ChainReader, chain: TinyChain) -> None:
    chain.mine(count=5)
    shown = await reader.headers(BlockNumber(3), 100)
    assert [header.number for header in shown] == [3, 4, 5]


async def test_receipts__all_types_and_logs__are_proved_by_the_root(reader: ChainReader, chain: TinyChain) -> None:
    header = chain.mine([a_log(), a_log(b"\x01" * 100)], [], [a_log()])
    receipts = await reader.receipts(header)
    assert [len(receipt.logs) for receipt in receipts] == [2, 0, 1]


async def test_receipts__empty_block__needs_no_call(reader: ChainReader, server: RpcServer, chain: TinyChain) -> None:
    assert await reader.receipts(chain.mine()) == ()
    assert server.requests == 0


@pytest.mark.parametrize("answer", [None, []])
async def test_receipts__absent_where_the_root_has_some__is_not_held(
    reader: ChainReader, server: RpcServer, chain: TinyChain, answer: object
) -> None:
    override(server, "eth_getBlockReceipts", answer)
    with pytest.raises(NotHeld):
        await reader.receipts(chain.mine([a_log()]))


async def test_receipts__one_withheld__does_not_match_the_root(
    reader: ChainReader, server: RpcServer, chain: TinyChain
) -> None:
    header = chain.mine([a_log()], [a_log()])
    shown = server.answer("eth_getBlockReceipts", [to_hex(header.hash)])
    assert isinstance(shown, list)
    override(server, "eth_getBlockReceipts", shown[:1])
    with pytest.raises(ReceiptsMismatch):
        await reader.receipts(header)


@pytest.mark.parametrize(("gas", "is_left_out"), [("0x0", True), ("0x5208", False)])
async def test_receipts__bor_adds_its_state_sync__is_left_out_only_if_it_used_no_gas(
    reader: ChainReader, server: RpcServer, chain: TinyChain, gas: str, *, is_left_out: bool
) -> None:
    header = chain.mine([a_log()], [a_log()])
    shown = server.answer("eth_getBlockReceipts", [to_hex(header.hash)])
    assert isinstance(shown, list)
    override(server, "eth_getBlockReceipts", [*shown, {**shown[-1], "cumulativeGasUsed": gas}])
    if is_left_out:
        assert len(await reader.receipts(header)) == 2
    else:
        with pytest.raises(ReceiptsMismatch):
            await reader.receipts(header)


@pytest.mark.parametrize("answer", ["0x", {}, [1], [{}], [{"type": "0x99", "logs": []}]])
async def test_receipts__wrong_types__are_a_bad_answer(
    reader: ChainReader, server: RpcServer, chain: TinyChain, answer: object
) -> None:
    override(server, "eth_getBlockReceipts", answer)
    with pytest.raises(BadAnswer):
        await reader.receipts(chain.mine([a_log()]))


async def test_receipts__node_without_eth_getblockreceipts__are_fetched_one_by_one(
    reader: ChainReader, server: RpcServer, chain: TinyChain
) -> None:
    header = chain.mine([a_log()], [a_log(b"\x02")])
    shown = chain.answer("eth_getBlockReceipts", [to_hex(header.hash)])
    assert isinstance(shown, list)
    hashes = [to_hex(bytes([index]) * 32) for index in range(2)]
    truth = server.answer

    def answer(method: str, params: list[object]) -> object:
        if method == "eth_getBlockReceipts":
            raise RpcFault(-32601, "the method does not exist")
        if method == "eth_getBlockByHash":
            return {**header_json(header), "transactions": hashes}
        if method == "eth_getTransactionReceipt":
            return shown[hashes.index(str(params[0]))]
        return truth(method, params)

    server.answer = answer
    assert len(await reader.receipts(header)) == 2
    hashes.append(to_hex(b"\x09" * 32))
    shown.append(None)
    with pytest.raises(NotHeld):
        await reader.receipts(header)


async def test_logs_of_block__a_log_of_another_block__is_a_bad_answer(reader: ChainReader, server: RpcServer) -> None:
    shown = {
        "blockHash": to_hex(TRANSACTION),
        "address": to_hex(ALICE),
        "topics": [to_hex(TOPIC)],
        "data": "0x",
        "logIndex": "0x5",
        "transactionIndex": "0x2",
    }
    override(server, "eth_getLogs", [shown])
    (log,) = await reader.logs_of_block(TRANSACTION)
    assert (log.index, log.transaction_index, log.log) == (5, 2, a_log())
    with pytest.raises(BadAnswer):
        await reader.logs_of_block(TOPIC)


WANTED = LogFilter(ALICE, ((TOPIC,), ()))
SHOWN = {
    "blockNumber": "0x9",
    "logIndex": "0x5",
    "transactionHash": to_hex(TRANSACTION),
    "address": to_hex(ALICE),
    "topics": [to_hex(TOPIC)],
    "data": "0x",
}


async def test_logs__of_a_range__are_in_order_and_ask_for_what_is_wanted(
    reader: ChainReader, server: RpcServer
) -> None:
    asked: list[object] = []
    truth = server.answer

    def answer(method: str, params: list[object]) -> object:
        if method != "eth_getLogs":
            return truth(method, params)
        asked.extend(params)
        return [{**SHOWN, "blockNumber": "0xa", "logIndex": "0x1"}, SHOWN, {**SHOWN, "logIndex": "0x0"}]

    server.answer = answer
    logs = await reader.logs(WANTED, BlockNumber(9), BlockNumber(10))
    assert [(one.block_number, one.index) for one in logs] == [(9, 0), (9, 5), (10, 1)]
    assert logs[0] == ClaimedLog(BlockNumber(9), 0, TRANSACTION, a_log())
    assert asked == [
        {"address": to_hex(ALICE), "topics": [[to_hex(TOPIC)], None], "fromBlock": "0x9", "toBlock": "0xa"}
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"blockNumber": "0x8"},
        {"blockNumber": "0xb"},
        {"blockNumber": None},
        {"address": "0x" + "b0" * 20},
        {"topics": [to_hex(TRANSACTION)]},
        {"topics": []},
        {"transactionHash": "0x12"},
        {"logIndex": None},
        {"data": "0x1"},
    ],
)
async def test_logs__one_that_was_not_asked_for_or_is_none__is_a_bad_answer(
    reader: ChainReader, server: RpcServer, change: dict[str, object]
) -> None:
    override(server, "eth_getLogs", [SHOWN, {**SHOWN, **change}])
    with pytest.raises(BadAnswer):
        await reader.logs(WANTED, BlockNumber(9), BlockNumber(10))


@pytest.mark.parametrize(
    "fault",
    [
        RpcFault(3, "execution reverted: no", "0x08c379a0"),
        RpcFault(-32000, "execution reverted", "0x08c379a0"),
        RpcFault(-32015, "VM execution error.", "Reverted 0x08c379a0"),
        RpcFault(-32000, "VM Exception: revert", {"data": "0x08c379a0"}),
    ],
)
async def test_call__contract_refuses__revert_data_whatever_the_client(
    reader: ChainReader, server: RpcServer, fault: RpcFault
) -> None:
    override(server, "eth_call", fault)
    with pytest.raises(CallReverted) as reverted:
        await reader.call(ALICE, b"\x01")
    assert reverted.value.data == bytes.fromhex("08c379a0")


@pytest.mark.parametrize("text", ["out of gas", "EVM error OutOfGas"])
async def test_call__runs_out_of_the_gas_given__is_refused_like_a_revert(
    reader: ChainReader, server: RpcServer, text: str
) -> None:
    override(server, "eth_call", RpcFault(-32000, text))
    with pytest.raises(CallReverted):
        await reader.call(ALICE, b"", gas_limit=21_000)


async def test_call__node_refuses__is_no_revert(reader: ChainReader, server: RpcServer) -> None:
    override(server, "eth_call", RpcFault(-32000, "header not found"))
    with pytest.raises(RpcRefused):
        await reader.call(ALICE, b"")


async def test_call__returns_data__as_bytes(reader: ChainReader, server: RpcServer) -> None:
    override(server, "eth_call", "0x0102")
    assert await reader.call(ALICE, b"", BlockNumber(3), ALICE) == b"\x01\x02"


async def test_account_reads__of_every_kind__are_typed(reader: ChainReader, server: RpcServer) -> None:
    override(server, "eth_getBalance", hex(10**30))
    override(server, "eth_getTransactionCount", "0x7")
    override(server, "eth_getCode", "0x6001")
    assert await reader.balance(ALICE) == 10**30
    assert await reader.transaction_count(ALICE, BlockNumber(2)) == 7
    assert await reader.code_hash(ALICE) == keccak256(b"\x60\x01")


def a_receipt(**changes: object) -> dict[str, object]:
    return {
        "transactionHash": to_hex(TRANSACTION),
        "blockNumber": "0x3",
        "blockHash": to_hex(TOPIC),
        "transactionIndex": "0x0",
        "status": "0x1",
        "gasUsed": "0x5208",
        **changes,
    }


async def test_transaction_receipt__shown__is_typed(reader: ChainReader, server: RpcServer) -> None:
    override(server, "eth_getTransactionReceipt", a_receipt())
    mined = await reader.transaction_receipt(TRANSACTION)
    assert mined is not None
    assert (mined.block_number, mined.succeeded, mined.gas_used) == (3, True, 21_000)


@pytest.mark.parametrize(
    "changes",
    [{"transactionHash": to_hex(TOPIC)}, {"status": "0x2"}, {"status": None}, {"blockNumber": 3}, {"gasUsed": "-1"}],
)
async def test_transaction_receipt__wrong_in_a_field__is_a_bad_answer(
    reader: ChainReader, server: RpcServer, changes: dict[str, object]
) -> None:
    override(server, "eth_getTransactionReceipt", a_receipt(**changes))
    with pytest.raises(BadAnswer):
        await reader.transaction_receipt(TRANSACTION)


async def test_transaction__pending_mined_and_unknown__are_told_apart(reader: ChainReader, server: RpcServer) -> None:
    override(server, "eth_getTransactionByHash", {"hash": to_hex(TRANSACTION), "blockNumber": None})
    pending = await reader.transaction(TRANSACTION)
    override(server, "eth_getTransactionByHash", {"hash": to_hex(TRANSACTION), "blockNumber": "0x5"})
    mined = await reader.transaction(TRANSACTION)
    override(server, "eth_getTransactionByHash", None)
    assert pending is not None
    assert pending.block_number is None
    assert mined is not None
    assert mined.block_number == 5
    assert await reader.transaction(TRANSACTION) is None


async def test_mined_call__mined_waiting_and_unknown__are_told_apart(reader: ChainReader, server: RpcServer) -> None:
    shown = {"hash": to_hex(TRANSACTION), "blockNumber": "0x5", "to": to_hex(ALICE), "input": "0x0102"}
    override(server, "eth_getTransactionByHash", shown)
    assert await reader.mined_call(TRANSACTION) == MinedCall(TRANSACTION, BlockNumber(5), ALICE, b"\x01\x02")
    with pytest.raises(BadAnswer):
        await reader.mined_call(TOPIC)
    override(server, "eth_getTransactionByHash", {**shown, "to": None})
    assert await reader.mined_call(TRANSACTION) == MinedCall(TRANSACTION, BlockNumber(5), None, b"\x01\x02")
    override(server, "eth_getTransactionByHash", {**shown, "blockNumber": None})
    assert await reader.mined_call(TRANSACTION) is None
    override(server, "eth_getTransactionByHash", None)
    assert await reader.mined_call(TRANSACTION) is None


@pytest.mark.parametrize("change", [{"to": "0x12"}, {"input": None}, {"input": "12"}, {"hash": None}])
async def test_mined_call__wrong_in_a_field__is_a_bad_answer(
    reader: ChainReader, server: RpcServer, change: dict[str, object]
) -> None:
    shown = {"hash": to_hex(TRANSACTION), "blockNumber": "0x5", "to": to_hex(ALICE), "input": "0x0102"}
    override(server, "eth_getTransactionByHash", {**shown, **change})
    with pytest.raises(BadAnswer):
        await reader.mined_call(TRANSACTION)


async def test_calls_of_block__with_all_its_transactions__are_typed(reader: ChainReader, server: RpcServer) -> None:
    shown = {"hash": to_hex(TRANSACTION), "blockNumber": "0x5", "to": to_hex(ALICE), "input": "0x0102"}
    override(server, "eth_getBlockByNumber", {"transactions": [shown]})
    expected = MinedCall(TRANSACTION, BlockNumber(5), ALICE, b"\x01\x02")
    assert await reader.calls_of_block(BlockNumber(5)) == (expected,)
    for wrong in ({}, {"transactions": [to_hex(TRANSACTION)]}, {"transactions": [{**shown, "blockNumber": "0x6"}]}):
        override(server, "eth_getBlockByNumber", wrong)
        with pytest.raises(BadAnswer):
            await reader.calls_of_block(BlockNumber(5))
    override(server, "eth_getBlockByNumber", None)
    assert await reader.calls_of_block(BlockNumber(5)) == ()


async def test_fee_history__of_a_young_chain__is_typed(reader: ChainReader, server: RpcServer) -> None:
    override(server, "eth_feeHistory", {"baseFeePerGas": ["0x7", "0x8"], "reward": [["0x1"]]})
    history = await reader.fee_history(10, 50)
    assert history.base_fees_wei == (7, 8)
    assert history.tips_wei == (1,)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"baseFeePerGas": []},
        {"baseFeePerGas": ["7"]},
        {"baseFeePerGas": ["0x7"] * 2_000},
        {"baseFeePerGas": ["0x7"], "reward": [["0x1", "0x2"]]},
        {"baseFeePerGas": ["0x7"], "reward": [7]},
    ],
)
async def test_fee_history__wrong_types__are_a_bad_answer(
    reader: ChainReader, server: RpcServer, answer: object
) -> None:
    override(server, "eth_feeHistory", answer)
    with pytest.raises(BadAnswer):
        await reader.fee_history(10, 50)


READS: dict[str, Callable[[ChainReader], object]] = {
    "eth_blockNumber": lambda reader: reader.head_number(),
    "eth_getBalance": lambda reader: reader.balance(ALICE),
    "eth_getTransactionCount": lambda reader: reader.transaction_count(ALICE),
    "eth_getCode": lambda reader: reader.code_hash(ALICE),
    "eth_call": lambda reader: reader.call(ALICE, b""),
    "eth_getLogs": lambda reader: reader.logs_of_block(TOPIC),
    "eth_feeHistory": lambda reader: reader.fee_history(10, 50),
}


@pytest.mark.parametrize("method", READS)
@pytest.mark.parametrize("answer", [None, True, -1, 1.5, "", "0xzz", "12", {}, [None], "0x" + "ff" * 40])
async def test_reads__null_or_of_another_type__never_become_a_value(
    reader: ChainReader, server: RpcServer, method: str, answer: object
) -> None:
    if method in {"eth_getCode", "eth_call"} and answer == "0x" + "ff" * 40:
        return  # that is data
    override(server, method, answer)
    with pytest.raises(ChainError):
        await READS[method](reader)  # type: ignore[misc]  # every one of them is a coroutine


async def test_send_raw__accepted__says_so_only_for_our_hash(reader: ChainReader, server: RpcServer) -> None:
    raw = b"\x02raw"
    override(server, "eth_sendRawTransaction", to_hex(keccak256(raw)))
    assert (await reader.send_raw(raw)).meaning is SendMeaning.ACCEPTED
    override(server, "eth_sendRawTransaction", to_hex(TOPIC))
    assert (await reader.send_raw(raw)).meaning is SendMeaning.UNKNOWN
    override(server, "eth_sendRawTransaction", RpcFault(-32000, "nonce too low: next nonce 5, tx nonce 4"))
    assert (await reader.send_raw(raw)).meaning is SendMeaning.NONCE_USED
