"""`sidewarden burn`."""

import json
from pathlib import Path
from urllib.parse import quote

import click

from node.cli.client import Answer, get_json
from node.cli.homes import find_home, home_option
from node.cli.words import span


@click.command()
@click.argument("transaction_hash")
@home_option
@click.option("--api", "api_url", help="API to ask, instead of the one that the home names.")
@click.option(
    "--log-index", type=click.IntRange(min=0), help="Show only the burn at this log of the receipt, counted from 0."
)
@click.option("--root-chain", help="Where to exit; needed when a token is mapped on several root chains.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's own JSON, with the proofs under `proofs`.")
def burn(
    transaction_hash: str,
    home_path: Path,
    api_url: str | None,
    log_index: int | None,
    root_chain: str | None,
    as_json: bool,
) -> None:
    """Show how far a burn on the side chain has come and, once it is ready, the proof that exits it."""
    api_url = api_url or find_home(home_path).api_urls[0]
    path = f"/sidewarden/v1/burns/{quote(transaction_hash, safe='')}"
    report = get_json(api_url, path)
    burns = [each for each in report["burns"] if log_index in {None, each["log_index"]}]
    if log_index is not None and not burns and report["burns"]:
        indexes = ", ".join(str(each["log_index"]) for each in report["burns"])
        raise click.ClickException(f"log {log_index} of this transaction is no burn; the burns are at {indexes}")
    if not as_json:
        click.echo("\n".join(_lines(report, burns)))
    named = "" if root_chain is None else f"&root_chain={quote(root_chain, safe='')}"
    proofs = [
        get_json(api_url, f"{path}/proof?log_index={each['log_index']}{named}")
        for each in burns
        if each["status"] in {"READY", "EXITED"}
    ]
    if as_json:
        click.echo(json.dumps({**report, "proofs": proofs}, indent=2))
        return
    for proof in proofs:
        click.echo(f"\nproof of log {proof['log_index']}, for RootChainManager.exit(bytes) on {proof['root_chain']}:")
        click.echo(proof["payload"])


def _lines(report: Answer, burns: list[Answer]) -> list[str]:
    lines = [f"{report['status']}: {report['text']}{_to_go(report)}"]
    if report["block_number"] is not None:
        lines.append(f"in side-chain block {report['block_number']}, transaction {report['transaction_index']}")
    for each in burns:
        lines.append(f"log {each['log_index']}: {_burnt(each)}")
        for on_root in each["root_chains"]:
            held = on_root["checkpoint"]
            under = (
                ""
                if held is None
                else f", in checkpoint {held['header_id']} of blocks {held['start']} to {held['end']}"
            )
            lines.append(f"  on {on_root['root_chain']}: {on_root['status']}{under}")
    if report["burns_left_out"]:
        lines.append(f"{report['burns_left_out']} more burns of this transaction were not looked at")
    return lines


def _burnt(burn: Answer) -> str:
    """What was burnt, in words."""
    if burn["kind"] == "MESSAGE":
        return f"a message of {len(burn['data']) // 2 - 1} bytes through tunnel {burn['token']}"
    amounts, ids = ", ".join(burn["amounts"]), ", ".join(burn["ids"])
    what = f"{amounts} units of id {ids}" if amounts and ids else f"{amounts} units" if amounts else f"id {ids}"
    return f"{burn['burner']} burnt {what} of token {burn['token']}"


def _under(checkpoint: Answer | None) -> str:
    if checkpoint is None:
        return ""
    return f", under header {checkpoint['header_id']} of blocks {checkpoint['start']} to {checkpoint['end']}"


def _to_go(report: Answer) -> str:
    """What is still to come before READY, where it is known."""
    to_go = report["to_go"]
    if to_go is None:
        return ""
    parts = []
    if to_go["confirmations"]:
        parts.append(f"{to_go['confirmations']} confirmations to go")
    if to_go["blocks"]:
        parts.append(f"{to_go['blocks']} side-chain blocks to go")
    if to_go["seconds"] is not None:
        earliest, latest = span(to_go["seconds_earliest"]), span(to_go["seconds_latest"])
        between = "" if earliest == latest else f", between {earliest} and {latest}"
        parts.append(f"about {span(to_go['seconds'])}{between}")
    return f" ({'; '.join(parts)})" if parts else ""
