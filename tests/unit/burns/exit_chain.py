"""A root chain on which exits are made in every way, with what a node shows of them, and what it does not."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codec import rlp
from bridge.codec.abi import decode_values, encode_call, encode_values, selector
from bridge.codec.exit_payload import ExitPayload, branch_mask, encode_payload
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_quantity, quantity, to_hex
from bridge.codec.receipts import Log
from bridge.codec.types import ZERO_HASH, Address, BlockNumber, Hash32, UnixSeconds
from tests.unit.burns.world import MANAGER, ROOT_TOKEN
from tests.unit.chain.rpc_server import RpcFault
from tests.unit.chain.tiny_chain import TinyChain

PREDICATE = Address(b"\xc2" * 20)
WITHDRAW_MANAGER = Address(b"\xc3" * 20)
TUNNEL = Address(b"\xc4" * 20)
WALLET = Address(b"\xe0" * 20)
TOKEN_TYPE = keccak256(b"some type")


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction: what it calls, what it emits, and the exits that the contracts take in it."""

    to: Address
    data: bytes
    logs: tuple[Log, ...] = ()
    takes: tuple[Hash32, ...] = ()
    succeeded: bool = True


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block."""

    hash: Hash32
    block_number: BlockNumber
    index: int
    sent: Sent


class ExitChain(TinyChain):
    """Answers for logs, transactions and `processedExits`, within what `window_max` and `state_from` leave."""

    def __init__(self) -> None:
        self.mined: list[Mined] = []
        self.taken: dict[Hash32, int] = {}
        self.window_max = 10**9
        self.window_fault: Exception = RpcFault(-32602, "block range is too wide")
        self.state_from = 0
        super().__init__(block_time_s=12)

    def send(self, *transactions: Sent) -> tuple[Hash32, ...]:
        """Mine a block with these transactions, and give their hashes."""
        number = self.mine(*(one.logs for one in transactions)).number
        for index, sent in enumerate(transactions):
            self.mined.append(Mined(keccak256(self.head.hash + bytes((index,))), number, index, sent))
            for key in sent.takes:
                self.taken.setdefault(key, number)
        return tuple(one.hash for one in self.mined[len(self.mined) - len(transactions) :])

    def answer(self, method: str, params: list[object]) -> object:
        """A node's answer."""
        if method == "eth_getLogs":
            return self._logs(params[0])
        if method == "eth_getTransactionByHash":
            return next((_transaction_json(one) for one in self.mined if to_hex(one.hash) == params[0]), None)
        if method == "eth_getTransactionReceipt":
            return next((_receipt_json(self, one) for one in self.mined if to_hex(one.hash) == params[0]), None)
        if method == "eth_call":
            return self._called(params[0], from_quantity(params[1]))
        answer = super().answer(method, params)
        if method == "eth_getBlockByNumber" and params[1] and isinstance(answer, dict):
            here = [one for one in self.mined if one.block_number == from_quantity(params[0])]
            return {**answer, "transactions": [_transaction_json(one) for one in here]}
        return answer

    def _logs(self, query: object) -> list[object]:
        assert isinstance(query, dict)
        start, end = from_quantity(query["fromBlock"]), from_quantity(query["toBlock"])
        if end - start + 1 > self.window_max:
            raise self.window_fault
        return [
            {
                "blockNumber": quantity(one.block_number),
                "logIndex": quantity(100 * one.index + place),
                "transactionHash": to_hex(one.hash),
                "address": to_hex(log.address),
                "topics": [to_hex(topic) for topic in log.topics],
                "data": to_hex(log.data),
            }
            for one in self.mined
            for place, log in enumerate(one.sent.logs)
            if start <= one.block_number <= end and _is_wanted(log, query)
        ]

    def _called(self, request: object, at: int) -> str:
        assert isinstance(request, dict)
        data = bytes.fromhex(request["data"][2:])
        function, arguments = data[:4], data[4:]
        if function == selector("tokenToType(address)"):
            is_known = request["to"] == to_hex(MANAGER) and arguments[12:] == ROOT_TOKEN
            return to_hex(TOKEN_TYPE if is_known else ZERO_HASH)
        if function == selector("typeToPredicate(bytes32)"):
            return to_hex(bytes(12) + (PREDICATE if arguments == TOKEN_TYPE else bytes(20)))
        assert function == selector("processedExits(bytes32)")
        if at < self.state_from:
            raise RpcFault(-32000, "missing trie node")
        (key,) = decode_values(("bytes32",), arguments)
        assert isinstance(key, bytes)
        return to_hex(encode_values(("bool",), (self.taken.get(Hash32(key), at + 1) <= at,)))


def exit_payload(block_number: int, transaction_index: int, log_index: int) -> bytes:
    """A payload of the right form; nothing here checks its proofs."""
    return encode_payload(
        ExitPayload(
            header_id=10_000,
            block_proof=(Hash32(b"\x01" * 32),),
            block_number=BlockNumber(block_number),
            timestamp=UnixSeconds(1_700_000_000),
            transactions_root=Hash32(b"\x02" * 32),
            receipts_root=Hash32(b"\x03" * 32),
            receipt=b"\x02receipt",
            receipt_proof=(rlp.encode((b"node",)),),
            branch_mask=branch_mask(transaction_index),
            log_index=log_index,
        )
    )


def wrapped(*calls: bytes) -> bytes:
    """The calls in one of a wallet that makes several."""
    targets = [(MANAGER, call) for call in calls]
    return encode_call("multicall((address,bytes)[])", targets)


def _is_wanted(log: Log, query: dict[str, object]) -> bool:
    topics = query["topics"]
    assert isinstance(topics, list)
    shown: Sequence[str] = [to_hex(topic) for topic in log.topics]
    return to_hex(log.address) == query["address"] and all(
        wanted is None or (place < len(shown) and shown[place] in wanted) for place, wanted in enumerate(topics)
    )


def _transaction_json(one: Mined) -> dict[str, object]:
    return {
        "hash": to_hex(one.hash),
        "blockNumber": quantity(one.block_number),
        "to": to_hex(one.sent.to),
        "input": to_hex(one.sent.data),
    }


def _receipt_json(chain: TinyChain, one: Mined) -> dict[str, object]:
    return {
        "transactionHash": to_hex(one.hash),
        "blockNumber": quantity(one.block_number),
        "blockHash": to_hex(chain.blocks[one.block_number].header.hash),
        "transactionIndex": quantity(one.index),
        "status": quantity(int(one.sent.succeeded)),
        "gasUsed": quantity(21_000),
    }
