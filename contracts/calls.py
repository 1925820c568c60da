"""The calls that a network's bootstrap and its users make, as steps to be sent by the account that each names."""

from bridge.codec.abi import encode_call
from bridge.codec.types import Address, PublicKey, Wei
from contracts.deployment import DeploymentStep, RootContracts


def mint(token: Address, holder: Address, amount_wei: Wei) -> DeploymentStep:
    """New StakeToken or DemoToken of the root chain, by the deployer."""
    return DeploymentStep("mint tokens", token, encode_call("mint(address,uint256)", holder, amount_wei))


def stake(
    contracts: RootContracts, user: Address, amount_wei: Wei, public_key: PublicKey, fee_wei: Wei = Wei(0)
) -> tuple[DeploymentStep, DeploymentStep]:
    """A new validator owned by `user`, paid for by whoever sends the two steps and holds the StakeToken."""
    stake_for = "stakeForPOL(address,uint256,uint256,bool,bytes)"
    return (
        _approve(contracts.stake_token, contracts.stake_manager, Wei(amount_wei + fee_wei)),
        DeploymentStep(
            "stake", contracts.stake_manager, encode_call(stake_for, user, amount_wei, fee_wei, False, public_key)
        ),
    )


def deposit(contracts: RootContracts, user: Address, amount_wei: Wei) -> tuple[DeploymentStep, DeploymentStep]:
    """DemoToken of whoever sends the two steps, locked, to be credited to `user` on the side chain."""
    return (
        _approve(contracts.demo_token, contracts.erc20_predicate, amount_wei),
        DeploymentStep(
            "deposit",
            contracts.root_chain_manager,
            encode_call("depositFor(address,address,bytes)", user, contracts.demo_token, amount_wei.to_bytes(32)),
        ),
    )


def _approve(token: Address, spender: Address, amount_wei: Wei) -> DeploymentStep:
    return DeploymentStep("approve", token, encode_call("approve(address,uint256)", spender, amount_wei))
