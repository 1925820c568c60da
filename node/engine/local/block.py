"""A decided block: what FinalizeBlock is asked, and the precommits that decided it."""

from dataclasses import dataclass

from bridge.codec.types import Address
from node.app.abci import FinalizeBlockRequest
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
    def power(self) -> int:
        """The power of all who voted."""
        return sum(vote.power for vote in self.precommits)

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
