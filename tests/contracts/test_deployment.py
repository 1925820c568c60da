"""The deployment plan: what it promises of addresses and owners is what the chains then hold."""

from dataclasses import replace

import pytest

from bridge.codec.checkpoint import DataForm
from contracts.deployment import contract_address, root_deployment, side_deployment
from contracts.loader import artifact
from tests.contracts.crossing import Crossing
from tests.contracts.harness import DEPLOYER, STRANGER, SYNCER, invoke
from tests.contracts.network import ROOT_CHAIN_ID, SIDE_CHAIN_ID, open_chain, plan

ROOT_NAMES = [
    "RootChain",
    "StakeManager",
    "StakingInfo",
    "StateSender",
    "RootChainManager",
    "ERC20Predicate",
    "StakeToken",
    "DemoToken",
]
OWNED = ("root_chain", "stake_manager", "state_sender", "stake_token", "demo_token")


def test_contract_address__of_a_known_creation__is_right() -> None:
    """The example of the Ethereum wiki: account 0x6ac7..., nonces 0 and 1."""
    creator = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert contract_address(type(DEPLOYER.address)(creator), 0).hex() == "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert contract_address(type(DEPLOYER.address)(creator), 1).hex() == "343c43a37d37dff08ae8c4a11544c718abb4fcf8"


def test_deployment__on_both_chains__puts_each_contract_at_its_address(crossing: Crossing) -> None:
    root, side = crossing.root.contracts.by_name(), crossing.side_contracts.by_name()
    assert list(root) == ROOT_NAMES
    assert list(side) == ["ChildChainManager", "DemoToken"]
    for name, address in root.items():
        assert len(crossing.root.chain.embedded.code(address)) == len(artifact(name).deployed_bytecode)
    side_artifacts = {"ChildChainManager": "ChildChainManager", "DemoToken": "ChildERC20"}
    for name, address in side.items():
        assert len(crossing.side.embedded.code(address)) == len(artifact(side_artifacts[name]).deployed_bytecode)


def test_deployment__of_the_root_chain__joins_its_contracts(crossing: Crossing) -> None:
    contracts, chain = crossing.root.contracts, crossing.root.chain
    assert chain.address(contracts.stake_manager, "token()") == contracts.stake_token
    assert chain.address(contracts.stake_manager, "logger()") == contracts.staking_info
    assert chain.address(contracts.stake_manager, "rootChain()") == contracts.root_chain
    assert chain.address(contracts.staking_info, "stakeManager()") == contracts.stake_manager
    assert chain.address(contracts.root_chain, "stakeManager()") == contracts.stake_manager
    for field in OWNED:
        assert chain.address(getattr(contracts, field), "owner()") == DEPLOYER.address


def test_deployment__of_the_side_chain__lets_only_the_state_syncer_bring_messages(crossing: Crossing) -> None:
    manager = crossing.side_contracts.child_chain_manager
    (role,) = crossing.side.view(manager, "STATE_SYNCER_ROLE()", ("bytes32",))
    for account, has in ((SYNCER, True), (DEPLOYER, False), (STRANGER, False)):
        assert crossing.side.view(manager, "hasRole(bytes32,address)", ("bool",), role, account.address) == (has,)
    (depositor,) = crossing.side.view(crossing.side_contracts.demo_token, "DEPOSITOR_ROLE()", ("bytes32",))
    token = crossing.side_contracts.demo_token
    assert crossing.side.view(token, "hasRole(bytes32,address)", ("bool",), depositor, manager) == (True,)


@pytest.mark.parametrize("form", DataForm)
def test_deployment__from_later_nonces__still_fits(form: DataForm) -> None:
    """A deployer that has sent transactions before names its nonces."""
    later = replace(plan(form), first_root_nonce=1, first_side_nonce=2)
    root, side = open_chain(ROOT_CHAIN_ID), open_chain(SIDE_CHAIN_ID)
    nothing = invoke(STRANGER.address, "nothing()")
    root.send(DEPLOYER, nothing)
    side.send_all(DEPLOYER, nothing, nothing)
    root.send_all(DEPLOYER, *root_deployment(later).steps)
    side.send_all(DEPLOYER, *side_deployment(later).steps)
    contracts = root_deployment(later).contracts
    assert root.address(contracts.stake_manager, "rootChain()") == contracts.root_chain
    assert root.number(contracts.root_chain, "DATA_FORM()") == form
    assert contracts != root_deployment(plan(form)).contracts
