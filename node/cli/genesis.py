"""`sidewarden genesis`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.errors import told_plainly
from node.cli.homes import one_home

if TYPE_CHECKING:
    from node.app.genesis import Genesis

_file = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@click.group()
def genesis() -> None:
    """Look at a genesis, or make the one of a fork."""


@genesis.command("hash")
@_file
def hash_(file: Path) -> None:
    """Print the hash of a genesis file: what tells networks apart."""
    from bridge.codec.hexadecimal import to_hex
    from node.app.genesis import genesis_hash
    from node.app.genesis_file import genesis_from_json

    with told_plainly():
        click.echo(to_hex(genesis_hash(genesis_from_json(file.read_bytes()))))


@genesis.command()
@_file
def show(file: Path) -> None:
    """Check a genesis file, and print what it says in short."""
    from node.app.genesis_file import genesis_from_json

    with told_plainly():
        click.echo("\n".join(_summary(genesis_from_json(file.read_bytes()))))


@genesis.command()
@click.option(
    "--home", "home_path", type=click.Path(path_type=Path), required=True, help="Home of a validator that is stopped."
)
@click.option("--height", type=click.IntRange(1), required=True, help="Its last block, or a snapshot's.")
@click.option(
    "--changes",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="TOML with the new name and time_s, and all else that changes.",
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The new genesis.json; must not exist.")
def fork(home_path: Path, height: int, changes: Path, output: Path) -> None:
    """Make the genesis of a network that goes on from this one's state at a height.

    Each operator runs it on their own home, with the same height and changes, and compares the hash that it prints.
    """
    from node.app.genesis_file import genesis_to_json
    from node.validator.fork import fork_network

    if output.exists():
        raise click.ClickException(f"{output} is there: name a file that is not")
    with told_plainly():
        made = fork_network(one_home(home_path), height, changes)
    output.write_text(genesis_to_json(made.genesis))
    for change in made.changes:
        click.echo(f"change   {change.place}: {change.before} -> {change.after}")
    click.echo("\n".join(_summary(made.genesis)))
    click.echo(f"written  {output}; compare the hash with the other operators before anybody starts")


def _summary(found: "Genesis") -> list[str]:
    from bridge.codec.hexadecimal import to_hex
    from node.app.genesis import genesis_hash

    lines = [
        f"network  {found.name}, from {found.time_s}",
        f"hash     {to_hex(genesis_hash(found))}",
        f"members  {len(found.validators)}",
    ]
    lines += [
        f"chain    {root_chain.parameters.name}: block {root_chain.block_number}, next header "
        f"{root_chain.next_header_id} from side-chain block {root_chain.next_start} on"
        for root_chain in found.root_chains
    ]
    if found.parent:
        lines.append(f"fork of  {to_hex(found.parent[:32])}, app hash {to_hex(found.parent[32:])}")
    return lines
