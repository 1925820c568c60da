"""StakeManager: joining, adding stake and changing signers; who is refused, and what is logged."""

import pytest

from bridge.codec.abi import encode_call
from bridge.codec.events import SignerChange, Staked, StakeUpdate
from bridge.codec.secp256k1 import is_on_curve
from bridge.codec.types import ZERO_ADDRESS, PublicKey, ValidatorId, Wei
from contracts import calls
from contracts.deployment import DeploymentStep
from tests.contracts.harness import DEPLOYER, STRANGER, account, invoke
from tests.contracts.network import DEVNET_STAKES, TOKEN, Network
from tests.contracts.staking import (
    ACTIVE,
    INCORRECT_VALIDATOR_ID,
    JOINER,
    approve,
    balance,
    manager,
    members,
    read,
    stake_call,
    staking_logs,
    update_signer,
    validator_words,
)

FIELD_PRIME = 2**256 - 2**32 - 977


def test_stake__of_a_fifth_validator__counts_at_once_and_is_logged(bound: Network) -> None:
    bound.submit()
    mined = bound.stake(JOINER, 60 * TOKEN)

    joined = Staked(JOINER.address, ValidatorId(5), 1, 2, Wei(60 * TOKEN), Wei(400 * TOKEN), JOINER.public_key)
    assert joined in staking_logs(bound, mined)
    assert validator_words(bound, 5) == (60 * TOKEN, 0, 2, 0, 0, JOINER.address, ZERO_ADDRESS, ACTIVE, 0, 0, 0, 0, 0)
    assert read(bound, "signerToValidator(address)", JOINER.address) == 5
    assert read(bound, "getValidatorId(address)", JOINER.address) == 5
    assert bound.chain.address(bound.contracts.stake_manager, "ownerOf(uint256)", 5) == JOINER.address
    assert read(bound, "isValidator(uint256)", 5) == 1
    assert read(bound, "NFTCounter()") == 6
    assert members(bound)[JOINER.address] == 60
    bound.submit(signers=[*bound.validators[1:4], JOINER])


