"""What a mutant is: a small change that would cost money, and the checks that must notice it."""

import ast
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Suite:
    """A killer: a file, folder or node id of pytest. One failed test is a catch."""

    place: str

    def __str__(self) -> str:
        """As the catalogue has it."""
        return self.place


@dataclass(frozen=True, slots=True)
class Program:
    """A killer: `python` with these arguments, such as a seed of the simulator. Exit code 1 is a catch."""

    arguments: tuple[str, ...]

    def __str__(self) -> str:
        """As the catalogue has it."""
        return shlex.join(("python", *self.arguments))


Killer: TypeAlias = Suite | Program


@dataclass(frozen=True, slots=True)
class Change:
    """Whole lines that stand exactly once in a file, and those that take their place."""

    old: tuple[str, ...]
    new: tuple[str, ...]


class MutantError(Exception):
    """The mutant is at fault, not the code: its place has moved, or what it makes is no program."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broken variant of one file."""

    name: str
    danger: str
    """What it would cost, in one line."""
    file: str
    changes: tuple[Change, ...]
    killers: tuple[Killer, ...]
    """Tried in this order until one catches it: the quickest first."""

    def applied(self, source: str) -> str:
        """The file's text with every change made. Raises MutantError unless each fits in one place."""
        text = f"\n{source}"  # so that every line, the first too, stands between two line ends
        places: list[tuple[int, str, str]] = []
        for change in self.changes:
            old, new = ("".join(f"\n{line}" for line in lines) for lines in (change.old, change.new))
            times = text.count(f"{old}\n")
            if times != 1:
                raise MutantError(f"{self.name}: this stands {times} times in {self.file}, not once:{old}")
            places.append((text.index(f"{old}\n"), old, new))
        for place, old, new in sorted(places, reverse=True):
            text = text[:place] + new + text[place + len(old) :]
        self._check_program(text, source)
        return text[1:]

    def check(self, root: Path) -> None:
        """Raise MutantError unless the mutant fits the tree at `root`, and its tests are there."""
        self.applied((root / self.file).read_text())
        for killer in self.killers:
            if isinstance(killer, Suite):
                file, _, test = killer.place.partition("::")
                if not (root / file).exists() or (
                    test and f"def {test.rpartition('::')[2]}" not in (root / file).read_text()
                ):
                    raise MutantError(f"{self.name}: there is no {killer}")

    def _check_program(self, text: str, source: str) -> None:
        try:
            is_same = ast.dump(ast.parse(text)) == ast.dump(ast.parse(source))
        except SyntaxError as error:
            raise MutantError(f"{self.name}: {self.file} does not parse: {error}") from error
        if is_same:
            raise MutantError(f"{self.name}: {self.file} is the same program as before")
