"""`sidewarden signing`."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.errors import told_plainly
from node.cli.homes import home_option, one_home

if TYPE_CHECKING:  # heavy: only a command that runs imports these
    from bridge.codec.types import Hash32
    from node.keys.entries import Decision, Made
    from node.validator.signing import Imported, RecordView

ENDS_SHOWN = 5


@click.group()
def signing() -> None:
    """Look at the signing record of a stopped validator, move it, and find the way back after a stop.

    The record is what keeps a validator from contradicting itself. docs/signing-record.md tells the whole of it.
    """


@signing.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(home_path: Path, as_json: bool) -> None:
    """Say what the record holds, and why nothing is signed, if so."""
    from node.validator.signing import look

    with told_plainly():
        view = look(one_home(home_path))
    click.echo(json.dumps(_as_json(view), indent=2) if as_json else _as_text(view))


@signing.command()
@home_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write; it must not be there.")
@click.option("--copy", is_flag=True, help="Only a backup: this home goes on signing.")
@click.option("--reason", default="moved to another machine", show_default=True, help="Kept in the record.")
def export(home_path: Path, out: Path, copy: bool, reason: str) -> None:
    """Write the record to a file, and sign nothing here any more, because another machine will.

    `signing import` takes the file there. `signing reinstate` takes the right to sign back if it was not imported.
    """
    from node.validator.signing import export_record

    if out.exists():
        raise click.BadParameter(f"{out} exists already and is not overwritten", param_hint="--out")
    with told_plainly():
        exported = export_record(one_home(home_path), out, _made(reason), is_move=not copy)
    signed = exported.contents.signed
    click.echo(f"{out}: {len(signed)} signatures, mode 0600")
    if copy:
        click.echo("a backup: this home goes on signing, so the file grows old; never let two homes sign")
    else:
        click.echo("this home signs nothing any more; import the file on the other machine, and start it only there")


@signing.command("import")
@home_option
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--from-chain", is_flag=True, help="Instead of a file: what state.db shows that our keys signed.")
@click.option("--polygon-only", is_flag=True, help="Only slots in polygon form, which count in every network.")
@click.option("--accept-nonce-conflicts", is_flag=True, help="Although both sent other transactions under one nonce.")
@click.option("--reason", default="imported", show_default=True, help="Kept in the record.")
def import_record(
    home_path: Path,
    file: Path | None,
    from_chain: bool,
    polygon_only: bool,
    accept_nonce_conflicts: bool,
    reason: str,
) -> None:
    """Merge what else was signed with our keys into the record: FILE of `signing export`, or what the chain shows.

    It never loosens: two different things for one slot are refused, and then nothing is imported.
    """
    from node.validator.signing import import_file, import_from_chain

    if (file is None) is not from_chain:
        raise click.UsageError("give either FILE or --from-chain")
    if from_chain and (polygon_only or accept_nonce_conflicts):
        raise click.UsageError("--polygon-only and --accept-nonce-conflicts go with FILE")
    with told_plainly():
        home = one_home(home_path)
        if file is None:
            merged = import_from_chain(home, _made(reason))
            lines = [
                f"merged {len(merged.signed)} checkpoints, and the nonces of {len(merged.taken)} keys",
                *(f"votes go on beyond {vote.slot}" for vote in merged.votes),
            ]
        else:
            imported = import_file(
                home,
                file,
                _made(reason),
                polygon_only=polygon_only,
                accept_nonce_conflicts=accept_nonce_conflicts,
            )
            lines = _imported(imported)
    click.echo("\n".join(lines))


@signing.command()
@home_option
@click.option("--reason", required=True, help="Why this home may sign again; kept in the record.")
@click.confirmation_option(prompt="Is the export of this record imported nowhere, and will it never be?")
def reinstate(home_path: Path, reason: str) -> None:
    """Let a home sign again whose record was exported to another machine, because the move was called off."""
    from node.validator.signing import reinstate as reinstate_record

    with told_plainly():
        reinstate_record(one_home(home_path), _made(reason))
    click.echo("the record is reinstated: this home signs again when it is started")


@signing.command()
@home_option
@click.option("--block", "number", type=click.IntRange(0), required=True, help="The lowest signed block replaced.")
@click.option("--hash", "block_hash", required=True, help="Its hash on the side chain to go on with.")
@click.option("--reason", required=True, help="Kept in the record, with your name and the time.")
@click.option("--accept-risk", is_flag=True, help="Polygon form only: although a signed range may still land.")
def rebase(home_path: Path, number: int, block_hash: str, reason: str, accept_risk: bool) -> None:
    """Go on after SIDE_REORG_BELOW_SIGNED, over a side chain that has another block where we signed one.

    First be sure, by independent nodes of the side chain, which chain is right: what was signed stays signed.
    """
    from bridge.codec.types import BlockNumber
    from node.keys.entries import SignedEnd
    from node.validator.rebase import describe
    from node.validator.rebase import rebase as rebase_record

    block = SignedEnd(BlockNumber(number), _hash(block_hash))
    with told_plainly():
        rebased = rebase_record(one_home(home_path), block, _made(reason), accept_risk=accept_risk)
    for risk in rebased.risks:
        click.echo(f"RISK: {describe(risk)}")
    ends = ", ".join(str(end.number) for end in rebased.set_aside)
    click.echo(f"signed ends set aside, and kept: {ends}")
    click.echo(f"from now on the side chain must have {block_hash} at block {number}")


def _made(reason: str) -> "Made":
    import getpass
    import socket

    from node.keys.entries import Made

    return Made(int(time.time()), f"{getpass.getuser()}@{socket.gethostname()}", reason)


def _hash(text: str) -> "Hash32":
    from bridge.codec.errors import HexError
    from bridge.codec.hexadecimal import from_hex
    from bridge.codec.types import Hash32

    try:
        return Hash32(from_hex(text, 32))
    except HexError:
        raise click.BadParameter(f"{text!r} is no hash: 0x and 64 hex digits", param_hint="--hash") from None


def _imported(imported: "Imported") -> list[str]:
    lines = ["the home had no record: it has one now" if imported.is_new else "merged into this home's record"]
    if not imported.file.is_move:
        lines.append("WARNING: the file is a backup, so the home that it is of may go on signing; never run both")
    if imported.is_reinstated:
        lines.append("the right to sign is here again")
    if imported.stop is not None:
        lines.append(f"nothing is signed here: {imported.stop.code}: {imported.stop}")
    return lines


def _as_text(view: "RecordView") -> str:
    from bridge.codec.hexadecimal import to_hex

    lines = [f"{view.path}  node id {to_hex(view.node_id)}"]
    lines.append("  fit to sign" if view.stop is None else f"  STOPPED     {view.stop.code}: {view.stop}")
    for slots in view.slots:
        newest = "/".join(map(str, slots.newest.position)) if slots.newest else "none"
        lines.append(f"  {slots.purpose.name.lower():<11} {slots.count:,}, newest {newest}, of {slots.domain}")
    lines += [f"  last vote   {vote.slot}" for vote in view.last_votes]
    lines += [f"  signed end  block {end.number} {to_hex(end.hash)}" for end in view.signed_ends[-ENDS_SHOWN:]]
    if len(view.signed_ends) > ENDS_SHOWN:
        lines.append(f"              and {len(view.signed_ends) - ENDS_SHOWN} before (--json lists all)")
    lines += [f"  decision    {_decision(decision)}" for decision in view.decisions]
    return "\n".join(lines)


def _decision(decision: "Decision") -> str:
    made = decision.made
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(made.time_s))
    what = decision.kind.name
    if decision.anchor is not None:
        what += f" at side-chain block {decision.anchor.block.number}"
    if decision.taken is not None:
        what += f" nonces up to {decision.taken.nonce} of {decision.taken.domain}"
    return f"{when} {what} by {made.by}: {made.reason}"


def _as_json(view: "RecordView") -> dict[str, object]:
    from bridge.codec.hexadecimal import to_hex

    return {
        "path": str(view.path),
        "node_id": to_hex(view.node_id),
        "stop": None if view.stop is None else {"code": view.stop.code, "text": str(view.stop)},
        "slots": [
            {
                "purpose": slots.purpose.name.lower(),
                "domain": slots.domain,
                "count": slots.count,
                "newest": None if slots.newest is None else slots.newest.position,
            }
            for slots in view.slots
        ],
        "last_votes": [
            {"domain": vote.slot.domain, "height": height, "round": round_number, "step": step}
            for vote in view.last_votes
            for height, round_number, step in (vote.slot.position,)
        ],
        "side_chain_id": view.side_chain_id,
        "signed_ends": [{"number": end.number, "hash": to_hex(end.hash)} for end in view.signed_ends],
        "decisions": [
            {
                "kind": decision.kind.name.lower(),
                "time_s": decision.made.time_s,
                "by": decision.made.by,
                "reason": decision.made.reason,
                "block": None
                if decision.anchor is None
                else {"number": decision.anchor.block.number, "hash": to_hex(decision.anchor.block.hash)},
                "nonce": None if decision.taken is None else decision.taken.nonce,
            }
            for decision in view.decisions
        ],
    }
