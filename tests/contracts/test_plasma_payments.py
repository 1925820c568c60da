"""Payments of the plasma bridge: what is refused waits, what calls back gains nothing, and gas is enough."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.codec.types import Address, Wei
from contracts import plasma_calls
from contracts.deployment import DeploymentStep
from contracts.plasma_deployment import ETHER
from node.devnet.chain import CallReverted
from node.devnet.chain.views import Call
from tests.contracts.crossing import BURNER, DEPOSIT_WEI
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, SYNCER, account, invoke, reason
from tests.contracts.network import TOKEN
from tests.contracts.plasma import (
    EXIT_FAILED,
    EXIT_STARTED,
    HALF_EXIT_PERIOD_S,
    NATIVE_FUNDING_WEI,
    PAID,
    PUPPET,
    Plasma,
    exit_ids,
    puppet_burnt,
    puppet_run,
    puppet_started,
)

FUZZED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ether_exit(plasma: Plasma, amount_wei: int = TOKEN) -> int:
    """The id of an exit of ether of the puppet's, ready to be paid."""
    block = puppet_burnt(plasma, plasma_calls.withdraw(plasma.there.ether, amount_wei))
    (exit_id,) = puppet_started(plasma, block, [1])
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    return exit_id


def refuse_coin(plasma: Plasma, *, refuses: bool) -> None:
    """Have the puppet on the root chain refuse what it is paid, or take it again."""
    plasma.root.send(STRANGER, invoke(PUPPET, "refuseCoin(bool)", refuses))


def test_payment__that_is_refused__stops_no_other_and_can_be_made_later(plasma: Plasma) -> None:
    failed = ether_exit(plasma)
    block = plasma.burnt(plasma_calls.withdraw(plasma.there.ether, TOKEN))
    plasma.root.send(BURNER, plasma.start(plasma.crossing.payload(block, log_index=1)))
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    refuse_coin(plasma, refuses=True)
    before = plasma.root.embedded.balance(BURNER.address)

    mined = plasma.process(ETHER)

    assert (exit_ids(mined.logs, EXIT_FAILED), len(exit_ids(mined.logs, PAID))) == ([failed], 1)
    assert plasma.root.embedded.balance(BURNER.address) == before + TOKEN
    retry = invoke(plasma.here.withdraw_manager, "retryExit(uint256)", failed)
    assert plasma.root.refusal(SYNCER, retry) == "StillFails"
    refuse_coin(plasma, refuses=False)
    assert exit_ids(plasma.root.send(SYNCER, retry).logs, PAID) == [failed]
    assert plasma.root.embedded.balance(PUPPET) == TOKEN
    assert plasma.root.refusal(SYNCER, retry) == "NotFailed"


@pytest.mark.parametrize(
    ("way", "pays"),
    [("processExits", 0), ("retryExit of itself", 0), ("retryExit of a failed one", 1), ("start again", 0)],
)
def test_payment__that_calls_back__pays_nothing_twice(plasma: Plasma, way: str, pays: int) -> None:
    """Two exits wait and one has failed when the call comes; a call may pay the failed one, once."""
    failed = ether_exit(plasma, 4 * TOKEN)
    refuse_coin(plasma, refuses=True)
    plasma.process(ETHER)
    refuse_coin(plasma, refuses=False)
    waiting = [ether_exit(plasma, amount_wei) for amount_wei in (TOKEN, 2 * TOKEN)]
    manager = plasma.here.withdraw_manager
    retry = invoke(manager, "retryExit(uint256)", failed)
    block = plasma.side.embedded.header(plasma.side.embedded.head.number)
    callback = {
        "processExits": plasma_calls.process_exits(plasma.here, ETHER),
        "retryExit of itself": invoke(manager, "retryExit(uint256)", waiting[0]),
        "retryExit of a failed one": retry,
        "start again": plasma.start(plasma.crossing.payload(block, log_index=1)),
    }[way]
    plasma.root.send(STRANGER, invoke(PUPPET, "callWhenPaid(address,bytes)", callback.to, callback.data))

    assert exit_ids(plasma.process(ETHER).logs, EXIT_FAILED) == []

    assert plasma.root.embedded.balance(PUPPET) == (3 + 4 * pays) * TOKEN
    if pays:
        assert plasma.root.refusal(SYNCER, retry) == "NotFailed"
    else:
        plasma.root.send(SYNCER, retry)
    assert plasma.root.embedded.balance(PUPPET) == 7 * TOKEN
    assert plasma.root.embedded.balance(plasma.here.deposit_manager) == 2 * DEPOSIT_WEI - 7 * TOKEN
    assert plasma.waiting(ETHER) == 0


def test_retry__that_calls_back_to_itself__pays_once(plasma: Plasma) -> None:
    failed = ether_exit(plasma)
    refuse_coin(plasma, refuses=True)
    plasma.process(ETHER)
    refuse_coin(plasma, refuses=False)
    retry = invoke(plasma.here.withdraw_manager, "retryExit(uint256)", failed)
    plasma.root.send(STRANGER, invoke(PUPPET, "callWhenPaid(address,bytes)", retry.to, retry.data))
    plasma.root.send(SYNCER, retry)
    assert plasma.root.embedded.balance(PUPPET) == TOKEN
    assert plasma.root.number(PUPPET, "callbacks()") == 0


