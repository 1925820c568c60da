"""What the tests of StakeManager share: its calls, its views, its log."""

from bridge.codec.events import Event, decode_event
from bridge.codec.types import Address
from contracts.deployment import DeploymentStep
from tests.contracts.harness import DEPLOYER, VALIDATORS, Account, Mined, invoke
from tests.contracts.network import TOKEN, Network

INCORRECT_VALIDATOR_ID = 2**256 - 1
ACTIVE, UNSTAKED = 1, 3
VALIDATOR_TYPES = ("uint256",) * 5 + ("address", "address", "uint8") + ("uint256",) * 5
JOINER = VALIDATORS[4]


def manager(network: Network, signature: str, *arguments: object) -> DeploymentStep:
    return invoke(network.contracts.stake_manager, signature, *arguments)


def read(network: Network, signature: str, *arguments: object) -> int:
    return network.chain.number(network.contracts.stake_manager, signature, *arguments)


def stake_call(
    network: Network,
    user: Address,
    amount_wei: int = TOKEN,
    *,
    fee_wei: int = 0,
    delegation: bool = False,
    public_key: bytes = JOINER.public_key,
) -> DeploymentStep:
    signature = "stakeForPOL(address,uint256,uint256,bool,bytes)"
    return manager(network, signature, user, amount_wei, fee_wei, delegation, public_key)


def approve(network: Network, amount_wei: int = 2**256 - 1) -> None:
    spender = network.contracts.stake_manager
    network.chain.send(DEPLOYER, invoke(network.contracts.stake_token, "approve(address,uint256)", spender, amount_wei))


def validator_words(network: Network, validator_id: int) -> tuple[object, ...]:
    types = VALIDATOR_TYPES
    return network.chain.view(network.contracts.stake_manager, "validators(uint256)", types, validator_id)


def staking_logs(network: Network, mined: Mined) -> list[Event | None]:
    return [decode_event(log) for log in mined.logs if log.address == network.contracts.staking_info]


def members(network: Network) -> dict[Address, int]:
    """The validators in force and their power in whole tokens."""
    types = ("address[]", "uint256[]")
    signers, powers = network.chain.view(network.contracts.stake_manager, "validatorSet()", types)
    assert isinstance(signers, tuple)
    assert isinstance(powers, tuple)
    assert list(signers) == sorted(signers)
    return dict(zip(signers, powers, strict=True))


def balance(network: Network, holder: Address) -> int:
    return network.chain.number(network.contracts.stake_token, "balanceOf(address)", holder)


def update_signer(network: Network, validator_id: int, new: Account) -> DeploymentStep:
    return manager(network, "updateSigner(uint256,bytes)", validator_id, new.public_key)
