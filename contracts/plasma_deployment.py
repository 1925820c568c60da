"""How the plasma bridge and a tunnel are deployed beside the contracts that a network has already.

Pure, and bound to the deployer's nonces, as `contracts.deployment` is. The native token's twin on the root chain is
named by the plan; on networks of ours it is StakeToken, as POL is on Polygon.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from bridge.codec.abi import encode_call
from bridge.codec.types import Address, Wei
from contracts.deployment import DeploymentStep, contract_address
from contracts.loader import constructor_data

ETHER = Address(b"\xee" * 20)
"""The root token that stands for ether."""


@dataclass(frozen=True, slots=True)
class PlasmaPlan:
    """What the deployment depends on.

    `half_exit_period_s` is half of what an exit waits for: a week on Polygon, seconds on a test network.
    `native_funding_wei` is what the deployer puts into the native token's contract, for deposits to pay out.
    """

    deployer: Address
    state_syncer: Address
    root_chain: Address
    state_sender: Address
    native_root_token: Address
    half_exit_period_s: int
    native_funding_wei: Wei
    first_root_nonce: int = 0
    first_side_nonce: int = 0


@dataclass(frozen=True, slots=True)
class PlasmaRootContracts:
    """The addresses on the root chain."""

    registry: Address
    withdraw_manager: Address
    deposit_manager: Address
    erc20_predicate: Address
    erc721_predicate: Address
    demo_token: Address
    demo_nft: Address
    demo_tunnel: Address

    def by_name(self) -> dict[str, Address]:
        """The addresses under the contracts' Solidity names; the demo token's says that it is this bridge's."""
        return {
            "Registry": self.registry,
            "WithdrawManager": self.withdraw_manager,
            "DepositManager": self.deposit_manager,
            "ERC20PredicateBurnOnly": self.erc20_predicate,
            "ERC721PredicateBurnOnly": self.erc721_predicate,
            "PlasmaDemoToken": self.demo_token,
            "PlasmaDemoNft": self.demo_nft,
            "DemoTunnel": self.demo_tunnel,
        }

    @classmethod
    def from_names(cls, addresses: Mapping[str, Address]) -> Self:
        """The contracts of `by_name`. Raises KeyError if one is missing."""
        return cls(
            registry=addresses["Registry"],
            withdraw_manager=addresses["WithdrawManager"],
            deposit_manager=addresses["DepositManager"],
            erc20_predicate=addresses["ERC20PredicateBurnOnly"],
            erc721_predicate=addresses["ERC721PredicateBurnOnly"],
            demo_token=addresses["PlasmaDemoToken"],
            demo_nft=addresses["PlasmaDemoNft"],
            demo_tunnel=addresses["DemoTunnel"],
        )


@dataclass(frozen=True, slots=True)
class PlasmaSideContracts:
    """The addresses on the side chain."""

    child_chain: Address
    native_token: Address
    ether: Address
    demo_token: Address
    demo_nft: Address
    demo_tunnel: Address

    def by_name(self) -> dict[str, Address]:
        """The addresses under the names that the root chain's twins have."""
        return {
            "ChildChain": self.child_chain,
            "NativeToken": self.native_token,
            "PlasmaEther": self.ether,
            "PlasmaDemoToken": self.demo_token,
            "PlasmaDemoNft": self.demo_nft,
            "DemoTunnel": self.demo_tunnel,
        }


@dataclass(frozen=True, slots=True)
class PlasmaRootDeployment:
    """The deployer's transactions on the root chain, and where they put the contracts."""

    steps: tuple[DeploymentStep, ...]
    contracts: PlasmaRootContracts


@dataclass(frozen=True, slots=True)
class PlasmaSideDeployment:
    """The deployer's transactions on the side chain, and where they put the contracts."""

    steps: tuple[DeploymentStep, ...]
    contracts: PlasmaSideContracts


@dataclass(frozen=True, slots=True)
class _Pair:
    """A token of the root chain and its twin."""

    root: Address
    child: Address
    is_erc721: bool = False


