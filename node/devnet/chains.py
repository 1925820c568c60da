"""The two chains of a devnet as others see them: where they are served, and what can be done to them.

`ChainsProcess` runs them in a child process on wall time, `LocalChains` in this process for tests on a manual clock;
both are `Chains`. This module imports no EVM, because the devnet's own process should not hold one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, Wei
from node.devnet.rpc.faults import ChainFaults
from node.devnet.settings import DevnetError

HOST = "127.0.0.1"
MINE_BLOCKS_MAX = 64
"""In one go: each block puts the chain's clock one more second ahead."""
REORG_DEPTH_MAX = 64
SUBMITTED_MAX = 1_000
SUBMIT_BLOCKS_MAX = 64


class ChainCommandRefused(DevnetError):
    """A chain cannot do what it was told; the message says why."""

    code = "DEVNET_CHAIN_COMMAND"


class ChainFileUnusable(DevnetError):
    """The file of a chain is of another chain, is none, or another process uses it."""

    code = "DEVNET_CHAIN_FILE"


@dataclass(frozen=True, slots=True)
class Allocation:
    """What an account has in the genesis block."""

    address: Address
    balance_wei: Wei


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """One chain. The genesis counts only for a new chain; an existing file goes on as it is."""

    name: str
    """Its place in URLs."""
    chain_id: ChainId
    allocations: tuple[Allocation, ...]
    genesis_timestamp: UnixSeconds
    path: Path | None = None
    """The database; None: in memory."""
    port: int = 0
    """0: a free one."""
    block_time_s: int | None = None
    """None: blocks are made only on demand."""
    paused: bool = False
    """Whether the periodic miner waits for `resume`."""
    safe_confirmations: int = 1
    finalized_confirmations: int = 2


@dataclass(frozen=True, slots=True)
class ChainsSettings:
    """All chains of a devnet; `seed` draws which calls fail at an error rate."""

    chains: tuple[ChainSettings, ...]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """A chain right after a command."""

    head_number: BlockNumber
    head_hash: Hash32
    head_timestamp: UnixSeconds
    paused: bool
    waiting_transactions: int


@dataclass(frozen=True, slots=True)
class SubmittedTransaction:
    """How a transaction of a bulk submission ended."""

    hash: Hash32
    block_number: BlockNumber
    succeeded: bool
    gas_used: int


class Chains(Protocol):
    """The chains of a devnet. Commands raise ChainCommandRefused, also for a chain that does not exist.

    What a command did is on disk before it returns.
    """

    def rpc_url(self, name: str) -> str:
        """The true RPC of a chain, which has no faults."""
        ...

    def validator_urls(self, name: str, validator: int) -> tuple[str, str]:
        """The two RPC endpoints of one validator, which show it the faults set for it."""
        ...

    async def status(self, name: str) -> ChainStatus:
        """Where a chain stands."""
        ...

    async def pause(self, name: str) -> ChainStatus:
        """Make no more blocks, except on demand."""
        ...

    async def resume(self, name: str) -> ChainStatus:
        """Make blocks periodically again."""
        ...

    async def mine(self, name: str, blocks: int = 1, timestamp: UnixSeconds | None = None) -> ChainStatus:
        """Make blocks at once, also while paused; `timestamp` is the first one's time, the others follow by seconds."""
        ...

    async def reorg(self, name: str, depth: int) -> ChainStatus:
        """Replace the newest `depth` blocks by others and one more."""
        ...

    async def set_faults(self, name: str, faults: ChainFaults) -> ChainStatus:
        """From now on let the chain's RPC misbehave so."""
        ...

    async def submit(
        self, name: str, raw_transactions: Sequence[bytes], timestamp: UnixSeconds | None = None
    ) -> tuple[SubmittedTransaction, ...]:
        """Send transactions and make blocks until all are in one; `timestamp` as for `mine`."""
        ...

    async def close(self) -> None:
        """Stop serving and close the files."""
        ...


def chain_url(port: int, name: str) -> str:
    """The bare URL of a chain."""
    return f"http://{HOST}:{port}/{name}"


def endpoint_urls(bare_url: str, validator: int) -> tuple[str, str]:
    """The two URLs of one validator."""
    return f"{bare_url}/v/{validator}/a", f"{bare_url}/v/{validator}/b"
