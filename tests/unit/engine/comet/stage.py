"""Where tests direct stand-ins for `cometbft`, and the engine that runs them on a clock of the test's.

    async with on_stage(tmp_path) as stage:
        child = await stage.enters()
        await stage.is_up()
        await child.do("exit", code=0)
        await stage.is_down()
        stage.clock.advance(1)
        child = await stage.enters()

The children are true processes and the sockets true ones; only the clock stands still until it is advanced.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.chain.clock import Alarm, ManualClock
from bridge.codec.secp256k1 import decompressed
from bridge.codec.types import PublicKey
from config.schema import Comet
from node.app.application import Application
from node.app.genesis import Genesis, genesis_hash
from node.app.opened import TransactionOpener
from node.app.store import MemoryStateStore, StateStore
from node.engine import convert
from node.engine.comet.engine import CometEngine, CometSettings
from node.engine.comet.files import CometFiles
from node.engine.comet.framing import FrameBuffer, encode_frame
from node.engine.comet.remote_signer import REDIAL_PAUSE_MAX_S, REDIAL_PAUSE_S
from node.engine.comet.sight import LOOK_S
from node.engine.convert import Request
from node.engine.proto import privval_pb2 as pb
from node.keys.private_key import PrivateKey
from node.keys.ring import KeyRing
from node.keys.signer import Signer
from tests.unit.engine.test_engine_application import a_genesis
from tests.unit.keys.helpers import new_record

FLUSH = bytes.fromhex("021200")
WAIT_S = 15.0
"""Far longer than anything takes; a test that waits so long has failed."""


_ROUNDING_S = 1e-6


async def until(happened: Callable[[], object], meanwhile: Callable[[], object] = lambda: None) -> None:
    """Let the event loop turn until something has happened."""
    async with asyncio.timeout(WAIT_S):
        while not happened():
            meanwhile()
            await asyncio.sleep(0)


def envelope(result: object) -> str:
    """A result as CometBFT's RPC wraps it."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result})


def status_answer(height: int, *, is_catching_up: bool = False) -> str:
    """`status`, as far as it is read."""
    info = {"latest_block_height": str(height), "earliest_block_height": "1", "catching_up": is_catching_up}
    return envelope({"sync_info": info, "node_info": {"id": "ab" * 20}})


def consensus_answer(height: int, *peer_heights: int) -> str:
    """`dump_consensus_state`, as far as it is read."""
    peers = [
        {"node_address": f"peer{index}", "peer_state": {"round_state": {"height": str(peer)}}}
        for index, peer in enumerate(peer_heights)
    ]
    state = {"height": str(height), "round": 0, "step": 1, "votes": []}
    return envelope({"round_state": state, "peers": peers})


class StageClock(ManualClock):
    """A clock that knows who waits, so that it is not advanced past somebody who is still at work."""

    def __init__(self) -> None:
        super().__init__()
        self._waits: dict[float, tuple[float, _Wait]] = {}

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Alarm:
        """As any clock."""
        wait = _Wait(super().call_later(delay_s, callback))
        self._waits[delay_s] = self.monotonic() + delay_s, wait
        return wait

    def pass_wait(self, delay_s: float) -> None:
        """Advance to the end of a wait of this length, if somebody is in one."""
        deadline_s, wait = self._waits.get(delay_s, (0.0, None))
        if wait is not None and not wait.is_over and deadline_s > self.monotonic():
            self.advance(deadline_s - self.monotonic() + _ROUNDING_S)


@dataclass
class _Wait:
    alarm: Alarm
    is_over: bool = False

    def cancel(self) -> None:
        """Also at the end of a wait that was not cut short."""
        self.alarm.cancel()
        self.is_over = True


