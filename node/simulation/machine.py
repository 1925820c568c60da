"""One validator's machine: its disk, its clock, and the process that a service manager keeps running on it.

The machine outlives its processes. A kill ends a process between two steps, or inside a call at a durable write; then
the engine goes on without it, and after a while it is started again on what the disk has kept. An operator does by the
book what an error's remedy says: a damaged database that can be rebuilt is removed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from aiohttp import web

from bridge.chain.transport import Transport
from config.file import Home
from config.schema import NodeConfig
from node.app.application import Application
from node.app.errors import StoreError as StateMismatch
from node.app.genesis import Genesis
from node.app.messages import ProposeCheckpoint
from node.app.opened import TransactionOpener
from node.app.state import Committed, State
from node.duties.engine_view import LocalEngineView
from node.duties.identity import Identity
from node.duties.propose import honest_proposals
from node.engine.commits import CommittedBlock
from node.engine.errors import EngineError, MemberLostError
from node.engine.local.engine import LocalEngine
from node.engine.local.node import Member
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.submission import SubmissionKey
from node.simulation.application import BoundedApplication
from node.simulation.clock import MachineClock
from node.simulation.disk.disk import SimulatedDisk
from node.simulation.disk.process import Moment, ProcessDied
from node.simulation.events import EventKind, Journal
from node.simulation.loop import Process, ProcessKilled, SimulationLoop
from node.store.errors import StoreError
from node.validator.home import OpenKeys, open_home_on
from node.validator.validator import Validator

if TYPE_CHECKING:
    from node.simulation.byzantine import Byzantine

RESTART_S = 5.0
"""What the service manager waits before it starts a process again."""
OPERATOR_S = 20.0
"""What a person needs to see that a process does not start, and to do what its error says."""
REBUILT_FILES = ("state.db", "local.db")
"""Databases that may be removed."""

Result = TypeVar("Result")


class Watcher(Protocol):
    """Looks on at what honest validators do."""

    def committed(self, machine: "Machine", block: CommittedBlock, state: State) -> None:
        """A validator has committed a block, and has this state now."""
        ...

    def sent(self, machine: "Machine", transaction: bytes) -> None:
        """A signed transaction leaves a validator."""
        ...


class WatchedEngine(LocalEngineView):
    """The engine as one validator sees it, with those who look on at what it sends."""

    def __init__(self, engine: LocalEngine, machine: "Machine") -> None:
        super().__init__(engine, machine.index)
        self._machine = machine

    def submit(self, transaction: bytes) -> str | None:
        """Hand over a transaction."""
        liar = self._machine.liar
        if liar is not None:
            return None if liar.is_silent else super().submit(transaction)
        for watcher in self._machine.watchers:
            watcher.sent(self._machine, transaction)
        return super().submit(transaction)


class EngineHost(Protocol):
    """Where the engine of the moment is."""

    @property
    def engine(self) -> LocalEngine | None:
        """The engine; None while everybody is down."""
        ...


@dataclass(frozen=True, slots=True)
class Shared:
    """What all machines of a network share."""

    seed: int
    loop: SimulationLoop
    genesis: Genesis
    opener: TransactionOpener
    transport: Transport
    journal: Journal
    host: EngineHost


@dataclass(frozen=True, slots=True)
class MachineKeys:
    """The secret keys on a machine; the first signer is that of genesis."""

    signers: tuple[PrivateKey, ...]
    submission: PrivateKey


class Machine:
    """One validator's machine."""

    def __init__(
        self,
        index: int,
        shared: Shared,
        config: NodeConfig,
        keys: MachineKeys,
    ) -> None:
        self.index = index
        self.keys = keys
        self.shared = shared
        self.home = Home(Path(f"/machine/{index}"), config)
        self.clock = MachineClock(shared.loop)
        self.source = random.Random(f"{shared.seed} machine {index}")
        self.disk = SimulatedDisk(self.source)
        self.liar: Byzantine | None = None
        """Set while the validator does not keep to the rules."""
        self.process: Process | None = None
        self.validator: Validator | None = None
        self.api: web.Application | None = None
        """The API of the running process, once somebody has asked it."""
        self.is_held_down = False
        """Whether whoever put it down will start it again; else the service manager does."""
        self.writes_until_kill: int | None = None
        """Set: the process dies at that durable write from now on."""
        self.dies_in_call: str | None = None
        """Set: the process dies at the next consensus call of this name, after its work is done."""
        self.watchers: list[Watcher] = []
        self.starts = 0
        self.started_s = 0.0
        SigningRecord.create(self.signing_path, self.source.randbytes, disk=self.disk.attach())

    @property
    def signing_path(self) -> Path:
        """Where signing.db is."""
        return self.home.locate(self.home.config.paths.signing_db)

    @property
    def is_up(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.runs

    # Life and death

    def open(self) -> Member:
        """Start the process as far as its files; as what it joins an engine, alive or not."""
        process = Process(f"validator {self.index}, start {self.starts + 1}")
        application: Application | None = None
        if self.is_held_down:
            process.kill()
        else:
            self.starts += 1
            self.started_s = self.shared.loop.time()
            self.process = process
            application = self._open_files()
        public_keys = tuple(key.public_key for key in self.keys.signers)
        bounded = BoundedApplication(self, process, application)
        return Member(self.home.config.moniker, public_keys, bounded, self.clock)

    def _open_files(self) -> Application | None:
        shared = self.shared
        try:
            self._opened = open_home_on(
                self.disk.attach(self._at_sync), self.home, shared.genesis, self._open_keys, shared.opener
            )
        except ProcessKilled:
            return None  # at a write; `kill` has seen to everything
        except (StoreError, StateMismatch) as error:
            self._refuses_to_start(error)
            return None
        return self._opened.application

    def run(self, engine: LocalEngine) -> None:
        """Go on with what `open` began, as a member of an engine."""
        process, shared = self.process, self.shared
        if process is None or not process.is_alive:
            return
        view = WatchedEngine(engine, self)
        validator = Validator(self._opened, view, shared.transport, self.clock, self._propose)
        self.validator = validator

        def committed(block: CommittedBlock) -> None:
            self.inside(process, lambda: validator.on_commit(block))
            for watcher in self.watchers:
                watcher.committed(self, block, validator.committed.state)

        engine.subscribe(self.index, committed)
        shared.loop.start(process, validator.run())
        self._note(EventKind.UP, "is up")

    def start(self) -> None:
        """What the service manager does: nothing if it runs already or is held down."""
        engine = self.shared.host.engine
        if self.is_held_down or engine is None or (self.process is not None and self.process.is_alive):
            return
        try:
            engine.join(self.index, self.open())
        except MemberLostError:
            return
        except EngineError as error:
            self.kill(f"refuses to start: {error}")
            self._by_the_book("state.db")
            return
        self.run(engine)

    def kill(self, why: str, *, power_loss: bool = False) -> None:
        """End the process here and now; the service manager starts it again unless it is held down."""
        process = self.process
        if process is None or not process.is_alive:
            return
        process.kill()
        self.process = self.validator = self.api = None
        if power_loss:
            self.disk.crash(self.source)
        else:
            self.disk.kill()
        self.writes_until_kill = self.dies_in_call = None
        engine = self.shared.host.engine
        if engine is not None:
            engine.leave(self.index)
        self._note(EventKind.DOWN, why)
        self.shared.loop.outside_later(RESTART_S, self.start)

    def freeze(self) -> None:
        """Stop the process where it stands; its votes stop too."""
        engine = self.shared.host.engine
        if self.process is not None and self.process.is_alive and engine is not None:
            self.process.freeze()
            engine.pause(self.index)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        engine = self.shared.host.engine
        if self.process is not None and self.process.is_frozen:
            self.shared.loop.thaw(self.process)
            if engine is not None:
                engine.resume(self.index)

    def inside(self, process: Process, call: Callable[[], Result]) -> Result:
        """Call into the process from outside of it. Raises MemberLostError if it does not come back.

        An exception ends the process, as it would end a real one that is called over a socket.
        """
        if not process.runs:
            raise MemberLostError(f"{process.name} does not run")
        try:
            return call()
        except (ProcessKilled, ProcessDied) as killed:
            raise MemberLostError(f"{process.name} was killed") from killed
        except Exception as error:
            self._crash(error)
            raise MemberLostError(f"{process.name} crashed") from error

    def _crash(self, error: Exception) -> None:
        self._note(EventKind.CRASHED, f"{type(error).__name__}: {error}")
        self.kill("crashed in a consensus call")

    def _refuses_to_start(self, error: Exception) -> None:
        self.kill(f"refuses to start: {error}")
        # A full or failing disk is waited for; what is damaged is removed, if it can be rebuilt.
        damaged = [name for name in REBUILT_FILES if name in str(error) and "damaged" in str(error)]
        if isinstance(error, StateMismatch):
            damaged = ["state.db"]
        for name in damaged:
            self._by_the_book(name)

    def restart_by_operator(self) -> None:
        """Once a disk works again, its validator is restarted: a record that failed a sync signs nothing until then."""

        def restart() -> None:
            if self.is_up:
                self._note(EventKind.OPERATOR, "restarts it, for its disk had failed")
                self.kill("restarted by its operator")

        self.shared.loop.outside_later(OPERATOR_S, restart)

    def _by_the_book(self, name: str) -> None:
        """Remove a database, as its error says; it is rebuilt."""

        def remove() -> None:
            if self.process is None:
                disk = self.disk.attach()
                for suffix in ("", "-wal", "-shm", "-journal"):
                    disk.remove(self.home.path / f"{name}{suffix}")
                disk.sync_directory(self.home.path)
                self._note(EventKind.OPERATOR, f"removes {name}")
                self.start()

        self.shared.loop.outside_later(OPERATOR_S, remove)

    def _at_sync(self, file: str, moment: Moment) -> None:
        if self.writes_until_kill is None:
            return
        self.writes_until_kill -= 1
        if self.writes_until_kill <= 0:
            self.kill(f"killed {moment.value} a sync of {file}", power_loss=self.source.random() < 0.5)
            raise ProcessKilled

    def _propose(self, committed: Committed, root_chain: int, identity: Identity) -> ProposeCheckpoint | None:
        assert self.validator is not None
        honest = honest_proposals(self.validator.side)(committed, root_chain, identity)
        return honest if self.liar is None else self.liar.proposal(honest)

    def _open_keys(self) -> OpenKeys:
        return OpenKeys(KeyRing(self.keys.signers), SubmissionKey(self.keys.submission))

    def _note(self, kind: EventKind, text: str) -> None:
        self.shared.journal.note(self.shared.loop.time(), kind, text, validator=self.index)
