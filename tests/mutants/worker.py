"""A copy of the tree in which one mutant after another is put to its killers."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.mutants.mutant import Killer, Mutant, MutantError, Suite

COPIED = ("bridge", "config", "contracts", "docs", "node", "tests", "pyproject.toml")
LEFT_OUT = ("node_modules", "__pycache__", ".hypothesis")
PLUGIN = "tests.mutants.plugin"
KILLER_LIMIT_S = 120.0
"""For one killer; all of them take 20 s at most."""

_FAILED = 1
"""Exit code of pytest when tests failed; others say that nothing was tested."""
_SUMMARY = re.compile(r"^(?:FAILED|ERROR) (?P<test>tests/.+?)(?: - (?P<why>.*))?$", re.MULTILINE)
_NO_PROGRAM = re.compile(
    r"^(?:NameError|UnboundLocalError|ImportError|ModuleNotFoundError|SyntaxError|IndentationError)\b"
)
"""What a mutant that is no program fails by; it proves nothing about the tests."""


class Verdict(Enum):
    """What became of a mutant."""

    CAUGHT = "caught"
    LIVES = "LIVES"
    """No killer noticed it: a hole in the tests."""
    BROKEN = "BROKEN"
    """It failed by itself, or could not be tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one killer, or all killers of a mutant, had to say."""

    verdict: Verdict
    by: str
    """The test or program that decided."""
    why: str
    """The line by which it failed."""
    seconds: float
    is_hang: bool = False
    """Whether it was ended by the time limit."""


class Worker:
    """One copy. Its methods run processes and wait for them."""

    def __init__(self, tree: Path, place: Path, killer_limit_s: float = KILLER_LIMIT_S) -> None:
        """Copy the tree at `tree` into the folder `place`."""
        self._place = place
        self._killer_limit_s = killer_limit_s
        for name in COPIED:
            source = tree / name
            if source.is_dir():
                shutil.copytree(source, place / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
            elif source.exists():
                shutil.copy2(source, place / name)

    def baseline(self, killers: Sequence[Killer]) -> Outcome:
        """Whether nothing is caught where nothing is broken. `CAUGHT` here means that the table would mean nothing."""
        started_s = time.monotonic()
        tests = [killer for killer in killers if isinstance(killer, Suite)]
        programs = [killer for killer in killers if not isinstance(killer, Suite)]
        limit_s = self._killer_limit_s * max(1, len(tests))
        outcomes = [self._run(_pytest(*tests), limit_s)] if tests else []
        outcomes += [self._run(killer.arguments, self._killer_limit_s) for killer in programs]
        failed = next((outcome for outcome in outcomes if outcome.verdict is not Verdict.LIVES), None)
        return failed or Outcome(Verdict.LIVES, "", "", time.monotonic() - started_s)

    def judge(self, mutant: Mutant) -> Outcome:
        """Apply a mutant, try its killers until one decides, and take it back."""
        try:
            with self._applied(mutant):
                for killer in mutant.killers:
                    arguments = _pytest(killer) if isinstance(killer, Suite) else killer.arguments
                    outcome = self._run(arguments, self._killer_limit_s)
                    if outcome.verdict is not Verdict.LIVES:
                        return outcome
        except MutantError as error:
            return Outcome(Verdict.BROKEN, mutant.file, str(error).partition("\n")[0], 0.0)
        return Outcome(Verdict.LIVES, "", "no killer fails", 0.0)

    @contextmanager
    def _applied(self, mutant: Mutant) -> Generator[None]:
        path = self._place / mutant.file
        source = path.read_text()
        _write(path, mutant.applied(source))
        try:
            yield
        finally:
            _write(path, source)

    def _run(self, arguments: Sequence[str], limit_s: float) -> Outcome:
        """Run `python` with these arguments in the copy."""
        started_s = time.monotonic()
        environment = os.environ | {"PYTHONPATH": str(self._place), "COLUMNS": "400"}
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self._place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - started_s
                return Outcome(Verdict.CAUGHT, arguments[-1], f"no end within {limit_s:.0f} s", seconds, is_hang=True)
            finally:
                _end_all(process)
        return _outcome(arguments, process.returncode, output, time.monotonic() - started_s)


def _pytest(*tests: Suite) -> tuple[str, ...]:
    """Pytest's arguments: the first failure ends it, and examples are the same each time."""
    options = ("-q", "-x", "--tb=line", "--timeout=0", "--hypothesis-seed=0", "-p", "no:cacheprovider", "-p", PLUGIN)
    return ("-m", "pytest", *options, *(test.place for test in tests))


def _outcome(arguments: Sequence[str], exit_code: int, output: str, seconds: float) -> Outcome:
    lines = output.strip().splitlines() or [""]
    summary = _SUMMARY.search(output)
    by, why = (" ".join(arguments), lines[-1]) if summary is None else (summary["test"], summary["why"] or "")
    if exit_code == 0:
        return Outcome(Verdict.LIVES, "", "", seconds)
    is_catch = exit_code == _FAILED and _NO_PROGRAM.match(why) is None
    return Outcome(Verdict.CAUGHT if is_catch else Verdict.BROKEN, by, why, seconds)


def _write(path: Path, text: str) -> None:
    """Write a module, and drop its bytecode, which Python tells apart by size and whole seconds only."""
    path.write_text(text)
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def _end_all(process: subprocess.Popen[str]) -> None:
    """End whatever the process has left running in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