def plasma_root_deployment(plan: PlasmaPlan) -> PlasmaRootDeployment:
    """Deploys the root chain's eight contracts, maps the tokens, and lets the two senders send."""
    here, there = _root_contracts(plan), _side_contracts(plan)
    steps = (
        _create("Registry"),
        _create("WithdrawManager", plan.root_chain, here.registry, plan.half_exit_period_s),
        _create("DepositManager", here.registry, plan.state_sender, there.child_chain),
        _create("ERC20PredicateBurnOnly", here.withdraw_manager, here.deposit_manager),
        _create("ERC721PredicateBurnOnly", here.withdraw_manager, here.deposit_manager),
        _create("DemoToken"),
        _create("DemoNft"),
        _create("DemoRootTunnel", plan.root_chain, plan.state_sender, there.demo_tunnel),
        _call("have ERC-20 exits paid", here.registry, "addErc20Predicate(address)", here.erc20_predicate),
        _call("have ERC-721 exits paid", here.registry, "addErc721Predicate(address)", here.erc721_predicate),
        *(
            _call(
                "map a plasma token",
                here.registry,
                "mapToken(address,address,bool)",
                each.root,
                each.child,
                each.is_erc721,
            )
            for each in _pairs(plan)
        ),
        _let_send(plan, here.deposit_manager, there.child_chain),
        _let_send(plan, here.demo_tunnel, there.demo_tunnel),
    )
    return PlasmaRootDeployment(steps, here)


def plasma_side_deployment(plan: PlasmaPlan) -> PlasmaSideDeployment:
    """Deploys the side chain's six contracts, maps the tokens, and puts native coin where deposits find it."""
    there, here = _root_contracts(plan), _side_contracts(plan)
    steps = (
        _create("ChildChain", plan.state_syncer),
        _create("NativeToken", plan.native_root_token, here.child_chain),
        _create("PlasmaERC20", "Plasma Ether", "ETH", ETHER, here.child_chain),
        _create("PlasmaERC20", "Sidewarden Demo", "DEMO", there.demo_token, here.child_chain),
        _create("PlasmaERC721", "Sidewarden Demo NFT", "DNFT", there.demo_nft, here.child_chain),
        _create("DemoChildTunnel", plan.state_syncer),
        *(
            _call(
                "map a plasma token",
                here.child_chain,
                "mapToken(address,address,bool)",
                each.root,
                each.child,
                each.is_erc721,
            )
            for each in _pairs(plan)
        ),
        DeploymentStep("put native coin into NativeToken", here.native_token, b"", plan.native_funding_wei),
    )
    return PlasmaSideDeployment(steps, here)


def _pairs(plan: PlasmaPlan) -> tuple[_Pair, ...]:
    root, side = _root_contracts(plan), _side_contracts(plan)
    return (
        _Pair(plan.native_root_token, side.native_token),
        _Pair(ETHER, side.ether),
        _Pair(root.demo_token, side.demo_token),
        _Pair(root.demo_nft, side.demo_nft, is_erc721=True),
    )


def _let_send(plan: PlasmaPlan, sender: Address, receiver: Address) -> DeploymentStep:
    return _call("let a contract send", plan.state_sender, "register(address,address)", sender, receiver)


def _create(name: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(f"create {name}", None, constructor_data(name, *arguments))


def _call(label: str, to: Address, signature: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(label, to, encode_call(signature, *arguments))


def _root_contracts(plan: PlasmaPlan) -> PlasmaRootContracts:
    """In the order of their creation, which is the order of the fields."""
    first = plan.first_root_nonce
    return PlasmaRootContracts(*(contract_address(plan.deployer, nonce) for nonce in range(first, first + 8)))


def _side_contracts(plan: PlasmaPlan) -> PlasmaSideContracts:
    first = plan.first_side_nonce
    return PlasmaSideContracts(*(contract_address(plan.deployer, nonce) for nonce in range(first, first + 6)))
