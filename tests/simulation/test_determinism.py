"""The same seed is the same simulation, to the bit: twice here, under any hash seed, and on every Python we support."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from node.simulation.plan import draw_plan
from node.simulation.run import simulate
from node.simulation.settings import PACES, SimulationSettings

ROOT = Path(__file__).resolve().parents[2]
SEED = 7
SETTINGS = SimulationSettings(PACES["devnet"], chaos_s=30)
OTHER_PYTHONS = ("3.11", "3.12", "3.13")
TRACE = """
import json
from node.simulation.plan import draw_plan
from node.simulation.run import simulate
from node.simulation.settings import PACES, SimulationSettings
outcome = simulate(draw_plan(%d, SimulationSettings(PACES["devnet"], chaos_s=30)),
    SimulationSettings(PACES["devnet"], chaos_s=30))
print(json.dumps([outcome.trace, outcome.heights, outcome.virtual_s]))
"""


def _trace_of(python: str, hash_seed: str) -> list[object]:
    """The trace of the seed in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [python, "-c", TRACE % SEED], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=110, check=True
    )
    trace: list[object] = json.loads(ran.stdout)
    return trace


@pytest.fixture(scope="module")
def trace() -> list[object]:
    """The trace of the seed in this process."""
    outcome = simulate(draw_plan(SEED, SETTINGS), SETTINGS)
    return [outcome.trace, outcome.heights, outcome.virtual_s]


def test_simulate__the_same_seed_again__has_the_same_trace(trace: list[object]) -> None:
    outcome = simulate(draw_plan(SEED, SETTINGS), SETTINGS)
    assert [outcome.trace, outcome.heights, outcome.virtual_s] == trace
    other = simulate(draw_plan(SEED + 1, SETTINGS), SETTINGS)
    assert other.trace != trace[0]


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_simulate__under_any_hash_seed__has_the_same_trace(trace: list[object], hash_seed: str) -> None:
    assert _trace_of(sys.executable, hash_seed) == trace


@pytest.mark.parametrize("version", OTHER_PYTHONS)
def test_simulate__on_every_python__has_the_same_trace(trace: list[object], version: str, tmp_path: Path) -> None:
    python = _python(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    if f"{sys.version_info.major}.{sys.version_info.minor}" == version:
        return
    uv = Path(sys.executable).with_name("uv")
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "venv"), "UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run(
        [uv, "sync", "--quiet", "--locked", "--no-dev", "--python", python],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        timeout=110,
        check=True,
    )
    assert _trace_of(str(tmp_path / "venv" / "bin" / "python"), "random") == trace


def _python(version: str) -> str | None:
    """An interpreter of that version, from the path or from pyenv."""
    found = shutil.which(f"python{version}")
    candidates = [] if found is None else [found]
    candidates += [str(path) for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))]
    for candidate in candidates:
        ran = subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False)
        if ran.returncode == 0:
            return candidate
    return None
