"""What the nodes of a new network agree on, by its pace: the parameters of genesis, and how nodes are set to it."""

from dataclasses import dataclass, replace
from typing import Literal

from bridge.chain.errors import BadAnswer
from bridge.codec.types import Address, ChainId
from config.presets import (
    DEVNET_ROOT_BLOCK_S,
    devnet_network,
    devnet_root_chain,
    polygon_network,
    polygon_root_chain,
)
from config.schema import Fees
from node.app.parameters import Parameters, RootChainParameters
from node.duties.contract_view import ContractReader
from node.networks.connect import Connected
from node.networks.contracts_file import NetworkContracts
from node.networks.errors import ContractsUnfit
from node.networks.homes import ChainAccess

Pace = Literal["devnet", "polygon"]
"""devnet: blocks of a second or two, a checkpoint in some 10 s. polygon: Ethereum's blocks, Heimdall's ranges."""
DEVNET_POLL_S = 0.25
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Agreed:
    """The parameters of a genesis with one root chain."""

    network: Parameters
    root_chain: RootChainParameters


async def agree(pace: Pace, root: Connected, side_chain_id: ChainId, contracts: NetworkContracts) -> Agreed:
    """The parameters for contracts that are there. Raises ChainError, ContractsUnfit for a wrong address."""
    reader = ContractReader(root.reader, contracts.agreed.root_chain, contracts.agreed.stake_manager)
    try:
        contract_chain_id = ChainId(await reader.side_chain_id("latest"))
    except BadAnswer as error:
        raise ContractsUnfit(f"RootChain at 0x{contracts.agreed.root_chain.hex()}: {error}") from error
    if pace == "devnet":
        network = devnet_network(side_chain_id)
        there = devnet_root_chain(root.name, root.chain_id, contract_chain_id, contracts.agreed, contracts.data_form)
    else:
        network = polygon_network(side_chain_id)
        there = polygon_root_chain(root.name, root.chain_id, contract_chain_id, contracts.agreed)
    return Agreed(network, replace(there, data_form=contracts.data_form, quorum_unit=contracts.quorum_unit))


def chain_access(
    root_block_time_s: int, root: Connected, side: Connected, root_chain_manager: Address | None
) -> ChainAccess:
    """How nodes reach the chains, and how often they look."""
    is_quick = root_block_time_s <= DEVNET_ROOT_BLOCK_S
    return ChainAccess(
        root_name=root.name,
        root_urls=root.urls,
        side_urls=side.urls,
        root_chain_manager=root_chain_manager,
        poll_interval_s=DEVNET_POLL_S if is_quick else POLL_S,
        replace_after_s=4 * DEVNET_ROOT_BLOCK_S if is_quick else Fees().replace_after_s,
    )
