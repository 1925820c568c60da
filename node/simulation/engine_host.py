"""The engine of a simulated network: one object that stands for the validators' consensus with each other.

It has a disk of its own, whose blocks a validator's death does not touch. When everybody is down at once it is killed
too, and comes back from what its disk has kept.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from node.app.genesis import Genesis
from node.engine.errors import HaltError
from node.engine.genesis import init_chain_request
from node.engine.local.block_store import BlockStore
from node.engine.local.engine import LocalEngine
from node.simulation.clock import MachineClock
from node.simulation.disk.disk import SimulatedDisk
from node.simulation.events import EventKind, Journal
from node.simulation.loop import Process, SimulationLoop
from node.simulation.machine import Machine
from node.simulation.network import SimulatedNetwork

ENGINE_FILE = Path("/engine/engine.db")


class SimulatedEngine:
    """The local engine as a process that can be killed, with all validators, and started again."""

    def __init__(
        self, seed: int, loop: SimulationLoop, genesis: Genesis, network: SimulatedNetwork, journal: Journal
    ) -> None:
        self.engine: LocalEngine | None = None
        self.halted: HaltError | None = None
        """Why it stopped for good: the validators disagree."""
        self._loop = loop
        self._genesis = genesis
        self._network = network
        self._journal = journal
        self._source = random.Random(f"{seed} engine")
        self._disk = SimulatedDisk(self._source)
        self._process: Process | None = None

    def start(self, machines: Sequence[Machine]) -> None:
        """Open all machines' homes, make the engine over those that open, and let everything run."""
        members = [machine.open() for machine in machines]
        parameters = self._genesis.parameters
        self._process = Process("engine")
        self.engine = LocalEngine(
            members,
            BlockStore(ENGINE_FILE, disk=self._disk.attach()),
            MachineClock(self._loop),
            genesis=init_chain_request(self._genesis),
            block_interval_s=parameters.engine_block_ms / 1000,
            pulse_s=float(parameters.pulse_s),
            network=self._network,
        )
        self._network.engine = self.engine
        self.engine.start()
        for machine in machines:
            machine.run(self.engine)
        self._loop.start(self._process, self._run(self.engine))

    def kill(self, *, power_loss: bool) -> None:
        """End it here and now."""
        if self._process is not None:
            self._process.kill()
            self._process, self.engine = None, None
            if power_loss:
                self._disk.crash(self._source)
            else:
                self._disk.kill()
            self._journal.note(self._loop.time(), EventKind.DOWN, "everybody is down")

    def dispose(self) -> None:
        """Let go of engine.db, when all is over."""
        self._disk.dispose()

    async def _run(self, engine: LocalEngine) -> None:
        try:
            await engine.run()
        except HaltError as error:
            self.halted = error
