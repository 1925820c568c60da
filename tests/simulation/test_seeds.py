"""A hundred short simulations that are always the same, and ten that never were: nothing unsafe, and all converge."""

import logging
import secrets
from collections.abc import Iterator

import pytest

from bridge.codec.checkpoint import DataForm
from node.simulation.chains.worlds import ChainKind
from node.simulation.plan import draw_plan
from node.simulation.report import mix_lines, replay_command
from node.simulation.run import simulate
from node.simulation.settings import PACES, SimulationSettings
from node.simulation.shrink import shrink_outcome

CHAOS_S = 40
FIXED = range(100)
FRESH = 10
EVM_SEEDS = (1_000, 1_001)
"""Seeds over the real contracts in py-evm."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Simulated nodes log as real ones do, which nobody reads here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _check(seed: int, settings: SimulationSettings) -> None:
    plan = draw_plan(seed, settings)
    outcome = simulate(plan, settings)
    if outcome.violation is not None:
        least = shrink_outcome(outcome, settings).plan
        lines = [str(outcome.violation), *mix_lines(least), replay_command(least, settings)]
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.mark.parametrize("seed", FIXED)
def test_simulation__of_a_fixed_seed__safe_and_converges(seed: int) -> None:
    _check(seed, SimulationSettings(PACES["devnet"], chaos_s=CHAOS_S))


@pytest.mark.parametrize("number", range(FRESH))
def test_simulation__of_a_fresh_seed__safe_and_converges(number: int) -> None:
    seed = secrets.randbits(32)  # `_check` prints it, with the command that replays it, if it fails
    _check(seed, SimulationSettings(PACES["devnet"], chaos_s=CHAOS_S))


@pytest.mark.parametrize("seed", EVM_SEEDS)
def test_simulation__over_the_real_contracts__safe_and_converges(seed: int) -> None:
    form = DataForm.BOUND if seed % 2 else DataForm.POLYGON
    _check(seed, SimulationSettings(PACES["devnet"], data_form=form, contracts=ChainKind.EVM, chaos_s=CHAOS_S))


def test_simulation__at_the_pace_of_mainnet__safe_and_converges() -> None:
    _check(3, SimulationSettings(PACES["mainnet"], chaos_s=600))