@dataclass(frozen=True, slots=True)
class Child:
    """A stand-in that runs."""

    process_id: int
    arguments: tuple[str, ...]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def do(self, what: str, **how: object) -> dict[str, Any]:
        """Have it do something; its answer, empty if it ended over it."""
        self.writer.write(json.dumps({"do": what, **how}).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """What it says next; empty once it has ended."""
        try:
            async with asyncio.timeout(WAIT_S):
                line = await self.reader.readline()
        except ConnectionResetError:
            line = b""
        told: dict[str, Any] = json.loads(line or "{}")
        return told

    async def says(self, message: str, level: str = "error", **facts: str) -> None:
        """Have it log a line."""
        await self.do("say", line=json.dumps({"level": level, "ts": "now", "_msg": message, **facts}))

    async def ask_application(self, *requests: Request) -> tuple[bytes, ...]:
        """Have it send ABCI requests; the answers, as far as they came."""
        sent = b"".join(encode_frame(convert.request_to_bytes(request)) for request in requests) + FLUSH
        told = await self.do("ask_application", request=sent.hex())
        return tuple(FrameBuffer().feed(bytes.fromhex(told["answer"])))

    async def asks_for_key(self, chain_id: str) -> PublicKey:
        """Have it ask the signer which public key votes at the next height."""
        request = pb.Message(pub_key_request=pb.PubKeyRequest(chain_id=chain_id)).SerializeToString()
        told = await self.do("ask_signer", request=encode_frame(request).hex())
        (answer,) = FrameBuffer().feed(bytes.fromhex(told["answer"]))
        return decompressed(pb.Message.FromString(answer).pub_key_response.pub_key.secp256k1eth)

    async def asked(self, method: str) -> int:
        """How often it was called so."""
        return sum(call["method"] == method for call in (await self.do("tell_asked"))["asked"])

    async def has_ended(self) -> None:
        """Return when it is gone."""
        while await self.hear():
            pass


class Stage:
    """One home of CometBFT's, its engine, and whoever plays the child."""

    def __init__(
        self, directory: Path, home: Path, genesis: Genesis, store: StateStore, held: tuple[PrivateKey, ...]
    ) -> None:
        """`held` are the keys that lie here."""
        self.clock = StageClock()
        self.files = CometFiles(home)
        self.binary = install(directory)
        self.opener = TransactionOpener(genesis_hash(genesis))
        self.application = Application(genesis, store, self.opener)
        record = new_record(directory / f"signing{len(list(directory.glob('signing*.db')))}.db")
        signer = Signer(KeyRing(held), record, genesis_hash(genesis), genesis.name)
        settings = CometSettings(Comet(), self.files.home, "moniker", "info", self.binary)
        self.engine = CometEngine(settings, genesis, self.application, self.opener, signer, self.clock)
        self._entered: asyncio.Queue[Child] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []
        self._running = asyncio.create_task(self.engine.run())

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let a child in."""
        self._writers.append(writer)
        child = Child(0, (), reader, writer)
        told = await child.hear()
        height = self.application.committed.height
        await child.do("answer", method="status", body=status_answer(height))
        await child.do("answer", method="dump_consensus_state", body=consensus_answer(height + 1))
        self._entered.put_nowait(replace(child, process_id=told["pid"], arguments=tuple(told["arguments"])))

    async def enters(self) -> Child:
        """The next child, once it listens everywhere."""
        async with asyncio.timeout(WAIT_S):
            return await self._entered.get()

    @property
    def is_empty(self) -> bool:
        """Whether no child has come that was not taken."""
        return self._entered.empty()

    async def stop(self) -> None:
        """End the engine, as a node does, unless that was done already. Fails if it has ended of itself."""
        assert self._running.cancel() or self._running.cancelled(), "it must run whatever its child does"
        await asyncio.gather(self._running, return_exceptions=True)

    def close(self) -> None:
        """Close all connections with children."""
        for writer in self._writers:
            writer.close()

    async def is_up(self) -> None:
        """Return when the engine knows that its child answers."""
        await until(lambda: self.engine.trouble is None, self.look)

    async def has_signer(self) -> None:
        """Return when the signer is connected."""
        await until(lambda: self.engine.remote_signer.is_connected, self.dial)

    def dial(self) -> None:
        """Let the signer dial again, if it waits to."""
        for doubled in range(10):
            self.clock.pass_wait(min(REDIAL_PAUSE_S * 2**doubled, REDIAL_PAUSE_MAX_S))

    def look(self) -> None:
        """Let the engine look at its child again, if it waits to."""
        self.clock.pass_wait(LOOK_S)

    async def is_down(self, why: str) -> None:
        """Return when the engine tells of trouble in these words; the clock stands meanwhile."""
        await until(lambda: self.engine.trouble is not None and why in self.engine.trouble.text)


def install(directory: Path) -> Path:
    """The stand-in as an executable program of the name that the real one has."""
    binary = directory / "bin" / "cometbft"
    binary.parent.mkdir(parents=True, exist_ok=True)
    program = Path(__file__).with_name("stand_in.py").read_text()
    binary.write_text(f"#!{sys.executable} -IS\n{program}")
    binary.chmod(0o700)
    return binary


@asynccontextmanager
async def on_stage(
    directory: Path,
    *,
    home: Path | None = None,
    genesis: Genesis | None = None,
    store: StateStore | None = None,
    held: tuple[PrivateKey, ...] = (),
) -> AsyncIterator[Stage]:
    """A stage whose engine runs; at the end it is stopped, as a node is."""
    home = home or directory / "comet"
    home.mkdir(parents=True, exist_ok=True)
    (home / "stage.sock").unlink(missing_ok=True)
    stage = Stage(directory, home, genesis or a_genesis(), store or MemoryStateStore(), held)
    server = await asyncio.start_unix_server(stage.meet, str(home / "stage.sock"))
    try:
        yield stage
    finally:
        await stage.stop()
        server.close()
        stage.close()
