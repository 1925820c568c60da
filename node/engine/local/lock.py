"""One process per engine, held by a lock on a file that names its holder."""

import fcntl
import os
from pathlib import Path
from typing import IO

from node.engine.errors import EngineLockedError


class EngineLock:
    """An exclusive lock on `path`, which holds the process id of whoever has it.

    The kernel frees it when the process ends, however it ends; the file stays and means nothing by itself.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises EngineLockedError, naming the holder, if another process has it."""
        self._file: IO[str] = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = self._file.read(32).strip() or "unknown"
            self._file.close()
            raise EngineLockedError(f"process {holder} holds {path}: stop it, or use another home") from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the lock back."""
        self._file.close()
