"""Our contracts as models: each file is one of contracts/src, function by function and check by check.

They are held against the compiled contracts by a differential test. What they leave out: gas, and code.
"""

from collections.abc import Mapping

from node.simulation.chains.contracts.child_chain_manager import ChildChainManager
from node.simulation.chains.contracts.erc20_predicate import ERC20Predicate
from node.simulation.chains.contracts.root_chain import RootChain
from node.simulation.chains.contracts.root_chain_manager import RootChainManager
from node.simulation.chains.contracts.stake_manager import StakeManager
from node.simulation.chains.contracts.staking_info import StakingInfo
from node.simulation.chains.contracts.state_sender import StateSender
from node.simulation.chains.contracts.tokens import ChildERC20, DemoToken, StakeToken
from node.simulation.chains.execution import ModelContract

MODELS: Mapping[str, type[ModelContract]] = {
    model.ARTIFACT: model
    for model in (
        *(RootChain, StakeManager, StakingInfo, StateSender, RootChainManager, ERC20Predicate, StakeToken, DemoToken),
        *(ChildChainManager, ChildERC20),
    )
}
"""By the names of their artifacts."""
