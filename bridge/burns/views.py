"""The two kinds of chain as the burn service sees them: what to read, up to where, and which contracts."""

from dataclasses import dataclass
from typing import Protocol

from bridge.burns.cadence import RangeRule
from bridge.burns.leaves import LeafSource
from bridge.chain.header_store import HeaderStore
from bridge.chain.reader import ChainReader
from bridge.codec.types import Address, BlockNumber, Hash32


@dataclass(frozen=True, slots=True)
class AgreedCheckpoint:
    """A checkpoint that somebody we trust has seen on the root chain, as validators have in their replicated log."""

    header_id: int
    start: BlockNumber
    end: BlockNumber
    root: Hash32


class AgreedCheckpoints(Protocol):
    """Spares the search for the checkpoint of a block, and contradicts an endpoint that invents one."""

    def holding(self, number: BlockNumber) -> AgreedCheckpoint | None:
        """The checkpoint with this block, or None where there is none or it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class SideView:
    """The side chain. `headers` is what a follower keeps of it; of `leaves`, the first that can answers."""

    reader: ChainReader
    headers: HeaderStore
    leaves: tuple[LeafSource, ...]


@dataclass(frozen=True, slots=True)
class RootView:
    """One root chain. Without a `root_chain_manager` nobody can say which tokens are mapped or which burns are paid."""

    name: str
    reader: ChainReader
    headers: HeaderStore
    root_chain: Address
    root_chain_manager: Address | None
    rule: RangeRule
    agreed: AgreedCheckpoints | None = None
