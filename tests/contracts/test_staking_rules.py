"""StakeManager and StakingInfo: nonces, fees, parameters, and who may do what."""

from dataclasses import replace

import pytest

from bridge.codec.abi import encode_values
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_ADDRESS
from contracts.deployment import DeploymentStep, contract_address
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, account, invoke
from tests.contracts.network import DEVNET_STAKES, TOKEN, Network
from tests.contracts.staking import JOINER, approve, balance, manager, read, stake_call, update_signer


def test_staking_info__nonces__count_one_validators_logs(bound: Network) -> None:
    def nonce(validator_id: int) -> int:
        return bound.chain.number(bound.contracts.staking_info, "validatorNonce(uint256)", validator_id)

    assert [nonce(validator_id) for validator_id in range(6)] == [0, 1, 1, 1, 1, 0]
    bound.chain.send(bound.validators[1], update_signer(bound, 2, account("new signer")))
    bound.chain.send(bound.validators[1], manager(bound, "unstakePOL(uint256)", 2))
    bound.stake(JOINER, TOKEN)
    assert [nonce(validator_id) for validator_id in range(6)] == [0, 1, 3, 1, 1, 1]


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("logStaked(address,bytes,uint256,uint256,uint256,uint256)", (ZERO_ADDRESS, b"", 1, 1, 1, 1)),
        ("logStakeUpdate(uint256,uint256)", (1, 1)),
        ("logSignerChange(uint256,address,address,bytes)", (1, ZERO_ADDRESS, ZERO_ADDRESS, b"")),
        ("logUnstakeInit(address,uint256,uint256,uint256)", (ZERO_ADDRESS, 1, 1, 1)),
        ("logUnstaked(address,uint256,uint256,uint256)", (ZERO_ADDRESS, 1, 1, 1)),
        ("logRestaked(uint256,uint256,uint256)", (1, 1, 1)),
        ("logTopUpFee(address,uint256)", (ZERO_ADDRESS, 1)),
        ("logClaimFee(address,uint256)", (ZERO_ADDRESS, 1)),
    ],
)
def test_staking_info__logs_by_a_stranger__are_refused(
    bound: Network, signature: str, arguments: tuple[object, ...]
) -> None:
    for sender in (STRANGER, DEPLOYER):
        step = invoke(bound.contracts.staking_info, signature, *arguments)
        assert bound.chain.refusal(sender, step) == "OnlyStakeManager"


def test_fees__topped_up_and_claimed__are_paid_once(bound: Network) -> None:
    approve(bound)
    top_up = bound.chain.send(DEPLOYER, manager(bound, "topUpForFee(address,uint256)", STRANGER.address, 5 * TOKEN))
    assert "2c3bb545" in top_up.logs[0].topics[0].hex()
    assert read(bound, "totalHeimdallFee()") == 5 * TOKEN
    leaf = keccak256(encode_values(("address", "uint256"), (STRANGER.address, 3 * TOKEN)))
    sibling = keccak256(b"another account")
    account_root = keccak256(sibling + leaf)
    bound.submit(replace(bound.checkpoint(), account_root_hash=account_root))

    def claim(amount_wei: int, index: int, proof: bytes) -> DeploymentStep:
        return manager(bound, "claimFee(uint256,uint256,bytes)", amount_wei, index, proof)

    right = claim(3 * TOKEN, 1, sibling)
    assert bound.chain.refusal(STRANGER, claim(4 * TOKEN, 1, sibling)) == "Wrong acc proof"
    assert bound.chain.refusal(STRANGER, claim(3 * TOKEN, 0, sibling)) == "Wrong acc proof"
    assert bound.chain.refusal(STRANGER, claim(3 * TOKEN, 2, sibling)) == "ProofLengthUnfit"
    assert bound.chain.refusal(STRANGER, claim(3 * TOKEN, 1, sibling[:31])) == "ProofLengthUnfit"
    assert bound.chain.refusal(SUBMITTER, right) == "Wrong acc proof"
    bound.chain.send(STRANGER, right)
    assert balance(bound, STRANGER.address) == 3 * TOKEN
    assert read(bound, "totalHeimdallFee()") == 2 * TOKEN
    assert read(bound, "userFeeExit(address)", STRANGER.address) == 3 * TOKEN
    assert bound.chain.refusal(STRANGER, right) == "NothingToClaim"


