"""StakeManager: leaving, being removed, and taking the stake back."""

from bridge.codec.abi import encode_values
from bridge.codec.events import UnstakeInit
from bridge.codec.types import ZERO_ADDRESS, ValidatorId, Wei
from contracts.deployment import StakingParameters
from tests.contracts.harness import DEPLOYER, STRANGER
from tests.contracts.network import TOKEN, Network
from tests.contracts.staking import (
    INCORRECT_VALIDATOR_ID,
    JOINER,
    UNSTAKED,
    approve,
    balance,
    manager,
    members,
    read,
    stake_call,
    staking_logs,
    validator_words,
)


def test_unstake__until_the_next_checkpoint__still_counts_and_signs(bound: Network) -> None:
    leaver = bound.validators[0]
    mined = bound.chain.send(leaver, manager(bound, "unstakePOL(uint256)", 1))

    assert staking_logs(bound, mined) == [UnstakeInit(leaver.address, ValidatorId(1), 2, 2, Wei(100 * TOKEN))]
    assert read(bound, "currentValidatorSetTotalStake()") == 340 * TOKEN
    assert read(bound, "isValidator(uint256)", 1) == 1
    # Without the leaver the other three would be everybody; with it they are 240 of 340, and two are too few.
    assert bound.refusal(bound.checkpoint(), bound.validators[2:]) == "2/3+1 non-majority!"
    bound.submit(bound.checkpoint(proposer=leaver))

    assert leaver.address not in members(bound)
    assert read(bound, "isValidator(uint256)", 1) == 0
    assert read(bound, "currentValidatorSetTotalStake()") == 240 * TOKEN
    assert read(bound, "currentValidatorSetSize()") == 3
    assert read(bound, "totalStaked()") == 340 * TOKEN
    stayed = bound.checkpoint(proposer=bound.validators[1])
    assert bound.refusal(stayed) == "UnknownSigner"
    bound.submit(stayed, bound.validators[1:])


def test_unstake__two_leave_and_one_joins_in_an_epoch__set_is_right_after_it(bound: Network) -> None:
    bound.chain.send(bound.validators[1], manager(bound, "unstakePOL(uint256)", 2))
    bound.stake(JOINER, 75 * TOKEN)
    bound.chain.send(bound.validators[2], manager(bound, "unstakePOL(uint256)", 3))
    bound.submit()
    first, fourth = bound.validators[0].address, bound.validators[3].address
    assert members(bound) == {first: 100, fourth: 70, JOINER.address: 75}
    bound.submit(signers=[bound.validators[0], bound.validators[3], JOINER])


def test_unstake__everybody__leaves_a_set_that_can_accept_nothing_until_one_joins(bound: Network) -> None:
    for index, validator in enumerate(bound.validators):
        bound.chain.send(validator, manager(bound, "unstakePOL(uint256)", index + 1))
    bound.submit()
    assert members(bound) == {}
    assert bound.refusal(bound.checkpoint(), []) == "ProposerNotAValidator"
    bound.stake(JOINER, TOKEN)
    bound.submit(bound.checkpoint(proposer=JOINER), [JOINER])


def test_unstake__stranger_or_twice__is_refused(bound: Network) -> None:
    unstake = manager(bound, "unstakePOL(uint256)", 1)
    assert bound.chain.refusal(STRANGER, unstake) == "NotTheOwnerOf"
    bound.chain.send(bound.validators[0], unstake)
    assert bound.chain.refusal(bound.validators[0], unstake) == "AlreadyLeaving"
    bound.submit()
    assert bound.chain.refusal(bound.validators[0], unstake) == "AlreadyLeaving"


def test_force_unstake__by_the_owner__removes_at_once(bound: Network) -> None:
    mined = bound.chain.send(DEPLOYER, manager(bound, "forceUnstakePOL(uint256)", 2))
    removed = bound.validators[1]
    assert staking_logs(bound, mined) == [UnstakeInit(removed.address, ValidatorId(2), 2, 1, Wei(90 * TOKEN))]
    assert removed.address not in members(bound)
    assert read(bound, "currentValidatorSetTotalStake()") == 250 * TOKEN
    again = manager(bound, "forceUnstakePOL(uint256)", 2)
    assert bound.chain.refusal(DEPLOYER, again) == "NotActive"
    bound.submit(signers=[validator for validator in bound.validators if validator != removed])


def test_force_unstake__of_a_leaver__removes_it_once(bound: Network) -> None:
    """Else leavers with a third of the power, who do not sign, could halt checkpoints for ever."""
    bound.chain.send(bound.validators[0], manager(bound, "unstakePOL(uint256)", 1))
    bound.chain.send(DEPLOYER, manager(bound, "forceUnstakePOL(uint256)", 1))
    assert read(bound, "currentValidatorSetSize()") == 3
    bound.submit(bound.checkpoint(proposer=bound.validators[1]), bound.validators[1:])
    assert read(bound, "currentValidatorSetSize()") == 3
    assert read(bound, "currentValidatorSetTotalStake()") == 240 * TOKEN


def test_unstake_claim__after_the_delay__pays_and_frees_the_owner(bound: Network) -> None:
    leaver = bound.validators[0]
    claim = manager(bound, "unstakeClaimPOL(uint256)", 1)
    assert bound.chain.refusal(leaver, claim) == "ClaimTooEarly"
    bound.chain.send(leaver, manager(bound, "unstakePOL(uint256)", 1))
    bound.submit()
    others = bound.validators[1:]
    for _ in range(StakingParameters().withdrawal_delay_epochs):
        assert bound.chain.refusal(leaver, claim) == "ClaimTooEarly"
        bound.submit(bound.checkpoint(proposer=others[0]), others)
    assert bound.chain.refusal(STRANGER, claim) == "NotTheOwnerOf"

    mined = bound.chain.send(leaver, claim)

    (log,) = (log for log in mined.logs if log.address == bound.contracts.staking_info)
    assert log.topics[0].hex() == "204fccf0d92ed8d48f204adb39b2e81e92bad0dedb93f5716ca9478cfb57de00"
    assert log.data == encode_values(("uint256", "uint256"), (100 * TOKEN, 240 * TOKEN))
    assert balance(bound, leaver.address) == 100 * TOKEN
    assert balance(bound, bound.contracts.stake_manager) == read(bound, "totalStaked()") == 240 * TOKEN
    assert read(bound, "signerToValidator(address)", leaver.address) == INCORRECT_VALIDATOR_ID
    assert read(bound, "signerToValidator(address)", ZERO_ADDRESS) == 0
    assert validator_words(bound, 1) == (0, 0, 1, 2, 0, ZERO_ADDRESS, ZERO_ADDRESS, UNSTAKED, 0, 0, 0, 0, 0)
    assert bound.chain.refusal(leaver, claim) == "NotTheOwnerOf"
    # The owner may stake again, with another signer.
    approve(bound)
    again = stake_call(bound, leaver.address, public_key=leaver.public_key)
    assert bound.chain.refusal(DEPLOYER, again) == "Invalid signer"
    bound.chain.send(DEPLOYER, stake_call(bound, leaver.address))
    assert read(bound, "getValidatorId(address)", leaver.address) == 5
