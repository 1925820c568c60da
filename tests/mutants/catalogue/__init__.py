"""All mutants, read from the files of this folder: one for each area, each mutant as a diff.

mutant: its name
danger: what it would cost, in one line
file: what it breaks
killer: tests/unit/…          a file, folder or node id of pytest, or `python` and what follows it; one a line
@@
 lines that stay, where the others alone stand in several places
-lines as they are
+lines as the mutant has them
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.mutant import Change, Killer, Mutant, MutantError, Program, Suite

FIELDS = ("mutant", "danger", "file", "killer")


def read_mutants(text: str) -> tuple[Mutant, ...]:
    """The mutants of a file's text. Raises MutantError."""
    head, *blocks = f"\n{text}".split("\nmutant: ")
    if any(line and not line.startswith("#") for line in head.splitlines()):
        raise MutantError(f"only comments stand before the first mutant, not {head.strip()!r}")
    return tuple(_mutant(f"mutant: {block}") for block in blocks)


def _mutant(block: str) -> Mutant:
    head, *hunks = block.rstrip("\n").split("\n@@\n")
    fields: dict[str, list[str]] = {name: [] for name in FIELDS}
    for line in head.splitlines():
        name, colon, value = line.partition(": ")
        if name not in fields or not colon:
            raise MutantError(f"a mutant has the fields {', '.join(FIELDS)}, not {line!r}")
        fields[name].append(value)
    if not hunks or any(len(fields[name]) != 1 for name in FIELDS[:3]) or not fields["killer"]:
        raise MutantError(f"a mutant has each field once, killers, and changes: {head}")
    (name,), (danger,), (file,) = (fields[field] for field in FIELDS[:3])
    changes = tuple(Change(tuple(_lines(hunk, "-")), tuple(_lines(hunk, "+"))) for hunk in hunks)
    return Mutant(name, danger, file, changes, tuple(map(_killer, fields["killer"])))


def _lines(hunk: str, sign: str) -> Iterator[str]:
    """The lines of one side."""
    for line in hunk.splitlines():
        if line[:1] not in ("-", "+", " ", ""):
            raise MutantError(f"a line of a change begins with -, + or a space, not {line!r}")
        if line[:1] in (sign, " ", ""):
            yield line[1:]


def _killer(text: str) -> Killer:
    program, *arguments = shlex.split(text)
    return Program(tuple(arguments)) if program == "python" else Suite(text)


MUTANTS = tuple(
    mutant for path in sorted(Path(__file__).parent.glob("*.diff")) for mutant in read_mutants(path.read_text())
)