def test_fees__below_the_minimum__are_refused(bound: Network) -> None:
    approve(bound)
    bound.chain.send(DEPLOYER, manager(bound, "updateMinAmounts(uint256,uint256)", 2 * TOKEN, TOKEN))
    top_up = manager(bound, "topUpForFee(address,uint256)", STRANGER.address, TOKEN - 1)
    assert bound.chain.refusal(DEPLOYER, top_up) == "fee too small"
    low_fee = stake_call(bound, JOINER.address, 2 * TOKEN, fee_wei=TOKEN - 1)
    assert bound.chain.refusal(DEPLOYER, low_fee) == "fee too small"
    low_stake = stake_call(bound, JOINER.address, 2 * TOKEN - 1, fee_wei=TOKEN)
    assert bound.chain.refusal(DEPLOYER, low_stake) == "DepositTooSmall"
    bound.chain.send(DEPLOYER, stake_call(bound, JOINER.address, 2 * TOKEN, fee_wei=TOKEN))
    assert balance(bound, bound.contracts.stake_manager) == 343 * TOKEN


SETTERS = {
    "updateMinAmounts(uint256,uint256)": (7 * TOKEN, 3),
    "updateSignerUpdateLimit(uint256)": (7,),
    "updateValidatorThreshold(uint256)": (7,),
    "updateDynastyValue(uint256)": (7,),
    "forceUnstakePOL(uint256)": (1,),
}


@pytest.mark.parametrize("signature", SETTERS)
def test_owners_functions__by_a_stranger__are_refused(bound: Network, signature: str) -> None:
    step = manager(bound, signature, *SETTERS[signature])
    assert bound.chain.refusal(STRANGER, step) == "OwnableUnauthorizedAccount"


def test_parameters__set_by_the_owner__are_read_back(bound: Network) -> None:
    names = ("minDeposit", "minHeimdallFee", "signerUpdateLimit", "validatorThreshold", "withdrawalDelay")
    assert [read(bound, f"{name}()") for name in names] == [TOKEN, 0, 1, 100, 4]
    for signature, arguments in list(SETTERS.items())[:4]:
        bound.chain.send(DEPLOYER, manager(bound, signature, *arguments))
    assert [read(bound, f"{name}()") for name in names] == [7 * TOKEN, 3, 7, 7, 7]
    assert read(bound, "WITHDRAWAL_DELAY()") == 7


def test_parameters__out_of_range__are_refused(bound: Network) -> None:
    def refusal(signature: str, *arguments: int) -> str:
        return bound.chain.refusal(DEPLOYER, manager(bound, signature, *arguments))

    assert refusal("updateMinAmounts(uint256,uint256)", TOKEN - 1, 0) == "ParameterOutOfRange"
    assert refusal("updateValidatorThreshold(uint256)", 0) == "ParameterOutOfRange"
    assert refusal("updateValidatorThreshold(uint256)", 768) == "ParameterOutOfRange"
    bound.chain.send(DEPLOYER, manager(bound, "updateValidatorThreshold(uint256)", 767))


def test_validator_set__kept_as_code__does_nothing_when_called(bound: Network) -> None:
    """Each change of the set is a new account made by StakeManager: a STOP byte and a word per validator."""
    blob = contract_address(bound.contracts.stake_manager, len(DEVNET_STAKES))
    entries = sorted(
        validator.address + (stake_wei // TOKEN).to_bytes(8) + number.to_bytes(4)
        for number, (validator, stake_wei) in enumerate(zip(bound.validators, DEVNET_STAKES, strict=True), start=1)
    )
    assert bound.chain.embedded.code(blob) == b"\x00" + b"".join(entries)
    assert bound.chain.embedded.call(blob, b"\xff" * 4, sender=STRANGER.address) == b""
