"""One simulation from beginning to end: chaos, in which nothing may be unsafe; then all heals, and must converge.

    outcome = simulate(draw_plan(7, settings), settings)

Safety is checked whenever a validator commits a block, sends a transaction, or shows its status, and at each block of
the root chain. After the chaos all faults end, everybody comes back, and within `converge_limit_s` further checkpoints
must be acknowledged, with everybody of the core in step.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from node.app.parameters import RootChainParameters
from node.app.state import State
from node.duties.status import Reason
from node.engine.commits import CommittedBlock
from node.simulation import api
from node.simulation.checks.agreement import OneProposer, OneState
from node.simulation.checks.burns import BurnsNeverGoBack
from node.simulation.checks.check import Check, Violation
from node.simulation.checks.contracts import MirrorsContracts
from node.simulation.checks.headers import TrueHeaders
from node.simulation.checks.reasons import TrueReasons
from node.simulation.checks.signatures import NoContradiction
from node.simulation.checks.stops import NoCauselessStop
from node.simulation.costs import CostReader, Costs
from node.simulation.events import Event, EventKind
from node.simulation.faults import FaultInjector
from node.simulation.machine import Machine
from node.simulation.plan import DISK_KINDS, FaultKind, Plan
from node.simulation.reporter import Reporter
from node.simulation.settings import ROOT, SIDE, SimulationSettings
from node.simulation.traffic import Burner
from node.simulation.world import World

ACKS_TO_CONVERGE = 2
HALT_S = 90.0
"""For how long a stop that people must end has to hold, so that one which ends by itself is not taken for it."""
HALTING = (Reason.SIDE_REORG_BELOW_SIGNED, Reason.L1_REORG_BELOW_CURSOR, Reason.GENESIS_CONTRADICTED)
"""What only people can end."""
LOOKS_PER_INTERVAL = 4
"""How often each validator's status is asked for, per interval between checkpoints."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a simulation ended."""

    plan: Plan
    violation: Violation | None
    events: tuple[Event, ...]
    halted: str | None
    """Why the network had to stop for people to decide, if it had to."""
    virtual_s: float
    real_s: float
    converged_after_s: float | None
    """From the end of the faults."""
    acks: int
    no_acks: int
    heights: int
    rejections: int
    costs: Costs
    restarts: int
    trace: str
    """A digest over all that happened: the same seed has the same one, everywhere."""

    @property
    def speed(self) -> float:
        """How many times faster than life."""
        return self.virtual_s / self.real_s if self.real_s else 0.0

    @property
    def violated_at_s(self) -> float:
        """When a rule was broken; the end, if none was."""
        return next((event.at_s for event in self.events if event.kind is EventKind.VIOLATION), self.virtual_s)


def converge_limit_s(parameters: RootChainParameters) -> float:
    """How long a healed network may take until further checkpoints are acknowledged.

    Endpoints rest a minute at most, an operator takes a third of one. Then up to three turns may run into deadlines
    that were set while things went wrong, each with the buffer at its largest; then two whole rounds must go well.
    """
    rest_s = 100.0
    turn_s = (parameters.no_ack_buffer_s << parameters.no_ack_growth_cap) + parameters.confirmation_lag_s
    round_s = parameters.interval_s + parameters.force_after_s + parameters.confirmation_lag_s + turn_s
    return rest_s + 3 * turn_s + ACKS_TO_CONVERGE * round_s


def simulate(plan: Plan, settings: SimulationSettings, told: Callable[[Event], None] | None = None) -> Outcome:
    """Run a plan. `told` hears each event as it happens. The same plan has the same outcome, but for `real_s`."""
    began_s = time.perf_counter()
    run = _Run(plan, settings, told)
    try:
        return run.to_the_end(began_s)
    finally:
        run.world.dispose()
        api.forget()


