"""The rules' numbers: what a network agreed on in its genesis, and keeps in its state.

Times are in seconds of the engine's clock (block times), countdowns in engine blocks, and L1 times in seconds of that
chain's own timestamps; the names say which.
"""

from dataclasses import dataclass
from enum import IntEnum

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import Address, ChainId


class QuorumUnit(IntEnum):
    """In which unit a root chain's contract weighs signatures: wei of stake, or whole tokens of each validator."""

    WEI = 0
    TOKENS = 1


class Finality(IntEnum):
    """When a block is confirmed: some blocks deep, or once the node's own tag says so; agreed on per chain."""

    DEPTH = 0
    SAFE = 1
    FINALIZED = 2


@dataclass(frozen=True, slots=True)
class Parameters:
    """What holds for the network as a whole."""

    side_chain_id: ChainId
    side_confirmations: int
    """Blocks on top of a side-chain block before any validator speaks of it; a node may wait longer, not shorter."""
    side_finality: Finality
    """DEPTH: the confirmations count. Else the tag does, and they only say how far behind it usually is."""
    side_block_time_s: int
    """The side chain's usual block time; for explanations only."""
    pulse_s: int
    """Longest time without an engine block."""
    engine_block_ms: int
    """Shortest time between engine blocks."""
    head_report_interval_s: int
    """Least engine time between two reports of a moving side-chain head, unless a turn needs one."""


@dataclass(frozen=True, slots=True)
class RootChainParameters:
    """What holds for one root chain."""

    name: str
    chain_id: ChainId
    data_form: DataForm
    quorum_unit: QuorumUnit
    contract_chain_id: ChainId
    """The side-chain id as the contract expects it in the signed data (RootChain.CHAINID)."""
    root_chain_address: Address
    staking_info_address: Address
    """Where staking events come from."""
    stake_manager_address: Address
    """Where stake, epoch and account root are read; the zero address on a root chain without StakeManager."""
    minimum_blocks: int
    maximum_blocks: int
    multiple_blocks: int
    """A range's length is a multiple of this, from minimum to maximum, unless `force_after_s` has passed."""
    interval_s: int
    """Least engine time from an ack to the next turn's becoming due."""
    force_after_s: int
    """Engine time after an ack from which a range of any length will do."""
    confirmations: int
    """Blocks on top of a root-chain block before any validator speaks of it."""
    finality: Finality
    """DEPTH: the confirmations count. Else the tag does, and they only say how far behind it usually is."""
    block_time_s: int
    """The root chain's usual block time."""
    no_ack_buffer_s: int
    """How long a due turn has, in L1 time, before it may end with a no-ack."""
    no_ack_growth_cap: int
    """The buffer doubles with no-acks in a row, at most this often."""
    grace_blocks: int
    """Engine blocks between quorum and opening of the submission, for signatures still on their way."""
    submission_ranks: int
    """How many validators submit, one after another."""
    rank_delay_s: int
    """L1 time that each rank waits for the one before it."""
    inclusion_allowance_s: int
    """L1 time that a sent transaction is given to be mined; nobody sends later than this before the deadline."""
    feed_anchor_blocks: int
    """Each root-chain block whose number is a multiple of this is a step, empty or not."""

    @property
    def confirmation_lag_s(self) -> int:
        """How far the confirmed head's timestamp usually is behind."""
        return self.confirmations * self.block_time_s


def least_no_ack_buffer_s(network: Parameters, root_chain: RootChainParameters, validators: int) -> int:
    """The smallest `no_ack_buffer_s` that leaves a turn time for everything that it needs, rounded up to seconds.

    A pulse, three engine blocks, the grace window, each rank's delay and the inclusion.
    """
    engine_blocks = 3 + root_chain.grace_blocks
    engine_s = -(-engine_blocks * network.engine_block_ms // 1000)
    ranks_s = min(validators, root_chain.submission_ranks) * root_chain.rank_delay_s
    return network.pulse_s + engine_s + ranks_s + root_chain.inclusion_allowance_s
