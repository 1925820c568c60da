"""The lock of a home: one process at a time works in it."""

import fcntl
import os
from pathlib import Path

from node.store.errors import HomeInUse


class HomeLock:
    """Held while a process works in a home; the system drops it with the process, however that ends."""

    def __init__(self, home: Path) -> None:
        """Raises HomeInUse, which names the process."""
        home.mkdir(parents=True, exist_ok=True)
        self._file = (home / "lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise HomeInUse(f"process {holder} runs on {home} already: stop it, or give another --home") from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let another process have the home."""
        self._file.close()
