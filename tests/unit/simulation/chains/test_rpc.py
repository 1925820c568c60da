"""What simulated endpoints answer, truly and with each fault."""

import random

import msgspec
import pytest

from bridge.codec.header import Header, header_from_rpc
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.receipts import receipt_from_rpc, receipts_root
from contracts.deployment import RootContracts
from node.devnet.rpc.documents import RpcLimits
from node.simulation.chains.model import ModelChain
from node.simulation.chains.rpc import NO_FAULTS, AnswerFaults, ChainRpc
from node.simulation.chains.worlds import World
from tests.unit.simulation.chains.script import ACCOUNTS, ROOT_ID


class Client:
    """One endpoint, asked with faults that a test sets."""

    def __init__(self, chain: ModelChain) -> None:
        self.rpc = ChainRpc(chain, RpcLimits(batch_max=50))
        self.faults = NO_FAULTS
        self.source = random.Random(5)

    def post(self, document: object) -> object:
        body = document if isinstance(document, bytes) else msgspec.json.encode(document)
        return msgspec.json.decode(self.rpc.answer(body, self.faults, self.source))

    def ask(self, method: str, *params: object) -> object:
        """The answer: a result, or an error's object under "error"."""
        answer = self.post({"jsonrpc": "2.0", "id": 3, "method": method, "params": list(params)})
        assert isinstance(answer, dict)
        assert answer["id"] == 3
        return answer["result"] if "result" in answer else {"error": answer["error"]}

    def header(self, block: str) -> Header:
        fields = self.ask("eth_getBlockByNumber", block, False)
        assert isinstance(fields, dict)
        return header_from_rpc(fields)


@pytest.fixture
def client(chain: ModelChain) -> Client:
    return Client(chain)


def test_answers__of_every_block__reproduce_hashes_and_roots(client: Client, chain: ModelChain) -> None:
    for number in range(chain.head.number + 1):
        header = client.header(quantity(number))
        assert header == chain.header(number)
        fields = client.ask("eth_getBlockReceipts", to_hex(header.hash))
        assert isinstance(fields, list)
        assert receipts_root([receipt_from_rpc(each) for each in fields]) == header.receipts_root


def test_answers__to_a_batch__come_in_order(client: Client) -> None:
    calls = [{"jsonrpc": "2.0", "id": place, "method": "eth_chainId"} for place in range(4)]
    answers = client.post([*calls, {"jsonrpc": "2.0", "id": 4, "method": "no_such"}])
    assert isinstance(answers, list)
    assert [answer["id"] for answer in answers] == [0, 1, 2, 3, 4]
    assert answers[0]["result"] == quantity(ROOT_ID)
    assert answers[4]["error"]["code"] == -32601


@pytest.mark.parametrize(("body", "code"), [(b"{", -32700), (b"[]", -32600), (b"7", -32600), (b"[" * 300, -32700)])
def test_answers__to_what_is_no_call__are_errors(client: Client, body: bytes, code: int) -> None:
    answer = client.post(body)
    assert isinstance(answer, dict)
    assert answer["error"]["code"] == code


def test_answers__to_too_large_a_batch__are_one_error(client: Client) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    assert isinstance(client.post([call] * 50), list)
    assert isinstance(client.post([call] * 51), dict)


def test_answers__over_long_ranges__come_at_once(client: Client, chain: ModelChain) -> None:
    logs = client.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    assert isinstance(logs, list)
    assert len(logs) == sum(len(receipt.logs) for n in range(chain.head.number + 1) for receipt in chain.receipts(n))
    root = client.ask("eth_getRootHash", 0, chain.head.number)
    assert isinstance(root, str)
    assert len(root) == 64


def test_lagging__endpoint__knows_nothing_newer(client: Client, chain: ModelChain) -> None:
    client.faults = AnswerFaults(hidden_blocks=4)
    seen = chain.head.number - 4
    assert client.ask("eth_blockNumber") == quantity(seen)
    assert client.ask("eth_getBlockByNumber", quantity(seen + 1), False) is None
    assert client.header("latest") == chain.header(seen)


