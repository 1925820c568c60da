"""Every key of a proof server's file; docs/configuration.md has them after those of a node.

A server of proofs trusts two chains and nobody else: what a network of validators has agreed on is not needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.chain.rpc import ENDPOINTS_MAX
from bridge.codec.types import Address
from config.burns import Burns, Exits
from config.file import parse_toml, read_private
from config.schema import Api, Log, Rpc
from config.table import RpcUrl, key, read_table, required
from node.app.genesis import ROOT_CHAINS_MAX

_FINALITY = (
    "What counts as final: the block that the chain itself calls `finalized` or `safe`, or with `depth`, every block "
    "under `confirmations` others."
)
_URLS = "JSON-RPC endpoints, the preferred one first. With two of different providers, one alone cannot lie or be down."


@dataclass(frozen=True, slots=True)
class ProvedChain:
    """The chain that tokens are burnt on."""

    rpc_urls: tuple[RpcUrl, ...] = required(_URLS, least=1, most=ENDPOINTS_MAX)
    finality: Literal["finalized", "safe", "depth"] = key("finalized", _FINALITY)
    confirmations: int = key(0, "Blocks to wait on top of a block, with `depth`.", unit="blocks", most=100_000)

    def __post_init__(self) -> None:
        _refuse_idle_confirmations(self.finality, self.confirmations)

    def __repr__(self) -> str:
        return f"ProvedChain({len(self.rpc_urls)} RPC URLs)"


@dataclass(frozen=True, slots=True)
class PayingChain:
    """A chain with a RootChain contract, where burnt tokens are paid out."""

    rpc_urls: tuple[RpcUrl, ...] = required(_URLS, least=1, most=ENDPOINTS_MAX)
    root_chain: Address = required("The RootChain contract, which holds the checkpoints.")
    name: str = key("root", "The chain's name in answers and questions.")
    finality: Literal["finalized", "safe", "depth"] = key("finalized", _FINALITY)
    confirmations: int = key(0, "Blocks to wait on top of a block, with `depth`.", unit="blocks", most=100_000)
    root_chain_manager: Address | None = key(
        None,
        "RootChainManager, where burns are paid out. Without it, burns are proved, but whether they have been paid is "
        "not known.",
    )
    exits: Exits = key(Exits(), "Further contracts that take exits.")
    first_block: int = key(
        0, "No log of the RootChain is older. 0: found from the time of its first checkpoint.", unit="blocks"
    )

    def __post_init__(self) -> None:
        _refuse_idle_confirmations(self.finality, self.confirmations)

    def __repr__(self) -> str:
        return f"PayingChain({self.name}, {len(self.rpc_urls)} RPC URLs)"


@dataclass(frozen=True, slots=True)
class ProofServerConfig:
    """The file's own keys, and its tables. `[api]`, `[burns]`, `[rpc]` and `[log]` are those of a node."""

    side_chain: ProvedChain = required("The chain that tokens are burnt on.")
    root_chains: tuple[PayingChain, ...] = required(
        "The chains where burnt tokens are paid out.", least=1, most=ROOT_CHAINS_MAX
    )
    cache_dir: str = key(
        "",
        "Directory of what is kept over a restart; all of it can be lost. A relative path starts at the file's own "
        "directory. Without it, everything is kept in memory.",
    )
    poll_interval_s: float = key(2.0, "How often the chains are looked at.", unit="s", least=0.05, most=60)
    log: Log = key(Log(), "What the server writes.")
    api: Api = key(Api(), "The REST API.")
    burns: Burns = key(Burns(), "What is done for those who ask about burns.")
    rpc: Rpc = key(Rpc(), "How endpoints are used.")

    def __post_init__(self) -> None:
        names = [root_chain.name for root_chain in self.root_chains]
        if len(set(names)) != len(names):
            raise ValueError("root_chains: two have the same name")


def load_proof_server(path: Path) -> ProofServerConfig:
    """Read a proof server's file; a relative `cache_dir` then starts at its directory. Raises ConfigError's leaves."""
    path = path.expanduser().absolute()
    return parse_proof_server(parse_toml(read_private(path, "name another file with --config"), path.name), path.parent)


def parse_proof_server(table: Mapping[str, object], directory: Path) -> ProofServerConfig:
    """The configuration of a parsed file in this directory. Raises ConfigInvalid."""
    cache_dir = table.get("cache_dir")
    if isinstance(cache_dir, str) and cache_dir:
        table = {**table, "cache_dir": str(directory / Path(cache_dir).expanduser())}
    return read_table(ProofServerConfig, table, "")


def _refuse_idle_confirmations(finality: str, confirmations: int) -> None:
    if confirmations and finality != "depth":
        raise ValueError('confirmations counts only with finality = "depth"')
