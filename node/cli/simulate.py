"""`sidewarden simulate`."""

from pathlib import Path
from typing import Literal

import click

from node.cli.errors import told_plainly


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="What everything is drawn from. Without it, a fresh one.")
@click.option("--seeds", type=click.IntRange(1, 1_000_000), help="Run so many seeds, counting up from --seed.")
@click.option("--minutes", type=click.IntRange(1, 100_000), help="Run fresh seeds of all kinds for so long.")
@click.option("--pace", type=click.Choice(["devnet", "mainnet"]), help="How fast the network is.  [default: devnet]")
@click.option("--validators", type=click.IntRange(1, 32), help="How many: 1, or 4 to 32.  [default: 4]")
@click.option("--data-form", type=click.Choice(["polygon", "bound"]), help="What they sign.  [default: drawn]")
@click.option(
    "--contracts",
    type=click.Choice(["model", "evm"]),
    help="Root chain's contracts: a fast model of them, or the real ones in an EVM.  [default: model]",
)
@click.option("--chaos-s", type=click.IntRange(1, 1_000_000), help="How many virtual seconds things go wrong.")
@click.option("--heal-at-s", type=click.IntRange(1, 1_000_000), help="End the same chaos earlier.")
@click.option("--no-faults", is_flag=True, help="Let nothing go wrong.")
@click.option("--faults", "fault_numbers", help="Keep only these faults of the seed, by number: 3,7.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="TOML file with numbers of [network], [root_chain] and [node] in place of the pace's own.",
)
@click.option("--story", is_flag=True, help="Tell what happened, in sentences.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw what happened into this SVG file.")
@click.option("--statistics", is_flag=True, help="Sum up --seeds; with --config, beside the unchanged setting.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON document for programs.")
@click.option("--log", "is_logged", is_flag=True, help="Send each event, and what the nodes log, to standard error.")
@click.option("--jobs", type=click.IntRange(1, 256), help="How many processes run seeds.  [default: one per core]")
@click.option("--shrink/--no-shrink", "shrinks", default=True, help="Look for the faults that a violation needs.")
@click.pass_context
def simulate(
    context: click.Context,
    seed: int | None,
    seeds: int | None,
    minutes: int | None,
    pace: Literal["devnet", "mainnet"] | None,
    validators: int | None,
    data_form: Literal["polygon", "bound"] | None,
    contracts: Literal["model", "evm"] | None,
    chaos_s: int | None,
    heal_at_s: int | None,
    no_faults: bool,
    fault_numbers: str | None,
    config: Path | None,
    story: bool,
    plot: Path | None,
    statistics: bool,
    is_json: bool,
    is_logged: bool,
    jobs: int | None,
    shrinks: bool,
) -> None:
    """Run a whole network in simulated time, with what goes wrong drawn from a seed.

    Chains, endpoints, disks, clocks and validators are simulated; the validators' code is the real one. Safety is
    checked at every step; when the faults are over, the network must converge. Exit code 1: a rule was broken, and the
    command that shows it again is printed.
    """
    from node.cli.simulation_runs import Asked, Shown, run_many, run_one, run_soak
    from node.simulation.settings import SettingsRefused

    many = seeds is not None or minutes is not None
    _refuse(
        (seeds is not None and minutes is not None, "give either --seeds or --minutes"),
        (many and (story or plot is not None), "--story and --plot are of one seed: leave out --seeds and --minutes"),
        (many and fault_numbers is not None, "--faults is for one seed: leave out --seeds and --minutes"),
        (many and heal_at_s is not None, "--heal-at-s is for one seed: leave out --seeds and --minutes"),
        (many and is_logged, "--log is for one seed: leave out --seeds and --minutes"),
        (statistics and seeds is None, "--statistics sums up many seeds: say how many with --seeds"),
        (no_faults and fault_numbers is not None, "give either --no-faults or --faults"),
    )
    asked = Asked(pace, validators, data_form, contracts, chaos_s, not no_faults, config)
    shown = Shown(story=story, plot=plot, statistics=statistics, is_json=is_json, is_logged=is_logged, shrinks=shrinks)
    with told_plainly():
        try:
            if minutes is not None:
                is_well = run_soak(asked, seed, minutes, jobs, shown)
            elif seeds is not None:
                is_well = run_many(asked, seed, seeds, jobs, shown)
            else:
                is_well = run_one(asked, seed, fault_numbers, heal_at_s, shown)
        except SettingsRefused as error:
            raise click.ClickException(f"{error.code}: {error}") from None
    if not is_well:
        context.exit(1)


def _refuse(*rules: tuple[bool, str]) -> None:
    for is_broken, what_to_do in rules:
        if is_broken:
            raise click.UsageError(what_to_do)
