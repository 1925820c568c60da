"""A home for each validator of a network that is run by CometBFT, ready for `sidewarden start`.

HOME/config.toml   genesis.json   keystore/   password   signing.db (empty)   comet/config/node_key.json
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.codec.types import Address
from config.file import write_config
from config.schema import Api, Comet, Engine, Fees, Keys, NodeConfig, RootChain, SideChain
from config.table import RpcUrl
from node.engine.comet.node_key import NodeId, make_node_key
from node.keys.keystore import ScryptCost, write_keystore
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.store.files import write_private

PASSWORD_BYTES = 16
LOOPBACK = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - only for networks over several machines, which the person asked for
NODE_KEY = Path("comet") / "config" / "node_key.json"
"""Below a home, where `engine.comet.home` is the default."""


@dataclass(frozen=True, slots=True)
class ChainAccess:
    """How a node of the network reaches the two chains."""

    root_name: str
    root_urls: tuple[RpcUrl, ...]
    side_urls: tuple[RpcUrl, ...]
    root_chain_manager: Address | None
    poll_interval_s: float
    replace_after_s: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node listens. A host other than loopback is how the others reach its machine."""

    host: str
    api_port: int
    p2p_port: int

    @property
    def is_remote(self) -> bool:
        """Whether its peers are on other machines."""
        return self.host != LOOPBACK


@dataclass(frozen=True, slots=True)
class Member:
    """A validator's home to be. The directory holds its keys already."""

    moniker: str
    home: Path
    node_id: NodeId
    signer: Address
    submission: Address
    place: Place

    @property
    def peer(self) -> str:
        """How its peers name it."""
        return f"{self.node_id}@{self.place.host}:{self.place.p2p_port}"


def make_keys(home: Path, keys: Sequence[PrivateKey], cost: ScryptCost) -> None:
    """A new home with these keys in keystores under a new password, and an empty signing record."""
    home.mkdir(mode=0o700, parents=True)
    password = secrets.token_hex(PASSWORD_BYTES)
    write_private(home / "password", f"{password}\n".encode())
    for key in keys:
        write_keystore(home / "keystore", key, password, cost, secrets.token_bytes)
    SigningRecord.create(home / "signing.db", secrets.token_bytes)


def make_member(
    moniker: str, home: Path, signer: PrivateKey, submission: PrivateKey, place: Place, cost: ScryptCost
) -> Member:
    """A new home with all its keys, the node's own among them."""
    make_keys(home, (signer, submission), cost)
    node_id = make_node_key(home / NODE_KEY, secrets.token_bytes)
    return Member(moniker, home, node_id, signer.address, submission.address, place)


def write_members(members: Sequence[Member], access: ChainAccess, genesis_json: str, comet: Comet) -> None:
    """The configuration and the genesis of every home; `comet` holds what is the same in all."""
    for member in members:
        peers = tuple(other.peer for other in members if other is not member)
        write_private(member.home / "genesis.json", genesis_json.encode())
        write_config(member.home, _member_config(member, access, replace(comet, persistent_peers=peers)))


def node_config(moniker: str, access: ChainAccess, place: Place, comet: Comet, keys: Keys) -> NodeConfig:
    """The configuration of a node that CometBFT orders blocks for."""
    return NodeConfig(
        moniker=moniker,
        poll_interval_s=access.poll_interval_s,
        engine=Engine(
            kind="comet",
            comet=replace(
                comet,
                p2p_host=ALL_INTERFACES if place.is_remote else LOOPBACK,
                p2p_port=place.p2p_port,
                external_address=f"{place.host}:{place.p2p_port}" if place.is_remote else "",
            ),
        ),
        api=Api(port=place.api_port),
        keys=keys,
        side_chain=SideChain(rpc_urls=access.side_urls),
        root_chains=(
            RootChain(
                name=access.root_name,
                rpc_urls=access.root_urls,
                root_chain_manager=access.root_chain_manager,
                fees=Fees(replace_after_s=access.replace_after_s),
            ),
        ),
    )


def _member_config(member: Member, access: ChainAccess, comet: Comet) -> NodeConfig:
    keys = Keys(signers=(member.signer,), submission=member.submission)
    return node_config(member.moniker, access, member.place, comet, keys)
