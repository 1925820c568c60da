"""`simulate`: what it prints for people and for programs, how it ends, and what it refuses."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from node.cli.main import main

QUIET = ("--no-faults", "--chaos-s", "30", "--validators", "1")
"""One validator, for it costs a quarter of four."""
NO_MORE_SIDE_BLOCKS = """
[network]
side_block_time_s = 100000
[root_chain]
force_after_s = 10
no_ack_growth_cap = 0
"""
"""After the first checkpoint there is never another one, so no network of these numbers converges."""


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


def run(*arguments: str) -> Result:
    """Run the command in this process; a bug keeps its traceback."""
    ran = CliRunner().invoke(main, ["simulate", *arguments])
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran


def test_simulate__of_a_quiet_seed__prints_seed_story_and_outcome_and_draws_the_plot(tmp_path: Path) -> None:
    plot = tmp_path / "timeline.svg"

    ran = run("--seed", "5", *QUIET, "--story", "--plot", str(plot))

    lines = ran.stdout.splitlines()
    assert ran.exit_code == 0
    assert lines[0].startswith("seed 5: 1 validator at devnet pace")
    assert lines[1] == "nothing goes wrong, for 30 s"
    assert any("checkpoint: header 10000" in line for line in lines)
    assert lines[-1].startswith("ok, converged ")
    assert ElementTree.parse(plot).getroot().tag.endswith("svg")  # noqa: S314 - it is our own


def test_simulate__without_a_seed__draws_one_prints_it_first_and_replays_it_alike() -> None:
    first = json.loads(run(*QUIET, "--json").stdout)

    words = first["replay"].split()
    again = json.loads(run(*words[2:], "--json").stdout)

    assert words[:2] == ["sidewarden", "simulate"]
    assert again["seed"] == first["seed"]
    assert again["trace"] == first["trace"]


def test_simulate__as_json__is_one_document_with_faults_costs_and_events() -> None:
    told = json.loads(run("--seed", "5", *QUIET, "--story", "--json").stdout)

    assert told["violation"] is None
    assert told["faults"] == []
    assert told["acks"] == told["costs"]["submissions"] >= 3
    assert told["costs"]["fees_wei"] > told["costs"]["gas"] > 0
    assert {"acknowledged", "landed on the root chain"} <= {event["kind"] for event in told["events"]}


def test_simulate__of_two_seeds__sums_them_up_alike_with_one_process_and_with_two() -> None:
    told = [_statistics("--seed", "5", "--seeds", "2", *QUIET, "--jobs", jobs) for jobs in ("1", "2")]

    assert told[0] == told[1]
    (summary,) = told[0]["summaries"]
    assert summary["seeds"] == 2
    assert summary["means"]["gas, per checkpoint"] > 50_000
    assert summary["recovery_s"]["all faults over"]["seeds"] == 2


def test_simulate__with_a_config__sets_it_beside_the_unchanged_setting(tmp_path: Path) -> None:
    config = tmp_path / "slow.toml"
    config.write_text("[root_chain]\ninterval_s = 25\n")

    ran = run("--seed", "5", "--seeds", "1", *QUIET, "--jobs", "1", "--statistics", "--config", str(config), "--json")

    statistics = json.loads(ran.stdout)["statistics"]
    assert [summary["setting"] for summary in statistics["summaries"]] == ["devnet", "devnet with slow.toml"]
    by_name = {each["measure"]: each for each in statistics["differences"]}
    checkpoints = by_name["checkpoints, per hour"]
    assert checkpoints["after"] < checkpoints["before"]
    assert (checkpoints["lower"], checkpoints["higher"]) == (1, 0)


def test_simulate__of_what_cannot_converge__names_the_rule_and_how_to_see_it_again(tmp_path: Path) -> None:
    config = tmp_path / "never.toml"
    config.write_text(NO_MORE_SIDE_BLOCKS)

    ran = run("--seed", "1", "--no-faults", "--chaos-s", "1", "--validators", "1", "--config", str(config))

    assert ran.exit_code == 1
    assert 'VIOLATION of "convergence"' in ran.stdout
    assert "shrunk to 0 of 0 faults" in ran.stdout
    assert ran.stdout.splitlines()[-1] == (
        f"replay: sidewarden simulate --seed 1 --pace devnet --validators 1 --chaos-s 1 --config {config} --no-faults"
    )


def test_simulate__with_log__writes_it_at_virtual_time_with_who_speaks() -> None:
    code = "from node.cli.main import main; main()"
    arguments = ("simulate", "--seed", "5", *QUIET[:1], "--chaos-s", "1", "--validators", "1", "--log")
    ran = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)

    lines = ran.stderr.splitlines()
    assert lines
    assert all(line.startswith("2023-11-14T22:1") for line in lines)
    assert any("acknowledged number=10000" in line for line in lines)
    assert "2023-11-14" not in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seeds", "2", "--minutes", "1"), "give either --seeds or --minutes"),
        (("--seeds", "2", "--story"), "--story and --plot are of one seed"),
        (("--minutes", "1", "--plot", "x.svg"), "--story and --plot are of one seed"),
        (("--seeds", "2", "--faults", "1"), "--faults is for one seed"),
        (("--seeds", "2", "--heal-at-s", "5"), "--heal-at-s is for one seed"),
        (("--seeds", "2", "--log"), "--log is for one seed"),
        (("--statistics",), "say how many with --seeds"),
        (("--faults", "1", "--no-faults"), "give either --no-faults or --faults"),
    ],
)
def test_simulate__of_options_that_do_not_go_together__says_what_to_give(
    arguments: tuple[str, ...], words: str
) -> None:
    ran = run(*arguments)

    assert ran.exit_code == 2
    assert words in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--validators", "3"), "validators: take 1, or 4 to 32, not 3"),
        (("--faults", "1,99"), "there is no fault 99; seed 8 has 1 to 9"),
        (("--faults", ""), "there is no fault without a number; seed 8 has 1 to 9"),
        (("--heal-at-s", "500"), "the chaos ends at 90 s already"),
        (("--plot", "/nowhere/x.svg"), "--plot: there is no directory /nowhere"),
        (("--config", "/nowhere/x.toml"), "/nowhere/x.toml cannot be read"),
    ],
)
def test_simulate__of_what_cannot_be_run__is_refused_by_its_code(arguments: tuple[str, ...], words: str) -> None:
    ran = run("--seed", "8", "--chaos-s", "90", *arguments)

    assert ran.exit_code == 1
    assert f"SIMULATION_SETTINGS: {words}" in ran.stderr.replace("--faults: ", "").replace("--heal-at-s: ", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[root_chain]\nrank_delay = 3",
            "root_chain.rank_delay is not a number that can be set; there are minimum_blocks",
        ),
        ("[fees]\ncap = 3", "there is no table fees; give [network], [root_chain] or [node]"),
        ("[node]\nfee_cap_gwei = -1", "node.fee_cap_gwei must be a whole number from 0 on"),
        (
            "[root_chain]\nno_ack_buffer_s = 5",
            "GENESIS_INVALID: genesis root_chains[0].no_ack_buffer_s: must be at least",
        ),
    ],
)
def test_simulate__of_a_config_that_does_not_fit__names_the_key(tmp_path: Path, text: str, words: str) -> None:
    config = tmp_path / "x.toml"
    config.write_text(text)

    ran = run("--seed", "8", "--config", str(config))

    assert ran.exit_code == 1
    assert words in ran.stderr


def _statistics(*arguments: str) -> dict[str, Any]:
    ran = run(*arguments, "--statistics", "--json")
    statistics: dict[str, Any] = json.loads(ran.stdout)["statistics"]
    return statistics
