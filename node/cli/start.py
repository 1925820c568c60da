"""`sidewarden start`."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    required=True,
    help="Home of the validator: the directory of config.toml.",
)
def start(home: Path) -> None:
    """Run the validator of one home with the local engine, until SIGINT or SIGTERM.

    The engine makes blocks only if this home holds over two thirds of its power; else the API is served all the same, and
    says ENGINE_NO_QUORUM.
    """
    from node.start import StartFailed, run_validator

    try:
        run_validator(home.expanduser().absolute())
    except StartFailed as error:
        raise click.ClickException(str(error)) from None
