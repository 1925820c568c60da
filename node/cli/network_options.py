"""Options that commands which make networks share, and what they come to."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from node.networks.testnet import Adopt, Deploy

VALIDATORS_DEFAULT = 4
_FILE = click.Path(path_type=Path)

root_rpc_option = click.option("--root-rpc", "root_urls", multiple=True, help="JSON-RPC of the root chain; repeatable.")
side_rpc_option = click.option("--side-rpc", "side_urls", multiple=True, help="JSON-RPC of the side chain; repeatable.")


def contracts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say whose contracts a network has."""
    options = (
        click.option(
            "--funded-key-file",
            type=_FILE,
            help="File of mode 0600 with the private key, 0x-hex, that pays on both chains; used by nobody else now.",
        ),
        click.option(
            "--data-form",
            type=click.Choice(["polygon", "bound"]),
            default="bound",
            show_default=True,
            help="What validators of contracts of our own sign.",
        ),
        click.option(
            "--contracts", "contracts_file", type=_FILE, help="File that names contracts to use; nothing is deployed."
        ),
        click.option("--keystores", type=_FILE, help="Keystores of the signers that those contracts have."),
        click.option("--password-file", type=_FILE, help="File of mode 0600 whose one line opens those keystores."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def way_to_contracts(
    validators: int | None,
    funded_key_file: Path | None,
    data_form: str,
    contracts_file: Path | None,
    keystores: Path | None,
    password_file: Path | None,
) -> "Deploy | Adopt":
    """What the options come to. Raises click's usage errors, and SettingsImpossible, ContractsUnfit for the files."""
    from bridge.codec.checkpoint import DataForm
    from node.networks.accounts import read_account
    from node.networks.contracts_file import read_contracts
    from node.networks.testnet import Adopt, Deploy

    payer = None if funded_key_file is None else read_account(funded_key_file.expanduser())
    if contracts_file is not None:
        if keystores is None or password_file is None:
            raise click.UsageError("--contracts needs --keystores and --password-file of the registered signers")
        contracts = read_contracts(contracts_file.expanduser())
        return Adopt(contracts, keystores.expanduser(), password_file.expanduser(), payer, validators)
    if keystores is not None or password_file is not None:
        raise click.UsageError("--keystores and --password-file belong to --contracts: else new keys are made")
    if payer is None:
        raise click.UsageError("give --funded-key-file to deploy contracts, or --contracts for those that are there")
    return Deploy(payer, validators or VALIDATORS_DEFAULT, DataForm[data_form.upper()])
