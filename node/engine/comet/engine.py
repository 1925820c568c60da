"""CometBFT as one validator's engine: the child process, and all that it needs of us.

engine = CometEngine(...)
engine.subscribe(validator.on_commit)
await engine.run()                     # until cancelled; the child is started again whenever it ends

The application is served before the child starts: a first dial that fails costs CometBFT 3 s. A child that ends,
with whatever exit code, that logs a consensus failure, or that does not answer for long is a failure: it is started
again, after a pause that grows. So is one whose application could not write, for a disk may get space again: the block
was not committed, and comes anew. An application that raised anything else is not asked again: only another program
can help, and `trouble` says why.
"""

import asyncio
import logging
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.chain.clock import Bell, Clock
from bridge.codec.types import Address
from config.schema import Comet
from node.app.abci import FinalizeBlockResponse
from node.app.application import Application
from node.app.errors import UpgradeNeeded
from node.app.genesis import Genesis
from node.app.opened import TransactionOpener
from node.engine.comet.files import CometFiles, check_passed_through, write_comet_files
from node.engine.comet.process import CometProcess, find_binary
from node.engine.comet.remote_signer import RemoteSigner
from node.engine.comet.rpc import CometRpc
from node.engine.comet.server import AbciServer
from node.engine.comet.set_changes import SetChanges
from node.engine.comet.sight import LOOK_S, Sight, look
from node.engine.commits import CommittedBlock, OnCommit
from node.engine.errors import EngineError, EngineUnreachable
from node.engine.proto import require_fast_protobuf
from node.engine.trouble import Trouble, TroubleCode
from node.keys.private_key import PrivateKey
from node.keys.signer import Signer
from node.store.errors import DatabaseUnwritable

PENDING_MAX = 16
"""Transactions on their way to CometBFT's mempool; the duties make two a block."""
RESTART_S = 0.5
RESTART_MAX_S = 30.0
HEALTHY_S = 60.0
"""A child that ran for so long is started again at once."""
SILENT_S = 60.0
"""A child that answers nothing for so long is killed and started again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CometSettings:
    """What an operator chose, and where it lies."""

    comet: Comet
    directory: Path
    moniker: str
    log_level: str
    binary: Path

    @property
    def files(self) -> CometFiles:
        """CometBFT's files."""
        return CometFiles(self.directory)


def comet_settings(comet: Comet, home: Path, moniker: str, log_level: str) -> CometSettings:
    """The settings of a home. Raises EngineBinaryError, EngineSettingRefused, ProtobufSlowError."""
    require_fast_protobuf()
    check_passed_through(comet)
    level = "debug" if log_level == "debug" else "info"
    return CometSettings(comet, home / Path(comet.home).expanduser(), moniker, level, find_binary(comet.binary))


