"""ABCI over a unix socket: bytes as CometBFT sends and reads them, order of answers, precedence, and how it ends."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.codec.consensus import BlockIdFlag
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH
from node.app.abci import (
    CheckTxRequest,
    CommitVote,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    InfoResponse,
    OfferSnapshotRequest,
    OfferSnapshotResponse,
    OfferSnapshotResult,
    QueryRequest,
    Snapshot,
)
from node.app.errors import TransactionCode, UpgradeNeeded
from node.app.opened import OpenedTransaction, TransactionOpener
from node.engine import convert
from node.engine.comet.framing import FrameReader, encode_frame
from node.engine.comet.server import CHECKS_PER_TURN, CONNECTIONS_MAX, AbciServer
from node.engine.commits import CommittedBlock
from node.engine.convert import CommitRequest, InfoRequest, Request, Response
from node.engine.proto import abci_pb2 as pb
from node.store.errors import DatabaseUnwritable
from tests.unit.engine.network import RecordingApplication, address, app_hash, genesis

FLUSH, FLUSHED = bytes.fromhex("021200"), bytes.fromhex("021a00")
COMMIT, COMMITTED = bytes.fromhex("025a00"), bytes.fromhex("026200")
CHECK_TX = bytes.fromhex("0742050a03613d31")
"""CheckTx of `a=1`."""
INFO = bytes.fromhex("151a130a06302e33392e30100b18082205322e302e30")
"""What CometBFT v0.40.0 sends first."""


def block(height: int, *txs: bytes) -> FinalizeBlockRequest:
    votes = (CommitVote(address(0), 10, BlockIdFlag.COMMIT),)
    return FinalizeBlockRequest(txs, height, height * 10**9, b"\x01" * 32, ZERO_ADDRESS, votes)


@dataclass
class Engine:
    """A client of the server, on one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *messages: bytes) -> None:
        """Write frames that are whole already."""
        self.writer.write(b"".join(messages))
        await self.writer.drain()

    async def read(self, count: int) -> list[bytes]:
        """So many answers."""
        frames, answers = FrameReader(self.reader), list[bytes]()
        while len(answers) < count:
            messages = await frames.read()
            assert messages, "the server has closed the connection"
            answers += messages
        return answers

    async def call(self, *requests: Request) -> list[Response]:
        """Requests in one write, and their answers."""
        await self.send(*(encode_frame(convert.request_to_bytes(request)) for request in requests))
        return [convert.response_from_bytes(answer) for answer in await self.read(len(requests))]


@dataclass
class Served:
    """An application that writes down its calls, and its server."""

    path: Path
    opener: TransactionOpener = field(default_factory=lambda: TransactionOpener(ZERO_HASH))
    journal: list[str] = field(default_factory=list)
    blocks: list[CommittedBlock] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.application = RecordingApplication("v0", self.journal)
        self.engines: list[Engine] = []
        self.server = AbciServer(self.application, self.opener, self.blocks.append)

    async def dial(self) -> Engine:
        """One more connection."""
        self.engines.append(Engine(*await asyncio.open_unix_connection(str(self.path))))
        return self.engines[-1]


@asynccontextmanager
async def served(directory: Path, opener: TransactionOpener | None = None) -> AsyncIterator[Served]:
    network = Served(directory / "app.sock", opener or TransactionOpener(ZERO_HASH))
    await network.server.start(network.path)
    try:
        yield network
    finally:
        for engine in network.engines:
            engine.writer.close()
        await network.server.close()


