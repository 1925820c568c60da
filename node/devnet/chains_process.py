"""The parent's handle on the child process that serves the chains.

A child, because one heavy transaction stalls whoever shares its event loop for seconds, and because the EVM's memory
stays out of the devnet's own process.
"""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from itertools import count
from typing import Self, cast

from bridge.codec.types import UnixSeconds
from node.devnet.chains import (
    ChainCommandRefused,
    ChainFileUnusable,
    ChainsSettings,
    ChainStatus,
    SubmittedTransaction,
    endpoint_urls,
)
from node.devnet.chains_wire import (
    LINE_BYTES_MAX,
    Close,
    Command,
    Failed,
    Mine,
    Pause,
    Reorg,
    Reply,
    Request,
    Resume,
    SetFaults,
    Started,
    Status,
    Submit,
    from_line,
    to_line,
)
from node.devnet.rpc.faults import ChainFaults
from node.devnet.settings import ChainsDied, PortBusy

START_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 5.0


class ChainsProcess:
    """A running child; it is `Chains`. Commands also raise ChainsDied when the child has ended."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        rpc_urls: dict[str, str],
    ) -> None:
        """Use `start`."""
        self._process = process
        self._stdin = stdin
        self._stdout = stdout
        self._rpc_urls = rpc_urls
        self._ids = count()
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._reader = asyncio.create_task(self._read_replies(), name="replies of the chains")

    @classmethod
    async def start(cls, settings: ChainsSettings) -> Self:
        """Start the child and wait until all chains listen. What it has to complain about goes to our stderr.

        Raises PortBusy, ChainFileUnusable, ChainsDied.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "node.devnet.chains_child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
        )
        stdin, stdout = cast(asyncio.StreamWriter, process.stdin), cast(asyncio.StreamReader, process.stdout)
        try:
            stdin.write(to_line(settings))
            async with asyncio.timeout(START_TIMEOUT_S):
                rpc_urls = _started(await stdout.readline())
        except BaseException as error:
            await _end(process, stdin)
            if isinstance(error, TimeoutError):
                raise ChainsDied(f"the chains did not start within {START_TIMEOUT_S:.0f} s: start again") from error
            raise
        return cls(process, stdin, stdout, rpc_urls)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    async def died(self) -> ChainsDied:
        """Wait until the child has ended, and say so: for a devnet that cannot go on without it."""
        code = await self._process.wait()
        return ChainsDied(
            f"the process that serves the chains ended with code {code}: start again, they go on from disk"
        )

    def rpc_url(self, name: str) -> str:
        """The true RPC of a chain, which has no faults."""
        if name not in self._rpc_urls:
            raise ChainCommandRefused(f"there is no chain {name!r}; the chains are {', '.join(self._rpc_urls)}")
        return self._rpc_urls[name]

    def validator_urls(self, name: str, validator: int) -> tuple[str, str]:
        """The two RPC endpoints of one validator, which show it the faults set for it."""
        return endpoint_urls(self.rpc_url(name), validator)

    async def status(self, name: str) -> ChainStatus:
        """Where a chain stands."""
        return _status(await self._ask(Status(name)))

    async def pause(self, name: str) -> ChainStatus:
        """Make no more blocks, except on demand."""
        return _status(await self._ask(Pause(name)))

    async def resume(self, name: str) -> ChainStatus:
        """Make blocks periodically again."""
        return _status(await self._ask(Resume(name)))

    async def mine(self, name: str, blocks: int = 1, timestamp: UnixSeconds | None = None) -> ChainStatus:
        """Make blocks at once. Raises ChainCommandRefused."""
        return _status(await self._ask(Mine(name, blocks, timestamp)))

    async def reorg(self, name: str, depth: int) -> ChainStatus:
        """Replace the newest `depth` blocks by others and one more. Raises ChainCommandRefused."""
        return _status(await self._ask(Reorg(name, depth)))

    async def set_faults(self, name: str, faults: ChainFaults) -> ChainStatus:
        """From now on let the chain's RPC misbehave so."""
        return _status(await self._ask(SetFaults(name, faults)))

    async def submit(
        self, name: str, raw_transactions: Sequence[bytes], timestamp: UnixSeconds | None = None
    ) -> tuple[SubmittedTransaction, ...]:
        """Send transactions and make blocks until all are in one. Raises ChainCommandRefused."""
        return (await self._ask(Submit(name, tuple(raw_transactions), timestamp))).submitted

    async def close(self) -> None:
        """Let the child close its files and end; kill it if that takes too long."""
        if self._process.returncode is None:
            with contextlib.suppress(ConnectionError):
                self._stdin.write(to_line(Request(next(self._ids), Close())))
                await self._stdin.drain()
        await _end(self._process, self._stdin)
        await self._reader

    async def _ask(self, command: Command) -> Reply:
        if self._reader.done():
            raise await self.died()
        request = Request(next(self._ids), command)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = answer
        try:
            self._stdin.write(to_line(request))
            await self._stdin.drain()
            reply: Reply = await answer
        except ConnectionError as error:
            raise await self.died() from error
        finally:
            self._waiting.pop(request.id, None)
        if reply.refusal is not None:
            raise ChainCommandRefused(reply.refusal)
        return reply

    async def _read_replies(self) -> None:
        while line := await self._stdout.readline():
            reply = from_line(line, Reply)
            answer = self._waiting.get(reply.id)
            if answer is not None and not answer.done():
                answer.set_result(reply)
        died = await self.died()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(died)


def _started(line: bytes) -> dict[str, str]:
    if not line:
        raise ChainsDied("the process that serves the chains ended before it listened; its stderr says why")
    answer: Started | Failed = from_line(line, Started | Failed)  # type: ignore[arg-type]  # a union is a type to msgspec
    if isinstance(answer, Failed):
        raise PortBusy(answer.message) if answer.code == PortBusy.code else ChainFileUnusable(answer.message)
    return answer.rpc_urls


def _status(reply: Reply) -> ChainStatus:
    return cast(ChainStatus, reply.status)  # of every command that is not refused


async def _end(process: asyncio.subprocess.Process, stdin: asyncio.StreamWriter) -> None:
    """Close the child's stdin, at whose end it ends; kill it if it does not."""
    stdin.close()
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
