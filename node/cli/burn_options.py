"""The options of `sidewarden burn`: whom to ask, and how to send."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.cli.burn_answers import Chains
from node.cli.burn_exit import ExitOptions
from node.cli.homes import home_option

_FILE = click.Path(path_type=Path)
MAX_FEE_GWEI = 100.0

Command = Callable[..., Any]


def api_options(command: Command) -> Command:
    """Whom to ask, where there is a server; `home_path`, `api_url` and `root_chain`."""
    options = (
        home_option,
        click.option("--api", "api_url", help="API to ask, instead of the one that the home names."),
        click.option("--root-chain", help="Where to exit, by name; needed when a token is mapped on several."),
    )
    return _with(command, options)


def chain_options(command: Command) -> Command:
    """How to do without a server; the command is given `chains`, and `root_urls` in any case."""

    @functools.wraps(command)
    def gathered(
        side_urls: tuple[str, ...],
        root_urls: tuple[str, ...],
        root_chain_contract: str | None,
        root_chain_manager: str | None,
        side_confirmations: int | None,
        root_confirmations: int | None,
        **others: Any,
    ) -> Any:
        contracts = (root_chain_contract, root_chain_manager, side_confirmations, root_confirmations)
        if not side_urls:
            if any(each is not None for each in contracts):
                raise click.UsageError("--root-chain-contract and what belongs to it go with --side-rpc")
            return command(chains=None, root_urls=root_urls, **others)
        if not root_urls or root_chain_contract is None:
            raise click.UsageError("--side-rpc needs --root-rpc and --root-chain-contract")
        chains = Chains(side_urls, root_urls, root_chain_contract, *contracts[1:])
        return command(chains=chains, root_urls=root_urls, **others)

    count = click.IntRange(min=0)
    options = (
        click.option("--side-rpc", "side_urls", multiple=True, help="Without a server: JSON-RPC of the side chain."),
        click.option(
            "--root-rpc", "root_urls", multiple=True, help="JSON-RPC of the root chain; for --side-rpc and --send."
        ),
        click.option("--root-chain-contract", metavar="ADDRESS", help="Without a server: RootChain."),
        click.option(
            "--root-chain-manager", metavar="ADDRESS", help="Without a server: RootChainManager, which pays exits."
        ),
        click.option("--side-confirmations", type=count, help="In place of the side chain's tag `finalized`."),
        click.option("--root-confirmations", type=count, help="In place of the root chain's tag `finalized`."),
    )
    return _with(gathered, options)


def exit_options(command: Command) -> Command:
    """How to send; the command is given `send` and `exit_by`."""

    @functools.wraps(command)
    def gathered(
        root_urls: tuple[str, ...],
        key_file: Path | None,
        password_file: Path | None,
        max_fee_gwei: float,
        yes: bool,
        **others: Any,
    ) -> Any:
        if password_file is not None and key_file is None:
            raise click.UsageError("--password-file goes with --key-file")
        return command(exit_by=ExitOptions(key_file, password_file, root_urls, max_fee_gwei, yes), **others)

    options = (
        click.option("--send", is_flag=True, help="Make the exit on the root chain, and see it confirmed."),
        click.option(
            "--key-file",
            type=_FILE,
            help="Who sends: file of mode 0600 with a private key, 0x-hex, or a keystore; no validator's. On a devnet,"
            " if left out, the burner or the first account.",
        ),
        click.option("--password-file", type=_FILE, help="File of mode 0600 whose one line opens that keystore."),
        click.option(
            "--max-fee-gwei",
            type=click.FloatRange(min=0, min_open=True, max=1_000_000),
            default=MAX_FEE_GWEI,
            show_default=True,
            help="No more is offered for a unit of gas.",
        ),
        click.option("--yes", is_flag=True, help="Send without asking."),
    )
    return _with(gathered, options)


def _with(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
