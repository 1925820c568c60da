"""The files of CometBFT's directory: genesis.json and config.toml, written anew at each start from ours.

Keys are CometBFT v0.40.0's. What is not named here keeps CometBFT's default, and `[engine.comet.config]` may set it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.file import dump_table
from config.schema import Comet
from config.table import Setting, free_table
from node.app.genesis import Genesis
from node.app.messages import TRANSACTION_BYTES_MAX
from node.app.parameters import Parameters
from node.app.versions import FIRST_VERSION
from node.engine.errors import EngineSettingRefused
from node.store.files import write_private

BLOCK_BYTES_MAX = 4 * 1024 * 1024
EVIDENCE_BLOCKS = 100_000
EVIDENCE_S = 172_800
"""For so many blocks and seconds a double signature can be proved; both must have passed for it to be too old."""
_NANOSECONDS = 1_000_000_000
_GOSSIP_SLEEPS_PER_BLOCK = 20
_GOSSIP_SLEEP_MS_MAX = 100
OURS = frozenset(
    {
        *("proxy_app", "abci", "priv_validator_laddr", "priv_validator_key_file", "priv_validator_state_file"),
        *("genesis_file", "node_key_file", "rpc.laddr", "p2p.laddr", "p2p.persistent_peers", "log_format"),
        *("statesync.enable", "statesync.rpc_servers", "statesync.trust_height", "statesync.trust_hash"),
    }
)
"""Settings that connect the two processes, or that have a key of their own in our configuration."""


@dataclass(frozen=True, slots=True)
class CometFiles:
    """Where things lie in CometBFT's directory."""

    home: Path

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.home / "config" / "config.toml"

    @property
    def genesis(self) -> Path:
        """Its genesis."""
        return self.home / "config" / "genesis.json"

    @property
    def node_key(self) -> Path:
        """Its own key, which names it among its peers."""
        return self.home / "config" / "node_key.json"

    @property
    def data(self) -> Path:
        """Its blocks and write-ahead log; can be fetched again from peers."""
        return self.home / "data"

    @property
    def application_socket(self) -> Path:
        """Where our application listens for it."""
        return self.home / "app.sock"

    @property
    def signer_socket(self) -> Path:
        """Where it listens for our signer."""
        return self.home / "signer.sock"

    @property
    def rpc_socket(self) -> Path:
        """Where it answers."""
        return self.home / "rpc.sock"

    @property
    def process_id(self) -> Path:
        """The process that ran here last."""
        return self.home / "cometbft.pid"

    @property
    def set_changes(self) -> Path:
        """Ours: the engine's set before its last changes. It belongs to these blocks, and goes with them."""
        return self.data / "set_changes.json"

    @property
    def sockets(self) -> tuple[Path, ...]:
        """All sockets; a killed process leaves their files, which then are in the way."""
        return (self.application_socket, self.signer_socket, self.rpc_socket)

    def make_directories(self) -> None:
        """Have them all, closed to others: whoever reaches a socket may speak. Raises OSError."""
        for directory in (self.home, self.config.parent, self.data):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_comet_files(files: CometFiles, comet: Comet, genesis: Genesis, moniker: str, log_level: str) -> None:
    """Write genesis.json and config.toml. Raises EngineSettingRefused, and OSError."""
    files.make_directories()
    write_private(files.genesis, comet_genesis(genesis))
    write_private(files.config, comet_config(comet, genesis.parameters, moniker, log_level).encode())


def comet_genesis(genesis: Genesis) -> bytes:
    """The network's start as CometBFT has it: the application tells validators and app hash at InitChain.

    One line without spaces, for CometBFT hands these bytes out in that form later. Numbers of 64 bits are strings.
    """
    document = {
        "genesis_time": _rfc3339(genesis.time_s),
        "chain_id": genesis.name,
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": str(BLOCK_BYTES_MAX), "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": str(EVIDENCE_BLOCKS),
                "max_age_duration": str(EVIDENCE_S * _NANOSECONDS),
                "max_bytes": "1048576",
            },
            "validator": {"pub_key_types": ["secp256k1eth"]},
            "version": {"app": str(FIRST_VERSION)},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "app_hash": "",
    }
    return json.dumps(document, separators=(",", ":")).encode()


