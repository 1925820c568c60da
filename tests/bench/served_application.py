"""`python -m tests.bench.served_application GENESIS STATE_DB SOCKET`: our application for one CometBFT, and no more.

What a validator's process does for its engine, without duties and API, so that it can be held against another program
that does nothing else either.
"""

import asyncio
import sys
from pathlib import Path

from node.app.application import Application
from node.app.genesis import Genesis, genesis_hash
from node.app.genesis_file import genesis_from_json
from node.app.opened import TransactionOpener
from node.engine.comet.server import AbciServer
from node.store.state import SqliteStateStore


async def serve(genesis: Genesis, state_path: Path, socket: Path) -> None:
    """Serve until killed."""
    opener = TransactionOpener(genesis_hash(genesis))
    application = Application(genesis, SqliteStateStore(state_path), opener)
    server = AbciServer(application, opener, lambda _: None)
    await server.start(socket)
    await server.failure


if __name__ == "__main__":
    genesis_path, state_path, socket = map(Path, sys.argv[1:4])
    asyncio.run(serve(genesis_from_json(genesis_path.read_text()), state_path, socket))
