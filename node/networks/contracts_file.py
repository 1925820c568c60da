"""The file that names a network's contracts: written for those that we deploy, read for those that are there already.

    {
      "data_form": "polygon",
      "quorum_unit": "wei",
      "root_chain": {"RootChain": "0x…", "StakeManager": "0x…", "StakingInfo": "0x…", "RootChainManager": "0x…"},
      "side_chain": {}
    }

Names are the contracts' Solidity names; where a contract stands behind a proxy, the proxy's address. The first three of
the root chain must be there. `quorum_unit` is how StakeManager weighs signatures: Polygon's in wei, ours in tokens.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bridge.codec.checkpoint import DataForm
from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import checksum_address, from_hex
from bridge.codec.types import Address
from config.presets import RootContracts
from contracts import deployment
from node.app.parameters import QuorumUnit
from node.networks.errors import ContractsUnfit

FILE_BYTES_MAX = 65_536
_REQUIRED = ("RootChain", "StakeManager", "StakingInfo")
ADDRESS_BYTES = 20


@dataclass(frozen=True, slots=True)
class NetworkContracts:
    """The contracts of both chains, and how those of the root chain want to be spoken to."""

    data_form: DataForm
    quorum_unit: QuorumUnit
    on_root: Mapping[str, Address]
    on_side: Mapping[str, Address]

    @property
    def agreed(self) -> RootContracts:
        """Those that the genesis names."""
        return RootContracts(self.on_root["RootChain"], self.on_root["StakingInfo"], self.on_root["StakeManager"])

    @property
    def root_chain_manager(self) -> Address | None:
        """Where burns are paid out, if it is known."""
        return self.on_root.get("RootChainManager")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    root_chain: dict[str, str]
    side_chain: dict[str, str] = {}
    data_form: Literal["polygon", "bound"] = "polygon"
    quorum_unit: Literal["wei", "tokens"] = "wei"


def deployed(plan: deployment.DeploymentPlan) -> NetworkContracts:
    """The contracts of a plan of ours."""
    return NetworkContracts(
        plan.data_form,
        QuorumUnit.TOKENS,
        deployment.root_deployment(plan).contracts.by_name(),
        deployment.side_deployment(plan).contracts.by_name(),
    )


def read_contracts(path: Path) -> NetworkContracts:
    """The contracts that a file names. Raises ContractsUnfit."""
    try:
        with path.open("rb") as opened:
            text = opened.read(FILE_BYTES_MAX + 1)
        if len(text) > FILE_BYTES_MAX:
            raise ContractsUnfit(f"{path} is larger than {FILE_BYTES_MAX:,} bytes")
        file = msgspec.json.decode(text, type=_File)
    except OSError as error:
        raise ContractsUnfit(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractsUnfit(f"{path} is no file of contracts: {error}") from error
    missing = [name for name in _REQUIRED if name not in file.root_chain]
    if missing:
        raise ContractsUnfit(f"{path} must name {', '.join(missing)} under root_chain")
    return NetworkContracts(
        DataForm[file.data_form.upper()],
        QuorumUnit[file.quorum_unit.upper()],
        _addresses(path, file.root_chain),
        _addresses(path, file.side_chain),
    )


def contracts_to_json(contracts: NetworkContracts) -> str:
    """The file's text."""
    document = {
        "data_form": contracts.data_form.name.lower(),
        "quorum_unit": contracts.quorum_unit.name.lower(),
        "root_chain": {name: checksum_address(address) for name, address in contracts.on_root.items()},
        "side_chain": {name: checksum_address(address) for name, address in contracts.on_side.items()},
    }
    return json.dumps(document, indent=2) + "\n"


def _addresses(path: Path, named: Mapping[str, str]) -> dict[str, Address]:
    try:
        return {name: Address(from_hex(text, ADDRESS_BYTES)) for name, text in named.items()}
    except HexError as error:
        raise ContractsUnfit(f"{path} holds something that is no address: {error}") from error
