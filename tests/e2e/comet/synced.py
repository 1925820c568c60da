"""A CometBFT engine with the real application in this process, for a network of one validator and those who join it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

import msgspec
from aiohttp import web

from bridge.chain.clock import SystemClock
from bridge.codec.types import Hash32, UnixSeconds
from config.schema import Comet
from config.table import FreeTable, RpcUrl, Setting
from node.api.routes_engine import RPC_PATH, EngineRoutes
from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResponse,
    CommitResponse,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    InfoResponse,
    InitChainRequest,
    InitChainResponse,
    OfferSnapshotRequest,
    OfferSnapshotResponse,
)
from node.app.application import Application
from node.app.genesis import Genesis, genesis_hash
from node.app.opened import TransactionOpener
from node.app.state_sync import SnapshotPolicy
from node.app.store import MemoryStateStore
from node.devnet.ports import HOST, free_ports
from node.engine.comet.engine import CometEngine, comet_settings
from node.engine.comet.node_key import make_node_key
from node.engine.commits import CommittedBlock
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import Signer
from tests.unit.engine.network import private_key
from tests.unit.engine.test_engine_application import a_genesis
from tests.unit.keys.helpers import MemoryFacts, counting_bytes

_FAST = FreeTable(
    (
        Setting(("consensus", "timeout_commit"), "50ms"),
        Setting(("consensus", "create_empty_blocks"), True),
        Setting(("consensus", "create_empty_blocks_interval"), "0s"),
    )
)


class JournalingApplication(Application):
    """The real application, which writes down how it is called."""

    journal: list[str]

    def info(self) -> InfoResponse:
        self.journal.append("info")
        return super().info()

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        self.journal.append("init_chain")
        return super().init_chain(request)

    def offer_snapshot(self, request: OfferSnapshotRequest) -> OfferSnapshotResponse:
        self.journal.append("offer_snapshot")
        return super().offer_snapshot(request)

    def apply_snapshot_chunk(self, request: ApplySnapshotChunkRequest) -> ApplySnapshotChunkResponse:
        self.journal.append("apply_snapshot_chunk")
        return super().apply_snapshot_chunk(request)

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        self.journal.append(f"finalize({request.height})")
        return super().finalize_block(request)

    def commit(self) -> CommitResponse:
        self.journal.append(f"commit({self.committed.height + 1})")
        return super().commit()


class SyncedNode:
    """The validator of a network of its own; or, with a giver, a node that starts from one of its snapshots."""

    SNAPSHOT_EVERY = 10

    def __init__(
        self,
        home: Path,
        *,
        journal: list[str],
        giver: "SyncedNode | None" = None,
        server: str = "",
        trusted: Hash32 | None = None,
    ) -> None:
        home.mkdir(parents=True)
        self.genesis: Genesis = _genesis() if giver is None else giver.genesis
        self._p2p_port = free_ports(1)[0]
        self._id = make_node_key(home / "comet" / "config" / "node_key.json", token_bytes)
        opener = TransactionOpener(genesis_hash(self.genesis))
        policy = SnapshotPolicy(self.SNAPSHOT_EVERY, kept=100)
        self.application = JournalingApplication(self.genesis, MemoryStateStore(), opener, policy)
        self.application.journal = journal
        comet = Comet(p2p_port=self._p2p_port, config=_FAST)
        if giver is not None and trusted is not None:
            comet = replace(
                comet,
                persistent_peers=(f"{giver._id}@{HOST}:{giver._p2p_port}",),
                state_sync_servers=(RpcUrl(server), RpcUrl(server)),
                state_sync_height=self.SNAPSHOT_EVERY,
                state_sync_hash=trusted.hex(),
            )
        SigningRecord.create(home / "signing.db", counting_bytes)
        self._record = SigningRecord.open(home / "signing.db", MemoryFacts())
        ring = KeyRing((PrivateKey(private_key(0)),) if giver is None else ())
        self.engine = CometEngine(
            comet_settings(comet, home, home.name, "info"),
            self.genesis,
            self.application,
            opener,
            Signer(ring, self._record, genesis_hash(self.genesis), self.genesis.name),
            SystemClock(),
        )
        self.app_hash_at: dict[int, Hash32] = {}
        self.first_height = 0
        self.engine.subscribe(self._note)

    @property
    def height(self) -> int:
        """The last block that it committed."""
        return max(self.app_hash_at, default=0)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run it as long as the context is open."""
        runs = asyncio.create_task(self.engine.run())
        try:
            yield
        finally:
            runs.cancel()
            await asyncio.gather(runs, return_exceptions=True)
            self._record.close()

    @asynccontextmanager
    async def served(self) -> AsyncGenerator[str]:
        """The URL at which others find its headers."""
        app = web.Application()
        app.router.add_post(RPC_PATH, EngineRoutes(self.engine.rpc).post)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        try:
            yield f"http://{HOST}:{runner.addresses[0][1]}{RPC_PATH}"
        finally:
            await runner.cleanup()

    async def header_hash(self, height: int) -> Hash32:
        """The hash of a block, as CometBFT has it."""
        answer = msgspec.json.decode(await self.engine.rpc.raw("commit", {"height": str(height)}))
        return Hash32(bytes.fromhex(answer["result"]["signed_header"]["commit"]["block_id"]["hash"]))

    def _note(self, block: CommittedBlock) -> None:
        self.first_height = self.first_height or block.height
        self.app_hash_at[block.height] = block.response.app_hash


def _genesis() -> Genesis:
    sample = a_genesis()
    now_s = UnixSeconds(int(time.time()))
    return replace(sample, name="synced", time_s=now_s, validators=sample.validators[:1]).checked()
