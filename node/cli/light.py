"""`sidewarden light`: what the validators agreed on, proved to this machine, whatever the node that is asked says."""

import dataclasses
import json
import time
from collections.abc import Callable, Coroutine
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.cli.errors import told_plainly
from node.cli.words import ago

if TYPE_CHECKING:
    from bridge.light.client import Agreed
    from node.light.agreed import AgreedState
    from node.light.session import LightSettings

T = TypeVar("T")
Question = Callable[["AgreedState"], Coroutine[Any, Any, T]]
Command = Callable[..., None]


@click.group()
def light() -> None:
    """Ask whether something is agreed, without trusting the node that is asked.

    Each header must be signed by over two thirds of the validators, and each answer must lead to its app hash. The
    trust begins with --genesis or with --trust-height and --trust-hash, and goes on from the header that --home keeps.
    Exit code 0: agreed. 1: not shown, or forged; the text says why.
    """


def trust_options(command: Command) -> Command:
    """The options of every `light` command."""
    options = (
        click.option(
            "--node",
            "node_urls",
            multiple=True,
            required=True,
            help="A validator's API, or with a path (a slash will do) any CometBFT RPC; further ones are witnesses.",
        ),
        click.option(
            "--genesis",
            "genesis_path",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="The network's genesis.json.",
        ),
        click.option("--trust-height", type=click.IntRange(min=1), help="Height of a header that you trust."),
        click.option("--trust-hash", help="Its hash, from somebody whom you trust."),
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False),
            default="~/.sidewarden/light",
            show_default=True,
            help="Where the last trusted header is kept; one directory per network.",
        ),
        click.option(
            "--trusting-period-hours",
            type=click.IntRange(1, 24 * 3_653),
            default=168,
            show_default=True,
            help="How old a trusted header may be; less than validators need to withdraw their stake.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@light.command()
@trust_options
def status(as_json: bool, **trust: Any) -> None:
    """Show the newest header that is agreed, and who stands behind it."""
    agreed = _ask(trust, lambda state: state.client.newest())
    _tell(as_json, agreed, {}, [f"AGREED up to {agreed.header.chain_id} header {agreed.header.height}"])


@light.command()
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.option("--last", is_flag=True, help="The last one.")
@click.option("--root-chain", type=click.IntRange(0, 9), default=0, show_default=True, help="By its place in genesis.")
@trust_options
def checkpoint(number: int | None, last: bool, root_chain: int, as_json: bool, **trust: Any) -> None:
    """Is checkpoint NUMBER (header id / 10000) agreed to be on the root chain?"""
    if (number is None) is not last:
        raise click.UsageError("give a NUMBER or --last")
    found = _ask(trust, lambda state: state.checkpoint(root_chain, number))
    entry = found.entry
    signed = sum(signature.power for signature in entry.signatures)
    lines = [
        f"AGREED: header {entry.header_id} of root chain {root_chain} has blocks {entry.start} to {entry.end}",
        f"  root        0x{entry.root_hash.hex()}",
        f"  proposer    0x{entry.proposer.hex()}, in root-chain block {entry.block_number}",
        f"  signatures  {len(entry.signatures)}, of {signed} of {entry.total_power} tokens",
    ]
    if entry.is_foreign:
        lines.append("  FOREIGN     no proposal of this network matches it: L1 took it from somebody else")
    if not found.is_remembered:
        lines.append("  OLD         the state remembers newer headers only: it may have been deleted on L1 since")
    facts = {"index": found.index, "is_last": found.is_last, "is_remembered": found.is_remembered}
    _tell(as_json, found.agreed, {**facts, "entry": _plain(entry)}, lines)


@light.command()
@click.argument("validator_id", type=click.IntRange(min=1))
@trust_options
def validator(validator_id: int, as_json: bool, **trust: Any) -> None:
    """What is agreed about validator VALIDATOR_ID?"""
    from bridge.codec.types import ValidatorId

    found = _ask(trust, lambda state: state.validator(ValidatorId(validator_id)))
    record = found.record
    word = "has left" if found.has_left else "is in the set"
    lines = [
        f"AGREED: validator {validator_id} {word}",
        f"  signer      0x{record.signer.hex()}",
        f"  power       {found.power} of {found.total_power} tokens",
    ]
    facts = {"power": found.power, "total_power": found.total_power, "has_left": found.has_left}
    _tell(as_json, found.agreed, {**facts, "validator": _plain(record)}, lines)


@light.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option(
    "--log",
    type=click.Choice(["logs/records", "logs/checkpoints", "logs/evidence"]),
    default="logs/records",
    show_default=True,
    help="Which log.",
)
@trust_options
def record(index: int, log: str, as_json: bool, **trust: Any) -> None:
    """What is agreed to stand at INDEX of a log?"""
    from node.app.evidence import decode_evidence
    from node.app.history import CHECKPOINT_LOG, EVIDENCE_LOG, decode_entry

    decoders: dict[str, Callable[[bytes], object]] = {CHECKPOINT_LOG: decode_entry, EVIDENCE_LOG: decode_evidence}
    found = _ask(trust, lambda state: state.entry(log, index))
    facts: dict[str, Any] = {"log": log, "index": index, "bytes": "0x" + found.entry.hex()}
    if log not in decoders:
        _tell(as_json, found.agreed, facts, [f"AGREED: entry {index} of {log} is {facts['bytes']}"])
        return
    entry = decoders[log](found.entry)
    kind, value = type(entry).__name__, _plain(entry)
    lines = [f"AGREED: entry {index} of {log} is a {kind}", json.dumps(value, indent=2)]
    _tell(as_json, found.agreed, {**facts, "kind": kind, "entry": value}, lines)


@light.command()
@click.argument("name")
@trust_options
def section(name: str, as_json: bool, **trust: Any) -> None:
    """Print a section of the agreed state, such as validators or turns."""
    from node.app.apphash import SECTION_NAMES

    if name not in SECTION_NAMES:
        raise click.UsageError(f"sections are {', '.join(SECTION_NAMES)}")
    found = _ask(trust, lambda state: state.section(name))
    value = _plain(found.value)
    _tell(as_json, found.agreed, {"name": name, "value": value}, [f"AGREED: {name}", json.dumps(value, indent=2)])


def _ask(trust: dict[str, Any], question: Question[T]) -> T:
    import asyncio

    from bridge.chain.clock import SystemClock
    from node.light.session import ask

    with told_plainly():
        return asyncio.run(ask(_settings(**trust), question, SystemClock()))


def _settings(
    node_urls: tuple[str, ...],
    genesis_path: Path | None,
    trust_height: int | None,
    trust_hash: str | None,
    home: Path,
    trusting_period_hours: int,
) -> "LightSettings":
    from bridge.chain.endpoint import label_of
    from bridge.light.rpc import engine_rpc
    from bridge.light.trust import TrustRules
    from node.app.genesis import Genesis
    from node.light.session import LightSettings, NamedHeader, read_genesis

    if (trust_height is None) is not (trust_hash is None):
        raise click.UsageError("--trust-height and --trust-hash belong together")
    if genesis_path and trust_hash:
        raise click.UsageError("give either --genesis or --trust-height and --trust-hash")
    for place, url in enumerate(node_urls):
        try:
            label_of(url, place)
        except ValueError as error:
            raise click.UsageError(f"--node: {error}") from None
    start: Genesis | NamedHeader | None = read_genesis(genesis_path) if genesis_path else None
    if trust_height is not None and trust_hash is not None:
        start = NamedHeader(trust_height, _hash_of(trust_hash))
    return LightSettings(
        tuple(map(engine_rpc, node_urls)),
        home.expanduser(),
        start,
        TrustRules(trusting_period_s=trusting_period_hours * 3_600),
    )


def _hash_of(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 32:
        raise click.UsageError("--trust-hash: 64 hex digits are expected")
    return found


def _tell(as_json: bool, agreed: "Agreed", facts: dict[str, Any], lines: list[str]) -> None:
    header, signed = agreed.header, agreed.signed
    if as_json:
        under = {
            "chain_id": header.chain_id,
            "height": header.height,
            "hash": "0x" + header.hash.hex(),
            "app_hash": "0x" + header.app_hash.hex(),
            "time_s": header.time_ns // 1_000_000_000,
            "signed_power": signed.power,
            "total_power": signed.total,
            "witnesses": agreed.witnesses,
        }
        click.echo(json.dumps({"agreed": True, "header": under, **facts}, indent=2))
        return
    when = ago(header.time_ns / 1e9, time.time())
    witnesses = f"; shown by {agreed.witnesses} other node(s) too" if agreed.witnesses else "; no witness was asked"
    lines.append(f"  by          header {header.height} (0x{header.hash.hex()}), {when}")
    lines.append(f"  signed by   {signed.power} of {signed.total} power{witnesses}")
    click.echo("\n".join(lines))


def _plain(value: Any) -> Any:
    """A value of the state as JSON: bytes as 0x-hex, enumerations by name."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Enum):
        return value.name
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
