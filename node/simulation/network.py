"""The network between the validators' engines: what is lost, late, or out of order on the way."""

import random
from dataclasses import dataclass

from node.engine.local.engine import LocalEngine
from node.simulation.loop import SimulationLoop


@dataclass(slots=True)
class NetworkFaults:
    """What is wrong with the network now."""

    loss: float = 0.0
    """Share of gossip that never arrives."""
    delay_s: float = 0.0
    """Gossip takes up to so long, each piece by itself, so that it comes out of order."""
    proposals_lost: float = 0.0
    """Share of proposals that do not reach a validator in time."""
    late_blocks: dict[int, float] | None = None
    """Per validator, how often a decided block has not reached it when it is looked for."""


class SimulatedNetwork:
    """A `node.engine.local.gossip.Network` that draws from the seed."""

    def __init__(self, loop: SimulationLoop, seed: int) -> None:
        self.faults = NetworkFaults()
        self.engine: LocalEngine
        """Set once the engine is made; what is late is handed to it."""
        self._loop = loop
        self._source = random.Random(f"{seed} network")

    def delivers_transaction(self, sender: int, receiver: int, transaction: bytes) -> bool:
        """Whether this offer arrives at once; a late one is delivered by a timer."""
        faults = self.faults
        if faults.loss and self._source.random() < faults.loss:
            return False
        if faults.delay_s:
            delay_s = self._source.random() * faults.delay_s
            self._loop.call_later(delay_s, self._deliver, receiver, transaction, sender)
            return False
        return True

    def delivers_proposal(self, proposer: int, receiver: int, height: int, round_number: int) -> bool:
        """Whether the validator hears the proposal in time; a proposer always hears its own."""
        lost = self.faults.proposals_lost
        return not lost or proposer == receiver or self._source.random() >= lost

    def delivers_block(self, receiver: int, height: int) -> bool:
        """Whether a decided block has reached the validator."""
        late = None if self.faults.late_blocks is None else self.faults.late_blocks.get(receiver)
        return not late or self._source.random() >= late

    def _deliver(self, receiver: int, transaction: bytes, sender: int) -> None:
        self.engine.deliver(receiver, transaction, sender)
