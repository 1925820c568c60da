"""devnet.json, or localnet.json: where everything of a running network is, for people and programs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.codec.hexadecimal import checksum_address, to_hex
from bridge.codec.types import Address, ChainId
from node.networks.accounts import Account


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """Where a chain is served, and where its contracts are by their Solidity names."""

    name: str
    chain_id: ChainId
    rpc_url: str
    contracts: Mapping[str, Address]


@dataclass(frozen=True, slots=True)
class ValidatorPlace:
    """Where a validator answers, and where its files are."""

    signer: Address
    api_url: str
    home: str


@dataclass(frozen=True, slots=True)
class ControlPlace:
    """The control URL and the bearer token that it asks for."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Description:
    """Everything that devnet.json tells; `accounts` are the funded ones for people to play with.

    Without `control`, the chains are somebody else's.
    """

    side_chain: ChainPlace
    root_chain: ChainPlace
    validators: tuple[ValidatorPlace, ...]
    accounts: tuple[Account, ...]
    control: ControlPlace | None

    def to_json(self) -> str:
        """The text of the file. It holds keys, so the file is private."""
        described: dict[str, object] = {
            "side_chain": _chain(self.side_chain),
            "root_chains": [{"name": self.root_chain.name, **_chain(self.root_chain)}],
            "validators": [
                {
                    "index": index,
                    "signer": checksum_address(validator.signer),
                    "api_url": validator.api_url,
                    "home": validator.home,
                }
                for index, validator in enumerate(self.validators)
            ],
            "accounts": [
                {"address": checksum_address(account.address), "private_key": to_hex(account.private_key)}
                for account in self.accounts
            ],
        }
        if self.control is not None:
            described |= {"control_url": self.control.url, "control_token": self.control.token}
        return json.dumps(described, indent=2) + "\n"


def _chain(place: ChainPlace) -> dict[str, object]:
    return {
        "chain_id": place.chain_id,
        "rpc_url": place.rpc_url,
        "contracts": {name: checksum_address(address) for name, address in place.contracts.items()},
    }
