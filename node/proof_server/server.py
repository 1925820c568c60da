"""One proof server, wired from its configuration.

server = ProofServer(config, transport, clock)
...serve create_app(server, config.api.settings)
await server.run()                                         # until cancelled

Chains may be down when it starts: `missing` says what it waits for, and questions are answered as far as can be.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from bridge.burns.header_index import HeaderIndexer, IndexProgress, IndexStore, MemoryIndex
from bridge.burns.keeping import Keep, MemoryKeep
from bridge.burns.ranges import FetchedBlocks, StoredBlocks
from bridge.burns.service import BurnService, ServiceLimits
from bridge.burns.sharing import SharingLimits
from bridge.burns.views import ExitContracts, RootView, SideView
from bridge.chain.clock import Clock
from bridge.chain.headers import Confirmations
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import Transport
from bridge.codec.types import BlockNumber
from config.errors import ConfigInvalid
from config.proof_server import PayingChain, ProofServerConfig, ProvedChain
from node.api.routes_watch import Lack
from node.api.view import ChainEndpoint
from node.duties.follow import LookRhythm
from node.duties.status import DutyStatus
from node.duties.supervisor import Duty, Supervisor
from node.proof_server.preparing import KeepIndex, KeepRanges
from node.proof_server.tail import FollowTail
from node.store.burn_keep import BurnKeep
from node.store.header_index import SqliteHeaderIndex
from node.store.lock import HomeLock

SIDE = "side"
BURNS_DB = "burns.db"
INDEX_DB = "index.db"


@dataclass(frozen=True, slots=True)
class PaidChain:
    """A root chain as it is followed."""

    tail: FollowTail
    index: KeepIndex


class ProofServer:
    """Follows the chains, and has the burn service answer over them."""

    def __init__(self, config: ProofServerConfig, transport: Transport, clock: Clock) -> None:
        """Open the caches. Raises ConfigInvalid for a URL that is none, HomeInUse, StoreError."""
        self._config = config
        self._transport = transport
        self._clock = clock
        self.version = version("sidewarden")
        self._cleanup = ExitStack()
        with self._cleanup as opening:
            self._open(opening)
            self._cleanup = opening.pop_all()

    def _open(self, opening: ExitStack) -> None:
        config = self._config
        cache_dir = Path(config.cache_dir) if config.cache_dir else None
        if cache_dir is not None:
            opening.callback(HomeLock(cache_dir).release)
        self.side = self._follow(SIDE, config.side_chain)
        views: list[RootView] = []
        roots: list[PaidChain] = []
        for configured in config.root_chains:
            tail = self._follow(configured.name, configured)
            view = _view(configured, tail)
            first_block = BlockNumber(configured.first_block) if configured.first_block else None
            store = _index_store(configured, cache_dir, opening)
            indexer = HeaderIndexer(view, store, first_block)
            views.append(replace(view, book=indexer.index))
            roots.append(PaidChain(tail, KeepIndex(configured.name, indexer)))
        self.roots = tuple(roots)
        reader, headers = self.side.reader.twin(), self.side.follower.store
        self.burns = BurnService(
            SideView(reader, headers, (StoredBlocks(headers), FetchedBlocks(reader))),
            views,
            self._clock,
            ServiceLimits(SharingLimits(config.burns.running_max, config.burns.queued_max)),
            _keep(cache_dir, config.burns.cache_bytes_max, opening),
        )
        ranges = (KeepRanges(root.index, self.burns) for root in self.roots)
        duties: tuple[Duty, ...] = (
            self.side,
            *(root.tail for root in self.roots),
            *(root.index for root in self.roots),
            *ranges,
        )
        self._supervisor = Supervisor(duties, self._clock, config.poll_interval_s)

    async def run(self) -> None:
        """Keep up with the chains until cancelled."""
        await self._supervisor.run()

    async def run_once(self) -> None:
        """Catch up with the chains as they are; how tests step a server."""
        await self._supervisor.run_once()

    async def close(self) -> None:
        """Stop what is running, and close the caches."""
        await self.burns.close()
        self._cleanup.close()

    def missing(self) -> tuple[Lack, ...]:
        """What it waits for before it can answer everything at once."""
        lacks: list[Lack] = []
        for tail in (self.side, *(root.tail for root in self.roots)):
            what = "side chain" if tail is self.side else f"root chain {tail.chain}"
            code = "SIDE_RPC_DOWN" if tail is self.side else "ROOT_RPC_DOWN"
            if tail.trouble is not None:
                lacks.append(Lack(what, code, tail.trouble))
            elif tail.confirmed is None:
                lacks.append(Lack(what, "CATCHING_UP", "no confirmed block is known yet"))
        for root in self.roots:
            what, trouble = f"checkpoints of {root.index.chain}", root.index.trouble
            if trouble is not None:
                lacks.append(Lack(what, trouble.code, str(trouble)))
            elif not root.index.has_caught_up:
                lacks.append(Lack(what, "CATCHING_UP", _how_far(root.index.indexer.progress())))
        return tuple(lacks)

    def _follow(self, name: str, chain: ProvedChain | PayingChain) -> FollowTail:
        limits = self._config.rpc.limits
        try:
            pool = RpcPool(name, chain.rpc_urls, None, self._transport, self._clock, limits)
        except ValueError as error:
            raise ConfigInvalid(f"rpc_urls of {name}: {error}") from None
        rhythm = LookRhythm(self._clock, self._config.poll_interval_s)
        return FollowTail(name, ChainReader(pool), _confirmations(chain), rhythm)

    def endpoints(self) -> tuple[ChainEndpoint, ...]:
        """Health of every RPC endpoint."""
        tails = (self.side, *(root.tail for root in self.roots))
        return tuple(ChainEndpoint(tail.chain, report) for tail in tails for report in tail.reader.pool.endpoints)

    def duties(self) -> tuple[DutyStatus, ...]:
        """The loops, with their failures."""
        return self._supervisor.statuses()


def _confirmations(chain: ProvedChain | PayingChain) -> Confirmations:
    return Confirmations(chain.confirmations) if chain.finality == "depth" else Confirmations(tag=chain.finality)


def _view(configured: PayingChain, tail: FollowTail) -> RootView:
    return RootView(
        name=configured.name,
        reader=tail.reader.twin(),
        headers=tail.follower.store,
        root_chain=configured.root_chain,
        exits=ExitContracts(
            root_chain_manager=configured.root_chain_manager,
            withdraw_manager=configured.exits.withdraw_manager,
            plasma_erc20_predicate=configured.exits.plasma_erc20_predicate,
            plasma_erc721_predicate=configured.exits.plasma_erc721_predicate,
            tunnels=dict(configured.exits.pairs()),
        ),
    )


def _index_store(configured: PayingChain, cache_dir: Path | None, opening: ExitStack) -> IndexStore:
    if cache_dir is None:
        return MemoryIndex()
    store = SqliteHeaderIndex(cache_dir / INDEX_DB, configured.name.encode() + configured.root_chain)
    opening.callback(store.close)
    return store


def _keep(cache_dir: Path | None, bytes_max: int, opening: ExitStack) -> Keep:
    if cache_dir is None:
        return MemoryKeep(bytes_max)
    keep = BurnKeep(cache_dir / BURNS_DB, bytes_max)
    opening.callback(keep.close)
    return keep


def _how_far(progress: IndexProgress) -> str:
    if progress.read_to is None or progress.confirmed is None:
        return "nothing of the root chain was read yet"
    return f"{progress.checkpoints} found; {progress.confirmed - progress.read_to} blocks to go"
