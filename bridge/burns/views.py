"""The two kinds of chain as the burn service sees them: what to read, up to where, and which contracts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bridge.burns.cadence import RangeRule
from bridge.burns.ranges import BlockSource
from bridge.burns.report import CheckpointOnRoot
from bridge.chain.header_store import HeaderStore
from bridge.chain.reader import ChainReader
from bridge.codec.types import Address, BlockNumber


class CheckpointBook(Protocol):
    """Checkpoints that are known without asking: agreed on by validators, or indexed from the root chain's logs."""

    @property
    def is_agreed(self) -> bool:
        """Whether validators vouch for it.

        Otherwise a checkpoint is read from the contract before its first use, and `created_at` may be 0 for unknown.
        """
        ...

    def holding(self, number: BlockNumber) -> CheckpointOnRoot | None:
        """The checkpoint with this block, or None where there is none or it is not known."""
        ...

    def latest(self, count: int) -> tuple[CheckpointOnRoot, ...]:
        """The last checkpoints that are known, newest first, at most `count`."""
        ...


@dataclass(frozen=True, slots=True)
class ExitContracts:
    """The root chain's contracts that take exits; what is not named is not asked.

    `tunnels`: the root chain's end of each message tunnel, by the side chain's end.
    """

    root_chain_manager: Address | None = None
    withdraw_manager: Address | None = None
    plasma_erc20_predicate: Address | None = None
    plasma_erc721_predicate: Address | None = None
    tunnels: Mapping[Address, Address] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SideView:
    """The side chain. `headers` is what a follower keeps of it; of `blocks`, the first that can answers."""

    reader: ChainReader
    headers: HeaderStore
    blocks: tuple[BlockSource, ...]


@dataclass(frozen=True, slots=True)
class RootView:
    """One root chain. `rule` is how its checkpoints are cut; None where only the past tells."""

    name: str
    reader: ChainReader
    headers: HeaderStore
    root_chain: Address
    exits: ExitContracts = field(default_factory=ExitContracts)
    rule: RangeRule | None = None
    book: CheckpointBook | None = None
