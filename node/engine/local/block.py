"""A decided block: what FinalizeBlock is asked, the precommits that decided it, and the report of what came out."""

from dataclasses import dataclass

from bridge.codec.types import Address, Hash32
from node.app.abci import FinalizeBlockRequest, FinalizeBlockResponse, ValidatorUpdate
from node.engine.local.times import WeightedTime, weighted_median_ns


@dataclass(frozen=True, slots=True)
class Precommit:
    """One validator's vote for a block, at the time of its own clock."""

    address: Address
    power: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The precommits that decided a block, in the validator set's order, and the round in which they did."""

    round: int
    precommits: tuple[Precommit, ...]

    @property
    def time_ns(self) -> int:
        """The time of the next block."""
        return weighted_median_ns([WeightedTime(vote.time_ns, vote.power) for vote in self.precommits])


@dataclass(frozen=True, slots=True)
class Block:
    """A decided block and its own precommits, which give the next block its time."""

    request: FinalizeBlockRequest
    commit: Commit

    @property
    def height(self) -> int:
        """The block's height, from 1."""
        return self.request.height


@dataclass(frozen=True, slots=True)
class BlockReport:
    """A block that was just made."""

    height: int
    round: int
    time_ns: int
    proposer: Address
    transactions: int
    app_hash: Hash32
    validator_updates: tuple[ValidatorUpdate, ...]

    @classmethod
    def of(cls, block: Block, response: FinalizeBlockResponse) -> "BlockReport":
        """The report of a block and the answer to it."""
        request = block.request
        return cls(
            height=block.height,
            round=block.commit.round,
            time_ns=request.time_ns,
            proposer=request.proposer_address,
            transactions=len(request.txs),
            app_hash=response.app_hash,
            validator_updates=response.validator_updates,
        )
