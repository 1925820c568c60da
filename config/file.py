"""Reading and writing a home's `config.toml`, and comparing it with the network's genesis."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from config.errors import ConfigContradictsGenesis, ConfigUnreadable
from config.schema import NodeConfig
from config.table import Value, read_table, write_table
from node.app.genesis import Genesis
from node.app.parameters import Finality
from node.store.errors import FileTooOpen
from node.store.files import require_private, write_private

FILE_NAME = "config.toml"
FILE_BYTES_MAX = 1_048_576


@dataclass(frozen=True, slots=True)
class Home:
    """A validator's directory and its configuration. Every path of the configuration is found through here."""

    path: Path
    config: NodeConfig

    def locate(self, name: str) -> Path:
        """A path of the configuration: relative ones start at the home."""
        return self.path / Path(name).expanduser()


def load_home(path: Path) -> Home:
    """Read the configuration of a home. Raises ConfigError's leaves."""
    path = path.expanduser().absolute()
    return Home(path, parse_config(read_private(path / FILE_NAME, "name another home with --home")))


def read_private(file: Path, remedy: str) -> bytes:
    """The contents of a configuration file; `remedy` says what to do without it. Raises ConfigUnreadable."""
    try:
        require_private(file)
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
    except FileTooOpen as error:
        raise ConfigUnreadable(f"{error}: its RPC URLs may hold access keys") from error
    except OSError as error:
        raise ConfigUnreadable(f"{file} cannot be read ({error.strerror}): {remedy}") from error
    if len(data) > FILE_BYTES_MAX:
        raise ConfigUnreadable(f"{file} is larger than {FILE_BYTES_MAX:,} bytes")
    return data


def parse_toml(data: bytes, name: str) -> dict[str, object]:
    """The table of a file's text. Raises ConfigUnreadable if it is no TOML."""
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigUnreadable(f"{name} is not TOML: {error}") from error


def parse_config(data: bytes) -> NodeConfig:
    """The configuration of a file's text. Raises ConfigUnreadable if it is no TOML, else ConfigInvalid."""
    return read_table(NodeConfig, parse_toml(data, FILE_NAME), "")


def write_config(path: Path, config: NodeConfig) -> None:
    """Write `config.toml` into a home, mode 0600; keys at their defaults are left out."""
    write_private(path / FILE_NAME, dump_config(config).encode())


def dump_config(config: NodeConfig) -> str:
    """The configuration as TOML."""
    return dump_table(write_table(config))


def dump_table(table: dict[str, Value]) -> str:
    """A table and those in it as TOML."""
    lines: list[str] = []
    _dump_table(table, "", lines)
    return "\n".join(lines).strip() + "\n"


def check_against_genesis(config: NodeConfig, genesis: Genesis) -> None:
    """Refuse a configuration that does not fit the network. Raises ConfigContradictsGenesis that names the key."""
    configured = {root_chain.name for root_chain in config.root_chains}
    named = {root_chain.parameters.name for root_chain in genesis.root_chains}
    if configured != named:
        raise ConfigContradictsGenesis(
            f"root_chains names {', '.join(sorted(configured))}; genesis has {', '.join(sorted(named))}"
        )
    network = genesis.parameters
    _check_confirmations(
        "side_chain", config.side_chain.confirmations, network.side_confirmations, network.side_finality
    )
    for root_chain in genesis.root_chains:
        name = root_chain.parameters.name
        agreed = root_chain.parameters
        confirmations = config.root_chain(name).confirmations
        _check_confirmations(f"root_chains ({name})", confirmations, agreed.confirmations, agreed.finality)


def _check_confirmations(place: str, configured: int, agreed: int, finality: Finality) -> None:
    if configured and finality is not Finality.DEPTH:
        raise ConfigContradictsGenesis(
            f"{place}.confirmations: the network waits for the {finality.name.lower()} block; leave it out"
        )
    if 0 < configured < agreed:
        raise ConfigContradictsGenesis(
            f"{place}.confirmations: {configured} is fewer than the network's {agreed}; leave it out, or wait for more"
        )


def _dump_table(table: dict[str, Value], place: str, lines: list[str]) -> None:
    """Plain keys first, then the tables below: in TOML, what follows a table's name belongs to it."""
    for name, value in table.items():
        if not _is_nested(value):
            lines.append(f"{name} = {_dump_value(value)}")
    for name, value in table.items():
        here = f"{place}.{name}" if place else name
        if isinstance(value, dict):
            lines += ["", f"[{here}]"]
            _dump_table(value, here, lines)
        elif isinstance(value, list) and _is_nested(value):
            for one in value:
                lines += ["", f"[[{here}]]"]
                _dump_table(one, here, lines)


def _is_nested(value: Value) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _dump_value(value: Value) -> str:
    # A JSON string, number, truth or array of them is also a TOML one.
    return json.dumps(value, ensure_ascii=False)
