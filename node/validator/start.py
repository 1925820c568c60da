"""`sidewarden start`: one validator from its home, with the engine that it names, until SIGINT or SIGTERM.

Whatever it depends on may be down when it starts: chains are read when they answer, and the API says what is missing.
Only what lies in the home itself must be in order.
"""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Protocol

import aiohttp

from bridge.chain.clock import Clock, SystemClock
from bridge.chain.transport import HttpTransport, Transport
from config.file import Home, check_against_genesis, load_home
from node.api.server import ApiServer
from node.app.genesis import Genesis
from node.app.genesis_file import FILE_BYTES_MAX, genesis_from_json
from node.duties.engine_view import LocalEngineView
from node.duties.sntp import SntpClient
from node.duties.status import Why
from node.duties.supervisor import Supervisor
from node.engine.local.block_store import BlockStore
from node.store.lock import HomeLock
from node.validator.errors import ApiUnavailable, GenesisUnreadable
from node.validator.fork_start import refuse_early_start
from node.validator.home import comet_engine, local_engine, open_home
from node.validator.logs import configure_logging
from node.validator.together import run_together
from node.validator.validator import Validator

NEWS_INTERVAL_S = 1.0

log = logging.getLogger(__name__)


def run_validator(path: Path, *, accepts_risk: bool = False) -> None:
    """Run the validator of a home in this process until it is told to stop.

    `accepts_risk`: start a fork though checkpoints of the network before it may land for ever.

    Raises ConfigError, NodeError, and what genesis, keys, databases and engine raise, each with words for the operator.
    """
    home = load_home(path)
    configure_logging(home.config.log.level, home.config.log.format)
    asyncio.run(_run_until_signal(home, read_genesis(home), accepts_risk=accepts_risk))


def read_genesis(home: Home) -> Genesis:
    """The genesis that a home names, compared with its configuration.

    Raises GenesisUnreadable, GenesisError, ConfigContradictsGenesis.
    """
    path = home.locate(home.config.paths.genesis)
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise GenesisUnreadable(f"{path} (paths.genesis) cannot be read: {error.strerror}") from error
    genesis = genesis_from_json(text)
    check_against_genesis(home.config, genesis)
    return genesis


class Engine(Protocol):
    """What orders this validator's blocks, ready to run."""

    async def run(self) -> None:
        """Run until cancelled, or until it fails for good."""
        ...


async def _run_until_signal(home: Home, genesis: Genesis, *, accepts_risk: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = SystemClock()
    async with AsyncExitStack() as cleanup:
        cleanup.callback(HomeLock(home.path).release)
        session = await cleanup.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        bring_up = _with_comet if home.config.engine.kind == "comet" else _with_local
        validator, engine = bring_up(home, genesis, HttpTransport(session), clock, cleanup)
        if validator.committed.height == 0:
            refuse_early_start(genesis, clock.now(), accepts_risk=accepts_risk)
        await _serve(validator, home, cleanup)
        news = Supervisor((News(validator),), clock, NEWS_INTERVAL_S)
        await run_together(stop.wait(), engine.run(), validator.run(), news.run())
        leaving_acks = validator.status().leaving_acks
        if leaving_acks is not None:
            log.warning("stopping while still needed", extra={"leaves_after_acks": leaving_acks})
    log.info("stopped")


def _with_local(
    home: Home, genesis: Genesis, transport: Transport, clock: Clock, cleanup: AsyncExitStack
) -> tuple[Validator, Engine]:
    """Open and wire one validator with the local engine; `cleanup` undoes it in reverse."""
    # First of all: who holds engine.db runs these validators, and nothing else of the home may be touched meanwhile.
    store = cleanup.enter_context(closing(BlockStore(home.locate(home.config.paths.engine_db))))
    opened = cleanup.enter_context(closing(open_home(home, genesis)))
    engine = local_engine(genesis, (opened,), store, clock)
    validator = Validator(opened, LocalEngineView(engine, 0), transport, clock)
    cleanup.push_async_callback(validator.close)
    engine.subscribe(0, validator.on_commit)
    engine.start()
    return validator, engine


def _with_comet(
    home: Home, genesis: Genesis, transport: Transport, clock: Clock, cleanup: AsyncExitStack
) -> tuple[Validator, Engine]:
    """Open and wire one validator with CometBFT; `cleanup` undoes it in reverse."""
    opened = cleanup.enter_context(closing(open_home(home, genesis)))
    engine = comet_engine(opened, clock)
    validator = Validator(opened, engine, transport, clock, engine_rpc=engine.rpc, time_source=SntpClient(clock))
    cleanup.push_async_callback(validator.close)
    engine.subscribe(validator.on_commit)
    return validator, engine


async def _serve(validator: Validator, home: Home, cleanup: AsyncExitStack) -> None:
    """Serve the API from now on, whatever the engine does."""
    server = ApiServer(validator, home.config.api.settings)
    cleanup.push_async_callback(server.close)
    try:
        url = await server.start()
    except OSError as error:
        api = home.config.api
        raise ApiUnavailable(
            f"{api.host} port {api.port} (api.host, api.port) cannot be listened on: {error.strerror}; "
            "stop who holds it, or configure another"
        ) from error
    status = validator.status()
    log.info(
        "started",
        extra={"home": home.path, "api": url, "validator": status.validator_id, "height": status.engine_height},
    )


class News:
    """Logs each change of what this validator waits for; a duty, so that it is supervised like the others."""

    name = "news"

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._stopped: Why | None = None
        self._reasons: dict[str, str] = {}
        self._alarms: tuple[str, ...] = ()

    async def run_once(self) -> bool:
        """Compare the status with the one before."""
        status = self._validator.status()
        if status.stopped_signing is not None and status.stopped_signing != self._stopped:
            log.error(
                "stopped signing",
                extra={"reason": status.stopped_signing.reason.value, "text": status.stopped_signing.text},
            )
        self._stopped = status.stopped_signing
        for root in status.root_chains:
            reason = root.why.reason.value
            if self._reasons.get(root.name) != reason:
                facts = {"root_chain": root.name, "reason": reason, "text": root.why.text, "turn": root.turn}
                log.info("waiting", extra={**facts, "height": status.engine_height})
                self._reasons[root.name] = reason
        for alarm in status.alarms:
            if alarm not in self._alarms:
                log.warning("alarm", extra={"text": alarm})
        self._alarms = status.alarms
        return False
