"""A devnet's other ways across: tokens of every kind, Plasma, and a message tunnel, with something of each for people.

The transactions follow the deployer's that make the network itself, so that those stay what they are without them.
"""

from dataclasses import dataclass

from bridge.codec.abi import encode_call
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address, Wei
from config.burns import Exits
from contracts import calls, plasma_calls, token_calls
from contracts.deployment import DeploymentPlan, DeploymentStep, RootContracts, SideContracts
from contracts.plasma_deployment import (
    PlasmaPlan,
    PlasmaRootContracts,
    PlasmaSideContracts,
    plasma_root_deployment,
    plasma_side_deployment,
)
from contracts.token_deployment import (
    RootTokens,
    SideTokens,
    TokenPlan,
    root_token_deployment,
    side_token_deployment,
)
from node.app.state import WEI_PER_TOKEN
from node.devnet.accounts import DevnetAccounts

HALF_EXIT_PERIOD_S = 5
"""Half of what a Plasma exit waits; a week on Polygon."""
NATIVE_FUNDING_WEI = Wei(1_000 * WEI_PER_TOKEN)
HELD_WEI = Wei(100 * WEI_PER_TOKEN)
"""Of each fungible kind, for each demo account."""
ETHER_WEI = Wei(10 * WEI_PER_TOKEN)
IDS_EACH = 4
"""NFTs of each kind, for each demo account."""
ERC1155_AMOUNTS = ((1, 100), (2, 100))
"""Id and amount, for each demo account."""


@dataclass(frozen=True, slots=True)
class Bridges:
    """Where the contracts of the other ways are."""

    root_tokens: RootTokens
    side_tokens: SideTokens
    root_plasma: PlasmaRootContracts
    side_plasma: PlasmaSideContracts

    def root_by_name(self) -> dict[str, Address]:
        """The root chain's, under their Solidity names."""
        return {**self.root_tokens.by_name(), **self.root_plasma.by_name()}

    def side_by_name(self) -> dict[str, Address]:
        """The side chain's, under the names of their twins."""
        return {**self.side_tokens.by_name(), **self.side_plasma.by_name()}

    def exits(self) -> Exits:
        """What a node's configuration names of them."""
        return Exits(
            withdraw_manager=self.root_plasma.withdraw_manager,
            plasma_erc20_predicate=self.root_plasma.erc20_predicate,
            plasma_erc721_predicate=self.root_plasma.erc721_predicate,
            tunnels=(f"{to_hex(self.side_plasma.demo_tunnel)}:{to_hex(self.root_plasma.demo_tunnel)}",),
        )

    @property
    def receivers(self) -> tuple[Address, ...]:
        """The side chain's contracts that take messages of the root chain."""
        return (self.side_plasma.child_chain, self.side_plasma.demo_tunnel)


@dataclass(frozen=True, slots=True)
class BridgePlan:
    """The two deployments, one after the other, from the deployer's nonces that are named."""

    tokens: TokenPlan
    plasma: PlasmaPlan

    @property
    def bridges(self) -> Bridges:
        """Where everything will be."""
        return Bridges(
            root_token_deployment(self.tokens).contracts,
            side_token_deployment(self.tokens).contracts,
            plasma_root_deployment(self.plasma).contracts,
            plasma_side_deployment(self.plasma).contracts,
        )


def bridge_plan(
    plan: DeploymentPlan, root: RootContracts, side: SideContracts, first_root_nonce: int, first_side_nonce: int
) -> BridgePlan:
    """How the other ways are deployed beside a network's contracts."""
    tokens = TokenPlan(
        plan.deployer, root.root_chain_manager, side.child_chain_manager, first_root_nonce, first_side_nonce
    )
    plasma = PlasmaPlan(
        deployer=plan.deployer,
        state_syncer=plan.state_syncer,
        root_chain=root.root_chain,
        state_sender=root.state_sender,
        native_root_token=root.stake_token,
        half_exit_period_s=HALF_EXIT_PERIOD_S,
        native_funding_wei=NATIVE_FUNDING_WEI,
        first_root_nonce=first_root_nonce + len(root_token_deployment(tokens).steps),
        first_side_nonce=first_side_nonce + len(side_token_deployment(tokens).steps),
    )
    return BridgePlan(tokens, plasma)


