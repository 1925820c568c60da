"""The names of the files of a machine: those that processes see, and those that the disk holds."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from random import Random

from node.simulation.disk.file import StoredFile


@dataclass(frozen=True, slots=True)
class Renaming:
    """A change of names, which happens as a whole: each name, and the file that it means from then on."""

    meanings: tuple[tuple[str, StoredFile | None], ...]

    @property
    def folder(self) -> str:
        """The directory of the names; `Directory.rename` sees to it that they have the same."""
        return folder_of(self.meanings[0][0])

    def apply(self, names: dict[str, StoredFile]) -> None:
        """Do it."""
        for name, file in self.meanings:
            names.pop(name, None)
            if file is not None:
                names[name] = file


class Directory:
    """Full path names and their files."""

    def __init__(self) -> None:
        self.seen: dict[str, StoredFile] = {}
        self._held: dict[str, StoredFile] = {}
        self._unsynced: list[Renaming] = []

    def find(self, name: str) -> StoredFile:
        """The file of a name. Raises FileNotFoundError."""
        try:
            return self.seen[name]
        except KeyError:
            raise FileNotFoundError(f"there is no file {name}") from None

    def create(self, name: str) -> StoredFile:
        """A new and empty file. Raises FileExistsError."""
        if name in self.seen:
            raise FileExistsError(f"there is a file {name} already")
        file = StoredFile()
        self._change((name, file))
        return file

    def rename(self, name: str, target: str) -> None:
        """Let a file have the name `target`, in the same directory, in place of the one that has it."""
        if folder_of(name) != folder_of(target):
            raise ValueError(f"{name} and {target} are not in one directory, which is not simulated")
        self._change((name, None), (target, self.find(name)))

    def remove(self, name: str) -> None:
        """Take a name away, if it is there."""
        if name in self.seen:
            self._change((name, None))

    def sync(self, folder: str) -> None:
        """Have the names in a directory on disk."""
        remaining = []
        for change in self._unsynced:
            if change.folder == folder:
                change.apply(self._held)
            else:
                remaining.append(change)
        self._unsynced = remaining

    def lose_power(self, random: Random) -> None:
        """Keep what the disk holds, and what is drawn of the changes since and of the files' contents."""
        for change in self._unsynced[: random.randint(0, len(self._unsynced))]:
            change.apply(self._held)
        self._unsynced.clear()
        for file in self._held.values():
            file.lose_power(random)
        self.seen = dict(self._held)

    def put(self, name: str, contents: bytes) -> None:
        """Have a file with these contents under a name, on disk already."""
        file = self.seen[name] if name in self.seen else self.create(name)
        file.replace(contents)
        self.sync(folder_of(name))

    def _change(self, *meanings: tuple[str, StoredFile | None]) -> None:
        change = Renaming(meanings)
        change.apply(self.seen)
        self._unsynced.append(change)


def folder_of(name: str) -> str:
    """The directory that a full path name is in."""
    return str(PurePosixPath(name).parent)
