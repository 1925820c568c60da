"""The command that repeats a simulation has all that it needs, and no more."""

from dataclasses import replace
from pathlib import Path

from bridge.codec.checkpoint import DataForm
from node.simulation.chains.worlds import ChainKind
from node.simulation.plan import draw_plan
from node.simulation.report import replay_command
from node.simulation.settings import PACES, SimulationSettings
from tests.simulation.outcomes import SETTINGS

COMMAND = "sidewarden simulate --seed 8 --pace devnet"


def test_replay__of_all_that_a_seed_draws__names_seed_and_pace() -> None:
    assert replay_command(draw_plan(8, SETTINGS), SETTINGS) == COMMAND


def test_replay__of_some_faults_and_a_shorter_chaos__names_them() -> None:
    plan = replace(draw_plan(8, SETTINGS).only(frozenset({5, 2})), chaos_s=70)

    assert replay_command(plan, SETTINGS) == f"{COMMAND} --faults 2,5 --heal-at-s 70"


def test_replay__without_faults__says_so_whether_they_were_asked_for_or_not() -> None:
    asked_for_none = replace(SETTINGS, faults=False)

    assert replay_command(draw_plan(8, SETTINGS).only(frozenset()), SETTINGS) == f"{COMMAND} --no-faults"
    assert replay_command(draw_plan(8, asked_for_none), asked_for_none) == f"{COMMAND} --no-faults"


def test_replay__of_another_network__names_what_is_not_usual() -> None:
    settings = SimulationSettings(
        replace(PACES["mainnet"], config=Path("my file.toml")),
        validators=7,
        data_form=DataForm.POLYGON,
        contracts=ChainKind.EVM,
        chaos_s=500,
    )

    assert replay_command(draw_plan(8, settings), settings) == (
        "sidewarden simulate --seed 8 --pace mainnet --validators 7 --data-form polygon --contracts evm "
        "--chaos-s 500 --config 'my file.toml'"
    )
