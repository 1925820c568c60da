"""`sidewarden keys`."""

import click


@click.command()
def keys() -> None:
    """Signer keys."""
