"""`sidewarden burn`."""

import json
from pathlib import Path

import click

from node.cli.client import get_json
from node.cli.homes import find_home, home_option


@click.command()
@click.argument("transaction_hash")
@home_option
@click.option("--api", "api_url", help="API to ask, instead of the one that the home names.")
@click.option(
    "--log-index", type=click.IntRange(min=0), help="Which log of the receipt; needed when several are burns."
)
@click.option("--json", "as_json", is_flag=True, help="Print the API's own JSON.")
def burn(transaction_hash: str, home_path: Path, api_url: str | None, log_index: int | None, as_json: bool) -> None:
    """Show how far a burn on the side chain has come and, once it is ready, the proof that exits it."""
    api_url = api_url or find_home(home_path).api_urls[0]
    report = get_json(api_url, f"/sidewarden/v1/burns/{transaction_hash}")
    burns = [each for each in report.get("burns", []) if log_index in (None, each["log_index"])]
    proofs = [
        get_json(api_url, f"/sidewarden/v1/burns/{transaction_hash}/proof?log_index={each['log_index']}")
        for each in burns
        if each["status"] in ("READY", "EXITED")
    ]
    if as_json:
        click.echo(json.dumps({**report, "proofs": proofs}, indent=2))
        return
    click.echo(f"{report['status']}: {report['text']}")
    for each in burns:
        click.echo(
            f"log {each['log_index']}: {each['amount']} of token {each['token']} by {each['burner']}: {each['status']}"
        )
    for proof in proofs:
        click.echo(f"\nproof of log {proof['log_index']}, for RootChainManager.exit(bytes):\n{proof['payload']}")
