"""`sidewarden start`."""

from pathlib import Path

import click

from node.cli.errors import told_plainly


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    required=True,
    help="Home of the validator: the directory of config.toml.",
)
@click.option(
    "--accept-risk",
    is_flag=True,
    help="Start a fork though checkpoints of the network before it may land for ever (polygon form).",
)
def start(home: Path, accept_risk: bool) -> None:
    """Run the validator of one home, until SIGINT or SIGTERM.

    With `engine.kind = "comet"` it runs CometBFT as its child and takes part in the network of its peers. The local
    engine makes blocks only if this home holds over two thirds of its power; else nothing is signed, and the API says
    ENGINE_NO_QUORUM.
    """
    from node.validator.start import run_validator

    with told_plainly():
        run_validator(home.expanduser().absolute(), accepts_risk=accept_risk)
