"""Expected errors of `node.store`: a file that cannot be used.

    StoreError
    ├── FileTooOpen             others than its owner can read or write it
    ├── HomeInUse               another process works in the home
    ├── DatabaseInUse           another process holds it
    ├── DatabaseDamaged         it is not a database, or its contents contradict themselves
    ├── DatabaseVersionUnknown  its schema is another program version's
    └── DatabaseUnwritable      the disk is full, failing, or the file is read-only

`code` is the stable name that logs, API and metrics share; the message says what to do. Anything else is a bug.
"""

from typing import ClassVar


class StoreError(Exception):
    """Root of the expected errors of `node.store`."""

    code: ClassVar[str] = "STORE"


class FileTooOpen(StoreError):
    """Others than the owner can read or write a file that must be private."""

    code = "FILE_TOO_OPEN"


class HomeInUse(StoreError):
    """Another process works in the home."""

    code = "HOME_IN_USE"


class DatabaseInUse(StoreError):
    """Another process has the database open."""

    code = "DATABASE_IN_USE"


class DatabaseDamaged(StoreError):
    """The file is no SQLite database, or what it holds cannot be."""

    code = "DATABASE_DAMAGED"


class DatabaseVersionUnknown(StoreError):
    """The schema of the file is not the one that this program knows."""

    code = "DATABASE_VERSION"


class DatabaseUnwritable(StoreError):
    """The operating system refused to read or write the file."""

    code = "DATABASE_UNWRITABLE"
