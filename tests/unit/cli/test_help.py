"""`--help` answers at once: no command imports what only a running one needs."""

import json
import subprocess
import sys

import click
import pytest

from node.cli.main import main

HEAVY = {"aiohttp", "asyncio", "coincurve", "eth", "eth_abi", "eth_account", "google", "msgspec", "rich", "web3"}
TIMES_OF_CLICK_MAX = 3.0
"""Starting Python with click alone takes some 60 ms on a slow machine; 150 ms are allowed."""

IMPORTED = """
import json, sys
from click.testing import CliRunner
from node.cli.main import main
result = CliRunner().invoke(main, sys.argv[1:])
print(json.dumps({"code": result.exit_code, "text": result.output, "modules": [*sys.modules]}))
"""
TIMED = "import sys, time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"


def _commands(group: click.Group, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [before]
    for name, command in group.commands.items():
        here = (*before, name)
        found += _commands(command, here) if isinstance(command, click.Group) else [here]
    return found


@pytest.mark.parametrize("command", _commands(main), ids=" ".join)
def test_help__of_each_command__is_there_and_imports_nothing_heavy(command: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTED, *command, "--help"], check=True, capture_output=True, text=True
    )
    told = json.loads(ran.stdout)

    assert told["code"] == 0
    assert "Usage:" in told["text"]
    assert {name.partition(".")[0] for name in told["modules"]} & HEAVY == set()


def test_help__compared_with_click_alone__takes_little_more() -> None:
    ours, click_alone = (
        min(_seconds(code) for _ in range(3))
        for code in ("from node.cli.main import main", "import click, json, pathlib, tomllib")
    )

    assert ours < TIMES_OF_CLICK_MAX * click_alone, f"{ours * 1000:.0f} ms, and click alone {click_alone * 1000:.0f} ms"


def _seconds(code: str) -> float:
    ran = subprocess.run([sys.executable, "-c", TIMED.format(code)], check=True, capture_output=True, text=True)
    return float(ran.stdout)
