"""`sidewarden burn`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from node.cli.burn_answers import Answers, Chains, NodeAnswers, asking, follow
from node.cli.burn_exit import ExitMaker, ExitOptions, senders
from node.cli.burn_options import api_options, chain_options, exit_options
from node.cli.burn_words import lines_of, status_line
from node.cli.client import Answer
from node.cli.errors import told_plainly
from node.cli.homes import find_home

Say = Callable[[str], None]

PROVED = ("READY", "EXITED")


@click.command()
@click.argument("transaction_hash")
@click.option(
    "--log-index", type=click.IntRange(min=0), help="Only the burn at this log of the receipt, counted from 0."
)
@click.option("--wait", is_flag=True, help="Tell each change until the proof can be had; Ctrl-C stops it.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File for the proof; it must not be there. `.bin`: its bytes; `.json`: all about it; else: 0x-hex.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the API's own JSON, with the proofs under `proofs`.")
@api_options
@chain_options
@exit_options
def burn(
    transaction_hash: str,
    log_index: int | None,
    wait: bool,
    out: Path | None,
    as_json: bool,
    home_path: Path,
    api_url: str | None,
    root_chain: str | None,
    chains: Chains | None,
    send: bool,
    exit_by: ExitOptions,
) -> None:
    """Show how far a burn on the side chain has come and, once it is ready, the proof that exits it.

    A node or proof server is asked; with --side-rpc the two chains themselves are. --send makes the exit on the root
    chain: a Plasma exit must be sent by the burner, any other by anybody, and the burner is paid.
    """
    if out is not None and out.exists():
        raise click.BadParameter(f"{out} exists already and is not overwritten", param_hint="--out")

    def say(text: str) -> None:
        click.echo(text, err=as_json)

    with told_plainly(), _answers(home_path, api_url, chains) as answers:
        # The keys of a home are for its own network alone.
        home = home_path.expanduser() if chains is None and api_url is None else None
        maker = ExitMaker(exit_by, senders(exit_by, home), home, say) if send else None
        report = _report(answers, transaction_hash, log_index, wait, say)
        burns = _chosen(report, log_index)
        if not as_json:
            click.echo("\n".join(lines_of(report, burns)))
        if out is not None or send:
            _require_one(report, burns, sends=send)
        proofs = [
            answers.proof(transaction_hash, each["log_index"], root_chain) for each in burns if each["status"] in PROVED
        ]
        if out is not None:
            _write(out, proofs[0])
            say(f"{out}: proof of log {proofs[0]['log_index']}, {(len(proofs[0]['payload']) - 2) // 2:,} bytes")
        elif not as_json and not send:
            _show(proofs)
        told = {**report, "proofs": proofs}
        if maker is not None:
            sent = maker.make(burns[0], proofs[0])
            told |= {**_until_exited(answers, transaction_hash, proofs[0], say), "sent": sent}
        if as_json:
            click.echo(json.dumps(told, indent=2))


@contextmanager
def _answers(home_path: Path, api_url: str | None, chains: Chains | None) -> Iterator[Answers]:
    if chains is None:
        yield NodeAnswers(api_url or find_home(home_path).api_urls[0])
        return
    if api_url is not None:
        raise click.UsageError("give --api, or --side-rpc to do without a server")
    with asking(chains) as answers:
        yield answers


def _report(answers: Answers, transaction: str, log_index: int | None, wait: bool, say: Say) -> Answer:
    if not wait:
        return answers.report(transaction)

    def can_be_had(report: Answer) -> bool:
        burns = _chosen(report, log_index)
        return bool(burns) and all(each["status"] in PROVED for each in burns)

    return follow(answers, transaction, can_be_had, lambda report: say(status_line(report)))


def _until_exited(answers: Answers, transaction: str, proof: Answer, say: Say) -> Answer:
    """The report once a confirmed root-chain block shows the exit."""

    def is_exited(report: Answer) -> bool:
        (each,) = _chosen(report, proof["log_index"])
        return any(one["status"] == "EXITED" for one in each["root_chains"] if one["root_chain"] == proof["root_chain"])

    say("waiting until the root chain has confirmed it")
    return follow(answers, transaction, is_exited, lambda report: say(status_line(report)))


def _chosen(report: Answer, log_index: int | None) -> list[Answer]:
    burns = [each for each in report["burns"] if log_index in {None, each["log_index"]}]
    if log_index is not None and not burns and report["burns"]:
        indexes = ", ".join(str(each["log_index"]) for each in report["burns"])
        raise click.ClickException(f"log {log_index} of this transaction is no burn; the burns are at {indexes}")
    return burns


def _require_one(report: Answer, burns: list[Answer], *, sends: bool) -> None:
    """Refuse unless there is one burn whose proof can be had and, to send, whose exit was not made."""
    if not burns:
        code = "BURN_NOT_FOUND" if report["status"] == "NOT_FOUND" else "BURN_NOT_READY"
        raise click.ClickException(f"{code}: {report['text']}")
    if len(burns) > 1:
        indexes = ", ".join(str(each["log_index"]) for each in burns)
        raise click.ClickException(f"LOG_INDEX_NEEDED: name one burn with --log-index: {indexes}")
    (only,) = burns
    if only["status"] not in PROVED:
        raise click.ClickException(f"BURN_NOT_READY: {status_line(report)}: give --wait, or ask again then")
    if sends and only["status"] == "EXITED":
        paid = next((one["exit"] for one in only["root_chains"] if one["exit"] is not None), None)
        by = "" if paid is None else f", in transaction {paid['transaction_hash']}"
        raise click.ClickException(f"EXIT_TAKEN: the root chain has taken this exit before{by}")


def _write(out: Path, proof: Answer) -> None:
    payload = bytes.fromhex(proof["payload"][2:])
    text = json.dumps(proof, indent=2) if out.suffix == ".json" else proof["payload"]
    data = payload if out.suffix == ".bin" else f"{text}\n".encode()
    try:
        with out.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise click.BadParameter(f"{out} cannot be written: {error.strerror}", param_hint="--out") from None


def _show(proofs: list[Answer]) -> None:
    for proof in proofs:
        contract = proof["exit_contract"] or "the contract that takes it"
        click.echo(
            f"\nproof of log {proof['log_index']}, for {proof['exit_function']} of {contract} on {proof['root_chain']}:"
        )
        click.echo(proof["payload"])
