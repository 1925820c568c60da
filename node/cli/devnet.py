"""`sidewarden devnet`."""

from pathlib import Path
from typing import Literal

import click

from node.cli.errors import told_plainly
from node.cli.homes import DEFAULT_HOME


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    default=DEFAULT_HOME,
    show_default=True,
    help="Where the network lives; started again on the same home it goes on.",
)
@click.option(
    "--validators", type=click.IntRange(1, 32), default=4, show_default=True, help="How many validators: 1, or 4 to 32."
)
@click.option(
    "--data-form",
    type=click.Choice(["polygon", "bound"]),
    default="bound",
    show_default=True,
    help="What validators sign: Polygon's 192 bytes, or an EIP-712 digest bound to one contract and deadline.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "comet"]),
    default="local",
    show_default=True,
    help="Who orders the validators' blocks: this process, or a CometBFT node for each (`make cometbft` installs it).",
)
@click.option(
    "--exit-after-checkpoints",
    type=click.IntRange(min=1),
    help="Stop with exit code 0 after this many acknowledged checkpoints.",
)
@click.option(
    "--api-port",
    type=click.IntRange(0, 65_000),
    default=1317,
    show_default=True,
    help="First API port; others follow, chains at +100 and +101, control at +110, CometBFT at +200. 0: free ports.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws the keys and the demo traffic."
)
@click.option("--no-traffic", is_flag=True, help="Send no demo transactions; the chains still make blocks.")
def devnet(
    home: Path,
    validators: int,
    data_form: Literal["polygon", "bound"],
    engine: Literal["local", "comet"],
    exit_after_checkpoints: int | None,
    api_port: int,
    seed: int,
    no_traffic: bool,
) -> None:
    """Run a whole network on this machine: two chains, their contracts, validators, and demo traffic.

    Both chains are embedded EVMs that keep their state, so a devnet that was stopped or killed goes on where it was.
    """
    from node.devnet.run import run_devnet
    from node.devnet.settings import DevnetSettings

    with told_plainly():
        settings = DevnetSettings(
            home=home.expanduser().absolute(),
            validators=validators,
            data_form=data_form,
            engine=engine,
            exit_after_checkpoints=exit_after_checkpoints,
            api_port=api_port,
            seed=seed,
            traffic=not no_traffic,
        )
        run_devnet(settings)
