"""The plan of the plasma bridge: where it says that contracts are, there they are, joined with each other."""

from contracts.loader import artifact
from contracts.plasma_deployment import ETHER, PlasmaRootContracts
from tests.contracts.harness import DEPLOYER, SYNCER
from tests.contracts.plasma import HALF_EXIT_PERIOD_S, NATIVE_FUNDING_WEI, Plasma

ROOT_ARTIFACTS = {
    "Registry": "Registry",
    "WithdrawManager": "WithdrawManager",
    "DepositManager": "DepositManager",
    "ERC20PredicateBurnOnly": "ERC20PredicateBurnOnly",
    "ERC721PredicateBurnOnly": "ERC721PredicateBurnOnly",
    "PlasmaDemoToken": "DemoToken",
    "PlasmaDemoNft": "DemoNft",
    "DemoTunnel": "DemoRootTunnel",
}
SIDE_ARTIFACTS = {
    "ChildChain": "ChildChain",
    "NativeToken": "NativeToken",
    "PlasmaEther": "PlasmaERC20",
    "PlasmaDemoToken": "PlasmaERC20",
    "PlasmaDemoNft": "PlasmaERC721",
    "DemoTunnel": "DemoChildTunnel",
}


def test_deployment__on_both_chains__puts_each_contract_at_its_address(plasma: Plasma) -> None:
    for chain, addresses, artifacts in (
        (plasma.root, plasma.here.by_name(), ROOT_ARTIFACTS),
        (plasma.side, plasma.there.by_name(), SIDE_ARTIFACTS),
    ):
        assert list(addresses) == list(artifacts)
        for name, address in addresses.items():
            assert len(chain.embedded.code(address)) == len(artifact(artifacts[name]).deployed_bytecode)
    assert PlasmaRootContracts.from_names(plasma.here.by_name()) == plasma.here


def test_deployment__of_the_root_chain__joins_its_contracts_with_each_other_and_the_rest(plasma: Plasma) -> None:
    here, there, rest, root = plasma.here, plasma.there, plasma.crossing.root.contracts, plasma.root
    assert root.address(here.withdraw_manager, "rootChain()") == rest.root_chain
    assert root.address(here.withdraw_manager, "registry()") == here.registry
    assert root.number(here.withdraw_manager, "HALF_EXIT_PERIOD()") == HALF_EXIT_PERIOD_S
    assert root.address(here.deposit_manager, "registry()") == here.registry
    assert root.address(here.deposit_manager, "stateSender()") == rest.state_sender
    assert root.address(here.deposit_manager, "childChain()") == there.child_chain
    for receiver, sender in ((there.child_chain, here.deposit_manager), (there.demo_tunnel, here.demo_tunnel)):
        assert root.address(rest.state_sender, "registrations(address)", receiver) == sender
    for kind, predicate in enumerate((here.erc20_predicate, here.erc721_predicate), start=1):
        assert root.address(predicate, "withdrawManager()") == here.withdraw_manager
        assert root.address(predicate, "depositManager()") == here.deposit_manager
        assert root.number(here.registry, "predicates(address)", predicate) == kind
    for contract in (here.registry, here.demo_token, here.demo_nft):
        assert root.address(contract, "owner()") == DEPLOYER.address


def test_deployment__of_both_chains__maps_the_same_pairs(plasma: Plasma) -> None:
    here, there = plasma.here, plasma.there
    for token, twin in (
        (plasma.native_root_token, there.native_token),
        (ETHER, there.ether),
        (here.demo_token, there.demo_token),
        (here.demo_nft, there.demo_nft),
    ):
        assert plasma.root.address(here.registry, "rootToChildToken(address)", token) == twin
        assert plasma.side.address(there.child_chain, "tokens(address)", token) == twin
        assert plasma.side.address(twin, "token()") == token
        assert plasma.side.address(twin, "childChain()") == there.child_chain
        is_erc721 = plasma.root.number(here.registry, "isERC721(address)", token)
        assert (
            is_erc721 == plasma.side.number(there.child_chain, "isERC721(address)", token) == (twin == there.demo_nft)
        )
    assert plasma.side.address(there.child_chain, "stateSyncer()") == SYNCER.address
    assert plasma.root.address(here.registry, "ETHER()") == ETHER


def test_deployment__of_the_side_chain__funds_the_native_token(plasma: Plasma) -> None:
    deposited = plasma.root.number(plasma.native_root_token, "balanceOf(address)", plasma.here.deposit_manager)
    assert plasma.side.embedded.balance(plasma.there.native_token) == NATIVE_FUNDING_WEI - deposited
