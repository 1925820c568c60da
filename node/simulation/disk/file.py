"""One file: what processes see of it, and what the disk holds."""

from dataclasses import dataclass
from random import Random

from node.simulation.disk.locks import Locks

SECTOR_BYTES = 512
"""What a disk writes whole or not at all."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written at an offset."""

    offset: int
    data: bytes

    def apply(self, image: bytearray) -> None:
        """Do it to a file's bytes."""
        _write(image, self.offset, self.data)

    def apply_torn(self, image: bytearray, random: Random) -> None:
        """Do it to some of the sectors. The file is as long as after all of it, or ends with the last of them."""
        start, end = self.offset, self.offset + len(self.data)
        if random.random() < 0.5 and len(image) < end:
            image.extend(bytes(end - len(image)))
        while start < end:
            sector_end = min(end, start - start % SECTOR_BYTES + SECTOR_BYTES)
            if random.random() < 0.5:
                _write(image, start, self.data[start - self.offset : sector_end - self.offset])
            start = sector_end


@dataclass(frozen=True, slots=True)
class Resize:
    """A file cut or filled up with zeros to a size."""

    size_bytes: int

    def apply(self, image: bytearray) -> None:
        """Do it to a file's bytes."""
        del image[self.size_bytes :]
        image.extend(bytes(self.size_bytes - len(image)))


class StoredFile:
    """A file without its name."""

    def __init__(self, contents: bytes = b"") -> None:
        """A file with these contents, on disk already."""
        self.seen = bytearray(contents)
        self.locks = Locks()
        self._held = bytearray(contents)
        self._unsynced: list[Write | Resize] = []

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes; a gap before them is filled with zeros."""
        _write(self.seen, offset, data)
        self._unsynced.append(Write(offset, data))

    def resize(self, size_bytes: int) -> None:
        """Cut the file or fill it up with zeros."""
        resize = Resize(size_bytes)
        resize.apply(self.seen)
        self._unsynced.append(resize)

    def sync(self) -> None:
        """Have on disk what was written before."""
        for change in self._unsynced:
            change.apply(self._held)
        self._unsynced.clear()

    def fail_sync(self, random: Random) -> None:
        """Have some of it on disk; other writes will never be, though they are seen until the power fails.

        The disk's own account of files is not lost so: a truncation that did not succeed, and what followed, still may.
        """
        remaining = self._unsynced
        self._unsynced = []
        for number, change in enumerate(remaining):
            if random.random() < 0.5:
                change.apply(self._held)
            elif isinstance(change, Resize):
                self._unsynced = remaining[number:]
                break

    def lose_power(self, random: Random) -> None:
        """Keep what the disk holds and what is drawn of the changes since."""
        if random.random() < 0.5:
            self._keep_first(random)
        else:
            self._keep_any(random)
        self._unsynced.clear()
        self.seen = bytearray(self._held)

    def replace(self, contents: bytes) -> None:
        """Have other contents, on disk already."""
        self.seen, self._held = bytearray(contents), bytearray(contents)
        self._unsynced.clear()

    def _keep_first(self, random: Random) -> None:
        kept = random.randint(0, len(self._unsynced))
        for change in self._unsynced[:kept]:
            change.apply(self._held)
        for change in self._unsynced[kept : kept + 1]:
            if isinstance(change, Write):
                change.apply_torn(self._held, random)

    def _keep_any(self, random: Random) -> None:
        for change in self._unsynced:
            draw = random.randrange(3)
            if draw == 0:
                change.apply(self._held)
            elif isinstance(change, Resize):
                break  # what is written after a cut has a new place on the disk, which the file gets with the cut
            elif draw == 1:
                change.apply_torn(self._held, random)


def _write(image: bytearray, offset: int, data: bytes) -> None:
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data
