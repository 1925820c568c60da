"""How the PoS bridge gets its other kinds of token: ether, ERC-721, ERC-1155, and those that are minted on the side.

Pure, and bound to the deployer's nonces, as `contracts.deployment` is. Each kind has its predicate, and a demo token on
both chains; the root chain's messages map them on the side chain.
"""

from dataclasses import dataclass

from bridge.codec.abi import encode_call
from bridge.codec.hash import keccak256
from bridge.codec.types import Address
from contracts.deployment import DeploymentStep, contract_address
from contracts.loader import constructor_data

ETHER = Address(b"\xee" * 20)
"""The root token that stands for ether."""


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """What the deployment depends on."""

    deployer: Address
    root_chain_manager: Address
    child_chain_manager: Address
    first_root_nonce: int = 0
    first_side_nonce: int = 0


@dataclass(frozen=True, slots=True)
class RootTokens:
    """The addresses on the root chain, in the order of their creation."""

    ether_predicate: Address
    mintable_erc20_predicate: Address
    erc721_predicate: Address
    mintable_erc721_predicate: Address
    erc1155_predicate: Address
    mintable_erc1155_predicate: Address
    erc721: Address
    erc1155: Address
    mintable_erc20: Address
    mintable_erc721: Address
    mintable_erc1155: Address

    def by_name(self) -> dict[str, Address]:
        """The addresses under the contracts' Solidity names."""
        return {
            "EtherPredicate": self.ether_predicate,
            "MintableERC20Predicate": self.mintable_erc20_predicate,
            "ERC721Predicate": self.erc721_predicate,
            "MintableERC721Predicate": self.mintable_erc721_predicate,
            "ERC1155Predicate": self.erc1155_predicate,
            "MintableERC1155Predicate": self.mintable_erc1155_predicate,
            "DemoERC721": self.erc721,
            "DemoERC1155": self.erc1155,
            "DemoMintableERC20": self.mintable_erc20,
            "DemoMintableERC721": self.mintable_erc721,
            "DemoMintableERC1155": self.mintable_erc1155,
        }


@dataclass(frozen=True, slots=True)
class SideTokens:
    """The addresses on the side chain, in the order of their creation."""

    ether: Address
    erc721: Address
    erc1155: Address
    mintable_erc20: Address
    mintable_erc721: Address
    mintable_erc1155: Address

    def by_name(self) -> dict[str, Address]:
        """The addresses under the names that the root chain's twins have."""
        return {
            "Ether": self.ether,
            "DemoERC721": self.erc721,
            "DemoERC1155": self.erc1155,
            "DemoMintableERC20": self.mintable_erc20,
            "DemoMintableERC721": self.mintable_erc721,
            "DemoMintableERC1155": self.mintable_erc1155,
        }


@dataclass(frozen=True, slots=True)
class RootTokenDeployment:
    """The deployer's transactions on the root chain, and where they put the contracts."""

    steps: tuple[DeploymentStep, ...]
    contracts: RootTokens


@dataclass(frozen=True, slots=True)
class SideTokenDeployment:
    """The deployer's transactions on the side chain, and where they put the contracts."""

    steps: tuple[DeploymentStep, ...]
    contracts: SideTokens


@dataclass(frozen=True, slots=True)
class _Kind:
    """A token type by the name that it is the hash of, its predicate, and the demo token on both chains."""

    name: str
    predicate: Address
    root: Address
    child: Address


def root_token_deployment(plan: TokenPlan) -> RootTokenDeployment:
    """Deploys the predicates and the root chain's demo tokens, and maps each to its twin."""
    here = _root_tokens(plan)
    predicates = ("Ether", "MintableERC20", "ERC721", "MintableERC721", "ERC1155", "MintableERC1155")
    steps = (
        *(_create(f"{name}Predicate", plan.root_chain_manager) for name in predicates),
        _create("DemoERC721"),
        _create("DemoERC1155"),
        _create("DemoMintableERC20", here.mintable_erc20_predicate),
        _create("DemoMintableERC721", here.mintable_erc721_predicate),
        _create("DemoMintableERC1155", here.mintable_erc1155_predicate),
        *(step for kind in _kinds(plan) for step in _join(plan, kind)),
    )
    return RootTokenDeployment(steps, here)


def side_token_deployment(plan: TokenPlan) -> SideTokenDeployment:
    """Deploys the side chain's tokens; the root chain's messages map them."""
    manager = plan.child_chain_manager
    steps = (
        _create("ChildERC20", "Ether", "ETH", manager),
        _create("ChildERC721", "Sidewarden Demo 721", "DEMO721", manager),
        _create("ChildERC1155", "", manager),
        _create("ChildMintableERC20", "Sidewarden Mintable 20", "MINT20", manager),
        _create("ChildMintableERC721", "Sidewarden Mintable 721", "MINT721", manager),
        _create("ChildMintableERC1155", "", manager),
    )
    return SideTokenDeployment(steps, _side_tokens(plan))


def token_type(name: str) -> bytes:
    """How RootChainManager names a kind of token: "Ether", "ERC721", "MintableERC1155", …"""
    return keccak256(name.encode())


def _kinds(plan: TokenPlan) -> tuple[_Kind, ...]:
    root, side = _root_tokens(plan), _side_tokens(plan)
    return (
        _Kind("Ether", root.ether_predicate, ETHER, side.ether),
        _Kind("ERC721", root.erc721_predicate, root.erc721, side.erc721),
        _Kind("ERC1155", root.erc1155_predicate, root.erc1155, side.erc1155),
        _Kind("MintableERC20", root.mintable_erc20_predicate, root.mintable_erc20, side.mintable_erc20),
        _Kind("MintableERC721", root.mintable_erc721_predicate, root.mintable_erc721, side.mintable_erc721),
        _Kind("MintableERC1155", root.mintable_erc1155_predicate, root.mintable_erc1155, side.mintable_erc1155),
    )


def _join(plan: TokenPlan, kind: _Kind) -> tuple[DeploymentStep, DeploymentStep]:
    register, map_token = "registerPredicate(bytes32,address)", "mapToken(address,address,bytes32)"
    named = token_type(kind.name)
    return (
        _call(f"have {kind.name}Predicate hold its kind", plan, register, named, kind.predicate),
        _call(f"map the demo token of {kind.name}", plan, map_token, kind.root, kind.child, named),
    )


def _create(name: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(f"create {name}", None, constructor_data(name, *arguments))


def _call(label: str, plan: TokenPlan, signature: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(label, plan.root_chain_manager, encode_call(signature, *arguments))


def _root_tokens(plan: TokenPlan) -> RootTokens:
    first = plan.first_root_nonce
    return RootTokens(*(contract_address(plan.deployer, nonce) for nonce in range(first, first + 11)))


def _side_tokens(plan: TokenPlan) -> SideTokens:
    first = plan.first_side_nonce
    return SideTokens(*(contract_address(plan.deployer, nonce) for nonce in range(first, first + 6)))
