"""`sidewarden join`: a further node, or one that was stranded, which starts by state sync.

Nothing is written before a person has seen where it begins: `prepare` looks, `make_home` and `resync` write.
"""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from bridge.chain.clock import Clock
from bridge.chain.transport import Transport
from bridge.codec.types import Address, Hash32
from bridge.light.rpc import engine_rpc
from config.edit import change_comet
from config.file import Home, write_config
from config.schema import Comet, Keys
from config.table import RpcUrl
from node.app.genesis import Genesis
from node.app.genesis_file import FILE_BYTES_MAX, genesis_from_json, genesis_to_json
from node.engine.comet.files import CometFiles
from node.engine.comet.node_key import NodeId, make_node_key
from node.keys.keystore import STRONG
from node.networks.agreed import chain_access
from node.networks.connect import Connected, connect
from node.networks.errors import OutputRefused, SettingsImpossible
from node.networks.homes import NODE_KEY, Place, make_keys, node_config
from node.networks.trusted_start import SERVERS_MAX, SERVERS_MIN, TrustedStart, fetch_start
from node.store.files import write_private
from node.store.lock import HomeLock


@dataclass(frozen=True, slots=True)
class Source:
    """Whom to begin from."""

    servers: tuple[str, ...]
    """API URLs of two nodes or more of the network."""
    trust_height: int | None = None
    trust_hash: Hash32 | None = None

    def __post_init__(self) -> None:
        if not SERVERS_MIN <= len(self.servers) <= SERVERS_MAX:
            raise SettingsImpossible(f"--server: {SERVERS_MIN} to {SERVERS_MAX} are needed, of different operators")
        if self.trust_hash is not None and self.trust_height is None:
            raise SettingsImpossible("--trust-hash needs --trust-height, the height that it is of")


@dataclass(frozen=True, slots=True)
class NewNode:
    """A further node of a network. It has no keys yet: it watches until keys are made or imported and staked."""

    home: Path
    genesis_file: Path
    peers: tuple[str, ...]
    root_urls: tuple[str, ...]
    side_urls: tuple[str, ...]
    place: Place
    moniker: str = "sidewarden"
    root_chain_manager: Address | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A node that can be made: its network, its chains, and where it begins."""

    node: NewNode
    genesis: Genesis
    root: Connected
    side: Connected
    start: TrustedStart
    comet: Comet


async def prepare(node: NewNode, source: Source, transport: Transport, clock: Clock) -> Prepared:
    """Look at everything that the home will name. Raises NetworkError, LightError, ChainError, GenesisError."""
    if node.home.exists() and any(node.home.iterdir()):
        raise OutputRefused(f"{node.home} is not empty: give another --home, or --resync for a node that is there")
    genesis = _read_genesis(node.genesis_file)
    if len(genesis.root_chains) != 1:
        raise SettingsImpossible("this network has several root chains: write config.toml by hand")
    agreed = genesis.root_chains[0].parameters
    root = await connect(agreed.name, node.root_urls, transport, clock)
    side = await connect("side", node.side_urls, transport, clock)
    _require("--root-rpc", root, agreed.chain_id)
    _require("--side-rpc", side, genesis.parameters.side_chain_id)
    start = await find_start(source, genesis, transport)
    try:
        comet = Comet(
            persistent_peers=node.peers,
            state_sync_servers=_urls(source),
            state_sync_height=start.height,
            state_sync_hash=start.hash.hex(),
        )
    except ValueError as error:
        raise SettingsImpossible(f"--peer: {error}") from None
    return Prepared(node, genesis, root, side, start, comet)


async def find_start(source: Source, genesis: Genesis, transport: Transport) -> TrustedStart:
    """Where to begin. Raises LightError, SettingsImpossible."""
    return await fetch_start(source.servers, genesis.name, source.trust_height, source.trust_hash, transport)


def make_home(prepared: Prepared) -> NodeId:
    """Write the home, ready for `sidewarden start`; its id among its peers."""
    node, agreed = prepared.node, prepared.genesis.root_chains[0].parameters
    make_keys(node.home, (), STRONG)
    node_id = make_node_key(node.home / NODE_KEY, secrets.token_bytes)
    write_private(node.home / "genesis.json", genesis_to_json(prepared.genesis).encode())
    access = chain_access(agreed.block_time_s, prepared.root, prepared.side, node.root_chain_manager)
    write_config(node.home, node_config(node.moniker, access, node.place, prepared.comet, Keys()))
    return node_id


def resync(home: Home, source: Source, start: TrustedStart) -> None:
    """Let a node that is stopped forget the network's state and blocks, and begin anew from others'.

    Its keys, its signing record and its own view of the chains stay. Raises HomeInUse, ConfigNotEditable.
    """
    lock = HomeLock(home.path)
    try:
        servers = _urls(source)
        change_comet(home, state_sync_servers=servers, state_sync_height=start.height, state_sync_hash=start.hash.hex())
        state_db = home.locate(home.config.paths.state_db)
        for path in state_db.parent.glob(f"{state_db.name}*"):  # with SQLite's journals, which belong to it alone
            path.unlink()
        shutil.rmtree(CometFiles(home.locate(home.config.engine.comet.home)).data, ignore_errors=True)
    finally:
        lock.release()


def _urls(source: Source) -> tuple[RpcUrl, ...]:
    return tuple(RpcUrl(engine_rpc(server.rstrip("/"))) for server in source.servers)


def _require(option: str, found: Connected, chain_id: int) -> None:
    if found.chain_id != chain_id:
        raise SettingsImpossible(f"{option} serves chain {found.chain_id}, and the network's is {chain_id}")


def _read_genesis(path: Path) -> Genesis:
    try:
        with path.open("rb") as file:
            return genesis_from_json(file.read(FILE_BYTES_MAX + 1))
    except OSError as error:
        raise SettingsImpossible(f"--genesis {path} cannot be read: {error.strerror}") from error
