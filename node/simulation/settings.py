"""What a simulated network is like before anything goes wrong: its size, its pace, its contracts.

An operator may ask what a setting does before using it: `with_overrides` takes the numbers of a TOML file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import ZERO_ADDRESS, ChainId
from config.presets import RootContracts, devnet_network, devnet_root_chain, polygon_network, polygon_root_chain
from node.app.parameters import Finality, Parameters, QuorumUnit, RootChainParameters
from node.simulation.chains.worlds import ChainKind

ROOT = "root"
SIDE = "side"
ROOT_CHAIN_ID = ChainId(190_001)
SIDE_CHAIN_ID = ChainId(190_002)
VALIDATORS_MAX = 32
CONFIG_BYTES_MAX = 65_536

Numbers = TypeVar("Numbers", bound="Parameters | RootChainParameters | NodeNumbers")


class SettingsRefused(Exception):
    """A simulation cannot be made of what was asked; the message says what to change."""

    code = "SIMULATION_SETTINGS"


@dataclass(frozen=True, slots=True)
class NodeNumbers:
    """What each operator chooses; the same for all here."""

    poll_interval_s: float
    replace_after_s: int
    fee_cap_gwei: int = 500
    extra_confirmations: int = 0
    """Blocks to wait on top of what the network asks for, on both chains."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a network is: what its genesis says, and what its operators choose."""

    name: str
    network: Parameters
    root_chain: RootChainParameters
    """Without contracts, which are named once they are deployed."""
    node: NodeNumbers
    chaos_s: int
    """How long things go wrong, unless it is said."""
    config: Path | None = None
    """The file that some of the numbers come from."""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name if self.config is None else f"{self.name} with {self.config.name}"


_NO_CONTRACTS = RootContracts(ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS)
_MAINNET_ROOT = polygon_root_chain(ROOT, ROOT_CHAIN_ID, SIDE_CHAIN_ID, _NO_CONTRACTS)

PACES: Mapping[str, Pace] = {
    "devnet": Pace(
        name="devnet",
        network=devnet_network(SIDE_CHAIN_ID),
        root_chain=devnet_root_chain(ROOT, ROOT_CHAIN_ID, SIDE_CHAIN_ID, _NO_CONTRACTS, DataForm.BOUND),
        node=NodeNumbers(poll_interval_s=0.5, replace_after_s=8),
        chaos_s=180,
    ),
    # As Polygon PoS on Ethereum, but for contracts that count whole tokens, as ours do.
    "mainnet": Pace(
        name="mainnet",
        network=polygon_network(SIDE_CHAIN_ID),
        root_chain=replace(_MAINNET_ROOT, quorum_unit=QuorumUnit.TOKENS, finality=Finality.DEPTH),
        node=NodeNumbers(poll_interval_s=6.0, replace_after_s=60),
        chaos_s=7_200,
    ),
}


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """One simulation, but for its seed."""

    pace: Pace
    validators: int = 4
    data_form: DataForm | None = None
    """None: the seed draws it."""
    contracts: ChainKind = ChainKind.MODEL
    chaos_s: int | None = None
    """None: as long as the pace says."""
    faults: bool = True
    """Whether anything goes wrong at all."""

    def __post_init__(self) -> None:
        if self.validators != 1 and not 4 <= self.validators <= VALIDATORS_MAX:
            raise SettingsRefused(f"validators: take 1, or 4 to {VALIDATORS_MAX}, not {self.validators}")

    @property
    def trouble_s(self) -> int:
        """How long things go wrong."""
        return self.pace.chaos_s if self.chaos_s is None else self.chaos_s


def with_overrides(pace: Pace, path: Path) -> Pace:
    """A pace with the numbers of a TOML file in place of its own.

    Tables: [network] and [root_chain], with the keys of a genesis, and [node] with poll_interval_s, replace_after_s,
    fee_cap_gwei and extra_confirmations. Raises SettingsRefused.
    """
    try:
        with path.open("rb") as file:
            text = file.read(CONFIG_BYTES_MAX + 1)
        if len(text) > CONFIG_BYTES_MAX:
            raise SettingsRefused(f"{path} has over {CONFIG_BYTES_MAX} bytes")
        tables: dict[str, Any] = tomllib.loads(text.decode())
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsRefused(f"{path} is not TOML: {error}") from error
    unknown = set(tables) - {"network", "root_chain", "node"}
    if unknown:
        raise SettingsRefused(f"{path}: there is no table {min(unknown)}; give [network], [root_chain] or [node]")
    return replace(
        pace,
        config=path,
        network=_overridden(pace.network, "network", tables),
        root_chain=_overridden(pace.root_chain, "root_chain", tables),
        node=_overridden(pace.node, "node", tables),
    )


def _overridden(numbers: Numbers, table: str, tables: Mapping[str, Any]) -> Numbers:
    wanted = tables.get(table, {})
    if not isinstance(wanted, dict):
        raise SettingsRefused(f"{table} must be a table")
    known = {
        field.name: getattr(numbers, field.name)
        for field in fields(numbers)
        if type(getattr(numbers, field.name)) in (int, float) and not field.name.endswith("chain_id")
    }
    for name, value in wanted.items():
        if name not in known:
            raise SettingsRefused(f"{table}.{name} is not a number that can be set; there are {', '.join(known)}")
        is_float = isinstance(known[name], float)
        if type(value) not in ((int, float) if is_float else (int,)) or value < 0:
            raise SettingsRefused(f"{table}.{name} must be a {'number' if is_float else 'whole number'} from 0 on")
    return replace(numbers, **wanted)
