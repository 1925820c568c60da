"""What a devnet keeps on disk, and the validators' homes in it.

HOME/settings.json   what it was made with         HOME/validators/0/config.toml
HOME/genesis.json    the network's genesis                          /keystore/, password
HOME/devnet.json     where everything is (0600)                     /state.db, local.db, signing.db
HOME/engine.db       blocks of the local engine                     /comet, CometBFT's files, with that engine
HOME/chains/         root.db, side.db
"""

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from bridge.codec.types import Address
from config.burns import Exits
from config.file import FILE_NAME, Home, load_home, write_config
from config.presets import devnet_config
from config.schema import Comet, Engine, Paths
from config.table import RpcUrl
from node.devnet.accounts import DevnetAccounts
from node.devnet.ports import HOST
from node.engine.comet.node_key import make_node_key
from node.keys.keystore import DEVNET
from node.keys.private_key import PrivateKey
from node.networks.homes import NODE_KEY, make_keys


@dataclass(frozen=True, slots=True)
class DevnetFiles:
    """Where the files of a devnet are."""

    home: Path

    @property
    def genesis(self) -> Path:
        """The network's genesis; its presence says that the devnet was bootstrapped."""
        return self.home / "genesis.json"

    @property
    def description(self) -> Path:
        """devnet.json."""
        return self.home / "devnet.json"

    @property
    def engine(self) -> Path:
        """The local engine's blocks."""
        return self.home / "engine.db"

    def chain(self, name: str) -> Path:
        """The database of an embedded chain."""
        return self.home / "chains" / f"{name}.db"

    def validator(self, index: int) -> Path:
        """The home of a validator."""
        return self.home / "validators" / str(index)

    def clear(self) -> None:
        """Remove what a bootstrap that did not end has left behind."""
        for name in ("chains", "validators"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        for left in self.home.glob("engine.db*"):
            left.unlink()

    def size_bytes(self) -> int:
        """How much disk all of it takes."""
        return sum(path.stat().st_size for path in self.home.rglob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class ValidatorEndpoints:
    """Where one validator listens, and which endpoints it asks."""

    api_port: int
    side_urls: tuple[RpcUrl, ...]
    root_urls: tuple[RpcUrl, ...]
    engine: Engine


def make_validator_keys(files: DevnetFiles, index: int, accounts: DevnetAccounts) -> None:
    """A new validator's keystores and its empty signing record."""
    keys = [PrivateKey(account.private_key) for account in (accounts.signers[index], accounts.submitters[index])]
    make_keys(files.validator(index), keys, DEVNET)


def write_validator_config(
    files: DevnetFiles,
    index: int,
    accounts: DevnetAccounts,
    endpoints: ValidatorEndpoints,
    root_chain_manager: Address,
    exits: Exits,
) -> None:
    """The configuration of a validator: anew at each start, because ports may have changed, but for its keys."""
    path = files.validator(index)
    config = devnet_config(
        moniker=f"validator {index + 1}",
        api_port=endpoints.api_port,
        paths=Paths(genesis=str(files.genesis), engine_db=str(files.engine)),
        signer=accounts.signers[index].address,
        submission=accounts.submitters[index].address,
        side_urls=endpoints.side_urls,
        root_name="root",
        root_urls=endpoints.root_urls,
        root_chain_manager=root_chain_manager,
        exits=exits,
    )
    config = replace(config, engine=endpoints.engine)
    if (path / FILE_NAME).exists():
        config = replace(config, keys=load_home(path).config.keys)
    write_config(path, config)


def engine_config(files: DevnetFiles, index: int, kind: Literal["local", "comet"], p2p_ports: Sequence[int]) -> Engine:
    """A validator's engine; with CometBFT its node key is made, and it is told all its peers."""
    if kind == "local":
        return Engine()
    ids = [make_node_key(files.validator(one) / NODE_KEY, secrets.token_bytes) for one in range(len(p2p_ports))]
    peers = (f"{node_id}@{HOST}:{port}" for node_id, port in zip(ids, p2p_ports, strict=True) if node_id != ids[index])
    return Engine(kind, Comet(p2p_port=p2p_ports[index], persistent_peers=tuple(peers)))


def write_true_port(home: Home, api_url: str) -> None:
    """Name in the configuration the port that the API took, so that commands on this home find it."""
    api = replace(home.config.api, port=urlsplit(api_url).port or home.config.api.port)
    write_config(home.path, replace(home.config, api=api))
