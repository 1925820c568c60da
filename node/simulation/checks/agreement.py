"""At every height all validators have the same state, the same results, the same proposer and proposal of each turn."""

from bridge.codec.types import Address, Hash32
from node.app import queries
from node.app.state import State
from node.engine.commits import CommittedBlock
from node.simulation.checks.check import Check, Violation
from node.simulation.machine import Machine


class OneState(Check):
    """No two app hashes or results at one height."""

    def __init__(self) -> None:
        self.height = 0
        """The highest that anybody has committed."""
        self._app_hashes: dict[int, bytes] = {}
        self._codes: dict[int, tuple[int, ...]] = {}

    def committed(self, machine: Machine, block: CommittedBlock, state: State) -> None:
        """Compare with whoever was first at this height, also before a restart."""
        self.height = max(self.height, block.height)
        app_hash = self._app_hashes.setdefault(block.height, block.response.app_hash)
        codes = tuple(result.code for result in block.response.tx_results)
        if app_hash != block.response.app_hash or self._codes.setdefault(block.height, codes) != codes:
            raise Violation("one state", f"validator {machine.index} has another state at height {block.height}")


class OneProposer(Check):
    """At most one proposal in each turn of a root chain, by the proposer that the priorities name."""

    def __init__(self) -> None:
        self._proposals: dict[tuple[int, int], tuple[Address, int, int, Hash32]] = {}

    def committed(self, machine: Machine, block: CommittedBlock, state: State) -> None:
        """Look at the proposal of each root chain's turn."""
        for index, turn in enumerate(state.turns):
            proposal = state.proposals[index].current
            if proposal is None:
                continue
            said = (proposal.proposer, proposal.start, proposal.end, proposal.root_hash)
            is_new = (index, turn.number) not in self._proposals
            if self._proposals.setdefault((index, turn.number), said) != said or proposal.turn != turn.number:
                raise Violation("one proposer", f"turn {turn.number} has two proposals: {said} and another")
            if is_new and proposal.proposer != queries.proposer(state, index):
                raise Violation("one proposer", f"turn {turn.number} has the proposal of another than its proposer")
