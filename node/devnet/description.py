"""devnet.json: where everything of a running devnet is, for people and programs."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.codec.hexadecimal import checksum_address, to_hex
from node.devnet.bootstrap import ROOT, SIDE

if TYPE_CHECKING:
    from node.devnet.network import Devnet


@dataclass(frozen=True, slots=True)
class ControlPlace:
    """The control URL and the bearer token that it asks for."""

    url: str
    token: str


def describe(devnet: "Devnet", control: ControlPlace) -> str:
    """The text of devnet.json. It holds keys, so its file is private."""
    side, root = devnet.contracts.side.by_name(), devnet.contracts.root.by_name()
    described = {
        "side_chain": {
            "chain_id": devnet.side.pool.chain_id,
            "rpc_url": devnet.chains.rpc_url(SIDE),
            "contracts": {name: checksum_address(address) for name, address in side.items()},
        },
        "root_chains": [
            {
                "name": ROOT,
                "chain_id": devnet.root.pool.chain_id,
                "rpc_url": devnet.chains.rpc_url(ROOT),
                "contracts": {name: checksum_address(address) for name, address in root.items()},
            }
        ],
        "validators": [
            {
                "index": index,
                "signer": checksum_address(account.address),
                "api_url": url,
                "home": str(devnet.files.validator(index)),
            }
            for index, (account, url) in enumerate(zip(devnet.accounts.signers, devnet.api_urls, strict=True))
        ],
        "accounts": [
            {"address": checksum_address(account.address), "private_key": to_hex(account.private_key)}
            for account in devnet.accounts.demo
        ],
        "control_url": control.url,
        "control_token": control.token,
    }
    return json.dumps(described, indent=2) + "\n"
