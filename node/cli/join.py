"""`sidewarden join`."""

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.cli.errors import told_plainly
from node.cli.network_options import root_rpc_option, side_rpc_option
from node.cli.words import ago

if TYPE_CHECKING:
    from bridge.chain.clock import Clock
    from bridge.chain.transport import Transport
    from bridge.codec.types import Address, Hash32
    from node.networks.join import NewNode, Source
    from node.networks.trusted_start import TrustedStart

T = TypeVar("T")


@click.command()
@click.option("--home", type=click.Path(path_type=Path), required=True, help="Home to make, or to --resync.")
@click.option("--genesis", type=click.Path(path_type=Path), help="The network's genesis.json.")
@click.option("--peer", "peers", multiple=True, help="ID@HOST:PORT of a node to stay connected with; repeatable.")
@click.option("--server", "servers", multiple=True, required=True, help="API URL of a node to begin from; two or more.")
@click.option("--trust-height", type=click.IntRange(1), help="Begin at this height; at the newest if left out.")
@click.option("--trust-hash", help="That height's block hash, from somebody whom you trust.")
@root_rpc_option
@side_rpc_option
@click.option("--hostname", default="127.0.0.1", show_default=True, help="How peers reach this machine.")
@click.option("--moniker", default="sidewarden", show_default=True, help="The node's name, for people.")
@click.option("--root-chain-manager", help="Where burns are paid out on the root chain.")
@click.option("--api-port", type=click.IntRange(1, 65_535), default=1317, show_default=True, help="Port of the API.")
@click.option("--p2p-port", type=click.IntRange(1, 65_535), default=26_656, show_default=True, help="Port for peers.")
@click.option("--resync", is_flag=True, help="Heal a stranded node: begin anew, with its keys and signing record kept.")
@click.option("--yes", is_flag=True, help="Trust the hash that the servers show, without asking.")
def join(
    home: Path,
    genesis: Path | None,
    peers: tuple[str, ...],
    servers: tuple[str, ...],
    trust_height: int | None,
    trust_hash: str | None,
    root_urls: tuple[str, ...],
    side_urls: tuple[str, ...],
    hostname: str,
    moniker: str,
    root_chain_manager: str | None,
    api_port: int,
    p2p_port: int,
    resync: bool,
    yes: bool,
) -> None:
    """Make the home of a further node of a network, which starts by state sync; or heal one with --resync.

    The servers must show the same block. It is then shown to you: compare its hash with somebody whom you trust.
    """
    from node.networks.homes import Place
    from node.networks.join import NewNode, Source

    home = home.expanduser().absolute()
    with told_plainly():
        source = Source(servers, trust_height, _hash(trust_hash))
        if resync:
            _resync(home, source, yes=yes)
            return
        if genesis is None or not peers or not root_urls or not side_urls:
            raise click.UsageError("a new node needs --genesis, --peer, --root-rpc and --side-rpc")
        node = NewNode(
            *(home, genesis.expanduser(), peers, root_urls, side_urls),
            *(Place(hostname, api_port, p2p_port), moniker, _address(root_chain_manager)),
        )
        _make(node, source, yes=yes)


def _make(node: "NewNode", source: "Source", *, yes: bool) -> None:
    import asyncio

    from node.networks.join import make_home, prepare

    prepared = asyncio.run(_over_http(lambda transport, clock: prepare(node, source, transport, clock)))
    _confirm(prepared.start, yes=yes)
    node_id = make_home(prepared)
    click.echo(f"{node.home} is ready: sidewarden start --home {node.home}")
    click.echo(f"its peers may name it {node_id}@{node.place.host}:{node.place.p2p_port}")
    click.echo(f"it watches until it has a key: sidewarden keys --home {node.home} new, then stake with its public key")


def _resync(home: Path, source: "Source", *, yes: bool) -> None:
    import asyncio

    from config.file import load_home
    from node.networks.join import find_start, resync
    from node.validator.start import read_genesis

    there = load_home(home)
    genesis = read_genesis(there)
    start = asyncio.run(_over_http(lambda transport, _: find_start(source, genesis, transport)))
    _confirm(start, yes=yes)
    resync(there, source, start)
    click.echo(f"state and blocks are removed, keys and signing record are kept: sidewarden start --home {home}")


async def _over_http(work: "Callable[[Transport, Clock], Coroutine[Any, Any, T]]") -> "T":
    import aiohttp

    from bridge.chain.clock import SystemClock
    from bridge.chain.transport import HttpTransport

    async with aiohttp.ClientSession() as session:
        return await work(HttpTransport(session), SystemClock())


def _confirm(start: "TrustedStart", *, yes: bool) -> None:
    """Show where it begins. Raises click.Abort when the person does not trust it."""
    click.echo(f"height  {start.height}, {ago(start.time_s, time.time())}")
    click.echo(f"hash    {start.hash.hex().upper()}")
    if not yes:
        click.confirm("All servers show this block. Does somebody whom you trust see the same hash?", abort=True)


def _hash(text: str | None) -> "Hash32 | None":
    from bridge.codec.types import Hash32

    found = None if text is None else _bytes(text, 32, "--trust-hash")
    return None if found is None else Hash32(found)


def _address(text: str | None) -> "Address | None":
    from bridge.codec.types import Address

    return None if text is None else Address(_bytes(text, 20, "--root-chain-manager"))


def _bytes(text: str, length: int, option: str) -> bytes:
    from bridge.codec.errors import HexError
    from bridge.codec.hexadecimal import from_hex

    try:
        return from_hex(text if text.startswith("0x") else f"0x{text}", length)
    except HexError:
        raise click.BadParameter(f"{length} bytes as hex are needed", param_hint=option) from None
