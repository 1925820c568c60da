"""`sidewarden localnet up`: make what is missing, start what does not run, and wait until blocks come.

Everything that was started stays when the command returns.
"""

import sys
from contextlib import AsyncExitStack

import aiohttp

from bridge.chain.clock import Clock, SystemClock
from bridge.chain.transport import HttpTransport, Transport
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.chains import chain_url
from node.devnet.ports import HOST
from node.localnet.answers import Awaited, until_blocks_come, until_chain_answers
from node.localnet.anvil import start_anvils
from node.localnet.files import EMBEDDED, TRAFFIC, LocalnetFiles
from node.localnet.making import make
from node.localnet.network import down, start_node
from node.localnet.settings import LocalnetSettings
from node.networks.deploy import Say
from node.store.lock import HomeLock


async def up(files: LocalnetFiles, settings: LocalnetSettings, say: Say) -> tuple[int, ...]:
    """Bring everything up and wait until all validators make blocks; their heights.

    Raises LocalnetError, NetworkError, DevnetError, ChainError, and what keys and files raise.
    """
    clock = SystemClock()
    async with AsyncExitStack() as cleanup:
        cleanup.callback(HomeLock(files.home).release)
        session = await cleanup.enter_async_context(aiohttp.ClientSession())
        transport = HttpTransport(session)
        if not files.description.exists():
            down(files)  # what a making that did not end has left running
            await make(files, settings, say)
        await _start_chains(files, settings, transport, clock)
        for index in range(settings.validators):
            start_node(files, index)
        if _has_traffic(files, settings):
            files.process(TRAFFIC).start((sys.executable, "-m", "node.localnet.traffic", str(files.home)))
        say("everything is started; waiting for blocks")
        validators = [
            Awaited(files.node(index), f"http://{HOST}:{settings.api_port + index}")
            for index in range(settings.validators)
        ]
        return await until_blocks_come(validators, session, clock)


def _has_traffic(files: LocalnetFiles, settings: LocalnetSettings) -> bool:
    """Whether there are contracts of our own and people with tokens."""
    return settings.traffic and settings.contracts_file is None and files.description.exists()


async def _start_chains(files: LocalnetFiles, settings: LocalnetSettings, transport: Transport, clock: Clock) -> None:
    if settings.chains == "anvil":
        await start_anvils(files, settings, transport, clock)
    elif settings.chains == "embedded":
        process = files.process(EMBEDDED)
        process.start((sys.executable, "-m", "node.localnet.chains", str(files.home)))
        for port, name in ((settings.root_port, ROOT), (settings.side_port, SIDE)):
            await until_chain_answers(process, chain_url(port, name), transport, clock)
