"""The child process that serves the chains: `python -m node.devnet.chains_child`, started by `ChainsProcess` alone.

It ends when its stdin ends, so a devnet that was killed leaves nothing behind on its ports and files. Blocks are on
disk before anybody sees them, so that is no worse than any other way to end.
"""

import asyncio
import logging
import os
import signal
import sys
import threading

from bridge.chain.clock import SystemClock
from node.devnet.chain import ChainFileRefused
from node.devnet.chains import ChainCommandRefused, ChainsSettings, ChainStatus
from node.devnet.chains_local import LocalChains
from node.devnet.chains_wire import (
    Close,
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
from node.devnet.settings import PortBusy


def main() -> None:
    """Serve until told to close, or until stdin ends."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # Ctrl-C reaches the whole process group; the parent decides when the chains end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = from_line(sys.stdin.buffer.readline(), ChainsSettings)
    asyncio.run(_serve(settings))


async def _serve(settings: ChainsSettings) -> None:
    try:
        chains = await LocalChains.start(settings, SystemClock())
    except (PortBusy, ChainFileRefused) as error:
        _write(Failed(error.code, str(error)))
        return
    requests: asyncio.Queue[Request] = asyncio.Queue()
    _read_in_thread(asyncio.get_running_loop(), requests)
    _write(Started({chain.name: chains.rpc_url(chain.name) for chain in settings.chains}))
    async with asyncio.TaskGroup() as tasks:
        miners = tasks.create_task(chains.run_miners())
        await _obey(chains, requests)
        miners.cancel()
    await chains.close()


def _read_in_thread(loop: asyncio.AbstractEventLoop, requests: asyncio.Queue[Request]) -> None:
    """Pass requests on. A thread of its own, to end the process at once also while the loop runs a long transaction."""

    def read() -> None:
        for line in sys.stdin.buffer:
            request = from_line(line, Request)
            loop.call_soon_threadsafe(requests.put_nowait, request)
            if isinstance(request.command, Close):
                return
        os._exit(0)

    threading.Thread(target=read, daemon=True, name="stdin").start()


async def _obey(chains: LocalChains, requests: asyncio.Queue[Request]) -> None:
    while True:
        request = await requests.get()
        if isinstance(request.command, Close):
            return
        try:
            _write(await _run(chains, request))
        except ChainCommandRefused as refusal:
            _write(Reply(request.id, refusal=str(refusal)))


async def _run(chains: LocalChains, request: Request) -> Reply:
    status: ChainStatus
    match request.command:
        case Status(chain):
            status = await chains.status(chain)
        case Pause(chain):
            status = await chains.pause(chain)
        case Resume(chain):
            status = await chains.resume(chain)
        case Mine(chain, blocks, timestamp):
            status = await chains.mine(chain, blocks, timestamp)
        case Reorg(chain, depth):
            status = await chains.reorg(chain, depth)
        case SetFaults(chain, faults):
            status = await chains.set_faults(chain, faults)
        case Submit(chain, raw_transactions, timestamp):
            submitted = await chains.submit(chain, raw_transactions, timestamp)
            return Reply(request.id, await chains.status(chain), submitted)
        case Close():
            raise AssertionError("handled by the caller")
    return Reply(request.id, status)


def _write(message: Started | Failed | Reply) -> None:
    sys.stdout.buffer.write(to_line(message))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
