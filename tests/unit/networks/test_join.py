"""Where a joining node begins, over real HTTP: two servers that must show the same block, and what is made of it."""

import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.chain.transport import HttpTransport
from bridge.codec.types import Hash32
from bridge.light.errors import HeaderForged, HeadersDiffer, SourceFailed
from config.file import load_home
from node.engine.comet.node_key import read_node_id
from node.keys.keystore import DEVNET
from node.networks.errors import OutputRefused, SettingsImpossible
from node.networks.homes import NODE_KEY, Place
from node.networks.join import NewNode, Source, make_home, prepare, resync
from node.networks.testnet import Deploy, TestnetSettings, make_testnet
from node.networks.trusted_start import fetch_start
from node.store.errors import HomeInUse
from node.store.lock import HomeLock
from tests.unit.light.chain import CHAIN_ID, Chain, members
from tests.unit.light.network import Node, served
from tests.unit.networks.world import PAYER, ROOT, SIDE, Chains, two_chains

FOUR = members(4)


def grown(blocks: int = 10) -> Chain:
    """A chain of four validators."""
    chain = Chain(FOUR)
    chain.grow(blocks)
    return chain


def forked(height: int) -> Chain:
    """Another chain, which the same validators signed too."""
    chain = Chain(FOUR)
    while chain.height < height:
        chain.add(b"\x07" * 32)
    return chain


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with aiohttp.ClientSession() as session:
        yield HttpTransport(session)


async def test_start__of_two_servers__is_the_newest_block_that_both_have(transport: HttpTransport) -> None:
    chain, behind = grown(10), grown(8)
    async with served(Node(chain)) as one, served(Node(behind)) as other:
        start = await fetch_start((one, other), CHAIN_ID, None, None, transport)
    assert (start.height, start.hash) == (8, chain.block(8).header.hash())
    assert start.time_s == chain.block(8).header.time_ns // 10**9


async def test_start__of_a_height_that_a_person_names__is_that_block(transport: HttpTransport) -> None:
    chain = grown(10)
    wanted = chain.block(5).header.hash()
    async with served(Node(chain)) as one, served(Node(chain)) as other:
        start = await fetch_start((one, other), CHAIN_ID, 5, wanted, transport)
    assert (start.height, start.hash) == (5, wanted)


async def test_start__servers_that_show_different_blocks__are_both_refused(transport: HttpTransport) -> None:
    async with served(Node(grown(10))) as one, served(Node(forked(10))) as other:
        with pytest.raises(HeadersDiffer, match="of height 10 not all say the same"):
            await fetch_start((one, other), CHAIN_ID, None, None, transport)


async def test_start__another_hash_than_the_persons__is_refused_though_servers_agree(transport: HttpTransport) -> None:
    async with served(Node(forked(10))) as one, served(Node(forked(10))) as other:
        with pytest.raises(HeadersDiffer, match="--trust-hash says 0x"):
            await fetch_start((one, other), CHAIN_ID, 5, grown(10).block(5).header.hash(), transport)


async def test_start__of_another_network__is_refused(transport: HttpTransport) -> None:
    async with served(Node(grown(10))) as one, served(Node(grown(10))) as other:
        with pytest.raises(HeaderForged):
            await fetch_start((one, other), "another network", None, None, transport)


async def test_start__a_server_that_has_not_the_height__fails(transport: HttpTransport) -> None:
    async with served(Node(grown(10))) as one, served(Node(grown(4))) as other:
        with pytest.raises(SourceFailed):
            await fetch_start((one, other), CHAIN_ID, 7, None, transport)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((("http://one",),), "2 to 16 are needed"),
        ((("http://one",) * 17,), "2 to 16 are needed"),
        ((("http://one", "http://two"), None, Hash32(bytes(32))), "--trust-hash needs --trust-height"),
    ],
)
def test_source__that_cannot_be__refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(SettingsImpossible, match=words):
        Source(*arguments)


class Joining:
    """A network on two chains, and its consensus as two servers show it."""

    def __init__(self, chains: Chains, genesis_file: Path, source: Source, home: Path) -> None:
        self.chains = chains
        self.source = source
        peer = f"{'ab' * 20}@peer.example:26656"
        urls = (chains.local.rpc_url(ROOT),), (chains.local.rpc_url(SIDE),)
        self.node = NewNode(home, genesis_file, (peer,), *urls, Place("127.0.0.1", 1400, 27_000))

    async def make(self, node: NewNode | None = None) -> str:
        """What the command does; the new node's id."""
        prepared = await prepare(node or self.node, self.source, self.chains.transport, self.chains.clock)
        return make_home(prepared)


