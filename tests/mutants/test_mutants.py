"""That every mutant still fits the code, and that a worker tells a catch from what is none."""

import shutil
from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS, read_mutants
from tests.mutants.mutant import Change, Killer, Mutant, MutantError, Program, Suite
from tests.mutants.runner import TREE, BaselineFailed, Judged, judge_all
from tests.mutants.table import table
from tests.mutants.worker import PLUGIN, Outcome, Verdict, Worker

CODE = "def double(number: int) -> int:\n    return number * 2\n"
TEST = "from node.code import double\n\ndef test_double():\n    assert double(3) == 6\n"
KILLER = Suite("tests/test_code.py")
QUICK = Program(("-c", "from node.code import double; assert double(3) == 6, 'too much'"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant__of_the_catalogue__fits_the_code_of_today(mutant: Mutant) -> None:
    mutant.check(TREE)


def test_catalogue__names__are_each_given_once() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)


TEXT = """# An area.

mutant: it
danger: money
file: node/code.py
killer: tests/test_code.py
killer: python -c 'from node.cli.main import main; main()' simulate --seed 7
@@
 def double(number: int) -> int:

-    return number * 2
+    return number * 3
@@
-a
"""


def test_catalogue__text__gives_the_mutants_that_it_names() -> None:
    program = Program(("-c", "from node.cli.main import main; main()", "simulate", "--seed", "7"))
    head = "def double(number: int) -> int:"
    changes = (Change((head, "", "    return number * 2"), (head, "", "    return number * 3")), Change(("a",), ()))
    assert read_mutants(TEXT) == (Mutant("it", "money", "node/code.py", changes, (KILLER, program)),)
    two = TEXT + TEXT.replace("# An area.\n", "").replace("mutant: it", "mutant: that")
    assert [mutant.name for mutant in read_mutants(two)] == ["it", "that"]


@pytest.mark.parametrize("line", ["# An area.", "danger: money", "killer: tests/test_code.py", "@@", "-a"])
def test_catalogue__text_with_a_line_of_no_meaning__is_refused(line: str) -> None:
    with pytest.raises(MutantError):
        read_mutants(TEXT.replace(f"{line}\n", f"{line}\nwhat\n"))


@pytest.mark.parametrize("line", ["danger: money", "file: node/code.py"])
def test_catalogue__mutant_without_a_field__is_refused(line: str) -> None:
    with pytest.raises(MutantError, match="each field once"):
        read_mutants(TEXT.replace(f"{line}\n", ""))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project of one function and one test."""
    for name in ("node", "tests", "tests/mutants"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    plugin = f"{PLUGIN.replace('.', '/')}.py"
    shutil.copy(TREE / plugin, tmp_path / plugin)
    (tmp_path / "node" / "code.py").write_text(CODE)
    (tmp_path / "tests" / "test_code.py").write_text(TEST)
    return tmp_path


def mutant_of(new: str, *killers: Killer, old: str = "number * 2") -> Mutant:
    line = "    return {}".format
    return Mutant("it", "money", "node/code.py", (Change((line(old),), (line(new),)),), killers or (KILLER,))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("number * 3", "number * 4"), "stands 0 times"),  # another line
        (("number", "number"), "stands 0 times"),  # a part of a line
        (("number * 2", "number * "), "does not parse"),
        (("number * 2", "(number * 2)"), "same program"),
    ],
)
def test_mutant__that_does_not_fit__is_refused(tree: Path, change: tuple[str, str], why: str) -> None:
    old, new = change
    with pytest.raises(MutantError, match=why):
        mutant_of(new, old=old).check(tree)


@pytest.mark.parametrize("place", ["tests/test_gone.py", "tests/test_code.py::test_gone"])
def test_mutant__whose_killer_is_gone__is_refused(tree: Path, place: str) -> None:
    with pytest.raises(MutantError, match=f"there is no {place}"):
        mutant_of("number * 3", Suite(place)).check(tree)


@pytest.mark.parametrize(
    ("new", "killers", "outcome"),
    [
        ("number * 3", (), Outcome(Verdict.CAUGHT, "tests/test_code.py::test_double", "assert 9 == 6", 0)),
        ("number + 3", (QUICK, KILLER), Outcome(Verdict.LIVES, "", "no killer fails", 0)),
        ("numbr * 2", (), Outcome(Verdict.BROKEN, "tests/test_code.py::test_double", "NameError: name 'numbr'", 0)),
        ("number * 3", (Suite("tests/test_gone.py"),), Outcome(Verdict.BROKEN, "", "", 0)),
        ("number * 3", (QUICK,), Outcome(Verdict.CAUGHT, "-c from", "AssertionError: too much", 0)),
        ("number * 3", (Program(("-c", "import node.gone")),), Outcome(Verdict.BROKEN, "", "ModuleNotFoundError", 0)),
    ],
)
def test_worker__each_end_of_a_killer__is_told_apart(
    tree: Path, tmp_path: Path, new: str, killers: tuple[Killer, ...], outcome: Outcome
) -> None:
    found = Worker(tree, tmp_path / "copy").judge(mutant_of(new, *killers))
    assert (found.verdict, found.by.startswith(outcome.by), found.why.startswith(outcome.why)) == (
        outcome.verdict,
        True,
        True,
    ), found


def test_worker__killer_that_hangs__is_a_catch_by_the_limit(tree: Path, tmp_path: Path) -> None:
    worker = Worker(tree, tmp_path / "copy", killer_limit_s=1.5)
    hangs = "sum(iter(int, 1))"

    found = worker.judge(mutant_of(hangs, Program(("-c", "from node.code import double; double(3)"))))

    assert (found.verdict, found.why, found.is_hang) == (Verdict.CAUGHT, "no end within 2 s", True)
    assert (tmp_path / "copy" / "node" / "code.py").read_text() == CODE


def test_worker__mutants_of_one_size_within_a_second__are_not_mixed_up(tree: Path, tmp_path: Path) -> None:
    worker = Worker(tree, tmp_path / "copy")
    changes = ("number * 3", "number + 3", "number * 4")
    assert [worker.judge(mutant_of(change, QUICK)).verdict for change in changes] == [
        Verdict.CAUGHT,
        Verdict.LIVES,
        Verdict.CAUGHT,
    ]


def test_judging__of_several_at_once__keeps_their_order_and_tells_each(tree: Path) -> None:
    told: list[Judged] = []
    mutants = [mutant_of("number * 3", QUICK), mutant_of("number + 3", QUICK)]

    judged = judge_all(mutants, jobs=2, tell=told.append, tree=tree)

    assert [one.outcome.verdict for one in judged] == [Verdict.CAUGHT, Verdict.LIVES]
    assert sorted(told, key=str) == sorted(judged, key=str)
    assert [line.split(" | ")[2] for line in table(judged).splitlines()[-2:]] == [
        "`" + " ".join(QUICK.arguments) + "`",
        "**LIVES**",
    ]


def test_judging__killer_that_fails_with_nothing_broken__is_no_judge(tree: Path) -> None:
    (tree / "node" / "code.py").write_text(CODE.replace("2", "3"))
    with pytest.raises(BaselineFailed, match=r"fails with nothing broken: AssertionError: too much"):
        judge_all([mutant_of("number * 4", QUICK)], jobs=1, tell=lambda _: None, tree=tree)
