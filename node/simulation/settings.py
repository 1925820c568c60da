"""What a simulated network is like before anything goes wrong: its size, its pace, its contracts.

An operator may ask what a setting does before using it: `with_overrides` takes the numbers of a TOML file.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import ChainId
from config.presets import RootContracts, devnet_network, devnet_root_chain, polygon_network, polygon_root_chain
from node.app.parameters import Parameters, QuorumUnit, RootChainParameters

ROOT = "root"
SIDE = "side"
ROOT_CHAIN_ID = ChainId(190_001)
SIDE_CHAIN_ID = ChainId(190_002)
VALIDATORS_MAX = 32
CONFIG_BYTES_MAX = 65_536

Numbers = TypeVar("Numbers", Parameters, RootChainParameters, "NodeNumbers")


class SettingsRefused(Exception):
    """A simulation cannot be made of what was asked; the message says what to change."""

    code = "SIMULATION_SETTINGS"


class ContractKind(StrEnum):
    """What stands behind the root chain."""

    MODEL = "model"
    """A model of the contracts, in Python; a differential test holds it against them."""
    EVM = "evm"
    """The real contracts, in py-evm: some fifty times slower."""


@dataclass(frozen=True, slots=True)
class NodeNumbers:
    """What each operator chooses; the same for all here."""

    poll_interval_s: float
    replace_after_s: int
    fee_cap_gwei: int = 500
    confirmations: int = 0
    """Blocks to wait on top, on both chains."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a network is: what its genesis says, and what its operators choose."""

    name: str
    network: Parameters
    root_chain: RootChainParameters
    """Without contracts, which are put in once they are deployed."""
    node: NodeNumbers
    chaos_s: int
    """How long things go wrong, unless it is said."""


_NO_CONTRACTS = RootContracts(*(type(devnet_network(SIDE_CHAIN_ID)) and b"\x00" * 20 for _ in range(3)))  # type: ignore[arg-type]
