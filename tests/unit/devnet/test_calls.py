"""Calls and gas estimates on an embedded chain."""

import pytest

from bridge.codec.types import Address, Wei
from node.devnet.chain import Call, CallFailed, CallReverted
from tests.unit.devnet.world import (
    ALICE,
    BOB,
    LOGGER,
    POOR,
    REVERTER,
    SPINNER,
    STORER,
    TELLER,
    deploy,
    open_chain,
    send_and_mine,
    signed,
)


def test_call__view__runs_in_the_context_of_its_block() -> None:
    chain = open_chain()
    teller = deploy(chain, TELLER)
    chain.mine(3)
    for number in (1, 2, 4):
        answer = chain.call(teller, b"", block=number)
        assert int.from_bytes(answer[:32]) == chain.header(number).timestamp
        assert int.from_bytes(answer[32:]) == number


def test_call__reverted__gives_the_data() -> None:
    chain = open_chain()
    reverter = deploy(chain, REVERTER)
    with pytest.raises(CallReverted) as reverted:
        chain.call(reverter, b"why", sender=POOR.address)
    assert reverted.value.data == b"why"


def test_call__out_of_gas__fails() -> None:
    chain = open_chain()
    spinner = deploy(chain, SPINNER)
    with pytest.raises(CallFailed, match="OutOfGas"):
        chain.run(Call(spinner, gas_limit=50_000))


def test_call__less_gas_than_any_transaction_needs__fails() -> None:
    with pytest.raises(CallFailed, match="intrinsic gas too low"):
        open_chain().run(Call(POOR.address, gas_limit=20_000))


def test_call__value_that_the_sender_lacks__fails() -> None:
    with pytest.raises(CallFailed, match="insufficient funds"):
        open_chain().run(Call(BOB.address, sender=POOR.address, value_wei=Wei(1)))


def test_call__from_a_contract_or_to_nobody__is_allowed() -> None:
    chain = open_chain()
    teller = deploy(chain, TELLER)
    assert chain.call(POOR.address, b"anything") == b""
    assert len(chain.call(teller, b"", sender=teller)) == 64


def test_call__that_writes__changes_nothing() -> None:
    chain = open_chain()
    storer = deploy(chain, STORER)
    chain.call(storer, b"\x07".rjust(32, b"\0"))
    assert chain.storage(storer, 0) == 0
    send_and_mine(chain, storer, b"\x07".rjust(32, b"\0"))
    assert chain.storage(storer, 0) == 7
    assert chain.storage(storer, 0, chain.head.number - 1) == 0


def test_call__creation__returns_the_runtime_code() -> None:
    assert open_chain().run(Call(None, TELLER)) == TELLER[11:]


def test_estimate__plain_transfer__is_exact() -> None:
    assert open_chain().estimate_gas(Call(POOR.address, sender=ALICE.address, value_wei=Wei(1))) == 21_000


@pytest.mark.parametrize("code", [LOGGER, STORER, TELLER])
@pytest.mark.parametrize("data", [b"", b"\x01" * 32, b"\x01" * 2_000])
def test_estimate__of_a_call__is_enough_and_hardly_more(code: bytes, data: bytes) -> None:
    chain = open_chain()
    contract: Address = deploy(chain, code)
    estimate = chain.estimate_gas(Call(contract, data, ALICE.address))
    chain.send_raw(signed(ALICE, chain.nonce(ALICE.address), to=contract, data=data, gas_limit=estimate))
    chain.mine()
    (receipt,) = chain.receipts()
    assert receipt.status_or_root == b"\x01"
    assert estimate <= receipt.cumulative_gas_used * 65 // 64 + 2_400


def test_estimate__of_a_creation__is_enough() -> None:
    chain = open_chain()
    estimate = chain.estimate_gas(Call(None, LOGGER, ALICE.address))
    chain.send_raw(signed(ALICE, 0, to=None, data=LOGGER, gas_limit=estimate))
    chain.mine()
    assert chain.receipts()[0].status_or_root == b"\x01"


def test_estimate__call_that_cannot_succeed__says_why() -> None:
    chain = open_chain()
    with pytest.raises(CallReverted):
        chain.estimate_gas(Call(deploy(chain, REVERTER), b"no"))