class CometEngine:
    """One validator's engine; also what its duties see of it (`EngineView`)."""

    def __init__(
        self,
        settings: CometSettings,
        genesis: Genesis,
        application: Application,
        opener: TransactionOpener,
        signer: Signer,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._files = settings.files
        self._genesis = genesis
        self._application = application
        self._signer = signer
        self._clock = clock
        self._changes = SetChanges(self._files.set_changes)
        self._server = AbciServer(application, opener, self._on_commit, self._before_commit)
        self._process: CometProcess | None = None
        self._subscribers: list[OnCommit] = []
        self._pending: asyncio.Queue[bytes] = asyncio.Queue(PENDING_MAX)
        self._look_bell = Bell(clock)
        self._failed = asyncio.Event()
        self._failure = ""
        self._down: Trouble | None = Trouble(TroubleCode.ENGINE_DOWN, "cometbft is starting")
        self._sight = Sight(clock.monotonic(), genesis.parameters.pulse_s)
        self._is_paused = False
        self.rpc = CometRpc(self._files.rpc_socket)
        """For whoever asks through our API; with connections of its own, so that many askers do not blind us."""
        self._rpc = CometRpc(self._files.rpc_socket)
        # CometBFT wants a key also where this node holds none; nobody keeps what would sign with this one.
        nobody = PrivateKey(secrets.token_bytes(32)).public_key
        self.remote_signer = RemoteSigner(signer, self._files.signer_socket, clock, self._key_for_next_height, nobody)
        self.last_refusal: str | None = None
        """Why CometBFT's mempool refused the last transaction, if it did."""

    # What duties see

    def submit(self, transaction: bytes) -> str | None:
        """Hand over a transaction; None if it is on its way to the mempool, else why it is not.

        It is not lost silently: what is in no block after some blocks is said again by the duties.
        """
        if self._down is not None:
            return f"{self._down.code}: {self._down.text}"
        try:
            self._pending.put_nowait(transaction)
        except asyncio.QueueFull:
            return f"{PENDING_MAX} transactions wait for cometbft to answer"
        return None

    @property
    def is_caught_up(self) -> bool:
        """Whether this validator's application has every block that its node has, and that has those of its peers."""
        return self._down is None and self._sight.is_caught_up(self._application.committed.height)

    @property
    def is_paused(self) -> bool:
        """Whether the child was stopped on purpose."""
        return self._is_paused

    @property
    def share_permille(self) -> int:
        """How much of the engine's power is present, as far as votes show it."""
        return 0 if self._down is not None else self._sight.share_permille(self._clock.monotonic())

    @property
    def quorum(self) -> bool:
        """Whether over 2/3 of the engine's power is present."""
        return 3 * self.share_permille > 2 * 1_000

    @property
    def trouble(self) -> Trouble | None:
        """Why this validator's engine does not work, if it does not."""
        return self._down or self._sight.stranded(self._clock.monotonic())

    @property
    def peers(self) -> int | None:
        """How many nodes this one is connected with; None while nobody can tell."""
        return None if self._down is not None else self._sight.peers

    @property
    def refused_vote(self) -> str | None:
        """Why our signer refused the last vote that CometBFT asked for; None if it signed it."""
        return self.remote_signer.last_refusal

    # What the program does with it

    def subscribe(self, on_commit: OnCommit) -> Callable[[], None]:
        """Call `on_commit` after each block that the application commits; returns the call that ends it."""
        self._subscribers.append(on_commit)
        return lambda: self._subscribers.remove(on_commit)

    def pause(self) -> None:
        """Stop the child where it is: it votes no more. For test networks."""
        self._is_paused = True
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a stopped child go on."""
        self._is_paused = False
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    async def run(self) -> None:
        """Keep the child running until cancelled; then it is stopped. Raises OSError if its directory is unusable."""
        self._files.make_directories()
        await self._server.start(self._files.application_socket)
        try:
            async with asyncio.TaskGroup() as until_the_end:
                until_the_end.create_task(self.remote_signer.run(), name="signer for cometbft")
                try:
                    await self._run_together()
                finally:
                    # With its signer still there: a node that waits for one does not end.
                    if self._process is not None:
                        await self._process.stop()
        finally:
            await self._server.close()
            await asyncio.gather(self.rpc.close(), self._rpc.close())

    async def _run_together(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(), name="transactions to cometbft")
            tasks.create_task(self._watch(), name="watch over cometbft")
            await self._keep_running()

    async def _keep_running(self) -> None:
        pause_s = RESTART_S
        while True:
            started_s = self._clock.monotonic()
            try:
                why = await self._run_child()
            except (EngineError, OSError) as error:
                why = str(error)
            if self._server.failure.done():
                failure = self._server.failure.result()
                if isinstance(failure, DatabaseUnwritable):
                    why = f"{failure.code}: {failure}"
                    self._server.ask_again()
                else:
                    self._down = _application_trouble(failure)
                    await asyncio.Event().wait()
            ran_well = self._clock.monotonic() - started_s >= HEALTHY_S
            pause_s = RESTART_S if ran_well else min(2 * pause_s, RESTART_MAX_S)
            self._down = Trouble(TroubleCode.ENGINE_DOWN, f"{why}; it is started again in {pause_s:g} s")
            log.error("cometbft is down", extra={"cause": why, "restart_s": pause_s})
            await self._clock.sleep(pause_s)

    async def _run_child(self) -> str:
        """Run the child until it ends or fails, or the application does; why it ended."""
        settings = self._settings
        await self._server.disconnect()
        write_comet_files(self._files, settings.comet, self._genesis, settings.moniker, settings.log_level)
        self._failed.clear()
        process = await CometProcess.start(settings.binary, self._files, self._clock, self._fail)
        self._process = process
        if self._is_paused:
            process.send_signal(signal.SIGSTOP)
        self.remote_signer.dial()
        self._sight.begin(self._clock.monotonic())
        self._look_bell.ring()
        waits: list[asyncio.Future[object]] = [
            asyncio.ensure_future(process.wait()),
            asyncio.ensure_future(self._failed.wait()),
            asyncio.ensure_future(asyncio.shield(self._server.failure)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        why = self._failure if self._failed.is_set() else ""
        code = "" if process.is_running else f"cometbft ended with exit code {await process.wait()}"
        await process.stop()
        self._process = None
        return f"{why or code} {process.last_error}".strip()

    def _key_for_next_height(self) -> Address | None:
        """The key of ours that votes for the block after the last committed one: updates act two heights later."""
        voting = self._changes.before(self._application.committed.height) or _signers(self._application)
        held = self._signer.ring.addresses
        return next((address for address in held if address in voting), next(iter(held), None))

    def _fail(self, why: str) -> None:
        self._failure = why
        self._failed.set()

    async def _send(self) -> None:
        """Carry transactions to CometBFT's mempool, one after another."""
        while True:
            transaction = await self._pending.get()
            try:
                self.last_refusal = await self._rpc.broadcast_tx(transaction)
            except EngineUnreachable as error:
                self.last_refusal = str(error)
            if self.last_refusal is not None:
                log.warning("the mempool took no transaction", extra={"cause": self.last_refusal})

    async def _watch(self) -> None:
        """Look at the node again and again: how far it is, who votes, and whether it answers at all."""
        while True:
            self._look_bell.silence()
            now_s = self._clock.monotonic()
            try:
                await look(self._rpc, self._sight, self._clock)
                self._down = None if self._process is not None and not self._server.failure.done() else self._down
            except EngineUnreachable as error:
                silent_s = self._sight.silent_s(now_s)
                if self._process is not None and self._down is None and silent_s > 2 * LOOK_S and not self._is_paused:
                    self._down = Trouble(TroubleCode.ENGINE_DOWN, str(error))
                if silent_s > SILENT_S and not self._is_paused and self._process is not None:
                    self._fail(f"cometbft has not answered for {silent_s:.0f} s")
            await self._look_bell.wait(LOOK_S)

    def _before_commit(self, height: int, response: FinalizeBlockResponse) -> None:
        if response.validator_updates:
            self._changes.note(height, _signers(self._application))

    def _on_commit(self, block: CommittedBlock) -> None:
        self._sight.block_committed(block, self._clock.monotonic())
        for subscriber in self._subscribers:
            subscriber(block)


def _signers(application: Application) -> tuple[Address, ...]:
    return tuple(member.signer for member in application.committed.state.engine_set.members)


def _application_trouble(error: Exception) -> Trouble:
    if isinstance(error, UpgradeNeeded):
        return Trouble(TroubleCode.UPGRADE_NEEDED, str(error))
    name = getattr(error, "code", type(error).__name__)
    return Trouble(TroubleCode.ENGINE_DOWN, f"the application failed, and is asked no more: {name}: {error}")
