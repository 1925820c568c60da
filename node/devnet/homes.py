"""What a devnet keeps on disk, and the validators' homes in it.

HOME/settings.json   what it was made with         HOME/validators/0/config.toml
HOME/genesis.json    the network's genesis                          /keystore/, password
HOME/devnet.json     where everything is (0600)                     /state.db, local.db, signing.db
HOME/engine.db       blocks of the local engine
HOME/chains/         root.db, side.db
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bridge.codec.types import Address
from config.file import FILE_NAME, Home, load_home, write_config
from config.presets import devnet_config
from config.schema import Paths
from config.table import RpcUrl
from node.devnet.accounts import DevnetAccounts
from node.keys.keystore import DEVNET
from node.keys.private_key import PrivateKey
from node.networks.homes import make_keys


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


def make_validator_keys(files: DevnetFiles, index: int, accounts: DevnetAccounts) -> None:
    """A new validator's keystores and its empty signing record."""
    keys = [PrivateKey(account.private_key) for account in (accounts.signers[index], accounts.submitters[index])]
    make_keys(files.validator(index), keys, DEVNET)


def write_validator_config(
    files: DevnetFiles, index: int, accounts: DevnetAccounts, endpoints: ValidatorEndpoints, root_chain_manager: Address
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
    )
    if (path / FILE_NAME).exists():
        config = replace(config, keys=load_home(path).config.keys)
    write_config(path, config)


def write_true_port(home: Home, api_url: str) -> None:
    """Name in the configuration the port that the API took, so that commands on this home find it."""
    api = replace(home.config.api, port=urlsplit(api_url).port or home.config.api.port)
    write_config(home.path, replace(home.config, api=api))
