"""`sidewarden proof-server`: one server from its configuration, until SIGINT or SIGTERM."""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack

import aiohttp

from bridge.chain.clock import SystemClock
from bridge.chain.transport import HttpTransport
from config.proof_server import ProofServerConfig
from node.api.serving import HttpServer
from node.proof_server.application import create_app
from node.proof_server.server import ProofServer
from node.validator.errors import ApiUnavailable
from node.validator.logs import configure_logging
from node.validator.together import run_together

log = logging.getLogger(__name__)


def run_proof_server(config: ProofServerConfig) -> None:
    """Run in this process until it is told to stop. Raises ConfigInvalid, ApiUnavailable, StoreError."""
    configure_logging(config.log.level, config.log.format)
    asyncio.run(_run_until_signal(config))


async def _run_until_signal(config: ProofServerConfig) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as cleanup:
        session = await cleanup.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        server = ProofServer(config, HttpTransport(session), SystemClock())
        cleanup.push_async_callback(server.close)
        http = HttpServer(create_app(server, config.api.settings), config.api.settings)
        cleanup.push_async_callback(http.close)
        try:
            url = await http.start()
        except OSError as error:
            raise ApiUnavailable(
                f"{config.api.host} port {config.api.port} (api.host, api.port) cannot be listened on: "
                f"{error.strerror}; stop who holds it, or configure another"
            ) from error
        log.info("proofs are served", extra={"api": url, "root_chains": ", ".join(server.burns.root_chains)})
        await run_together(stop.wait(), server.run())
    log.info("stopped")
