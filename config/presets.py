"""Known networks: the parameters that their genesis takes, and what a node of a devnet is configured with.

devnet    all on one machine; a checkpoint is acknowledged some 10 s after its turn is due
polygon   for contracts and cadence as Polygon PoS has them on Ethereum
"""

from dataclasses import dataclass

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import Address, ChainId
from config.burns import Exits
from config.schema import Api, Fees, Keys, NodeConfig, Paths, RootChain, SideChain
from config.table import RpcUrl
from node.app.parameters import Finality, Parameters, QuorumUnit, RootChainParameters

DEVNET_SIDE_BLOCK_S = 1
DEVNET_ROOT_BLOCK_S = 2


@dataclass(frozen=True, slots=True)
class RootContracts:
    """The contracts of a root chain that its parameters name."""

    root_chain: Address
    staking_info: Address
    stake_manager: Address


def devnet_network(side_chain_id: ChainId) -> Parameters:
    """A devnet's parameters as a whole."""
    return Parameters(
        side_chain_id=side_chain_id,
        side_confirmations=2,
        side_finality=Finality.DEPTH,
        side_block_time_s=DEVNET_SIDE_BLOCK_S,
        pulse_s=1,
        engine_block_ms=500,
        head_report_interval_s=2,
    )


def devnet_root_chain(
    name: str, chain_id: ChainId, side_chain_id: ChainId, contracts: RootContracts, data_form: DataForm
) -> RootChainParameters:
    """A devnet's parameters for its root chain, whose contracts are ours.

    The buffer leaves 4 s over pulse, agreement, grace, three ranks and inclusion.
    """
    return RootChainParameters(
        name=name,
        chain_id=chain_id,
        data_form=data_form,
        quorum_unit=QuorumUnit.TOKENS,
        contract_chain_id=side_chain_id,
        root_chain_address=contracts.root_chain,
        staking_info_address=contracts.staking_info,
        stake_manager_address=contracts.stake_manager,
        minimum_blocks=8,
        maximum_blocks=64,
        multiple_blocks=8,
        interval_s=10,
        force_after_s=60,
        confirmations=2,
        finality=Finality.DEPTH,
        block_time_s=DEVNET_ROOT_BLOCK_S,
        no_ack_buffer_s=24,
        no_ack_growth_cap=2,
        grace_blocks=4,
        submission_ranks=3,
        rank_delay_s=4,
        inclusion_allowance_s=6,
        feed_anchor_blocks=1_024,
    )


def devnet_config(
    *,
    moniker: str,
    api_port: int,
    paths: Paths,
    signer: Address,
    submission: Address,
    side_urls: tuple[str, ...],
    root_name: str,
    root_urls: tuple[str, ...],
    root_chain_manager: Address,
    exits: Exits | None = None,
) -> NodeConfig:
    """The configuration of one validator of a devnet."""
    return NodeConfig(
        moniker=moniker,
        poll_interval_s=0.25,
        paths=paths,
        api=Api(port=api_port),
        keys=Keys(signers=(signer,), submission=submission),
        side_chain=SideChain(rpc_urls=tuple(map(RpcUrl, side_urls))),
        root_chains=(
            RootChain(
                name=root_name,
                rpc_urls=tuple(map(RpcUrl, root_urls)),
                root_chain_manager=root_chain_manager,
                exits=exits or Exits(),
                fees=Fees(replace_after_s=4 * DEVNET_ROOT_BLOCK_S),
            ),
        ),
    )


def polygon_network(side_chain_id: ChainId) -> Parameters:
    """Parameters as a whole for a side chain of Bor's pace."""
    return Parameters(
        side_chain_id=side_chain_id,
        side_confirmations=10,
        side_finality=Finality.DEPTH,
        side_block_time_s=2,
        pulse_s=10,
        engine_block_ms=1_000,
        head_report_interval_s=16,
    )


def polygon_root_chain(
    name: str, chain_id: ChainId, side_chain_id: ChainId, contracts: RootContracts
) -> RootChainParameters:
    """Parameters for Polygon's contracts on Ethereum: ranges, buffer and forced length of time as Heimdall has them."""
    return RootChainParameters(
        name=name,
        chain_id=chain_id,
        data_form=DataForm.POLYGON,
        quorum_unit=QuorumUnit.WEI,
        contract_chain_id=side_chain_id,
        root_chain_address=contracts.root_chain,
        staking_info_address=contracts.staking_info,
        stake_manager_address=contracts.stake_manager,
        minimum_blocks=256,
        maximum_blocks=1_024,
        multiple_blocks=256,
        interval_s=300,
        force_after_s=2_048,
        confirmations=64,
        finality=Finality.FINALIZED,
        block_time_s=12,
        no_ack_buffer_s=1_000,
        no_ack_growth_cap=5,
        grace_blocks=4,
        submission_ranks=3,
        rank_delay_s=120,
        inclusion_allowance_s=180,
        feed_anchor_blocks=1_024,
    )
