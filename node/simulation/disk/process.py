"""A process on the machine: it may be killed at any sync, and from then on it does nothing to the disk."""

from collections.abc import Callable
from enum import Enum
from random import Random
from typing import Protocol

from node.simulation.disk.file import StoredFile
from node.simulation.disk.storage import Storage


class Moment(Enum):
    """When `OnDurable` is called."""

    BEFORE = "before"
    AFTER = "after"


class Closable(Protocol):
    """What a process has open."""

    def close(self) -> None:
        """Let go of it."""
        ...


OnDurable = Callable[[str, Moment], None]
"""Called with the path name of a file or directory right before and right after what was written becomes durable.

What it raises kills the process at that moment.
"""


class ProcessDied(BaseException):
    """The process that asks for this is dead: no more of its code runs. Nobody but the simulator handles it."""


def _nobody(name: str, moment: Moment) -> None:
    """Listens for a dead process."""


class Process:
    """What one incarnation of a program does to the storage of its machine."""

    def __init__(self, storage: Storage, number: int, random: Random, on_durable: OnDurable) -> None:
        """`number`: the process id. `random`: what SQLite is seeded with."""
        self.storage = storage
        self.number = number
        self.random = random
        self.connections: set[Closable] = set()
        """Those that are not closed: nothing but its own `close`, or this death, may end what SQLite has open."""
        self._on_durable = on_durable
        self._death: BaseException | None = None

    @property
    def is_dead(self) -> bool:
        """Whether it was killed, or the power failed."""
        return self._death is not None

    def die(self, death: BaseException) -> None:
        """End here; its locks count no more."""
        if self._death is None:
            self._death = death
            self._on_durable = _nobody  # SQLite's open files would keep whoever listens alive, unseen by the collector

    def raise_death(self) -> None:
        """Raise what killed it, if it is dead."""
        if self._death is not None:
            raise self._death

    def require_alive(self) -> None:
        """Go no further if dead. Raises ProcessDied."""
        if self._death is not None:
            raise ProcessDied("a process that was killed goes on") from self._death

    def sync(self, file: StoredFile, name: str) -> None:
        """Have a file's contents on disk. Raises OSError, and what kills the process."""
        self._durably(name, lambda: self.storage.sync(file))

    def sync_directory(self, folder: str) -> None:
        """Have the names in a directory on disk. Raises OSError, and what kills the process."""
        self._durably(folder, lambda: self.storage.sync_directory(folder))

    def _durably(self, name: str, sync: Callable[[], None]) -> None:
        self._reach(name, Moment.BEFORE)
        sync()
        self._reach(name, Moment.AFTER)

    def _reach(self, name: str, moment: Moment) -> None:
        try:
            self._on_durable(name, moment)
        except BaseException as death:
            self.die(death)
            raise
        self.require_alive()
