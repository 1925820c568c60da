"""The simulated disk, as the simulator and as a process uses it. The package's docstring says what is modelled."""

from pathlib import Path
from random import Random

from node.simulation.disk.connection import SimulatedConnection
from node.simulation.disk.file import SECTOR_BYTES
from node.simulation.disk.process import Moment, OnDurable, Process, ProcessDied
from node.simulation.disk.storage import Faults, Storage
from node.store.disk import Connection


def _go_on(name: str, moment: Moment) -> None:
    """Nobody waits for anything to be durable."""


class SimulatedDisk:
    """The disk of one machine. Files are named by their full path."""

    def __init__(self, random: Random) -> None:
        """`random` seeds SQLite, and decides what a failed sync loses."""
        self._random = random
        self._storage = Storage(random)
        self._processes: list[Process] = []
        self._process_count = 0
        self._dead: list[Process] = []

    def attach(self, on_durable: OnDurable = _go_on) -> "ProcessDisk":
        """Start a process: what it sees of this disk, until `kill`, `crash`, or an exception of `on_durable`."""
        self._process_count += 1
        process = Process(self._storage, self._process_count, self._random, on_durable)
        self._bury()
        self._processes.append(process)
        return ProcessDisk(process)

    @property
    def faults(self) -> Faults:
        """What the disk refuses now."""
        return self._storage.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._storage.faults = faults

    @property
    def names(self) -> tuple[str, ...]:
        """The files that processes see, in the order of their names."""
        return tuple(sorted(self._storage.directory.seen))

    def dispose(self) -> None:
        """End all processes, and let go of what SQLite still holds for the dead ones; nothing is written any more."""
        self.kill()
        for process in self._dead:
            for connection in tuple(process.connections):
                connection.close()
        self._dead.clear()

    def kill(self) -> None:
        """End all processes; what they have written stays, synced or not."""
        self._end_processes("killed")

    def crash(self, random: Random) -> None:
        """Cut the power: all processes end, and what was not synced is kept or lost as `random` draws."""
        self._end_processes("the power failed")
        self._storage.directory.lose_power(random)

    def take_copy(self, name: str) -> bytes:
        """The contents of a file, as a backup has them. Raises FileNotFoundError."""
        return bytes(self._storage.directory.find(name).seen)

    def put_back(self, name: str, contents: bytes) -> None:
        """Make or replace a file, durably; no process has it open."""
        self._storage.directory.put(name, contents)

    def tear(self, name: str, random: Random) -> None:
        """Have a sector of a file that is not empty hold other bytes than were written."""
        contents = bytearray(self.take_copy(name))
        start = random.randrange(0, len(contents), SECTOR_BYTES)
        size_bytes = min(SECTOR_BYTES, len(contents) - start)
        contents[start : start + size_bytes] = random.randbytes(size_bytes)
        self.put_back(name, bytes(contents))

    def _end_processes(self, why: str) -> None:
        for process in self._processes:
            process.die(ProcessDied(why))
        self._bury()

    def _bury(self) -> None:
        self._dead += (process for process in self._processes if process.is_dead)
        self._processes = [process for process in self._processes if not process.is_dead]


class ProcessDisk:
    """A `node.store.disk.Disk`: the disk as one process sees it.

    When the process is dead its methods raise ProcessDied, but for those that let something go: these do nothing.
    """

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def is_dead(self) -> bool:
        """Whether the process has come to its end."""
        return self._process.is_dead

    @property
    def process_id(self) -> int:
        """1, 2, 3 … on each machine."""
        return self._process.number

    def connect(self, path: Path, *, read_only: bool, busy_timeout_s: float) -> Connection:
        """Open a database file that is there. A busy one is not waited for: whoever has it keeps it."""
        self._process.require_alive()
        return SimulatedConnection(self._process, str(path), read_only=read_only)

    def exists(self, path: Path) -> bool:
        """Whether there is such a file."""
        return str(path) in self._alive().directory.seen

    def is_directory(self, path: Path) -> bool:
        """Names with files below them are all directories that there are."""
        return any(name.startswith(f"{path}/") for name in self._alive().directory.seen)

    def size_bytes(self, path: Path) -> int:
        """The length of a file."""
        return len(self._alive().directory.find(str(path)).seen)

    def create_private(self, path: Path) -> None:
        """Make an empty file."""
        self._alive().directory.create(str(path))

    def require_private(self, path: Path) -> None:
        """All files are private; but the file must be there."""
        self._alive().directory.find(str(path))

    def read_text(self, path: Path) -> str:
        """The contents of a small file."""
        storage = self._alive()
        file = storage.directory.find(str(path))
        return storage.read(file, 0, len(file.seen)).decode()

    def write_text(self, path: Path, text: str) -> None:
        """Write or replace a small file."""
        storage, name = self._alive(), str(path)
        file = storage.directory.find(name) if name in storage.directory.seen else storage.directory.create(name)
        storage.resize(file, 0)
        storage.write(file, 0, text.encode())

    def rename(self, path: Path, target: Path) -> None:
        """Give a file another name."""
        self._alive().directory.rename(str(path), str(target))

    def remove(self, path: Path) -> None:
        """Remove a file."""
        if not self._process.is_dead:
            self._process.storage.directory.remove(str(path))

    def sync_directory(self, path: Path) -> None:
        """Have the names in a directory on disk."""
        self._alive()
        self._process.sync_directory(str(path))

    def _alive(self) -> Storage:
        self._process.require_alive()
        return self._process.storage
