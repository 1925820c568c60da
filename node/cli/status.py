"""`sidewarden status`."""

import json
import time
from pathlib import Path

import click

from node.cli.client import Answer, find_json, get_json
from node.cli.homes import find_home, home_option
from node.cli.words import ago

STATUS_PATH = "/sidewarden/v1/status"


@click.command()
@home_option
@click.option("--api", "api_url", help="API to ask, instead of the one that the home names.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's own JSON.")
def status(home_path: Path, api_url: str | None, as_json: bool) -> None:
    """Say where the network stands, and the one reason why the next checkpoint is not there yet.

    Of a devnet it shows what the first validator sees, and a line for each of the others.
    """
    urls = (api_url,) if api_url else find_home(home_path).api_urls
    answer = get_json(urls[0], STATUS_PATH)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    lines = _lines(answer, time.time())
    if len(urls) > 1:
        lines += ["others", *(_line_of_other(url) for url in urls[1:])]
    click.echo("\n".join(lines))


def _lines(node: Answer, now_s: float) -> list[str]:
    engine_share = f"{node['engine_power_share_permille'] / 10:.1f} % of the power is present"
    lines = [
        f"{node['moniker']}  {_who(node)}",
        f"engine      block {node['engine_height']} {ago(node['engine_time_s'], now_s)}; {engine_share}",
        f"side chain  {_chain(node['side_chain'])}",
    ]
    if node["stopped_signing"]:
        lines.append(f"STOPPED     {node['stopped_signing']['reason']}: {node['stopped_signing']['text']}")
    if node["leaving_acks"] is not None:
        lines.append(f"LEAVING     keep this node running for {node['leaving_acks']} more acks")
    for root in node["root_chains"]:
        lines += _root_lines(root, now_s)
    if node["cannot_tell"]:
        lines.append(f"no verdict  {node['cannot_tell']}")
    lines += [f"alarm       {alarm}" for alarm in node["alarms"]]
    lines += [
        f"duty        {duty['name']} failed {duty['failures']} times, last: {duty['last_error']}"
        for duty in node["duties"]
        if duty["failures"]
    ]
    return lines


def _root_lines(root: Answer, now_s: float) -> list[str]:
    until = f", until {ago(root['deadline_s'], now_s)}" if root["deadline_s"] else ""
    lines = [
        f"{root['name']:<11} {_chain(root['chain'])}; events applied up to block {root['cursor']}",
        f"  waiting   {root['why']['reason']}: {root['why']['text']}",
        f"  turn      {root['turn']}, of validator {root['proposer_id']} ({root['proposer']}){until}",
        f"  next      checkpoint {_next(root)}",
    ]
    for name in ("acknowledged", "built", "signed", "submitted"):
        moment = root[f"last_{name}"]
        if moment:
            what = f"header {moment['number']}" if name in {"acknowledged", "submitted"} else _up_to(moment)
            lines.append(f"  last      {name} {what}, {ago(moment['time_s'], now_s)}")
    if root["no_acks"]:
        lines.append(f"  no-acks   {root['no_acks']} turns have ended without a checkpoint since genesis")
    if root["submitter_checkpoints_left"] is not None:
        lines.append(f"  funds     the submission account pays for {root['submitter_checkpoints_left']:,} checkpoints")
    return lines


def _next(root: Answer) -> str:
    if root["proposed_start"] is None:
        return f"starts at side-chain block {root['next_start']}"
    signed = f"{root['signed_permille'] / 10:.1f} % of the power has signed"
    return f"of blocks {root['proposed_start']} to {root['proposed_end']}: {signed}"


def _up_to(moment: Answer) -> str:
    return f"the range up to block {moment['number']}"


def _who(node: Answer) -> str:
    if node["validator_id"] is None:
        return "no validator: the contract names none of its keys"
    share = node["power"] / (node["total_power"] or 1)
    return f"validator {node['validator_id']}, {share:.1%} of the power, signer {node['signer']}"


def _chain(chain: Answer) -> str:
    if chain["down_reason"]:
        return f"DOWN: {chain['down_reason']}"
    return f"block {chain['head']}, confirmed {chain['confirmed']}"


def _line_of_other(url: str) -> str:
    """One line about another validator of the same devnet: what is wrong with it, or what it waits for."""
    node = find_json(url, STATUS_PATH)
    if node is None:
        return f"  no node answers at {url}"
    stopped = node["stopped_signing"]
    reasons = {root["why"]["reason"] for root in node["root_chains"]}
    does = f"STOPPED: {stopped['reason']}: {stopped['text']}" if stopped else ", ".join(sorted(reasons))
    return f"  {node['moniker']}, {node['power'] / (node['total_power'] or 1):.1%} of the power: {does}"