def root_bridge_steps(plan: BridgePlan, root: RootContracts, accounts: DevnetAccounts) -> tuple[DeploymentStep, ...]:
    """The deployer's transactions on the root chain: the contracts, and deposits for the demo accounts."""
    return (
        *root_token_deployment(plan.tokens).steps,
        *plasma_root_deployment(plan.plasma).steps,
        *_token_deposits(plan.bridges, root, accounts),
        *_plasma_deposits(plan.bridges, root, accounts),
    )


def side_bridge_steps(plan: BridgePlan, accounts: DevnetAccounts) -> tuple[DeploymentStep, ...]:
    """The deployer's transactions on the side chain: the contracts, and what is minted there for the demo accounts."""
    return (
        *side_token_deployment(plan.tokens).steps,
        *plasma_side_deployment(plan.plasma).steps,
        *_minted_on_the_side(plan.bridges.side_tokens, accounts),
    )


def ids_of(account: int) -> range:
    """The ids of a demo account's NFTs, by its place among them."""
    return range(account * IDS_EACH + 1, (account + 1) * IDS_EACH + 1)


def _token_deposits(bridges: Bridges, root: RootContracts, accounts: DevnetAccounts) -> list[DeploymentStep]:
    manager, tokens = root.root_chain_manager, bridges.root_tokens
    deployer = accounts.deployer.address
    steps = [
        _mint_erc1155(tokens.erc1155, deployer, token_id, amount * len(accounts.demo))
        for token_id, amount in ERC1155_AMOUNTS
    ]
    for place, account in enumerate(accounts.demo):
        steps += [_mint_erc721(tokens.erc721, deployer, token_id) for token_id in ids_of(place)]
        steps += [
            token_calls.deposit_ether(manager, account.address, ETHER_WEI),
            *token_calls.deposit_erc721(
                manager, tokens.erc721_predicate, tokens.erc721, account.address, ids_of(place)
            ),
            *token_calls.deposit_erc1155(
                manager, tokens.erc1155_predicate, tokens.erc1155, account.address, ERC1155_AMOUNTS
            ),
        ]
    return steps


def _plasma_deposits(bridges: Bridges, root: RootContracts, accounts: DevnetAccounts) -> list[DeploymentStep]:
    plasma, deployer = bridges.root_plasma, accounts.deployer.address
    all_wei = Wei(HELD_WEI * len(accounts.demo))
    steps = [calls.mint(token, deployer, all_wei) for token in (plasma.demo_token, root.stake_token)]
    for place, account in enumerate(accounts.demo):
        token_id = place + 1
        steps += [
            *plasma_calls.deposit_erc20(plasma, plasma.demo_token, account.address, HELD_WEI),
            *plasma_calls.deposit_erc20(plasma, root.stake_token, account.address, HELD_WEI),
            _mint_erc721(plasma.demo_nft, deployer, token_id),
            *plasma_calls.deposit_erc721(plasma, plasma.demo_nft, account.address, token_id),
        ]
    return steps


def _minted_on_the_side(tokens: SideTokens, accounts: DevnetAccounts) -> list[DeploymentStep]:
    steps: list[DeploymentStep] = []
    mint_multi = "mint(address,uint256,uint256,bytes)"
    for place, account in enumerate(accounts.demo):
        steps.append(calls.mint(tokens.mintable_erc20, account.address, HELD_WEI))
        steps += [_mint_erc721(tokens.mintable_erc721, account.address, token_id) for token_id in ids_of(place)]
        steps += [
            DeploymentStep(
                "mint", tokens.mintable_erc1155, encode_call(mint_multi, account.address, token_id, amount, b"")
            )
            for token_id, amount in ERC1155_AMOUNTS
        ]
    return steps


def _mint_erc721(token: Address, holder: Address, token_id: int) -> DeploymentStep:
    return DeploymentStep("mint an NFT", token, encode_call("mint(address,uint256)", holder, token_id))


def _mint_erc1155(token: Address, holder: Address, token_id: int, amount: int) -> DeploymentStep:
    return DeploymentStep("mint", token, encode_call("mint(address,uint256,uint256)", holder, token_id, amount))
