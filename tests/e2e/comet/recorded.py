"""A single CometBFT node over an application that writes down its calls, and that dies where a test says."""

import asyncio
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

from bridge.chain.clock import SystemClock
from bridge.codec.types import ZERO_HASH, Hash32
from config.schema import Comet
from node.app.abci import (
    CommitResponse,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    InitChainRequest,
    InitChainResponse,
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
)
from node.app.opened import TransactionOpener
from node.devnet.ports import HOST, free_ports
from node.engine.comet.files import CometFiles, write_comet_files
from node.engine.comet.node_key import make_node_key
from node.engine.comet.process import CometProcess, find_binary
from node.engine.comet.remote_signer import RemoteSigner
from node.engine.comet.rpc import CometRpc
from node.engine.comet.server import AbciServer
from node.engine.commits import CommittedBlock
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import Signer
from tests.unit.engine.network import Disk, RecordingApplication, genesis, private_key
from tests.unit.engine.test_engine_application import a_genesis
from tests.unit.keys.helpers import MemoryFacts, counting_bytes

CLOCK = SystemClock()
WAIT_S = 30.0
FAST = "20ms"


class ProcessDied(asyncio.CancelledError):
    """The application's process is gone: its connections are cut without a word, as a cancelled server cuts them."""


class MortalApplication(RecordingApplication):
    """Dies at one call of one height: before it has done anything, or after."""

    dies_at: str = ""
    """Such as `before finalize(3)`."""

    def init_chain(self, request: InitChainRequest) -> InitChainResponse:
        return super().init_chain(replace(request, validators=genesis((10,)).validators))

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        self._live(f"before prepare({request.height})")
        return super().prepare_proposal(request)

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        self._live(f"before process({request.height})")
        return super().process_proposal(request)

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        self._live(f"before finalize({request.height})")
        response = super().finalize_block(request)
        self._live(f"after finalize({request.height})")
        return response

    def commit(self) -> CommitResponse:
        height = self.disk.height + 1
        self._live(f"before commit({height})")
        response = super().commit()
        self._live(f"after commit({height})")
        return response

    def _live(self, moment: str) -> None:
        if moment == self.dies_at:
            raise ProcessDied


class RecordedNode:
    """CometBFT in one directory, with the application, the signer and the record of one validator."""

    def __init__(self, home: Path, *, key_index: int = 0, peers: tuple[str, ...] = ()) -> None:
        """Key 0 is the network's only validator's; a node with another one follows its peers."""
        home.mkdir(parents=True, exist_ok=True)
        self._key = PrivateKey(private_key(key_index))
        self._peers = peers
        self._p2p_port = free_ports(1)[0]
        self.files = CometFiles(home / "comet")
        self.disk = Disk()
        self.journal: list[str] = []
        self.blocks: list[CommittedBlock] = []
        self.rpc = CometRpc(self.files.rpc_socket)
        self.genesis = replace(a_genesis(), name="recorded")
        self._record_path = home / "signing.db"
        SigningRecord.create(self._record_path, counting_bytes)

    @property
    def as_peer(self) -> str:
        """How others name it."""
        return f"{make_node_key(self.files.node_key, token_bytes)}@{HOST}:{self._p2p_port}"

    async def run(self, until: int, dies_at: str = "") -> None:
        """Run everything until a height is committed, or until the application dies; then end CometBFT too."""
        application = MortalApplication("v0", self.journal, self.disk)
        application.dies_at = dies_at
        done = asyncio.Event()

        def note(block: CommittedBlock) -> None:
            self.blocks.append(block)
            if block.height >= until:
                done.set()

        server = AbciServer(application, TransactionOpener(ZERO_HASH), note)
        self.files.data.mkdir(parents=True, exist_ok=True)
        await server.start(self.files.application_socket)
        comet = Comet(p2p_port=self._p2p_port, persistent_peers=self._peers)
        write_comet_files(self.files, comet, self.genesis, "recorded", "info")
        _hurry(self.files.config)
        record = SigningRecord.open(self._record_path, MemoryFacts())
        ring = KeyRing((self._key,))
        signer = RemoteSigner(
            Signer(ring, record, Hash32(bytes(32)), self.genesis.name),
            self.files.signer_socket,
            CLOCK,
            lambda: ring.addresses[0],
            PrivateKey(private_key(9)).public_key,
        )
        signing = asyncio.create_task(signer.run())
        process = await CometProcess.start(find_binary(""), self.files, CLOCK, lambda _: None)
        try:
            async with asyncio.timeout(WAIT_S):
                ends = {asyncio.create_task(done.wait()), asyncio.create_task(process.wait())}
                _, left = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for task in left:
                    task.cancel()
        finally:
            await process.stop()
            signing.cancel()
            await asyncio.gather(signing, return_exceptions=True)
            await server.close()
            record.close()
            await self.rpc.close()


def _hurry(config: Path) -> None:
    """Let blocks follow one another at once, empty ones too."""
    text = config.read_text()
    for name in ("timeout_commit", "timeout_prevote", "timeout_precommit"):
        line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
        text = text.replace(line, f'{name} = "{FAST}"')
    config.write_text(text.replace("create_empty_blocks = false", "create_empty_blocks = true"))
