"""The reason that `status` gives is a true one: each is held against the chains, the faults and the state itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bridge.codec.abi import encode_call
from node.app.state import Stage, State
from node.duties.status import Reason, RootChainStatus
from node.simulation.checks.check import Violation
from node.simulation.machine import Machine
from node.simulation.plan import RPC_KINDS, Fault, FaultKind
from node.simulation.settings import ROOT, SIDE

if TYPE_CHECKING:
    from node.simulation.world import World

AFTERMATH_S = 100.0
"""How long a fault may still be felt: an endpoint rests for a minute at the most, a failed duty for half of one."""
GWEI = 10**9


class TrueReasons:
    """Looks at what validators show. Its facts come from the world, not from the validator that is asked."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._confirmations = world.genesis.root_chains[0].parameters.confirmations
        self._base_fees_wei: list[tuple[float, int]] = []
        self._balances_wei: dict[int, list[tuple[float, int]]] = {}

    def root_block(self) -> None:
        """Remember what transactions cost, and who could pay."""
        world = self._world
        self._base_fees_wei.append((world.now_s, world.root.next_base_fee_wei()))
        for index, account in enumerate(world.accounts.submitters):
            self._balances_wei.setdefault(index, []).append((world.now_s, world.root.balance(account.address)))

    def look(self, machine: Machine) -> None:
        """Ask one validator for its status. Raises Violation."""
        validator = machine.validator
        if validator is None or machine.liar is not None:
            return
        status = validator.status().root_chains[0]
        state = validator.committed.state
        holds = _FACTS.get(status.why.reason, _always)
        if not holds(self, machine, status, state):
            text = f"validator {machine.index} says {status.why.reason.value}: {status.why.text}"
            raise Violation("true reasons", text)

    # Facts

    def no_quorum(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """Less than two thirds of the engine's power is present."""
        engine = self._world.engine.engine
        return engine is None or not engine.quorum

    def paused(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """Somebody has paused it."""
        engine = self._world.engine.engine
        return engine is not None and engine.is_paused(machine.index)

    def starting(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """It has just started, or something keeps it from finishing its checks."""
        is_new = self._world.now_s - machine.started_s < AFTERMATH_S
        return is_new or bool(self._felt(machine, lambda fault: fault.kind is not FaultKind.STAKE_CHANGE))

    def root_unreadable(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """An endpoint of the root chain misbehaves or did so just now, or the chain itself was changed."""
        return bool(self._felt(machine, lambda fault: _spoils(fault, ROOT)))

    def side_unreadable(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """The same of the side chain."""
        return bool(self._felt(machine, lambda fault: _spoils(fault, SIDE)))

    def feed_paused(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """The agreed state says so, and L1 was changed below what was confirmed, or somebody lies about it."""
        deep = (FaultKind.CHAIN_REORG_DEEP, FaultKind.BYZANTINE)
        return state.feeds[0].is_paused and any(fault.kind in deep for fault in self._world.plan.faults)

    def views_differ(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """Somebody lies, or L1 was changed below what was confirmed."""
        return bool(self._felt(machine, lambda fault: _spoils(fault, ROOT) or fault.kind is FaultKind.BYZANTINE))

    def interval(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """The last ack is not `interval_s` ago."""
        last_s, interval_s = state.turns[0].last_ack_s, state.params.root_chains[0].interval_s
        validator = machine.validator
        return last_s is not None and validator is not None and validator.committed.time_s < last_s + interval_s

    def side_blocks(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """What over two thirds have reported is too low for a range."""
        turn, parameters = state.turns[0], state.params.root_chains[0]
        powers = {member.id: member.power for member in state.validators.tally_set}
        total = sum(powers.values())
        reports = sorted(
            ((voter.head.number, powers.get(voter.id, 0)) for voter in state.tallies if voter.head is not None),
            reverse=True,
        )
        held, head = 0, -1
        for number, power in reports:
            held += power
            if 3 * held > 2 * total:
                head = number
                break
        return turn.next_start is not None and head < turn.next_start + parameters.minimum_blocks - 1

    def no_proposal(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """The turn has a deadline and no proposal."""
        return state.proposals[0].current is None and state.turns[0].deadline is not None

    def waits_for_turn(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """A countdown runs."""
        return state.turns[0].deadline is None and state.turns[0].wait_blocks > 0

    def landed(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """The header is on L1, or was before a reorg that is not long ago."""
        current = state.proposals[0].current
        if current is None:
            return False
        root_chain = self._world.contracts.root.root_chain
        last = int.from_bytes(self._world.root.call(root_chain, encode_call("currentHeaderBlock()"))[:32])
        return last >= current.header_id or bool(self._felt(machine, lambda fault: _spoils(fault, ROOT)))

    def dear(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """Gas costs, or has just cost, so much that twice its price is over the ceiling; or the next offer would be."""
        ceiling_wei = self._world.settings.pace.node.fee_cap_gwei * GWEI
        since_s = self._world.now_s - AFTERMATH_S
        if any(at_s >= since_s and 3 * fee_wei > ceiling_wei for at_s, fee_wei in self._base_fees_wei):
            return True
        current, validator = state.proposals[0].current, machine.validator
        entry = None if current is None or validator is None else validator.submits[0].entry(current.header_id)
        offered = None if entry is None else entry.current
        return offered is not None and 9 * offered.max_fee_per_gas_wei > 8 * ceiling_wei

    def poor(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """The account cannot pay what the ceiling allows to be offered, or could not just now."""
        since_s, need_wei = self._world.now_s - AFTERMATH_S, 1_500_000 * 600 * GWEI
        balances = self._balances_wei.get(machine.index, [])
        return any(at_s >= since_s and balance_wei < need_wei for at_s, balance_wei in balances)

    def open_proposal(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """The submission is open."""
        current = state.proposals[0].current
        return current is not None and current.stage is Stage.OPEN

    def collecting(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """There is a proposal without a quorum."""
        current = state.proposals[0].current
        return current is not None and current.stage is Stage.COLLECTING

    def grace(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """There is a quorum, and the window for late signatures is open."""
        current = state.proposals[0].current
        return current is not None and current.stage is Stage.GRACE and current.grace_left > 0

    def contract_changed(self, machine: Machine, status: RootChainStatus, state: State) -> bool:
        """No contract ever changes here."""
        return False

    def _felt(self, machine: Machine, matters: Callable[[Fault], bool]) -> Sequence[Fault]:
        """The faults that this validator may feel now."""
        now_s = self._world.now_s
        return [
            fault
            for fault in self._world.plan.faults
            if fault.at_s <= now_s <= min(fault.until_s, self._world.plan.chaos_s) + AFTERMATH_S
            and fault.validator in (None, machine.index)
            and matters(fault)
        ]


_Fact = Callable[[TrueReasons, Machine, RootChainStatus, State], bool]


def _always(reasons: TrueReasons, machine: Machine, status: RootChainStatus, state: State) -> bool:
    """A stop of the node itself: another check judges it."""
    return True


def _spoils(fault: Fault, chain: str) -> bool:
    """Whether a fault makes a chain hard to read."""
    kinds = (*RPC_KINDS, FaultKind.CHAIN_REORG, FaultKind.CHAIN_REORG_DEEP)
    return (fault.kind in kinds and fault.chain == chain) or fault.kind in (FaultKind.DISK_FULL, FaultKind.SYNC_ERRORS)


_FACTS: Mapping[Reason, _Fact] = {
    Reason.ENGINE_NO_QUORUM: TrueReasons.no_quorum,
    Reason.VALIDATOR_PAUSED: TrueReasons.paused,
    Reason.CATCHING_UP: TrueReasons.starting,
    Reason.L1_REORG_BELOW_CURSOR: TrueReasons.feed_paused,
    Reason.CONTRACT_CHANGED: TrueReasons.contract_changed,
    Reason.L1_VIEWS_DIFFER: TrueReasons.views_differ,
    Reason.ROOT_RPC_DOWN: TrueReasons.root_unreadable,
    Reason.SIDE_RPC_DOWN: TrueReasons.side_unreadable,
    Reason.WAITING_FOR_SIDE_BLOCKS: TrueReasons.side_blocks,
    Reason.WAITING_FOR_INTERVAL: TrueReasons.interval,
    Reason.WAITING_FOR_TURN: TrueReasons.waits_for_turn,
    Reason.WAITING_FOR_PROPOSAL: TrueReasons.no_proposal,
    Reason.COLLECTING: TrueReasons.collecting,
    Reason.GRACE: TrueReasons.grace,
    Reason.WAITING_FOR_SUBMITTER: TrueReasons.open_proposal,
    Reason.FEE_CEILING: TrueReasons.dear,
    Reason.NOT_FUNDED: TrueReasons.poor,
    Reason.L1_REFUSES: TrueReasons.open_proposal,
    Reason.UNDERPRICED: TrueReasons.open_proposal,
    Reason.POOL_FULL: TrueReasons.open_proposal,
    Reason.NONCE_GAP: TrueReasons.open_proposal,
    Reason.NONCE_USED: TrueReasons.open_proposal,
    Reason.L1_CLOCK_AHEAD: TrueReasons.open_proposal,
    Reason.WAITING_FOR_INCLUSION: TrueReasons.open_proposal,
    Reason.WAITING_FOR_CONFIRMATIONS: TrueReasons.landed,
    Reason.WAITING_FOR_FEED_QUORUM: TrueReasons.landed,
}
