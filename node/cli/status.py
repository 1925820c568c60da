"""`sidewarden status`."""

import json
import time
from pathlib import Path
from typing import Any

import click

from node.cli.client import get_json
from node.cli.homes import find_home, home_option


@click.command()
@home_option
@click.option("--api", "api_url", help="API to ask, instead of the one that the home names.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's own JSON.")
def status(home_path: Path, api_url: str | None, as_json: bool) -> None:
    """Say where the network stands, and the one reason why the next checkpoint is not there yet."""
    api_url = api_url or find_home(home_path).api_url
    answer = get_json(api_url, "/sidewarden/v1/status")
    click.echo(json.dumps(answer, indent=2) if as_json else "\n".join(_lines(answer, time.time())))


def _lines(node: dict[str, Any], now_s: float) -> list[str]:
    lines = [
        f"{node['moniker']}: validator {node['validator_id'] or 'none'}, signer {node['signer']}, "
        f"power {node['power']} of {node['total_power']}",
        f"engine     height {node['engine_height']}, {node['engine_power_share_permille'] / 10:.1f} % of power present"
        + ("" if node["engine_quorum"] else " (no quorum)"),
        f"side chain {_chain(node['side_chain'])}",
    ]
    if node["stopped_signing"]:
        lines.append(f"STOPPED SIGNING: {node['stopped_signing']['reason']}: {node['stopped_signing']['text']}")
    for root in node["root_chains"]:
        lines += _root_lines(root, now_s)
    lines += [f"alarm: {alarm}" for alarm in node["alarms"]]
    lines += [
        f"duty {duty['name']} failed {duty['failures']} times, last: {duty['last_error']}"
        for duty in node["duties"]
        if duty["failures"]
    ]
    return lines


def _root_lines(root: dict[str, Any], now_s: float) -> list[str]:
    until = f", until {_ago(root['deadline_s'], now_s)}" if root["deadline_s"] else ""
    lines = [
        f"{root['name']:<10} {_chain(root['chain'])}; events applied to block {root['cursor']}",
        f"  turn {root['turn']}: proposer is validator {root['proposer_id']} ({root['proposer']}){until}",
        f"  next checkpoint starts at side block {root['next_start']}: {root['why']['reason']}: {root['why']['text']}",
    ]
    for name in ("built", "signed", "submitted", "acknowledged"):
        moment = root[f"last_{name}"]
        if moment:
            lines.append(f"  last {name:<12} {moment['number']} ({_ago(moment['time_s'], now_s)})")
    if root["submitter_checkpoints_left"] is not None:
        lines.append(f"  the submission account pays for {root['submitter_checkpoints_left']} more checkpoints")
    return lines


def _chain(chain: dict[str, Any]) -> str:
    if chain["down_reason"]:
        return f"{chain['name']}: {chain['down_reason']}"
    return f"head {chain['head']}, confirmed {chain['confirmed']}"


def _ago(moment_s: float, now_s: float) -> str:
    delta_s = round(moment_s - now_s)
    return f"in {delta_s} s" if delta_s > 0 else f"{-delta_s} s ago"
