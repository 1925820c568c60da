"""The remote signer under a real CometBFT with its own test application: one validator, so no block without us."""

import asyncio
import json
import shutil
import signal
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from bridge.chain.clock import SystemClock
from node.engine.comet.files import CometFiles
from node.engine.comet.process import CometProcess, find_binary
from node.engine.comet.remote_signer import RemoteSigner
from node.engine.comet.rpc import CometRpc
from node.engine.errors import EngineBinaryError, EngineUnreachable
from node.engine.wire_values import key_message
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import Signer
from node.keys.slots import VoteStep, vote_slot
from tests.unit.keys.helpers import ALICE, BOB, CHAIN_ID, GENESIS, MemoryFacts, counting_bytes

CONFIG = """
proxy_app = "kvstore"
priv_validator_laddr = "unix://signer.sock"
log_format = "json"
log_level = "info"
[rpc]
laddr = "unix://rpc.sock"
[p2p]
laddr = "tcp://127.0.0.1:0"
[consensus]
timeout_commit = "20ms"
timeout_propose = "300ms"
"""
CLOCK = SystemClock()
T = TypeVar("T")
DOMAIN = vote_slot(CHAIN_ID, ALICE.address, 1, 0, VoteStep.PRECOMMIT).domain
_SIGN_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from tests.e2e.comet.test_remote_signer import signer_on
from tests.unit.keys.helpers import MemoryFacts
from node.keys.record import SigningRecord
record = SigningRecord.open(Path(sys.argv[1]), MemoryFacts())
asyncio.run(signer_on(record, Path(sys.argv[2])).run())
"""


def binary() -> Path:
    try:
        return find_binary("")
    except EngineBinaryError as error:
        pytest.skip(str(error))


def signer_on(record: SigningRecord, socket: Path) -> RemoteSigner:
    signer = Signer(KeyRing((ALICE, BOB)), record, GENESIS, CHAIN_ID)
    return RemoteSigner(signer, socket, CLOCK, lambda: ALICE.address, BOB.public_key)


class Node:
    """CometBFT in a directory of its own."""

    def __init__(self, home: Path) -> None:
        self.files = CometFiles(home)
        self.rpc = CometRpc(self.files.rpc_socket)
        self.process: CometProcess | None = None
        for directory in (self.files.config.parent, self.files.data):
            directory.mkdir(parents=True)
        self.files.config.write_text(CONFIG)
        self.files.genesis.write_text(json.dumps(genesis()))

    async def start(self) -> None:
        self.process = await CometProcess.start(binary(), self.files, CLOCK, lambda why: None)

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop()
        await self.rpc.close()

    async def height(self) -> int:
        """The last block; 0 while it does not answer."""
        try:
            return (await self.rpc.status()).height
        except EngineUnreachable:
            return 0

    async def reaches(self, height: int) -> int:
        return await until(self.height, lambda seen: seen >= height)


def genesis() -> dict[str, object]:
    key = b64encode(key_message(ALICE.public_key).secp256k1eth).decode()
    return {
        "genesis_time": "2026-01-01T00:00:00Z",
        "chain_id": CHAIN_ID,
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": "4194304", "max_gas": "-1"},
            "evidence": {"max_age_num_blocks": "100", "max_age_duration": "100000000000", "max_bytes": "10000"},
            "validator": {"pub_key_types": ["secp256k1eth"]},
            "version": {},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "validators": [
            {
                "address": ALICE.address.hex().upper(),
                "pub_key": {"type": "tendermint/PubKeySecp256k1eth", "value": key},
                "power": "10",
                "name": "alice",
            }
        ],
        "app_hash": "",
    }


async def until(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
    """Look until it is as wanted."""
    async with asyncio.timeout(30):
        while not wanted(seen := await look()):
            await CLOCK.sleep(0.02)
    return seen


@asynccontextmanager
async def signing(signer: RemoteSigner) -> AsyncIterator[None]:
    task = asyncio.create_task(signer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path / "comet")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SigningRecord.create(tmp_path / "signing.db", counting_bytes)
    return tmp_path / "signing.db"


async def test_node__with_our_signer__makes_blocks_and_no_key_lies_with_it(node: Node, path: Path) -> None:
    with closing(SigningRecord.open(path, MemoryFacts())) as record:
        signer = signer_on(record, node.files.signer_socket)
        async with signing(signer):
            height = await node.reaches(5)
            last = record.last_vote(DOMAIN)

    assert last is not None
    assert last.slot.position[0] >= height
    assert signer.last_refusal is None
    written = b"".join(file.read_bytes() for file in node.files.home.rglob("*") if file.is_file())
    assert b"PubKeySecp256k1eth" in written
    assert b"PrivKeySecp256k1eth" not in written, "the key that CometBFT makes for itself is of another kind"
    for secret in (ALICE.reveal(), b64encode(ALICE.reveal()), ALICE.reveal().hex().encode()):
        assert secret not in written


async def test_signer__killed_and_started_again__blocks_go_on(node: Node, path: Path) -> None:
    height = 0
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SIGN_UNTIL_KILLED, str(path), str(node.files.signer_socket)
        )
        height = await node.reaches(height + 5)
        process.kill()
        await process.wait()

    with closing(SigningRecord.open(path, MemoryFacts())) as record:
        last = record.last_vote(DOMAIN)
    assert last is not None
    assert last.slot.position[0] >= height


async def test_node__killed_and_started_again__finds_its_signer_and_goes_on(node: Node, path: Path) -> None:
    with closing(SigningRecord.open(path, MemoryFacts())) as record:
        async with signing(signer_on(record, node.files.signer_socket)):
            height = 0
            for _ in range(3):
                height = await node.reaches(height + 5)
                await node.kill()
                assert node.files.signer_socket.exists(), "what a killed node leaves"
                await node.start()
            assert await node.reaches(height + 5)


async def test_node__put_back_to_an_older_copy__gets_no_second_vote(node: Node, path: Path, tmp_path: Path) -> None:
    with closing(SigningRecord.open(path, MemoryFacts())) as record:
        signer = signer_on(record, node.files.signer_socket)
        async with signing(signer):
            await node.reaches(3)
            await node.stop()
            shutil.copytree(node.files.data, tmp_path / "old")
            await node.start()
            await node.reaches(8)
            await node.stop()
            last = record.last_vote(DOMAIN)
            shutil.rmtree(node.files.data)
            shutil.copytree(tmp_path / "old", node.files.data)

            await node.start()
            refusal = await until(lambda: value(signer.last_refusal), lambda seen: seen is not None)

            assert refusal is not None
            assert refusal.startswith("DOUBLE_SIGN_REFUSED")
            assert record.last_vote(DOMAIN) == last
            assert await node.height() < 8


async def value(seen: T) -> T:
    return seen
