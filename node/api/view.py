"""What the API needs of a node, which implements it; the API itself holds only an index of what it reads."""

from dataclasses import dataclass
from typing import Protocol

from bridge.burns.ranges import BlockSource
from bridge.burns.service import BurnService
from bridge.chain.endpoint import EndpointReport
from node.api.archive import CheckpointArchive
from node.api.routes_engine import EngineRpc
from node.app.state import Committed
from node.duties.evidence import EvidenceLog
from node.duties.status import NodeStatus


@dataclass(frozen=True, slots=True)
class ChainEndpoint:
    """One RPC endpoint of a chain, named by label: URLs may hold keys."""

    chain: str
    report: EndpointReport


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """How often this node came to a verdict about a proposal since its start: VALID, INVALID, CANNOT_TELL."""

    root_chain: str
    verdict: str
    count: int


class NodeView(Protocol):
    """One running node."""

    @property
    def committed(self) -> Committed:
        """The replicated state after the last committed block; the genesis state before the first."""
        ...

    @property
    def archive(self) -> CheckpointArchive:
        """The acknowledged checkpoints that `committed` commits to."""
        ...

    @property
    def evidence(self) -> EvidenceLog:
        """What the engine proved of validators."""
        ...

    @property
    def burns(self) -> BurnService:
        """Status and proofs of burns."""
        ...

    @property
    def blocks(self) -> BlockSource:
        """The side chain's own confirmed blocks."""
        ...

    @property
    def engine_rpc(self) -> EngineRpc | None:
        """The door to this node's CometBFT, if it has one."""
        ...

    def status(self) -> NodeStatus:
        """What the node knows about itself now."""
        ...

    def endpoints(self) -> tuple[ChainEndpoint, ...]:
        """Health of every RPC endpoint."""
        ...

    def verdicts(self) -> tuple[VerdictCount, ...]:
        """This node's verdicts so far."""
        ...
