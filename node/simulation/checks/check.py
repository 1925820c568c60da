"""What all checks have in common."""

from node.app.state import State
from node.engine.commits import CommittedBlock
from node.simulation.machine import Machine


class Violation(Exception):
    """A rule does not hold. `rule` is its stable name."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(rule, text)  # as given, so that it can be pickled
        self.rule = rule
        self.text = text

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


class Check:
    """Looks on; each kind overrides what it needs. All raise Violation."""

    def committed(self, machine: Machine, block: CommittedBlock, state: State) -> None:
        """An honest validator has committed a block."""

    def sent(self, machine: Machine, transaction: bytes) -> None:
        """A signed transaction leaves an honest validator."""

    def root_block(self) -> None:
        """The root chain has a new head, or another one after a reorg."""

    def end(self) -> None:
        """The simulation is over, and all has converged."""