class _Run:
    def __init__(self, plan: Plan, settings: SimulationSettings, told: Callable[[Event], None] | None) -> None:
        self.plan = plan
        self.world = World(plan, settings)
        self.world.journal.told = told
        self.violation: Violation | None = None
        self.converged_after_s: float | None = None
        self.halted: str | None = None
        self._stop = asyncio.Event()
        self._digest = hashlib.sha256()

    def to_the_end(self, began_s: float) -> Outcome:
        world = self.world
        loop = world.loop
        loop.run_until_complete(world.build())
        self._wire()
        try:
            loop.run_until_complete(self._main())
        except Violation as violation:
            self._violated(violation)
        loop.settle()
        if self.violation is None and loop.failures:
            error = loop.failures[0]
            self._violated(Violation("no bug", f"{type(error).__name__}: {error}"))
        for event in world.journal.events:
            self._digest.update(repr(event).encode())
        state = self.reporter.newest
        return Outcome(
            plan=self.plan,
            violation=self.violation,
            events=tuple(world.journal.events),
            halted=self.halted,
            virtual_s=world.now_s,
            real_s=time.perf_counter() - began_s,
            converged_after_s=self.converged_after_s,
            acks=0 if state is None else state.turns[0].acks,
            no_acks=0 if state is None else state.turns[0].no_acks,
            heights=self.one_state.height,
            rejections=0 if state is None else state.turns[0].rejections,
            costs=self.costs.total,
            restarts=sum(machine.starts - 1 for machine in world.machines),
            trace=self._digest.hexdigest(),
        )

    # Who looks on

    def _wire(self) -> None:
        world, plan = self.world, self.plan
        parameters = world.genesis.root_chains[0].parameters
        deep = {fault.chain for fault in plan.faults if fault.kind is FaultKind.CHAIN_REORG_DEEP}
        strangers = {
            world.accounts.submitters[fault.validator].address
            for fault in plan.faults
            if fault.kind in (FaultKind.NONCE_STOLEN, FaultKind.STAKE_CHANGE, FaultKind.BALANCE_GONE)
            and fault.validator is not None
        }
        self.injector = FaultInjector(world)
        self._may_halt = bool(deep)
        self.one_state = OneState()
        self.headers = TrueHeaders(
            world.root,
            world.side,
            parameters.root_chain_address,
            world.genesis.root_chains[0].block_number,
            parameters.confirmations,
            side_may_change=SIDE in deep,
            nonces_may_be_lost=frozenset(strangers),
        )
        self.stops = NoCauselessStop(
            world.journal,
            lambda: self.injector.damaged,
            side_may_change=SIDE in deep,
            root_may_change=ROOT in deep,
            disk_may_fail=frozenset(
                fault.validator for fault in plan.faults if fault.kind in DISK_KINDS and fault.validator is not None
            ),
        )
        self.reporter = Reporter(world.journal, world.loop)
        self.costs = CostReader(world)
        checks: list[Check] = [
            self.one_state,
            OneProposer(),
            NoContradiction(world.opener),
            MirrorsContracts(world.root, world.contracts),
            self.stops,
            self.reporter,
            self.costs,
        ]
        if ROOT not in deep:
            checks.append(self.headers)
        self.reasons = TrueReasons(world)
        self.burner = Burner(world, BurnsNeverGoBack(world.root))
        for machine in world.machines:
            machine.watchers.append(_Together(checks, self._violated))
        world.on_root_block.append(lambda: self._guarded(lambda: _each_root_block(checks)))
        world.on_root_block.append(self.reasons.root_block)

    def _guarded(self, look: Callable[[], object]) -> None:
        try:
            look()
        except Violation as violation:
            self._violated(violation)

    def _violated(self, violation: Violation) -> None:
        if self.violation is None:
            self.violation = violation
            self.world.journal.note(self.world.now_s, EventKind.VIOLATION, str(violation))
        self._stop.set()

    # What happens

    async def _main(self) -> None:
        world = self.world
        world.start()
        await self._unless_violated(self._chaos())
        self.injector.heal()
        world.journal.note(world.now_s, EventKind.HEALED, "everybody comes back")
        await self._unless_violated(self._converge())

    async def _unless_violated(self, part: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(part)
        stop = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            task.result()
            return
        task.cancel()
        assert self.violation is not None
        raise self.violation

    async def _chaos(self) -> None:
        loop = self.world.loop
        self._background = [loop.create_task(self._watched(part)) for part in (self._look(), self.burner.run())]
        injecting = loop.create_task(self.injector.run())
        await asyncio.sleep(self.plan.chaos_s)
        injecting.cancel()

    async def _watched(self, part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        except Violation as violation:
            self._violated(violation)

    async def _converge(self) -> None:
        world = self.world
        healed_s = world.now_s
        limit_s = converge_limit_s(world.genesis.root_chains[0].parameters)
        acks = 0 if self.reporter.newest is None else self.reporter.newest.turns[0].acks
        halting_s = 0.0
        while world.now_s < healed_s + limit_s:
            await asyncio.sleep(1.0)
            halted = self._must_halt() if self._may_halt else None
            halting_s = halting_s + 1.0 if halted is not None else 0.0
            if halted is not None and halting_s >= HALT_S:
                self.halted = halted
                world.journal.note(world.now_s, EventKind.HALTED, halted)
                return
            if self._has_converged(acks + ACKS_TO_CONVERGE):
                self.converged_after_s = world.now_s - healed_s
                text = f"{self.converged_after_s:.0f} s after the faults ended"
                world.journal.note(world.now_s, EventKind.CONVERGED, text)
                return
        raise Violation("convergence", f"not within {limit_s:.0f} s: {self._where()}")

    def _has_converged(self, acks: int) -> bool:
        newest = self.reporter.newest
        engine = self.world.engine.engine
        if newest is None or engine is None or newest.turns[0].acks < acks:
            return False
        return all(
            machine.validator is not None and machine.validator.committed.height >= engine.height - 1
            for machine in self._core()
        )

    def _core(self) -> list[Machine]:
        """Who must be there in the end: all but liars and those whose disk was damaged."""
        out = self.injector.damaged | set(self.injector.byzantine)
        return [machine for machine in self.world.machines if machine.index not in out]

    def _must_halt(self) -> str | None:
        """Why the network waits for people to decide: a chain left behind what was signed or applied."""
        for machine in self._core():
            if machine.validator is None:
                continue
            why = machine.validator.status().root_chains[0].why
            if why.reason in HALTING:
                return f"{why.reason.value}: {why.text}"
        return None

    def _where(self) -> str:
        lines = []
        for machine in self.world.machines:
            if machine.validator is None:
                lines.append(f"validator {machine.index} is down")
            else:
                status = machine.validator.status()
                why = status.root_chains[0].why
                lines.append(f"validator {machine.index} at {status.engine_height}: {why.reason.value}: {why.text}")
        return "; ".join(lines)

    async def _look(self) -> None:
        """Ask every validator for its status, again and again."""
        pause_s = max(0.5, self.world.settings.pace.root_chain.interval_s / LOOKS_PER_INTERVAL)
        while True:
            await asyncio.sleep(pause_s)
            for machine in self.world.machines:
                if machine.is_up:
                    self._guarded(lambda machine=machine: self.reasons.look(machine))  # type: ignore[misc]
                    if machine.validator is not None:
                        self.reporter.reason(machine.index, machine.validator.status().root_chains[0].why.reason)
            self._guarded(lambda: self.stops.duties(self.world.machines))
            halted = self.world.engine.halted
            if halted is not None:
                self._violated(Violation("one state", str(halted)))


def _each_root_block(checks: list[Check]) -> None:
    for check in checks:
        check.root_block()


class _Together:
    """All checks as one watcher; what they find stops the simulation, not the engine that called them."""

    def __init__(self, checks: list[Check], violated: Callable[[Violation], None]) -> None:
        self._checks = checks
        self._violated = violated

    def committed(self, machine: Machine, block: CommittedBlock, state: State) -> None:
        for check in self._checks:
            try:
                check.committed(machine, block, state)
            except Violation as violation:
                self._violated(violation)

    def sent(self, machine: Machine, transaction: bytes) -> None:
        for check in self._checks:
            try:
                check.sent(machine, transaction)
            except Violation as violation:
                self._violated(violation)
