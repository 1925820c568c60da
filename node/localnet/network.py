"""What a person does with a localnet: up, down, and trouble for single validators.

Everything that was started stays when the command returns. `up` goes on with whatever is there: it makes what is
missing and starts what does not run.
"""

import signal
import sys
from contextlib import AsyncExitStack

import aiohttp

from bridge.chain.clock import Clock, SystemClock
from bridge.chain.transport import HttpTransport, Transport
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.chains import chain_url
from node.devnet.ports import HOST
from node.localnet.answers import Awaited, until_blocks_come, until_chain_answers
from node.localnet.anvil import anvils, start_anvils
from node.localnet.errors import NoLocalnet
from node.localnet.files import CHAINS, TRAFFIC, LocalnetFiles
from node.localnet.making import make
from node.localnet.nodes import engine_pid
from node.localnet.processes import Process, send, stop
from node.localnet.settings import LocalnetSettings, read_settings
from node.networks.deploy import Say
from node.store.lock import HomeLock

NODE_GRACE_S = 8.0
HELPER_GRACE_S = 5.0


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


def start_node(files: LocalnetFiles, index: int) -> None:
    """Start a validator unless it runs; its CometBFT is its child."""
    files.node(index).start((sys.executable, "-m", "node.cli", "start", "--home", str(files.validator(index))))


def down(files: LocalnetFiles) -> tuple[str, ...]:
    """Stop everything, the chains last; the names of those that had to be killed. Raises ProcessFailed."""
    settings = made_with(files)
    killed = stop([files.process(TRAFFIC)], HELPER_GRACE_S)
    for index in range(settings.validators):
        _wake_engine(files, index)
    killed += stop([files.node(index) for index in range(settings.validators)], NODE_GRACE_S)
    for index in range(settings.validators):
        left = engine_pid(files, index)
        if left is not None:  # its node was killed; it ends by itself then, but not before we return
            send(left, signal.SIGKILL)
    chains = (files.process(CHAINS), *(anvil.process for anvil in anvils(files, settings)))
    return killed + stop(chains, HELPER_GRACE_S)


def made_with(files: LocalnetFiles) -> LocalnetSettings:
    """The settings of a localnet that is there. Raises NoLocalnet."""
    settings = read_settings(files)
    if settings is None:
        raise NoLocalnet(f"{files.home} holds no localnet: run `sidewarden localnet up --home {files.home}`")
    return settings


def require_validator(files: LocalnetFiles, index: int) -> None:
    """Raises NoLocalnet if there is no validator of that number."""
    count = made_with(files).validators
    if not 0 <= index < count:
        raise NoLocalnet(f"there is no validator {index}: they are 0 to {count - 1}")


def process_named(files: LocalnetFiles, name: str) -> Process:
    """A process by its name, or a validator's by its number. Raises NoLocalnet."""
    if name.isascii() and name.isdigit():
        require_validator(files, int(name))
        return files.node(int(name))
    known = sorted(path.stem for path in (files.home / "logs").glob("*.log"))
    if name not in known:
        raise NoLocalnet(f"no process {name!r} has run here; there are {', '.join(known) or 'none'}")
    return files.process(name)


def _wake_engine(files: LocalnetFiles, index: int) -> None:
    pid = engine_pid(files, index)
    if pid is not None:
        send(pid, signal.SIGCONT)


def _has_traffic(files: LocalnetFiles, settings: LocalnetSettings) -> bool:
    """Whether there are contracts of our own and people with tokens."""
    return settings.traffic and settings.contracts_file is None and files.description.exists()


async def _start_chains(files: LocalnetFiles, settings: LocalnetSettings, transport: Transport, clock: Clock) -> None:
    if settings.chains == "anvil":
        await start_anvils(files, settings, transport, clock)
    elif settings.chains == "embedded":
        process = files.process(CHAINS)
        process.start((sys.executable, "-m", "node.localnet.chains", str(files.home)))
        for port, name in ((settings.root_port, ROOT), (settings.side_port, SIDE)):
            await until_chain_answers(process, chain_url(port, name), transport, clock)
