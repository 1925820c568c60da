"""Where a command finds the network or the validator that it is asked about."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from config.file import Home as ValidatorHome

DEFAULT_HOME = "~/.sidewarden/devnet"
NETWORK_FILES = ("devnet.json", "localnet.json")

home_option = click.option(
    "--home",
    "home_path",
    type=click.Path(path_type=Path),
    default=DEFAULT_HOME,
    show_default=True,
    help="Home of a devnet, of a localnet, or of one validator.",
)
"""The `--home` option that commands on a network or a validator share."""


@dataclass(frozen=True, slots=True)
class Home:
    """A directory that Sidewarden made: a whole devnet or localnet, or one validator."""

    path: Path
    api_urls: tuple[str, ...]
    """Of each validator."""
    validator_homes: tuple[Path, ...]


def find_home(path: Path) -> Home:
    """What stands at `path`: a devnet (devnet.json), a localnet (localnet.json) or a validator (config.toml).

    Raises a click error that says what to start when neither is there.
    """
    path = path.expanduser()
    described = next((path / name for name in NETWORK_FILES if (path / name).exists()), None)
    if described is not None:
        validators = json.loads(described.read_text())["validators"]
        urls, homes = zip(*((one["api_url"], Path(one["home"])) for one in validators), strict=True)
        return Home(path, urls, homes)
    if (path / "config.toml").exists():
        api = tomllib.loads((path / "config.toml").read_text()).get("api", {})
        host, port = api.get("host", "127.0.0.1"), api.get("port", 1317)
        return Home(path, (f"http://{host}:{port}",), (path,))
    raise click.ClickException(
        f"{path} holds neither devnet.json nor localnet.json nor config.toml: start one with "
        f"`sidewarden devnet --home {path}` or `sidewarden localnet up --home {path}`, or name another with --home"
    )


def one_home(path: Path) -> "ValidatorHome":
    """The home and configuration of the one validator at `path`. Raises a click error if there are more."""
    from config.file import load_home

    homes = find_home(path).validator_homes
    if len(homes) != 1:
        raise click.ClickException(f"{path} has {len(homes)} validators: name one, as --home {homes[0]}")
    return load_home(homes[0])
