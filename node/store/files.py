"""Files that only their owner may read: keys, passwords, databases, configuration with URLs in it."""

import os
from pathlib import Path

from node.store.errors import FileTooOpen

PRIVATE_MODE = 0o600
_OTHERS = 0o077


def require_private(path: Path) -> None:
    """Refuse a file that group or others may touch. Raises FileTooOpen, or OSError if there is no such file."""
    mode = path.stat().st_mode & 0o777
    if mode & _OTHERS:
        raise FileTooOpen(f"{path} has mode {mode:03o}, so others can get at it: run `chmod 600 {path}`")


def create_private(path: Path) -> None:
    """Make an empty private file; the mode is right from its first moment. Raises FileExistsError if it is there."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE))


def write_private(path: Path, data: bytes) -> None:
    """Write or replace a private file, as a whole or not at all; it is on disk on return."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # left over from a crash
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory on disk, so that a file made or renamed there outlives a power cut."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
