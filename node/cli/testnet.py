"""`sidewarden testnet`."""

from pathlib import Path
from typing import Literal

import click

from node.cli.errors import told_plainly
from node.cli.network_options import contracts_options, root_rpc_option, side_rpc_option, way_to_contracts


@click.command()
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="Empty directory for the homes and the genesis."
)
@click.option(
    "--validators", type=click.IntRange(1, 100), help="How many; as many as --hostnames, else 4, if left out."
)
@root_rpc_option
@side_rpc_option
@contracts_options
@click.option("--hostnames", default="", help="Comma-separated: a machine for each validator, same ports on all.")
@click.option("--name", default="", help="The network's name; made from the side chain's id if left out.")
@click.option(
    "--pace",
    type=click.Choice(["devnet", "polygon"]),
    default="devnet",
    show_default=True,
    help="For chains with blocks of a second or two, or for Ethereum's and Bor's.",
)
@click.option("--funds-wei", type=click.IntRange(min=0), default=5 * 10**16, help="For each submission account.")
@click.option("--api-port", type=click.IntRange(1, 65_000), default=1317, show_default=True, help="First API port.")
@click.option("--p2p-port", type=click.IntRange(1, 65_000), default=26_656, show_default=True, help="First peer port.")
def testnet(
    output: Path,
    validators: int | None,
    root_urls: tuple[str, ...],
    side_urls: tuple[str, ...],
    funded_key_file: Path | None,
    data_form: str,
    contracts_file: Path | None,
    keystores: Path | None,
    password_file: Path | None,
    hostnames: str,
    name: str,
    pace: Literal["devnet", "polygon"],
    funds_wei: int,
    api_port: int,
    p2p_port: int,
) -> None:
    """Make a home for each validator of a new network, on any two EVM chains.

    Contracts are deployed and staked in by the funded key, or --contracts names those that are there.
    """
    from bridge.codec.types import Wei
    from node.networks.testnet import TestnetSettings, run_testnet

    if not root_urls or not side_urls:
        raise click.UsageError("give --root-rpc and --side-rpc")
    hosts = tuple(host.strip() for host in hostnames.split(",") if host.strip())
    if hosts and validators not in {None, len(hosts)}:
        raise click.UsageError(f"--validators {validators} and {len(hosts)} --hostnames: they must agree")
    with told_plainly():
        settings = TestnetSettings(
            output=output.expanduser().absolute(),
            root_urls=root_urls,
            side_urls=side_urls,
            way=way_to_contracts(
                *(validators or len(hosts) or None, funded_key_file, data_form),
                *(contracts_file, keystores, password_file),
            ),
            name=name,
            pace=pace,
            funds_wei=Wei(funds_wei),
            hostnames=hosts,
            api_port=api_port,
            p2p_port=p2p_port,
        )
        made = run_testnet(settings, click.echo)
    click.echo(f"\n{made.summary}")