def test_views__of_four_validators__add_up(bound: Network) -> None:
    total = sum(DEVNET_STAKES)
    state = bound.chain.view(bound.contracts.stake_manager, "validatorState()", ("uint256", "uint256"))
    assert state == (total, 4)
    assert read(bound, "currentValidatorSetTotalStake()") == read(bound, "totalStaked()") == total
    assert read(bound, "currentValidatorSetSize()") == 4
    assert read(bound, "validatorStake(uint256)", 2) == DEVNET_STAKES[1]
    assert read(bound, "totalStakedFor(address)", bound.validators[1].address) == DEVNET_STAKES[1]
    assert read(bound, "totalStakedFor(address)", STRANGER.address) == 0
    assert balance(bound, bound.contracts.stake_manager) == total
    assert members(bound) == {v.address: s // TOKEN for v, s in zip(bound.validators, DEVNET_STAKES, strict=True)}
    nothing = (0, 0, 0, 0, 0, ZERO_ADDRESS, ZERO_ADDRESS, 0, 0, 0, 0, 0, 0)
    assert validator_words(bound, 0) == validator_words(bound, 5) == nothing
    assert bound.chain.refusal(STRANGER, manager(bound, "getValidatorId(address)", STRANGER.address)) == "NoValidatorOf"


def test_stake_for__the_older_name__does_the_same(bound: Network) -> None:
    approve(bound)
    data = encode_call(
        "stakeFor(address,uint256,uint256,bool,bytes)", JOINER.address, TOKEN, 0, False, JOINER.public_key
    )
    assert data[:4].hex() == "4fdd20f1"
    bound.chain.send(DEPLOYER, DeploymentStep("stakeFor", bound.contracts.stake_manager, data))
    assert members(bound)[JOINER.address] == 1


def test_stake__owner_and_signer_differ__each_has_its_part(bound: Network) -> None:
    approve(bound)
    bound.chain.send(DEPLOYER, stake_call(bound, STRANGER.address))
    assert bound.chain.address(bound.contracts.stake_manager, "ownerOf(uint256)", 5) == STRANGER.address
    assert bound.chain.refusal(JOINER, manager(bound, "unstakePOL(uint256)", 5)) == "NotTheOwnerOf"
    bound.chain.send(STRANGER, manager(bound, "unstakePOL(uint256)", 5))


def test_stake__what_the_rules_forbid__is_refused(bound: Network) -> None:
    approve(bound)
    first = bound.validators[0]

    def refusal(step: DeploymentStep) -> str:
        return bound.chain.refusal(DEPLOYER, step)

    assert refusal(stake_call(bound, JOINER.address, delegation=True)) == "DelegationUnsupported"
    assert refusal(stake_call(bound, JOINER.address, TOKEN - 1)) == "DepositTooSmall"
    assert refusal(stake_call(bound, JOINER.address, 2**128)) == "SafeCastOverflowedUintDowncast"
    assert refusal(stake_call(bound, JOINER.address, 2**64 * TOKEN)) == "SafeCastOverflowedUintDowncast"
    assert refusal(stake_call(bound, ZERO_ADDRESS)) == "InvalidUser"
    assert refusal(stake_call(bound, first.address)) == "AlreadyAValidator"
    assert refusal(stake_call(bound, JOINER.address, public_key=first.public_key)) == "Invalid signer"


def test_stake__without_allowance__is_refused(bound: Network) -> None:
    assert bound.chain.refusal(DEPLOYER, stake_call(bound, JOINER.address)) == "ERC20InsufficientAllowance"


def _keys_off_the_curve() -> dict[str, PublicKey]:
    good = JOINER.public_key
    x, y = good[:32], good[32:]
    return {
        "zero": PublicKey(bytes(64)),
        "another y": PublicKey(x + (int.from_bytes(y) ^ 1).to_bytes(32)),
        "swapped": PublicKey(y + x),
        "x beyond the field": PublicKey((FIELD_PRIME + 1).to_bytes(32) + y),
        "y beyond the field": PublicKey(x + (2**256 - 1).to_bytes(32)),
    }


@pytest.mark.parametrize("public_key", _keys_off_the_curve().values(), ids=_keys_off_the_curve().keys())
def test_stake__key_off_the_curve__is_refused(bound: Network, public_key: PublicKey) -> None:
    """Polygon's contract takes any 64 bytes, and so a validator that can never sign."""
    assert not is_on_curve(public_key)
    approve(bound)
    assert bound.chain.refusal(DEPLOYER, stake_call(bound, JOINER.address, public_key=public_key)) == "NotOnCurve"


def test_stake__coordinates_not_reduced__are_refused(bound: Network) -> None:
    """The same point with P added to its small x has another hash: one key would have two addresses."""
    x = next(x for x in range(1, 100) if pow(x**3 + 7, (FIELD_PRIME - 1) // 2, FIELD_PRIME) == 1)
    y = pow(x**3 + 7, (FIELD_PRIME + 1) // 4, FIELD_PRIME).to_bytes(32)
    approve(bound)
    unreduced = stake_call(bound, JOINER.address, public_key=(x + FIELD_PRIME).to_bytes(32) + y)
    assert bound.chain.refusal(DEPLOYER, unreduced) == "NotOnCurve"
    bound.chain.send(DEPLOYER, stake_call(bound, JOINER.address, public_key=x.to_bytes(32) + y))


@pytest.mark.parametrize("length", [0, 33, 63, 65])
def test_stake__key_of_another_length__is_refused(bound: Network, length: int) -> None:
    approve(bound)
    public_key = (b"\x04" + JOINER.public_key)[:length]
    assert bound.chain.refusal(DEPLOYER, stake_call(bound, JOINER.address, public_key=public_key)) == "not pub"


def test_stake__no_more_slots__is_refused(bound: Network) -> None:
    approve(bound)
    bound.chain.send(DEPLOYER, manager(bound, "updateValidatorThreshold(uint256)", 4))
    assert bound.chain.refusal(DEPLOYER, stake_call(bound, JOINER.address)) == "no more slots"


def test_restake__by_the_owner__adds_power_at_once(bound: Network) -> None:
    owner = bound.validators[3]
    bound.chain.send(DEPLOYER, calls.mint(bound.contracts.stake_token, owner.address, Wei(50 * TOKEN)))
    spend = invoke(bound.contracts.stake_token, "approve(address,uint256)", bound.contracts.stake_manager, 50 * TOKEN)
    bound.chain.send(owner, spend)

    mined = bound.chain.send(owner, manager(bound, "restakePOL(uint256,uint256,bool)", 4, 50 * TOKEN, True))

    assert StakeUpdate(ValidatorId(4), 2, Wei(120 * TOKEN)) in staking_logs(bound, mined)
    assert members(bound)[owner.address] == 120
    assert read(bound, "currentValidatorSetTotalStake()") == read(bound, "totalStaked()") == 390 * TOKEN
    bound.submit()


def test_restake__stranger_nothing_or_leaver__is_refused(bound: Network) -> None:
    owner = bound.validators[0]
    restake = "restakePOL(uint256,uint256,bool)"
    assert bound.chain.refusal(STRANGER, manager(bound, restake, 1, TOKEN, False)) == "NotTheOwnerOf"
    assert bound.chain.refusal(STRANGER, manager(bound, restake, 9, TOKEN, False)) == "NotTheOwnerOf"
    assert bound.chain.refusal(owner, manager(bound, restake, 1, 0, False)) == "NothingToRestake"
    bound.chain.send(owner, manager(bound, "unstakePOL(uint256)", 1))
    assert bound.chain.refusal(owner, manager(bound, restake, 1, TOKEN, False)) == "AlreadyLeaving"


def test_update_signer__by_the_owner__acts_at_once_and_for_good(bound: Network) -> None:
    bound.submit()
    old, new = bound.validators[0], account("new signer")
    mined = bound.chain.send(old, update_signer(bound, 1, new))

    assert staking_logs(bound, mined) == [SignerChange(ValidatorId(1), 2, old.address, new.address, new.public_key)]
    assert read(bound, "signerToValidator(address)", old.address) == INCORRECT_VALIDATOR_ID
    assert read(bound, "signerToValidator(address)", new.address) == 1
    assert read(bound, "latestSignerUpdateEpoch(uint256)", 1) == 2
    assert validator_words(bound, 1)[5] == new.address
    assert members(bound)[new.address] == 100
    assert old.address not in members(bound)
    proposal = bound.checkpoint(proposer=new)
    assert bound.refusal(proposal, bound.validators) == "UnknownSigner"
    assert bound.refusal(bound.checkpoint(proposer=old), [new, *bound.validators[1:]]) == "ProposerNotAValidator"
    bound.submit(proposal, [new, *bound.validators[1:]])
    # The old key is used up, also for others and for the owner himself.
    assert bound.chain.refusal(old, update_signer(bound, 1, old)) == "Invalid signer"
    assert bound.chain.refusal(bound.validators[1], update_signer(bound, 2, old)) == "Invalid signer"


def test_update_signer__too_soon_stranger_or_bad_key__is_refused(bound: Network) -> None:
    owner, new = bound.validators[0], account("new signer")
    assert bound.chain.refusal(STRANGER, update_signer(bound, 1, new)) == "NotTheOwnerOf"
    assert bound.chain.refusal(owner, update_signer(bound, 1, bound.validators[1])) == "Invalid signer"
    off_curve = manager(bound, "updateSigner(uint256,bytes)", 1, bytes(64))
    assert bound.chain.refusal(owner, off_curve) == "NotOnCurve"
    bound.chain.send(owner, update_signer(bound, 1, new))
    assert bound.chain.refusal(owner, update_signer(bound, 1, account("newer signer"))) == "Not allowed"
    bound.submit(bound.checkpoint(proposer=new), [new, *bound.validators[1:]])
    bound.chain.send(owner, update_signer(bound, 1, account("newer signer")))


def test_update_signer__of_a_leaver__is_allowed_until_the_epoch_ends(bound: Network) -> None:
    owner, new = bound.validators[3], account("new signer")
    bound.chain.send(owner, manager(bound, "unstakePOL(uint256)", 4))
    bound.chain.send(owner, update_signer(bound, 4, new))
    bound.submit(signers=[*bound.validators[:3], new])
    assert set(members(bound)) == {validator.address for validator in bound.validators[:3]}
    assert bound.chain.refusal(owner, update_signer(bound, 4, account("newer signer"))) == "NotActive"
