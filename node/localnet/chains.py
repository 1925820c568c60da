"""The process that serves the embedded chains of a localnet: `python -m node.localnet.chains HOME`, until SIGTERM.

Blocks are on disk before anybody sees them, so that it may also be killed. Its control URL is that of a devnet.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from aiohttp import web

from bridge.chain.clock import SystemClock
from node.devnet.chains_local import LocalChains
from node.devnet.control import control_app
from node.devnet.ports import HOST
from node.devnet.rpc.faults import ChainFaults
from node.localnet.files import LocalnetFiles
from node.localnet.nodes import pause, resume
from node.localnet.served import ServedChains, read_served
from node.validator.together import run_together

SHUTDOWN_S = 0.1


def main() -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    files = LocalnetFiles(Path(sys.argv[1]))
    asyncio.run(_serve(files, read_served(files)))


async def _serve(files: LocalnetFiles, served: ServedChains) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    chains = await LocalChains.start(served.chains, SystemClock())
    control = web.AppRunner(
        control_app(_Controlled(files, served, chains), served.control_token),
        access_log=None,
        shutdown_timeout=SHUTDOWN_S,
    )
    try:
        await control.setup()
        await web.TCPSite(control, HOST, served.control_port).start()
        await run_together(stop.wait(), chains.run_miners())
    finally:
        await control.cleanup()
        await chains.close()


class _Controlled:
    """What the control URL controls: the chains in this process, and the validators' by their signals."""

    def __init__(self, files: LocalnetFiles, served: ServedChains, chains: LocalChains) -> None:
        self._files = files
        self._chains = chains
        self.validator_count = served.validators
        self.chain_names = tuple(chain.name for chain in served.chains.chains)

    def pause_validator(self, index: int) -> None:
        """Stop both processes of a validator."""
        pause(self._files, index)

    def resume_validator(self, index: int) -> None:
        """Let both go on."""
        resume(self._files, index)

    async def pause_chain(self, name: str) -> None:
        """Stop making blocks."""
        await self._chains.pause(name)

    async def resume_chain(self, name: str) -> None:
        """Make blocks again."""
        await self._chains.resume(name)

    async def mine(self, name: str, blocks: int) -> int:
        """Make blocks at once; the new head's number."""
        return (await self._chains.mine(name, blocks)).head_number

    async def reorg(self, name: str, depth: int) -> int:
        """Replace the newest blocks; the new head's number."""
        return (await self._chains.reorg(name, depth)).head_number

    async def set_faults(self, name: str, faults: ChainFaults) -> None:
        """From now on let the chain's RPC misbehave so."""
        await self._chains.set_faults(name, faults)


if __name__ == "__main__":
    main()
