"""Whose votes count at the next height, while a change of the engine's set has not come into force.

A change that block H brings acts from H + 2 on. The application knows only the set that H left; who votes at H + 1 is
in the set before it. That is kept here, on disk before H is committed, so that a node that starts between the two names
the key that is asked for: with the other one it would not vote, and a network whose nodes all do so stands for good.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.types import Address
from node.store.errors import DatabaseUnwritable
from node.store.files import write_private

_FILE_BYTES_MAX = 64 * 1024
"""Two sets of the largest size take a tenth."""


class SetChanges:
    """The sets before the last two changes, by the height of the block that brought each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = _read(path)

    def note(self, height: int, before: Iterable[Address]) -> None:
        """Block `height`, which is about to be committed, changes the set that was so before.

        The change before it stays: the block may be decided anew after a crash, and until then it is not in force.
        Raises DatabaseUnwritable, as the commit itself would.
        """
        earlier = max((known for known in self._before if known < height), default=None)
        kept = {} if earlier is None else {earlier: self._before[earlier]}
        self._before = {**kept, height: tuple(before)}
        document = [[known, [to_hex(address) for address in signers]] for known, signers in self._before.items()]
        try:
            write_private(self._path, json.dumps(document).encode())
        except OSError as error:
            raise DatabaseUnwritable(f"{self._path} cannot be written: {error.strerror}; make room for it") from error

    def before(self, height: int) -> tuple[Address, ...] | None:
        """Who was in the set before block `height`, if that block changed it."""
        return self._before.get(height)


def _read(path: Path) -> dict[int, tuple[Address, ...]]:
    """What is there; nothing if there is no file, or none that we wrote: it then costs a vote, at one height."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_FILE_BYTES_MAX))
        return {int(height): tuple(Address(from_hex(text)) for text in signers) for height, signers in document}
    except (OSError, ValueError, TypeError, HexError):
        return {}
