"""`sidewarden version`."""

import click


@click.command()
def version() -> None:
    """Print the version of Sidewarden, of Python, and of the libraries that signatures and hashes rest on."""
    import platform
    from importlib.metadata import version as version_of

    click.echo(f"sidewarden {version_of('sidewarden')}")
    click.echo(f"python {platform.python_version()}")
    for name in ("aiohttp", "coincurve", "py-evm", "safe-pysha3"):
        click.echo(f"{name} {version_of(name)}")
