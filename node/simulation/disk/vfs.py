"""What SQLite sees of a simulated disk: a VFS of apsw (https://sqlite.org/vfs.html) that behaves as SQLite's for Unix.

There is one for all machines. A file name in it starts with the key of a process, which tells the machine.

SQLite draws the salts of its journals from a generator that the whole program shares. `SimulatedVfs.entered` seeds it
anew from the process that SQLite is about to run for, so that its bytes depend on nothing else.

A dead process may still run SQLite code, in what is left of it. That code is let to believe that all goes well, and
changes nothing.
"""

import errno
from contextlib import suppress
from functools import cache
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import apsw

from node.simulation.disk.directory import folder_of
from node.simulation.disk.file import StoredFile
from node.simulation.disk.process import Process

if TYPE_CHECKING:
    from typing_extensions import Buffer

NAME = "simulated-disk"
_UNIX_SECTOR_BYTES = 4096
_EPOCH_JULIAN_MS = 210_866_760_000_000
"""1970-01-01, as SQLite counts time: it stands still."""
_NAMES_TO_SYNC = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL


class OpenFile(apsw.VFSFile):
    """A file that SQLite has open for a process."""

    def __init__(self, process: Process, name: str, file: StoredFile, *, syncs_directory: bool = False) -> None:
        """`syncs_directory`: the first sync is to make the name durable, too."""
        self._process = process
        self._storage = process.storage
        self._name = name
        self._file = file
        self._syncs_directory = syncs_directory

    @property
    def is_dead(self) -> bool:
        """Whether the process is."""
        return self._process.is_dead

    def xRead(self, amount: int, offset: int) -> bytes:
        if self._process.is_dead:
            return bytes(amount)
        try:
            return self._storage.read(self._file, offset, amount)
        except OSError as error:
            raise _failure(error, apsw.SQLITE_IOERR_READ) from error

    def xWrite(self, data: "Buffer", offset: int) -> None:
        if not self._process.is_dead:
            try:
                self._storage.write(self._file, offset, bytes(data))
            except OSError as error:
                raise _failure(error, apsw.SQLITE_IOERR_WRITE) from error

    def xTruncate(self, newsize: int) -> None:
        if not self._process.is_dead:
            try:
                self._storage.resize(self._file, newsize)
            except OSError as error:
                raise _failure(error, apsw.SQLITE_IOERR_TRUNCATE) from error

    def xSync(self, flags: int) -> None:
        if not self._process.is_dead:
            try:
                self._process.sync(self._file, self._name)
            except OSError as error:
                raise _failure(error, apsw.SQLITE_IOERR_FSYNC) from error
            if self._syncs_directory:
                self._syncs_directory = False
                with suppress(OSError):  # as SQLite does
                    self._process.sync_directory(folder_of(self._name))

    def xFileSize(self) -> int:
        return len(self._file.seen)

    def xLock(self, level: int) -> None:
        if not self._process.is_dead and not self._file.locks.rise(self, level):
            raise _error(apsw.SQLITE_BUSY, "database is locked")

    def xUnlock(self, level: int) -> None:
        self._file.locks.fall(self, level)

    def xCheckReservedLock(self) -> bool:
        return self._file.locks.is_reserved

    def xClose(self) -> None:
        self._file.locks.fall(self, apsw.SQLITE_LOCK_NONE)

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return _UNIX_SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE


class SimulatedVfs(apsw.VFS):
    """The way from SQLite's file names to the files of machines. Get it from `simulated_vfs`."""

    def __init__(self) -> None:
        # SQLite seeds its generator from the default VFS, whichever the database is in.
        super().__init__(NAME, base=None, makedefault=True)
        self._running: Process | None = None
        self._processes: WeakValueDictionary[int, Process] = WeakValueDictionary()
        self._keys = count(1)

    def located(self, process: Process, name: str) -> str:
        """What SQLite calls the file of this name, on the machine of this process."""
        key = next(self._keys)
        self._processes[key] = process
        return f"{key}{name}"

    def entered(self, process: Process) -> None:
        """SQLite is about to run for a process."""
        self._running = process
        apsw.randomness(0)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        if name is None:
            return OpenFile(self._served(), "", StoredFile())  # has no name, and is gone when it is closed
        process, path = self._found(name.filename() if isinstance(name, apsw.URIFilename) else name)
        directory = process.storage.directory
        may_create = bool(flags[0] & apsw.SQLITE_OPEN_CREATE)
        syncs_directory = may_create and bool(flags[0] & _NAMES_TO_SYNC)
        if path in directory.seen:
            return OpenFile(process, path, directory.seen[path], syncs_directory=syncs_directory)
        if process.is_dead or not may_create:
            raise _error(apsw.SQLITE_CANTOPEN, "unable to open database file")
        return OpenFile(process, path, directory.create(path), syncs_directory=syncs_directory)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        process, path = self._found(filename)
        if not process.is_dead:
            process.storage.directory.remove(path)
            if syncdir:
                try:
                    process.sync_directory(folder_of(path))
                except OSError as error:
                    raise _failure(error, apsw.SQLITE_IOERR_DIR_FSYNC) from error

    def xAccess(self, pathname: str, flags: int) -> bool:
        process, path = self._found(pathname)
        return path in process.storage.directory.seen

    def xFullPathname(self, name: str) -> str:
        return name

    def xRandomness(self, numbytes: int) -> bytes:
        return self._served().random.randbytes(numbytes)

    def xSleep(self, microseconds: int) -> int:
        return microseconds

    def xCurrentTimeInt64(self) -> int:
        return _EPOCH_JULIAN_MS

    def xGetLastError(self) -> tuple[int, str | None]:
        return 0, None

    def _served(self) -> Process:
        if self._running is None:
            raise RuntimeError("SQLite runs, and nobody has `entered` it")
        return self._running

    def _found(self, name: str) -> tuple[Process, str]:
        key, _, path = name.partition("/")
        return self._processes[int(key)], f"/{path}"


@cache
def simulated_vfs() -> SimulatedVfs:
    """The VFS, registered when it is first asked for."""
    return SimulatedVfs()


def _failure(error: OSError, code: int) -> Exception:
    """What SQLite's VFS for Unix says of an error of the kernel."""
    if error.errno == errno.ENOSPC:
        return _error(apsw.SQLITE_FULL, "database or disk is full")
    return _error(code, "disk I/O error")


def _error(code: int, text: str) -> Exception:
    error = apsw.exception_for(code)
    error.args = (text,)  # SQLite's words
    return error
