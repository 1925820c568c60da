"""`sidewarden localnet`."""

import signal as signals
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.client import find_json
from node.cli.errors import told_plainly
from node.cli.network_options import contracts_options, root_rpc_option, side_rpc_option

if TYPE_CHECKING:
    from node.localnet.files import LocalnetFiles

DEFAULT_HOME = "~/.sidewarden/localnet"
FOLLOW_EVERY_S = 0.2
_SIGNALS = ("KILL", "TERM", "INT", "STOP", "CONT")
STATUS_PATH = "/sidewarden/v1/status"

_home_option = click.option(
    "--home",
    "home_path",
    type=click.Path(path_type=Path),
    default=DEFAULT_HOME,
    show_default=True,
    help="Where the localnet lives.",
)
_index_argument = click.argument("index", type=click.IntRange(min=0))


@click.group()
def localnet() -> None:
    """Run a network of real CometBFT processes in the background of this machine.

    Validators are numbered from 0, as in localnet.json.
    """


@localnet.command()
@_home_option
@click.option("--validators", type=click.IntRange(1, 32), help="How many: 1, or 4 to 32; 4 if left out.")
@click.option(
    "--chains",
    type=click.Choice(["embedded", "anvil"]),
    help="Whose chains, unless --root-rpc and --side-rpc name them: our own (if left out), or two anvils.",
)
@click.option("--anvil", help="The anvil to run; the one on PATH if left out.")
@root_rpc_option
@side_rpc_option
@contracts_options
@click.option(
    "--api-port",
    type=click.IntRange(0, 65_000),
    help="First API port, 1317 if left out; chains at +100 and +101, control at +110, peers from +200. 0: free ones.",
)
@click.option("--no-traffic", is_flag=True, help="No deposits and no demo transfers; the chains still make blocks.")
def up(home_path: Path, no_traffic: bool, **options: Any) -> None:
    """Start a network, or go on with the one that is there; return when it makes blocks."""
    import asyncio

    from node.localnet.bringing_up import up as bring_up
    from node.localnet.files import LocalnetFiles
    from node.localnet.settings import settle

    asked = {name: value for name, value in options.items() if value not in (None, ())}
    if "root_urls" in asked or "side_urls" in asked:
        asked["chains"] = "given"
    if no_traffic:
        asked["traffic"] = False
    for name in ("funded_key_file", "contracts_file", "keystores", "password_file"):
        if name in asked:
            asked[name] = str(asked[name].expanduser().absolute())
    files = LocalnetFiles(home_path.expanduser().absolute())
    with told_plainly():
        settings = settle(files, asked)
        heights = asyncio.run(bring_up(files, settings, click.echo))
    click.echo(_told(files, heights))


@localnet.command()
@_home_option
def down(home_path: Path) -> None:
    """Stop everything; what does not end in time is killed. The files stay, and `up` goes on from them."""
    from node.localnet.network import down as take_down

    files = _files(home_path)
    began_s = time.monotonic()
    with told_plainly():
        killed = take_down(files)
    click.echo(f"stopped in {time.monotonic() - began_s:.1f} s" + (f"; killed: {', '.join(killed)}" if killed else ""))


@localnet.command()
@_index_argument
@_home_option
@click.option("--signal", "name", type=click.Choice(_SIGNALS), default="KILL", show_default=True, help="What is sent.")
@click.option(
    "--part", type=click.Choice(["node", "engine", "both"]), default="both", show_default=True, help="To which process."
)
def kill(index: int, home_path: Path, name: str, part: Any) -> None:
    """Send a signal to a validator's node, to its CometBFT, or to both. `up` starts it again."""
    from node.localnet.nodes import signal_parts

    files = _validator(home_path, index)
    with told_plainly():
        count = signal_parts(files, index, signals.Signals[f"SIG{name}"], part)
    click.echo(f"SIG{name} sent to {count} process{'' if count == 1 else 'es'} of validator {index}")


@localnet.command()
@_index_argument
@_home_option
def pause(index: int, home_path: Path) -> None:
    """Freeze both processes of a validator, as a machine that hangs."""
    from node.localnet.nodes import pause as freeze

    files = _validator(home_path, index)
    with told_plainly():
        freeze(files, index)


@localnet.command()
@_index_argument
@_home_option
def resume(index: int, home_path: Path) -> None:
    """Let a paused validator go on."""
    from node.localnet.nodes import resume as let_go_on

    files = _validator(home_path, index)
    with told_plainly():
        let_go_on(files, index)


@localnet.command()
@click.argument("process")
@_home_option
@click.option("--lines", type=click.IntRange(0, 100_000), default=50, show_default=True, help="How many at first.")
@click.option("--follow", "-f", is_flag=True, help="Go on as more is written, until Ctrl-C.")
def logs(process: str, home_path: Path, lines: int, follow: bool) -> None:
    """Show what a validator (0, 1, …), `chains` or `traffic` wrote."""
    from node.localnet.network import process_named

    files = _files(home_path)
    with told_plainly():
        found = process_named(files, process)
    if lines:
        click.echo(found.tail(lines))
    if not follow:
        return
    with found.log.open(errors="replace") as log:
        log.seek(0, 2)
        while True:
            text = log.read(65_536)
            click.echo(text, nl=False)
            if not text:
                time.sleep(FOLLOW_EVERY_S)


@localnet.command()
@_home_option
def status(home_path: Path) -> None:
    """Show each validator: up, paused or down, its height, and what it waits for."""
    from node.localnet.network import made_with
    from node.localnet.nodes import node_state

    files = _files(home_path)
    with told_plainly():
        settings = made_with(files)
        for index in range(settings.validators):
            seen = node_state(files, index)
            engine = "" if seen.state != "up" or seen.engine_pid else "  (CometBFT is down)"
            url = f"http://127.0.0.1:{settings.api_port + index}"
            node = find_json(url, STATUS_PATH) if seen.state == "up" else None
            click.echo(f"{index}  {seen.state:<7} {_of_node(node)}{engine}")
    for log in sorted((files.home / "logs").glob("*.log")):
        if not log.stem.startswith("validator-"):
            click.echo(f"{log.stem:<10} {'up' if files.process(log.stem).pid() else 'down'}")


def _of_node(node: dict[str, Any] | None) -> str:
    if node is None:
        return ""
    stopped = node["stopped_signing"]
    reasons = {root["why"]["reason"] for root in node["root_chains"]}
    does = f"STOPPED: {stopped['reason']}" if stopped else ", ".join(sorted(reasons))
    return f"block {node['engine_height']:<7} {does}"


def _told(files: "LocalnetFiles", heights: tuple[int, ...]) -> str:
    lines = [f"validator {index}: block {height}" for index, height in enumerate(heights)]
    return "\n".join(
        [
            *lines,
            f"addresses, accounts and URLs: {files.description}; logs: {files.home / 'logs'}",
            f"sidewarden status --home {files.home}",
            f"sidewarden localnet down --home {files.home}",
        ]
    )


def _files(home_path: Path) -> "LocalnetFiles":
    from node.localnet.files import LocalnetFiles
    from node.localnet.network import made_with

    files = LocalnetFiles(home_path.expanduser().absolute())
    with told_plainly():
        made_with(files)
    return files


def _validator(home_path: Path, index: int) -> "LocalnetFiles":
    from node.localnet.network import require_validator

    files = _files(home_path)
    with told_plainly():
        require_validator(files, index)
    return files
