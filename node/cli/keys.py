"""`sidewarden keys`."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.client import find_json
from node.cli.errors import told_plainly
from node.cli.homes import find_home, home_option, one_home
from node.cli.words import ago

if TYPE_CHECKING:  # heavy: only a command that runs imports these
    from bridge.codec.types import Address
    from node.validator.signers import HomeKeys


@click.group(invoke_without_command=True)
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def keys(context: click.Context, home_path: Path, as_json: bool) -> None:
    """List the signer keys of a home and what the network needs them for; or make, import and drop one.

    A running node loads a key that was made or imported when it is started again.
    """
    context.obj = home_path
    if context.invoked_subcommand is not None:
        return
    from config.file import load_home
    from node.validator.signers import home_keys

    with told_plainly():
        listed = [home_keys(load_home(path)) for path in find_home(home_path).validator_homes]
    running = [find_json(find_home(one.home.path).api_urls[0], "/health") is not None for one in listed]
    if as_json:
        click.echo(json.dumps([_as_json(*each) for each in zip(listed, running, strict=True)], indent=2))
    else:
        now_s = time.time()
        click.echo("\n\n".join(_as_text(*each, now_s) for each in zip(listed, running, strict=True)))


@keys.command()
@click.pass_obj
def new(home_path: Path) -> None:
    """Make a signer key, and print the public key that StakeManager asks for."""
    from node.validator.signers import new_signer

    with told_plainly():
        key, file = new_signer(one_home(home_path))
    _echo_key(key.address, key.public_key, file)


@keys.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--password-file", type=click.Path(path_type=Path), help="Opens FILE; left out, the password is asked for."
)
@click.pass_obj
def import_key(home_path: Path, file: Path, password_file: Path | None) -> None:
    """Take a signer key from a keystore FILE as geth writes it; from then on this home's own password opens it."""
    from node.keys.keystore import open_keystore, read_password
    from node.validator.signers import add_signer

    with told_plainly():
        home = one_home(home_path)
        password = (
            click.prompt(f"Password of {file}", hide_input=True)
            if password_file is None
            else read_password(password_file)
        )
        key = open_keystore(file, password)
        kept = add_signer(home, key)
    _echo_key(key.address, key.public_key, kept)


@keys.command()
@click.argument("address")
@click.pass_obj
def drop(home_path: Path, address: str) -> None:
    """Load the signer key of ADDRESS no more. Refused while the network still counts on it.

    The keystore file stays where it is, for you to keep or to delete.
    """
    from node.validator.signers import drop_signer

    with told_plainly():
        file = drop_signer(one_home(home_path), _address(address))
    click.echo(f"{address} is dropped; its keystore is still there: {file}")


def _address(text: str) -> "Address":
    from bridge.codec.errors import HexError
    from bridge.codec.hexadecimal import from_hex
    from bridge.codec.types import Address

    try:
        return Address(from_hex(text, 20))
    except HexError:
        raise click.BadParameter(f"{text!r} is no address: 0x and 40 hex digits", param_hint="ADDRESS") from None


def _echo_key(address: "Address", public_key: bytes, file: Path) -> None:
    from bridge.codec.hexadecimal import checksum_address, to_hex

    click.echo(f"address     {checksum_address(address)}")
    click.echo(f"public key  {to_hex(public_key)}")
    click.echo(f"keystore    {file}")


def _as_json(listed: "HomeKeys", running: bool) -> dict[str, object]:
    from bridge.codec.hexadecimal import checksum_address

    return {
        "moniker": listed.home.config.moniker,
        "home": str(listed.home.path),
        "running": running,
        "height": listed.height,
        "time_s": listed.time_s,
        "signers": [
            {
                "address": checksum_address(report.address),
                "use": report.use.value,
                "needed": report.is_needed,
                "text": report.text,
                "validator_id": report.validator_id,
                "power": report.power,
                "leaving_acks": report.leaving_acks,
            }
            for report in listed.signers
        ],
        "submission": None if listed.submission is None else checksum_address(listed.submission),
    }


def _as_text(listed: "HomeKeys", running: bool, now_s: float) -> str:
    from bridge.codec.hexadecimal import checksum_address

    state = "the node is running" if running else f"from state.db of {ago(listed.time_s, now_s)}: no node is running"
    lines = [
        f"{listed.home.config.moniker}  {listed.home.path}",
        f"  as of engine block {listed.height}, {state}",
        *(f"  signer      {checksum_address(report.address)}  {report.text}" for report in listed.signers),
    ]
    if not listed.signers:
        lines.append("  no signer keys: this node only watches")
    if listed.submission is not None:
        lines.append(f"  submission  {checksum_address(listed.submission)}  pays for root-chain transactions")
    return "\n".join(lines)
