"""web3 as a client that was not written for this server."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as EthAccount
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3RPCError

from bridge.codec.hexadecimal import checksum_address
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chains_local import LocalChains
from tests.unit.devnet.world import ALICE, BOB, CHAIN_ID, GWEI, REVERTER, deploy

Web3 = Any
"""web3's own types are narrower than what it takes, and differ from ours in names alone."""

ARTIFACTS = Path(__file__).parents[3] / "contracts" / "artifacts"


@pytest.fixture
async def web3(chains: LocalChains) -> AsyncIterator[Web3]:
    provider = AsyncHTTPProvider(chains.rpc_url("root"))
    yield AsyncWeb3(provider)
    await provider.disconnect()


@pytest.fixture
def alice() -> Any:
    return EthAccount.from_key(ALICE.private_key)


async def test_transfer__filled_in_by_web3__is_mined(web3: Web3, alice: Any, chain: EmbeddedChain) -> None:
    bob = web3.to_checksum_address(checksum_address(BOB.address))
    before = await web3.eth.get_balance(bob)
    fields = {"to": bob, "value": 5, "from": alice.address, "chainId": await web3.eth.chain_id}
    fields["nonce"] = await web3.eth.get_transaction_count(alice.address, "pending")
    fields["gas"] = await web3.eth.estimate_gas(fields)
    tip = fields["maxPriorityFeePerGas"] = await web3.eth.max_priority_fee
    fields["maxFeePerGas"] = 2 * (await web3.eth.get_block("latest"))["baseFeePerGas"] + tip
    sent = await web3.eth.send_raw_transaction(alice.sign_transaction(fields).raw_transaction)
    with pytest.raises(TransactionNotFound):
        await web3.eth.get_transaction_receipt(sent)
    chain.mine()
    receipt = await web3.eth.get_transaction_receipt(sent)
    assert (receipt["status"], receipt["gasUsed"], receipt["blockNumber"]) == (1, 21_000, 1)
    assert await web3.eth.get_balance(bob) == before + 5
    block = await web3.eth.get_block("latest", full_transactions=True)
    assert block["hash"] == chain.head.hash
    assert (await web3.eth.get_transaction(sent))["value"] == 5


async def test_contract__deployed_called_and_its_events_read__by_web3(
    web3: Web3, alice: Any, chain: EmbeddedChain
) -> None:
    compiled = json.loads((ARTIFACTS / "StakeToken.json").read_text())
    sender = {"from": alice.address, "chainId": CHAIN_ID, "maxFeePerGas": 5 * GWEI, "maxPriorityFeePerGas": GWEI}

    async def send(call: Any, nonce: int) -> None:
        fields = await call.build_transaction({**sender, "nonce": nonce})
        await web3.eth.send_raw_transaction(alice.sign_transaction(fields).raw_transaction)
        chain.mine()

    factory = web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    await send(factory.constructor(), 0)
    address = (await web3.eth.get_transaction_receipt(chain.block().transactions[0].hash))["contractAddress"]
    token = web3.eth.contract(address=address, abi=compiled["abi"])
    await send(token.functions.mint(alice.address, 100), 1)
    assert await token.functions.balanceOf(alice.address).call() == 100
    assert await token.functions.balanceOf(alice.address).call(block_identifier=1) == 0
    events = await token.events.Transfer().get_logs(from_block=0)
    assert [(event["args"]["value"], event["logIndex"]) for event in events] == [(100, 0)]
    with pytest.raises(ContractLogicError):
        await token.functions.transfer(alice.address, 101).call({"from": checksum_address(BOB.address)})


async def test_errors__reverts_and_refusals__reach_web3_as_its_own(
    web3: Web3, alice: Any, chain: EmbeddedChain
) -> None:
    reverter = web3.to_checksum_address(checksum_address(deploy(chain, REVERTER)))
    with pytest.raises(ContractLogicError):
        await web3.eth.call({"to": reverter, "data": "0x1234"})
    with pytest.raises(Web3RPCError, match="transaction type not supported"):
        await web3.eth.send_raw_transaction(b"\x03")


async def test_batch_tags_and_fees__as_web3_asks__are_answered(web3: Web3, chain: EmbeddedChain) -> None:
    chain.mine(5)
    assert await web3.is_connected()
    async with web3.batch_requests() as batch:
        for number in range(6):
            batch.add(web3.eth.get_block(number))
        blocks = await batch.async_execute()
    assert [block["hash"] for block in blocks] == [chain.header(number).hash for number in range(6)]
    assert [(await web3.eth.get_block(tag))["number"] for tag in ("safe", "finalized")] == [4, 3]
    history = await web3.eth.fee_history(3, "latest", [50])
    assert len(history["baseFeePerGas"]) == 4
    assert await web3.eth.syncing is False
    receipts = await web3.eth.get_block_receipts(1)
    assert receipts == []
