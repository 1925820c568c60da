"""The disk itself: files and names, and the faults that are switched on. What fails is an OSError, as from a kernel."""

import errno
from dataclasses import dataclass
from random import Random

from node.simulation.disk.directory import Directory
from node.simulation.disk.file import StoredFile


@dataclass(frozen=True, slots=True)
class Faults:
    """What the disk refuses; none by default."""

    is_full: bool = False
    """Files cannot grow."""
    fails_sync: bool = False
    fails_read: bool = False


class Storage:
    """Files of one machine. `random` decides what a failed sync loses."""

    def __init__(self, random: Random) -> None:
        self.directory = Directory()
        self.faults = Faults()
        self._random = random

    def read(self, file: StoredFile, offset: int, size_bytes: int) -> bytes:
        """Bytes of a file; fewer at its end."""
        if self.faults.fails_read:
            raise OSError(errno.EIO, "the simulated disk fails to read")
        return bytes(memoryview(file.seen)[offset : offset + size_bytes])

    def write(self, file: StoredFile, offset: int, data: bytes) -> None:
        """Write bytes into a file."""
        self._require_space(file, offset + len(data))
        file.write(offset, data)

    def resize(self, file: StoredFile, size_bytes: int) -> None:
        """Cut a file or fill it up with zeros."""
        self._require_space(file, size_bytes)
        file.resize(size_bytes)

    def sync(self, file: StoredFile) -> None:
        """Have a file's contents on disk."""
        if self.faults.fails_sync:
            file.fail_sync(self._random)
            raise OSError(errno.EIO, "the simulated disk fails to sync")
        file.sync()

    def sync_directory(self, folder: str) -> None:
        """Have the names in a directory on disk."""
        if self.faults.fails_sync:
            raise OSError(errno.EIO, "the simulated disk fails to sync")
        self.directory.sync(folder)

    def _require_space(self, file: StoredFile, size_bytes: int) -> None:
        if self.faults.is_full and size_bytes > len(file.seen):
            raise OSError(errno.ENOSPC, "the simulated disk is full")