def test_payment__beyond_what_was_deposited__waits_for_a_deposit(plasma: Plasma) -> None:
    """Coin that a genesis gave away can be burnt, and is paid only as far as others have deposited."""
    amount = Wei(2 * DEPOSIT_WEI + TOKEN)
    block = plasma.burnt(plasma_calls.withdraw_native(plasma.there, amount))
    mined = plasma.root.send(BURNER, plasma.start(plasma.crossing.payload(block)))
    (exit_id,) = exit_ids(mined.logs, EXIT_STARTED)
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    assert exit_ids(plasma.process(plasma.native_root_token).logs, EXIT_FAILED) == [exit_id]
    retry = invoke(plasma.here.withdraw_manager, "retryExit(uint256)", exit_id)
    assert plasma.root.refusal(SYNCER, retry) == "StillFails"
    deposit = plasma_calls.deposit_erc20(plasma.here, plasma.native_root_token, STRANGER.address, Wei(TOKEN))
    plasma.root.send_all(DEPLOYER, *deposit)
    plasma.root.send(SYNCER, retry)
    assert plasma.balance(plasma.native_root_token, BURNER.address) == amount


def test_processing__with_gas_for_none__fails_and_with_an_estimate_pays_one(plasma: Plasma) -> None:
    """Were it to succeed, whoever sends what a node estimates would pay for nothing."""
    ids = [ether_exit(plasma) for _ in range(3)]
    step = plasma_calls.process_exits(plasma.here, ETHER)
    assert step.to is not None
    with pytest.raises(CallReverted) as reverted:
        plasma.root.embedded.run(Call(step.to, step.data, SYNCER.address, gas_limit=500_000))
    assert reason(reverted.value.data) == "TooLittleGas"
    estimate = plasma.root.embedded.estimate_gas(Call(step.to, step.data, SYNCER.address))
    for exit_id in ids:
        plasma.root.embedded.send_raw(plasma.root.raw(SYNCER, step, gas_limit=estimate))
        plasma.root.clock.advance(1)
        (header,) = plasma.root.embedded.mine()
        (receipt,) = plasma.root.embedded.receipts(header.hash)
        assert exit_ids(receipt.logs, PAID) == [exit_id]


@settings(FUZZED, max_examples=25)
@given(gas_limit=st.integers(700_000, 1_500_000))
def test_processing__with_any_gas_that_is_enough__never_fails_a_payment_for_want_of_it(
    three_exits: Plasma, gas_limit: int
) -> None:
    plasma = three_exits.copy()
    step = plasma_calls.process_exits(plasma.here, ETHER)
    plasma.root.embedded.send_raw(plasma.root.raw(SYNCER, step, gas_limit=gas_limit))
    plasma.root.clock.advance(1)
    (header,) = plasma.root.embedded.mine()
    (receipt,) = plasma.root.embedded.receipts(header.hash)
    assert exit_ids(receipt.logs, EXIT_FAILED) == []
    assert len(exit_ids(receipt.logs, PAID)) + plasma.waiting(ETHER) == 3


@pytest.fixture(scope="session")
def three_exits(plasma_once: Plasma) -> Plasma:
    """Three exits of ether that may be paid."""
    plasma = plasma_once.copy()
    for _ in range(3):
        ether_exit(plasma)
    return plasma


def deposited_natively(plasma: Plasma, user: Address, amount_wei: int) -> None:
    steps = plasma_calls.deposit_erc20(plasma.here, plasma.native_root_token, user, Wei(amount_wei))
    plasma.crossing.carry(plasma.root.send_all(DEPLOYER, *steps))


def test_native_deposit__that_its_receiver_refuses__is_owed_and_can_be_claimed_once(plasma: Plasma) -> None:
    native, side = plasma.there.native_token, plasma.side
    side.send(STRANGER, invoke(PUPPET, "refuseCoin(bool)", True))
    deposited_natively(plasma, PUPPET, TOKEN)
    assert side.number(native, "owed(address)", PUPPET) == TOKEN
    elsewhere = account("elsewhere")
    claim = puppet_run([invoke(native, "claim(address)", elsewhere.address)])
    side.send(STRANGER, claim)
    side.send(STRANGER, claim)
    assert side.embedded.balance(elsewhere.address) == TOKEN
    assert side.number(native, "owed(address)", PUPPET) == 0


def test_native_claim__that_calls_back__is_paid_once(plasma: Plasma) -> None:
    native, side = plasma.there.native_token, plasma.side
    before = side.embedded.balance(PUPPET)
    side.send(STRANGER, invoke(PUPPET, "refuseCoin(bool)", True))
    deposited_natively(plasma, PUPPET, TOKEN)
    side.send(STRANGER, invoke(PUPPET, "refuseCoin(bool)", False))
    claim = invoke(native, "claim(address)", PUPPET)
    side.send(STRANGER, invoke(PUPPET, "callWhenPaid(address,bytes)", claim.to, claim.data))
    side.send(STRANGER, puppet_run([claim]))
    assert side.embedded.balance(PUPPET) == before + TOKEN


def test_native_deposit__beyond_the_coin_that_is_there__is_owed_until_more_comes(plasma: Plasma) -> None:
    native, side = plasma.there.native_token, plasma.side
    amount = NATIVE_FUNDING_WEI
    deposited_natively(plasma, SUBMITTER.address, amount)
    assert side.number(native, "owed(address)", SUBMITTER.address) == amount
    claim = invoke(native, "claim(address)", SUBMITTER.address)
    assert side.refusal(SUBMITTER, claim) == "InsufficientBalance"
    side.send(DEPLOYER, DeploymentStep("more coin", native, b"", Wei(2 * DEPOSIT_WEI)))
    before = side.embedded.balance(SUBMITTER.address)
    side.send(SUBMITTER, claim)
    assert amount - TOKEN < side.embedded.balance(SUBMITTER.address) - before <= amount
