"""The application's end of ABCI's socket protocol: CometBFT dials, and every answer comes in the order of the requests.

CometBFT opens four connections and does not say which is which, so every method is served on each. Everything that a
read brings is answered by one write. Signatures are checked in threads; the application itself is called on the event
loop, and requests of consensus go before transactions that wait to be checked and queries, which anybody may send.

An application that fails is no longer asked: the engine gets an exception and stops, and `failure` has the cause.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

from node.app.abci import (
    ApplySnapshotChunkResponse,
    CheckTxRequest,
    CommitResponse,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    OfferSnapshotResponse,
    PrepareProposalRequest,
    ProcessProposalRequest,
    QueryRequest,
)
from node.app.opened import TransactionOpener
from node.engine import convert
from node.engine.application import Application, answer
from node.engine.comet.framing import FrameReader, encode_frame
from node.engine.comet.sockets import socket_address
from node.engine.commits import CommittedBlock, OnCommit
from node.engine.convert import CommitRequest, Request, Response
from node.engine.errors import WireError
from node.engine.proto import abci_pb2 as pb

CONNECTIONS_MAX = 8
"""CometBFT opens four."""
CHECKS_PER_TURN = 64
"""So many transactions are checked before others get their turn on the event loop."""

_WithTransactions: TypeAlias = PrepareProposalRequest | ProcessProposalRequest | FinalizeBlockRequest

log = logging.getLogger(__name__)


class AbciServer:
    """Serves one application to one CometBFT node."""

    def __init__(
        self,
        application: Application,
        opener: TransactionOpener,
        on_commit: OnCommit,
        before_commit: Callable[[int, FinalizeBlockResponse], None] = lambda height, response: None,
    ) -> None:
        """`opener` is the application's own: what is verified here in threads is not verified again there.

        `before_commit` is told of each block that was executed, before the engine is.
        """
        self._application = application
        self._opener = opener
        self._on_commit = on_commit
        self._before_commit = before_commit
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._consensus = _Precedence()
        self._finalized: tuple[FinalizeBlockRequest, FinalizeBlockResponse] | None = None
        # One thread each, so that a full mempool does not hold a block up.
        self._block_thread = ThreadPoolExecutor(1, "signatures of a block")
        self._mempool_thread = ThreadPoolExecutor(1, "signatures of the mempool")
        self.failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """What the application raised, if it did; nothing is served from then on, or until `ask_again`."""

    async def start(self, path: Path) -> None:
        """Listen at a unix socket; one that is there is left over from a process that was killed. Raises OSError."""
        _free(path)
        with socket_address(path) as address:
            self._server = await asyncio.start_unix_server(self._accept, address)

    def ask_again(self) -> None:
        """Serve again after a failure: what was executed and not committed is executed anew."""
        self.failure = asyncio.get_running_loop().create_future()

    async def disconnect(self) -> None:
        """Cut all connections: nothing that an engine sent before its end may act on what the next one finds."""
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()
        await self.disconnect()
        for executor in (self._block_thread, self._mempool_thread):
            executor.shutdown(wait=False, cancel_futures=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.failure.done() or len(self._connections) >= CONNECTIONS_MAX:
            writer.close()
            return
        connection = asyncio.create_task(self._serve(reader, writer), name="ABCI connection")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve_frames(FrameReader(reader), writer)
        except (WireError, OSError) as error:
            log.warning("the engine's connection is cut", extra={"cause": str(error)})
        finally:
            writer.close()

    async def _serve_frames(self, frames: FrameReader, writer: asyncio.StreamWriter) -> None:
        while messages := await frames.read():
            try:
                answers = await self._answer_all(messages)
            except WireError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it ends the engine, with its cause
                self._fail(error)
                writer.write(encode_frame(_exception(error)))
                await writer.drain()
                return
            writer.write(b"".join(map(encode_frame, answers)))
            await writer.drain()

    async def _answer_all(self, messages: Sequence[bytes]) -> list[bytes]:
        """The answers to requests that came together; checks of transactions in a row are made together."""
        answers: list[bytes] = []
        decoded = map(convert.request_message_of, messages)
        for kind, group in groupby(decoded, key=lambda message: message.WhichOneof("value")):
            if kind == "check_tx":
                answers += await self._check_all([message.check_tx for message in group])
            else:
                answers += [await self._answer(message) for message in group]
        return answers

    async def _answer(self, message: pb.Request) -> bytes:
        match message.WhichOneof("value"):
            case "flush":
                return _FLUSHED
            case "echo":
                echo = pb.ResponseEcho(message=message.echo.message)
                return pb.Response(echo=echo).SerializeToString()
        request = convert.request_of(message)
        if isinstance(request, QueryRequest):
            await self._consensus.released()
            return convert.response_to_bytes(self._call(request))
        with self._consensus.claimed():
            if isinstance(request, _WithTransactions):
                await self._open(request.txs, self._block_thread)
            response = self._call(request)
        return convert.response_to_bytes(response)

    async def _check_all(self, messages: Sequence[pb.RequestCheckTx]) -> list[bytes]:
        requests = [convert.request_of(pb.Request(check_tx=message)) for message in messages]
        answers: list[bytes] = []
        for start in range(0, len(requests), CHECKS_PER_TURN):
            batch = requests[start : start + CHECKS_PER_TURN]
            new = (request.tx for request in batch if isinstance(request, CheckTxRequest))
            await self._open(new, self._mempool_thread)
            await self._consensus.released()
            answers += [convert.response_to_bytes(self._call(request)) for request in batch]
        return answers

    async def _open(self, transactions: Iterable[bytes], thread: Executor) -> None:
        """Verify in a thread what was not verified before."""
        unknown = [data for data in transactions if self._opener.lacks(data)]
        if unknown:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(thread, lambda: [self._opener.examine(data) for data in unknown])
            for data, opened in zip(unknown, found, strict=True):
                self._opener.remember(data, opened)

    def _call(self, request: Request) -> Response:
        if self.failure.done():
            raise self.failure.result()
        response = answer(self._application, request)
        match request, response:
            case FinalizeBlockRequest(), FinalizeBlockResponse():
                self._before_commit(request.height, response)
                self._finalized = request, response
            case CommitRequest(), CommitResponse() if self._finalized is not None:
                block, result = self._finalized
                self._on_commit(CommittedBlock(block.height, block.time_ns, block.txs, result, block.last_commit))
            case _, OfferSnapshotResponse(reason=why) | ApplySnapshotChunkResponse(reason=why) if why:
                log.warning("a snapshot of another node is refused", extra={"cause": why})
        return response

    def _fail(self, error: Exception) -> None:
        if not self.failure.done():
            log.error("the application failed; the engine is stopped", exc_info=error)
            self.failure.set_result(error)


class _Precedence:
    """Who may be asked to wait while consensus has something to do."""

    def __init__(self) -> None:
        self._claims = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextlib.contextmanager
    def claimed(self) -> Generator[None]:
        """Let others wait as long as the context is open."""
        self._claims += 1
        self._free.clear()
        try:
            yield
        finally:
            self._claims -= 1
            if not self._claims:
                self._free.set()

    async def released(self) -> None:
        """Return when nobody claims it; at once, though not without a turn for others, if nobody does."""
        await asyncio.sleep(0)
        await self._free.wait()


_FLUSHED = pb.Response(flush=pb.ResponseFlush()).SerializeToString()


def _free(path: Path) -> None:
    """Remove what a process that was killed has left; the directory keeps others out."""
    path.unlink(missing_ok=True)


def _exception(error: Exception) -> bytes:
    code = getattr(error, "code", type(error).__name__)
    return pb.Response(exception=pb.ResponseException(error=f"{code}: {error}")).SerializeToString()
