"""What a network's users do from beginning to end, on models and compiled contracts alike; each must succeed.

Random scripts seldom get that far.
"""

from dataclasses import replace

import pytest

from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.exit_payload import encode_payload
from bridge.codec.types import Address, UnixSeconds, Wei
from contracts import calls
from contracts.deployment import DeploymentStep
from node.networks.accounts import Account
from tests.unit.simulation.chains import bridge_steps, checkpoint_steps
from tests.unit.simulation.chains.script import ACCOUNTS, ADDRESSES, SPARE, TOKEN, Script, new_script
from tests.unit.simulation.chains.staking_steps import PAYEE, SIBLING
from tests.unit.simulation.chains.twins import Twins

SELECTOR_BYTES = 4


@pytest.fixture(params=list(DataForm), ids=lambda form: form.name.lower())
def script(request: pytest.FixtureRequest) -> Script:
    """A script in which every call is mined as it is meant."""
    new = new_script(1, request.param)
    new.mangled_share, new.mined_share = 0.0, 1.0
    return new


def done(script: Script, twins: Twins, sender: Account, to: Address | None, data: bytes) -> None:
    """A call that must succeed on both chains."""
    assert to is not None
    assert script.act(twins, sender, to, data).ended == "returned"
    assert [receipt.status_or_root for receipt in twins.model.receipts()] == [b"\x01"]


def steps_done(script: Script, sender: Account, steps: tuple[DeploymentStep, ...]) -> None:
    for step in steps:
        done(script, script.root, sender, step.to, step.data)


def checkpointed(script: Script) -> None:
    """All of the side chain is under headers."""
    contract = script.contracts.root.root_chain
    while script.number(contract, "getLastChildBlock()") < script.side.model.head.number:
        checkpoint_steps.good(script)


def test_burn__under_a_header__is_exited_once(script: Script) -> None:
    contracts, burner = script.contracts, ACCOUNTS.demo[1]
    done(script, script.side, burner, contracts.side.demo_token, encode_call("withdraw(uint256)", 3 * TOKEN))
    checkpointed(script)
    script.source.seed(3)  # draws the burn, and not the log of another transaction
    payload = bridge_steps.payload_of_any(script)
    assert payload is not None
    exit_call = encode_call("exit(bytes)", encode_payload(payload))
    done(script, script.root, ACCOUNTS.demo[2], contracts.root.root_chain_manager, exit_call)
    held = script.number(contracts.root.demo_token, "balanceOf(address)", burner.address)
    assert held == 3 * TOKEN
    again = script.act(script.root, ACCOUNTS.demo[2], contracts.root.root_chain_manager, exit_call)
    assert b"EXIT_ALREADY_PROCESSED" in again.data
    script.root.reorg(4, with_transactions=True)
    script.root.compare_accounts(ADDRESSES)


def test_deposit__carried_over__is_held_on_the_side_chain(script: Script) -> None:
    contracts, user = script.contracts, ACCOUNTS.demo[3]
    mint = calls.mint(contracts.root.demo_token, ACCOUNTS.deployer.address, Wei(7))
    steps_done(script, ACCOUNTS.deployer, (mint, *calls.deposit(contracts.root, user.address, Wei(7))))
    (state,) = bridge_steps.synced_states(script)[-1:]
    receive = encode_call(bridge_steps.RECEIVE, state.id, state.data)
    done(script, script.side, ACCOUNTS.relayer, contracts.side.child_chain_manager, receive)
    (held,) = script.read(script.side, contracts.side.demo_token, ("uint256",), "balanceOf(address)", user.address)
    assert held == 1_000 * TOKEN + 7


def test_validator__staked_restaked_rekeyed_and_left__has_its_stake_back(script: Script) -> None:
    contracts, owner, manager = script.contracts.root, ACCOUNTS.demo[4], script.contracts.root.stake_manager
    mint = calls.mint(contracts.stake_token, ACCOUNTS.deployer.address, Wei(9 * TOKEN))
    stake = calls.stake(contracts, owner.address, Wei(5 * TOKEN), SPARE[0].public_key)
    steps_done(script, ACCOUNTS.deployer, (mint, *stake))
    give = encode_call("transfer(address,uint256)", owner.address, 2 * TOKEN)
    done(script, script.root, ACCOUNTS.deployer, contracts.stake_token, give)
    approve = encode_call("approve(address,uint256)", manager, 2 * TOKEN)
    done(script, script.root, owner, contracts.stake_token, approve)
    restake = encode_call("restakePOL(uint256,uint256,bool)", 5, 2 * TOKEN, False)
    done(script, script.root, owner, manager, restake)
    checkpoint_steps.good(script)
    done(script, script.root, owner, manager, encode_call("updateSigner(uint256,bytes)", 5, SPARE[1].public_key))
    done(script, script.root, owner, manager, encode_call("unstakePOL(uint256)", 5))
    checkpoint_steps.good(script)
    assert script.number(manager, "currentValidatorSetSize()") == 4
    done(script, script.root, ACCOUNTS.deployer, manager, encode_call("updateDynastyValue(uint256)", 0))
    done(script, script.root, owner, manager, encode_call("unstakeClaimPOL(uint256)", 5))
    assert script.number(contracts.stake_token, "balanceOf(address)", owner.address) == 7 * TOKEN
    script.root.compare_accounts([*ADDRESSES, manager])