@pytest.fixture
async def joining(tmp_path: Path) -> AsyncIterator[Joining]:
    async with two_chains() as chains, served(Node(grown())) as one, served(Node(grown())) as other:
        settings = TestnetSettings(
            *(tmp_path / "net", (chains.local.rpc_url(ROOT),), (chains.local.rpc_url(SIDE),), Deploy(PAYER, 1)),
            keystore_cost=DEVNET,
            name=CHAIN_ID,
        )
        await chains.while_blocks_come(make_testnet(settings, chains.transport, chains.clock, chains.said.append))
        yield Joining(chains, tmp_path / "net" / "genesis.json", Source((one, other)), tmp_path / "joiner")


async def test_join__a_new_node__gets_a_home_without_keys_that_starts_by_state_sync(joining: Joining) -> None:
    node_id = await joining.make()

    home = load_home(joining.node.home)
    comet = home.config.engine.comet
    assert comet.persistent_peers == joining.node.peers
    assert [url.partition("/sidewarden")[2] for url in comet.state_sync_servers] == ["/v1/engine/rpc"] * 2
    assert (comet.state_sync_height, comet.state_sync_hash) == (10, grown().block(10).header.hash().hex())
    assert (home.config.keys.signers, home.config.keys.submission) == ((), None)
    assert node_id == read_node_id(home.path / NODE_KEY)
    for name in ("config.toml", "genesis.json", "password", "signing.db"):
        assert stat.S_IMODE((home.path / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    assert (home.path / "genesis.json").read_text() == joining.node.genesis_file.read_text()


async def test_join__twice_into_one_home__refused(joining: Joining) -> None:
    await joining.make()
    with pytest.raises(OutputRefused, match="--resync"):
        await joining.make()


async def test_join__with_chains_of_another_network__refused_naming_both(joining: Joining) -> None:
    swapped = replace(joining.node, root_urls=joining.node.side_urls, side_urls=joining.node.root_urls)
    with pytest.raises(SettingsImpossible, match="--root-rpc serves chain 71002, and the network's is 71001"):
        await joining.make(swapped)
    assert not swapped.home.exists()


@pytest.mark.parametrize("peer", ["peer.example:26656", "12@peer.example:26656", f"{'ab' * 20}@peer.example"])
async def test_join__a_peer_that_is_none__refused(joining: Joining, peer: str) -> None:
    with pytest.raises(SettingsImpossible, match=r"--peer: .*ID@HOST:PORT"):
        await joining.make(replace(joining.node, peers=(peer,)))


async def test_join__a_genesis_that_is_not_there__refused(joining: Joining, tmp_path: Path) -> None:
    with pytest.raises(SettingsImpossible, match="cannot be read"):
        await joining.make(replace(joining.node, genesis_file=tmp_path / "nowhere.json"))


async def test_resync__of_a_stranded_node__forgets_the_network_and_nothing_else(joining: Joining) -> None:
    await joining.make()
    home = load_home(joining.node.home)
    with (home.path / "config.toml").open("a") as file:
        file.write('\n# ours\n[log]\nlevel = "debug"\n')
    home = load_home(home.path)
    data = home.path / "comet" / "data"
    data.mkdir()
    for path in (home.path / "state.db", home.path / "state.db-wal", home.path / "local.db", data / "blocks"):
        path.write_text("old")
    kept = {path: path.read_bytes() for path in home.path.rglob("*") if path.name in {"signing.db", "node_key.json"}}
    start = replace(await fetch_start(joining.source.servers, CHAIN_ID, 6, None, joining.chains.transport), time_s=0)

    resync(home, joining.source, start)

    changed = load_home(home.path).config.engine.comet
    assert (changed.state_sync_height, changed.state_sync_hash) == (6, start.hash.hex())
    assert changed.persistent_peers == joining.node.peers
    assert "# ours" in (home.path / "config.toml").read_text()
    assert not data.exists()
    assert not list(home.path.glob("state.db*"))
    assert (home.path / "local.db").exists()
    assert len(kept) == 2
    assert {path: path.read_bytes() for path in kept} == kept


async def test_resync__of_a_node_that_runs__refused_and_nothing_is_removed(joining: Joining) -> None:
    await joining.make()
    home = load_home(joining.node.home)
    (home.path / "state.db").write_text("in use")
    before = (home.path / "config.toml").read_bytes()
    start = await fetch_start(joining.source.servers, CHAIN_ID, 6, None, joining.chains.transport)
    running = HomeLock(home.path)
    try:
        with pytest.raises(HomeInUse):
            resync(home, joining.source, start)
    finally:
        running.release()
    assert (home.path / "state.db").exists()
    assert (home.path / "config.toml").read_bytes() == before
