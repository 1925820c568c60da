"""How the contracts of both chains are deployed and joined: ordered transactions, and the addresses that they give.

Pure: nothing is sent from here. The contracts know each other by immutable addresses, which follow from deployer and
nonce before anything is there; so the deployer must send the steps in order, from the nonces that the plan names, and
nothing between them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from bridge.codec import rlp
from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, ChainId, Wei
from contracts.loader import constructor_data

ERC20_TOKEN_TYPE = keccak256(b"ERC20")
"""How RootChainManager names tokens that ERC20Predicate holds."""


@dataclass(frozen=True, slots=True)
class StakingParameters:
    """StakeManager's parameters; an epoch is one accepted checkpoint. The defaults suit a test network."""

    min_deposit_wei: Wei = Wei(10**18)
    min_heimdall_fee_wei: Wei = Wei(0)
    signer_update_limit_epochs: int = 1
    validator_threshold: int = 100
    withdrawal_delay_epochs: int = 4


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What a deployment depends on. `state_syncer` is the side-chain account that carries deposits over."""

    deployer: Address
    state_syncer: Address
    side_chain_id: ChainId
    data_form: DataForm
    staking: StakingParameters = field(default_factory=StakingParameters)
    first_root_nonce: int = 0
    first_side_nonce: int = 0


@dataclass(frozen=True, slots=True)
class DeploymentStep:
    """One transaction of the deployer; `to` is None for one that creates a contract."""

    label: str
    to: Address | None
    data: bytes
    value_wei: Wei = Wei(0)


@dataclass(frozen=True, slots=True)
class RootContracts:
    """The addresses on the root chain."""

    stake_token: Address
    staking_info: Address
    stake_manager: Address
    root_chain: Address
    state_sender: Address
    root_chain_manager: Address
    erc20_predicate: Address
    demo_token: Address

    def by_name(self) -> dict[str, Address]:
        """The addresses under the contracts' Solidity names."""
        return {
            "RootChain": self.root_chain,
            "StakeManager": self.stake_manager,
            "StakingInfo": self.staking_info,
            "StateSender": self.state_sender,
            "RootChainManager": self.root_chain_manager,
            "ERC20Predicate": self.erc20_predicate,
            "StakeToken": self.stake_token,
            "DemoToken": self.demo_token,
        }

    @classmethod
    def from_names(cls, addresses: Mapping[str, Address]) -> Self:
        """The contracts of `by_name`. Raises KeyError if one is missing."""
        return cls(
            stake_token=addresses["StakeToken"],
            staking_info=addresses["StakingInfo"],
            stake_manager=addresses["StakeManager"],
            root_chain=addresses["RootChain"],
            state_sender=addresses["StateSender"],
            root_chain_manager=addresses["RootChainManager"],
            erc20_predicate=addresses["ERC20Predicate"],
            demo_token=addresses["DemoToken"],
        )


@dataclass(frozen=True, slots=True)
class SideContracts:
    """The addresses on the side chain."""

    child_chain_manager: Address
    demo_token: Address

    def by_name(self) -> dict[str, Address]:
        """The addresses under the names that the root chain's twins have."""
        return {"ChildChainManager": self.child_chain_manager, "DemoToken": self.demo_token}


@dataclass(frozen=True, slots=True)
class RootDeployment:
    """The deployer's transactions on the root chain, and where they put the contracts."""

    steps: tuple[DeploymentStep, ...]
    contracts: RootContracts


@dataclass(frozen=True, slots=True)
class SideDeployment:
    """The deployer's transactions on the side chain, and where they put the contracts."""

    steps: tuple[DeploymentStep, ...]
    contracts: SideContracts


def contract_address(creator: Address, nonce: int) -> Address:
    """The address of the contract that the creator's transaction of this nonce makes."""
    return Address(keccak256(rlp.encode((creator, rlp.uint(nonce))))[12:])


def root_deployment(plan: DeploymentPlan) -> RootDeployment:
    """Deploys the root chain's eight contracts and joins them with each other and with the side chain's."""
    here = _root_contracts(plan)
    there = _side_contracts(plan)
    staking = (
        plan.staking.min_deposit_wei,
        plan.staking.min_heimdall_fee_wei,
        plan.staking.signer_update_limit_epochs,
        plan.staking.validator_threshold,
        plan.staking.withdrawal_delay_epochs,
    )
    steps = (
        _create("StakeToken"),
        _create("StakingInfo", here.stake_manager),
        _create("StakeManager", here.stake_token, here.staking_info, here.root_chain, staking),
        _create("RootChain", plan.data_form.value, plan.side_chain_id, here.stake_manager),
        _create("StateSender"),
        _create("RootChainManager", here.root_chain, here.state_sender, there.child_chain_manager),
        _create("ERC20Predicate", here.root_chain_manager),
        _create("DemoToken"),
        DeploymentStep(
            "let RootChainManager send to ChildChainManager",
            here.state_sender,
            encode_call("register(address,address)", here.root_chain_manager, there.child_chain_manager),
        ),
        DeploymentStep(
            "have ERC20Predicate hold ERC-20 tokens",
            here.root_chain_manager,
            encode_call("registerPredicate(bytes32,address)", ERC20_TOKEN_TYPE, here.erc20_predicate),
        ),
        DeploymentStep(
            "map DemoToken to the side chain's",
            here.root_chain_manager,
            encode_call("mapToken(address,address,bytes32)", here.demo_token, there.demo_token, ERC20_TOKEN_TYPE),
        ),
    )
    return RootDeployment(steps, here)


def side_deployment(plan: DeploymentPlan) -> SideDeployment:
    """Deploys the side chain's two contracts and maps the root chain's DemoToken."""
    here = _side_contracts(plan)
    steps = (
        _create("ChildChainManager", plan.state_syncer),
        _create("ChildERC20", "Sidewarden Demo", "DEMO", here.child_chain_manager),
        DeploymentStep(
            "map the root chain's DemoToken",
            here.child_chain_manager,
            encode_call("mapToken(address,address)", _root_contracts(plan).demo_token, here.demo_token),
        ),
    )
    return SideDeployment(steps, here)


def _create(name: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(f"create {name}", None, constructor_data(name, *arguments))


def _root_contracts(plan: DeploymentPlan) -> RootContracts:
    """In the order of their creation, which is the order of the fields."""
    first = plan.first_root_nonce
    return RootContracts(*(contract_address(plan.deployer, nonce) for nonce in range(first, first + 8)))


def _side_contracts(plan: DeploymentPlan) -> SideContracts:
    first = plan.first_side_nonce
    return SideContracts(*(contract_address(plan.deployer, nonce) for nonce in range(first, first + 2)))