def test_jittering__endpoint__answers_each_call_at_a_height_of_its_own(client: Client, chain: ModelChain) -> None:
    client.faults = AnswerFaults(hidden_blocks=1, height_jitter_blocks=3)
    calls = [{"jsonrpc": "2.0", "id": place, "method": "eth_blockNumber"} for place in range(40)]
    answers = client.post(calls)
    assert isinstance(answers, list)
    heights = {int(answer["result"], 16) for answer in answers}
    assert heights == {chain.head.number - hidden for hidden in (1, 2, 3, 4)}


def test_wrong_chain__at_the_same_height__differs_in_id_and_every_block(client: Client, chain: ModelChain) -> None:
    chain.mine(1_001)
    client.faults = AnswerFaults(wrong_chain=True)
    assert client.ask("eth_chainId") == quantity(ROOT_ID + 1)
    assert client.ask("eth_blockNumber") == quantity(chain.head.number)
    assert client.header("0x0").hash != chain.header(0).hash
    assert client.header("latest").hash != chain.head.hash
    client.faults = NO_FAULTS
    assert client.header("latest") == chain.head


def test_empty_logs_and_receipts__of_blocks_that_have_some__are_shown(
    client: Client, world: World[RootContracts]
) -> None:
    wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": to_hex(world.contracts.staking_info)}
    logs = client.ask("eth_getLogs", wanted)
    assert isinstance(logs, list)
    assert len(logs) == 2 * len(ACCOUNTS.signers)
    transaction, block = logs[0]["transactionHash"], logs[0]["blockNumber"]
    client.faults = AnswerFaults(empty_logs=True)
    assert client.ask("eth_getLogs", wanted) == []
    assert client.ask("eth_getTransactionReceipt", transaction) is not None
    client.faults = AnswerFaults(empty_receipts=True)
    assert client.ask("eth_getLogs", wanted) == logs
    assert client.ask("eth_getBlockReceipts", block) == []
    assert client.ask("eth_getTransactionReceipt", transaction) is None


def test_rates__from_none_to_all__are_kept(client: Client) -> None:
    def share(faults: AnswerFaults, answer: object) -> float:
        client.faults = faults
        return sum(client.ask("eth_chainId") == answer for _ in range(400)) / 400

    true = quantity(ROOT_ID)
    assert share(AnswerFaults(), true) == 1
    assert 0.4 < share(AnswerFaults(error_rate=0.5), true) < 0.6
    assert 0.2 < share(AnswerFaults(not_found_rate=0.3), None) < 0.4
    assert share(AnswerFaults(not_found_rate=1.0), None) == 1
    assert share(AnswerFaults(lie_rate=1.0), true) == 0
    assert share(AnswerFaults(rate_limited=True), {"error": {"code": -32005, "message": "request rate exceeded"}}) == 1


def test_lies__about_a_header__leave_the_next_answer_true(client: Client, chain: ModelChain) -> None:
    client.header("latest")  # the text is kept from here on
    client.faults = AnswerFaults(lie_rate=1.0)
    told = [client.ask("eth_getBlockByNumber", "latest", False) for _ in range(30)]
    client.faults = NO_FAULTS
    assert client.ask("eth_getBlockByNumber", "latest", False) not in told
    assert client.header("latest") == chain.head


def test_faults__of_one_seed__are_the_same_again(chain: ModelChain) -> None:
    def answers() -> list[object]:
        client = Client(chain)
        client.faults = AnswerFaults(height_jitter_blocks=5, error_rate=0.2, lie_rate=0.3, not_found_rate=0.1)
        return [client.ask("eth_getBlockByNumber", "latest", False) for _ in range(60)]

    assert answers() == answers()