def test_fee__paid_in_and_put_under_a_header__is_paid_out_once(script: Script) -> None:
    contracts, manager = script.contracts.root, script.contracts.root.stake_manager
    mint = calls.mint(contracts.stake_token, ACCOUNTS.deployer.address, Wei(TOKEN))
    approve = DeploymentStep("approve", contracts.stake_token, encode_call("approve(address,uint256)", manager, TOKEN))
    top_up = DeploymentStep("top up", manager, encode_call("topUpForFee(address,uint256)", PAYEE.address, TOKEN))
    steps_done(script, ACCOUNTS.deployer, (mint, approve, top_up))
    claim = encode_call("claimFee(uint256,uint256,bytes)", TOKEN, 1, SIBLING)
    while script.root.call(manager, claim, PAYEE.address).ended == "reverted":
        checkpoint_steps.good(script)  # until one carries the payee's account
    done(script, script.root, PAYEE, manager, claim)
    assert script.number(contracts.stake_token, "balanceOf(address)", PAYEE.address) == TOKEN
    assert script.act(script.root, PAYEE, manager, claim).data[:SELECTOR_BYTES] == encode_call("NothingToClaim()")


def test_checkpoint__of_exactly_two_thirds__is_refused_and_with_one_token_more_taken(script: Script) -> None:
    contracts, manager = script.contracts.root, script.contracts.root.stake_manager
    mint = calls.mint(contracts.stake_token, ACCOUNTS.deployer.address, Wei(66 * TOKEN))
    stake = calls.stake(contracts, ACCOUNTS.demo[0].address, Wei(65 * TOKEN), SPARE[0].public_key)
    steps_done(script, ACCOUNTS.deployer, (mint, *stake))  # 100, 90 and 80 are now 270 of 405
    assert "2/3+1 non-majority!" in str(submitted_by_three(script))
    owner = ACCOUNTS.submitters[0]
    give = encode_call("transfer(address,uint256)", owner.address, TOKEN)
    done(script, script.root, ACCOUNTS.deployer, contracts.stake_token, give)
    approve = encode_call("approve(address,uint256)", manager, TOKEN)
    done(script, script.root, owner, contracts.stake_token, approve)
    done(script, script.root, owner, manager, encode_call("restakePOL(uint256,uint256,bool)", 1, TOKEN, False))
    assert submitted_by_three(script) == b""


def submitted_by_three(script: Script) -> bytes:
    """What the next checkpoint answers under the signatures of the first three validators."""
    data, digest = checkpoint_steps.encoded(script, *checkpoint_steps.next_checkpoint(script))
    signers = sorted(ACCOUNTS.signers[:3], key=lambda each: each.address)
    signatures = [checkpoint_steps.signature_words(digest, each) for each in signers]
    call = encode_call(checkpoint_steps.SUBMIT, data, signatures)
    return script.act(script.root, PAYEE, script.contracts.root.root_chain, call).data


def test_checkpoint__at_its_deadline__is_taken_and_a_second_later_not() -> None:
    script = new_script(1, DataForm.BOUND)
    contract, now = script.contracts.root.root_chain, script.root.model.head.timestamp
    checkpoint, binding = checkpoint_steps.next_checkpoint(script)
    signers = sorted(ACCOUNTS.signers, key=lambda each: each.address)
    ended = []
    for late in (0, 1):
        bound = replace(binding, valid_until=UnixSeconds(now - late))
        data, digest = checkpoint_steps.encoded(script, checkpoint, bound)
        signatures = [checkpoint_steps.signature_words(digest, each) for each in signers]
        ended.append(script.root.call(contract, encode_call(checkpoint_steps.SUBMIT, data, signatures), PAYEE.address))
    assert [answer.ended for answer in ended] == ["returned", "reverted"]


def test_headers__taken_back_by_the_owner__are_made_anew(script: Script) -> None:
    contract = script.contracts.root.root_chain
    for _ in range(3):
        checkpoint_steps.good(script)
    last = script.number(contract, "currentHeaderBlock()")
    done(script, script.root, ACCOUNTS.deployer, contract, encode_call("setNextHeaderBlock(uint256)", 20_000))
    assert script.number(contract, "currentHeaderBlock()") == 10_000
    script.root.call(contract, encode_call("headerBlocks(uint256)", last), PAYEE.address)
    checkpoint_steps.good(script)
    script.root.call(contract, encode_call("headerBlocks(uint256)", 20_000), PAYEE.address)
    script.root.reorg(2, with_transactions=False)
    script.root.mine(5)