async def test_server__bytes_of_a_real_node__are_answered_as_it_expects(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        engine = await network.dial()
        await engine.send(INFO, FLUSH)
        info, flushed = await engine.read(2)

        assert convert.response_from_bytes(info) == InfoResponse("test", 1, 0, b"")
        assert encode_frame(flushed) == FLUSHED
        assert network.journal == ["v0 info"]


async def test_server__requests_in_one_write__are_answered_in_order_by_one_write(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        engine = await network.dial()
        finalize = encode_frame(convert.request_to_bytes(block(1, b"a=1")))
        await engine.send(CHECK_TX, CHECK_TX, FLUSH, finalize, FLUSH, COMMIT, FLUSH)
        data = b""
        while not data.endswith(COMMITTED + FLUSHED):
            data += await engine.reader.read(65_536)

        assert data.startswith(
            encode_frame(pb.Response(check_tx=pb.ResponseCheckTx()).SerializeToString()) * 2 + FLUSHED
        )
        assert network.journal == ["v0 check(a=1)", "v0 check(a=1)", "v0 finalize(1)", "v0 commit(1)"]


async def test_server__a_snapshot_that_is_refused__is_told_with_the_reason_that_the_wire_has_no_place_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path) as network:
        engine = await network.dial()
        offer = OfferSnapshotRequest(Snapshot(5, 1, 1, b"", b""), ZERO_HASH)

        assert await engine.call(offer) == [OfferSnapshotResponse(OfferSnapshotResult.REJECT)]
        assert [getattr(record, "cause", "") for record in caplog.records] == ["none is wanted"]


async def test_server__any_method__is_served_on_any_connection(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        engines = [await network.dial() for _ in range(4)]
        for engine in engines:
            (answer,) = await engine.call(InfoRequest())
            assert isinstance(answer, InfoResponse)
        await engines[3].call(genesis((10,)))
        (finalized,) = await engines[1].call(block(1, b"a"))
        await engines[2].call(CommitRequest())

        assert isinstance(finalized, FinalizeBlockResponse)
        assert finalized.app_hash == app_hash((b"a",))
        assert network.application.disk.height == 1


async def test_server__a_committed_block__is_told_with_who_signed_the_one_before(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        engine = await network.dial()
        finalized, _ = await engine.call(block(1, b"a"), CommitRequest())

        assert isinstance(finalized, FinalizeBlockResponse)
        votes = (CommitVote(address(0), 10, BlockIdFlag.COMMIT),)
        assert network.blocks == [CommittedBlock(1, 10**9, (b"a",), finalized, votes)]


async def test_server__echo__comes_back(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        engine = await network.dial()
        await engine.send(encode_frame(pb.Request(echo=pb.RequestEcho(message="hello")).SerializeToString()))
        (answer,) = await engine.read(1)

        assert pb.Response.FromString(answer).echo.message == "hello"


async def test_server__a_block_while_many_transactions_wait__goes_before_them(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        mempool, consensus = await network.dial(), await network.dial()
        checks = [
            encode_frame(convert.request_to_bytes(CheckTxRequest(b"%d" % n))) for n in range(20 * CHECKS_PER_TURN)
        ]
        await mempool.send(*checks)
        await consensus.call(block(1))
        answers = await mempool.read(len(checks))

        assert len(answers) == len(checks)
        before = network.journal.index("v0 finalize(1)")
        assert before <= len(checks) // 2, f"{before} of {len(checks)} checks came first"


class SlowOpener(TransactionOpener):
    """The signature of `slow` takes until the test lets it."""

    def __init__(self) -> None:
        super().__init__(ZERO_HASH)
        self.may_end = threading.Event()

    def examine(self, data: bytes) -> OpenedTransaction | TransactionCode:
        """In a thread of the server's."""
        if data == b"slow":
            assert self.may_end.wait(10)
        return super().examine(data)


async def test_server__queries_in_one_write__let_a_block_go_between_them(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        askers, consensus = await network.dial(), await network.dial()
        query = encode_frame(convert.request_to_bytes(QueryRequest("/app")))
        await askers.send(query * 400)
        await consensus.call(block(1))
        await askers.read(400)

        before = network.journal.index("v0 finalize(1)")
        assert before <= 200, f"{before} of 400 queries came first"


async def test_server__a_block_whose_signatures_are_being_checked__keeps_others_waiting(tmp_path: Path) -> None:
    opener = SlowOpener()
    async with served(tmp_path, opener) as network:
        mempool, query, consensus = [await network.dial() for _ in range(3)]
        await consensus.send(encode_frame(convert.request_to_bytes(block(1, b"slow"))))
        await consensus.send(FLUSH)
        await mempool.call(InfoRequest())
        await mempool.send(CHECK_TX)
        await query.send(encode_frame(convert.request_to_bytes(QueryRequest("/app"))))
        while opener.lacks(b"a=1"):  # noqa: ASYNC110 - it is remembered by the server, which rings for nobody
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert network.journal == ["v0 info"]
        opener.may_end.set()
        await mempool.read(1)
        await query.read(1)
        assert network.journal[1] == "v0 finalize(1)"
        assert sorted(network.journal[2:]) == ["v0 check(a=1)", "v0 query(/app)"]


async def test_server__an_application_that_fails__ends_the_engine_with_the_cause_and_is_asked_no_more(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as network:
        network.application.needs_upgrade_at = 7
        engine, other = await network.dial(), await network.dial()
        await engine.send(encode_frame(convert.request_to_bytes(block(7))))
        (answer,) = await engine.read(1)

        assert pb.Response.FromString(answer).exception.error.startswith(
            "UPGRADE_NEEDED: version 2 is needed from height 7"
        )
        assert await engine.reader.read() == b""
        assert isinstance(network.server.failure.result(), UpgradeNeeded)
        await other.send(COMMIT)
        assert pb.Response.FromString((await other.read(1))[0]).exception.error.startswith("UPGRADE_NEEDED")
        late = await network.dial()
        assert await late.reader.read() == b""
        assert network.journal == []


async def test_server__an_application_that_could_not_write__executes_the_block_anew_when_it_is_asked_again(
    tmp_path: Path,
) -> None:
    def full(_: Callable[[], None]) -> None:
        raise DatabaseUnwritable("the disk is full")

    async with served(tmp_path) as network:
        network.application.commit_write = full
        engine = await network.dial()
        await engine.call(block(1, b"a"))
        await engine.send(COMMIT)
        (answer,) = await engine.read(1)
        assert pb.Response.FromString(answer).exception.error == "DATABASE_UNWRITABLE: the disk is full"

        network.application.commit_write = lambda write: write()
        network.server.ask_again()
        engine = await network.dial()
        (info,) = await engine.call(InfoRequest())
        assert isinstance(info, InfoResponse)
        assert info.last_block_height == 0
        await engine.call(block(1, b"a"), CommitRequest())
        (info,) = await engine.call(InfoRequest())
        assert isinstance(info, InfoResponse)
        assert (info.last_block_height, info.last_block_app_hash) == (1, app_hash((b"a",)))
        assert [committed.height for committed in network.blocks] == [1]


@pytest.mark.parametrize("junk", [b"\xff" * 8, encode_frame(b"\x07"), encode_frame(b""), encode_frame(b"\x22\x00")])
async def test_server__junk__cuts_the_connection_and_nothing_else(tmp_path: Path, junk: bytes) -> None:
    async with served(tmp_path) as network:
        engine, other = await network.dial(), await network.dial()
        await engine.send(junk)

        assert await engine.reader.read() == b""
        assert len(await other.call(InfoRequest())) == 1
        assert not network.server.failure.done()


async def test_server__connections_beyond_the_limit__are_closed(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        engines = [await network.dial() for _ in range(CONNECTIONS_MAX)]
        for engine in engines:
            await engine.call(InfoRequest())
        extra = await network.dial()

        async with asyncio.timeout(5):
            assert await extra.reader.read() == b""


async def test_server__disconnected__what_an_ended_engine_had_sent_is_not_executed(tmp_path: Path) -> None:
    async with served(tmp_path) as network:
        engine = await network.dial()
        await engine.call(block(1, b"a"))
        await engine.send(COMMIT)
        await network.server.disconnect()
        successor = await network.dial()
        (info,) = await successor.call(InfoRequest())

        assert info == InfoResponse("test", 1, 0, b"")
        assert "v0 commit(1)" not in network.journal


async def test_server__a_socket_left_by_a_killed_process__is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    left = await asyncio.start_unix_server(lambda *_: None, str(path))
    left.close()
    path.touch()
    async with served(tmp_path) as network:
        assert len(await (await network.dial()).call(InfoRequest())) == 1