def comet_config(comet: Comet, network: Parameters, moniker: str, log_level: str) -> str:
    """Its configuration as TOML. Raises EngineSettingRefused."""
    check_passed_through(comet)
    return dump_table(free_table((*our_settings(comet, network, moniker, log_level), *comet.config.settings)))


def check_passed_through(comet: Comet) -> None:
    """Raise EngineSettingRefused for a passed-through key that is ours to set."""
    for setting in comet.config.settings:
        if setting.name in OURS:
            raise EngineSettingRefused(
                f"engine.comet.config.{setting.name} is set by Sidewarden: remove it; docs/engine.md has its meaning"
            )


def our_settings(comet: Comet, network: Parameters, moniker: str, log_level: str) -> tuple[Setting, ...]:
    """What we set; paces follow from the network's own, so that all nodes have the same."""
    block_ms = network.engine_block_ms
    gossip_ms = max(2, min(_GOSSIP_SLEEP_MS_MAX, block_ms // _GOSSIP_SLEEPS_PER_BLOCK))
    settings = [
        _set("moniker", moniker),
        _set("proxy_app", "unix://app.sock"),
        _set("abci", "socket"),
        _set("priv_validator_laddr", "unix://signer.sock"),
        # It makes itself a key that it never uses, and will not start with one of its two files: they lie together.
        _set("priv_validator_key_file", "data/unused_key.json"),
        _set("log_level", log_level),
        _set("log_format", "json"),
        _set("rpc.laddr", "unix://rpc.sock"),
        _set("p2p.laddr", f"tcp://{comet.p2p_host}:{comet.p2p_port}"),
        _set("p2p.external_address", comet.external_address),
        _set("p2p.persistent_peers", ",".join(comet.persistent_peers)),
        # Validators' peers are named by id, on whatever address: on one machine they share 127.0.0.1.
        _set("p2p.addr_book_strict", False),
        _set("p2p.allow_duplicate_ip", True),
        _set("p2p.flush_throttle_timeout", f"{max(1, gossip_ms // 2)}ms"),
        _set("mempool.max_tx_bytes", TRANSACTION_BYTES_MAX),
        _set("consensus.timeout_propose", f"{max(1_000, 3 * block_ms)}ms"),
        _set("consensus.timeout_prevote", f"{block_ms}ms"),
        _set("consensus.timeout_precommit", f"{block_ms}ms"),
        _set("consensus.timeout_commit", f"{block_ms}ms"),
        _set("consensus.create_empty_blocks", False),
        _set("consensus.create_empty_blocks_interval", f"{network.pulse_s}s"),
        _set("consensus.peer_gossip_sleep_duration", f"{gossip_ms}ms"),
        # Nobody searches transactions in CometBFT: its index would only grow.
        _set("tx_index.indexer", "null"),
    ]
    if comet.state_sync_servers:
        settings += [
            _set("statesync.enable", True),
            _set("statesync.rpc_servers", ",".join(_both(comet.state_sync_servers))),
            _set("statesync.trust_height", comet.state_sync_height),
            _set("statesync.trust_hash", comet.state_sync_hash),
            _set("statesync.discovery_time", "5s"),
        ]
    return tuple(settings)


def _both(servers: tuple[str, ...]) -> tuple[str, ...]:
    """CometBFT wants two servers; one may stand for both, but is then its own witness."""
    return servers if len(servers) > 1 else (servers[0], servers[0])


def _set(name: str, value: str | bool | int) -> Setting:
    return Setting(tuple(name.split(".")), value)


def _rfc3339(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
