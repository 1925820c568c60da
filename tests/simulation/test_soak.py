"""A soak draws every kind of network, keeps to what was asked for, and leaves a failure where it is found."""

from collections import Counter
from itertools import islice
from pathlib import Path

from node.simulation.chains.worlds import ChainKind
from node.simulation.plan import draw_plan
from node.simulation.settings import PACES
from node.simulation.soak import Kinds, keep_failure, soak_tasks
from tests.simulation.outcomes import QUIET, SETTINGS

MANY = 300


def test_soak__of_many_seeds__draws_each_kind_of_network_and_never_another_for_a_seed() -> None:
    tasks, again = (list(islice(soak_tasks(1, SETTINGS, Kinds()), MANY)) for _ in range(2))

    assert [task.plan.seed for task in tasks] == list(range(1, 1 + MANY))
    assert tasks == again
    for kinds in (
        Counter(task.settings.pace.name for task in tasks),
        Counter(task.settings.contracts for task in tasks),
        Counter(task.plan.data_form for task in tasks),
        Counter(task.settings.validators for task in tasks),
    ):
        assert len(kinds) >= 2
        assert min(kinds.values()) >= MANY // 50


def test_soak__with_kinds_asked_for__draws_only_the_others() -> None:
    kinds = Kinds(pace=PACES["mainnet"], contracts=ChainKind.EVM)

    tasks = list(islice(soak_tasks(1, SETTINGS, kinds), MANY))

    assert {(task.settings.pace.name, task.settings.contracts) for task in tasks} == {("mainnet", ChainKind.EVM)}
    assert len({task.settings.validators for task in tasks}) == 3


def test_soak__of_a_failure__leaves_story_timeline_and_command_in_a_directory(tmp_path: Path) -> None:
    directory = keep_failure(draw_plan(1, QUIET), QUIET, tmp_path)

    assert directory == tmp_path / "simulation-1"
    assert "checkpoint: header 10000" in (directory / "story.txt").read_text()
    assert (directory / "timeline.svg").read_text().startswith("<svg")
    assert (directory / "replay.txt").read_text() == (
        "sidewarden simulate --seed 1 --pace devnet --validators 1 --chaos-s 15 --no-faults\n"
    )
