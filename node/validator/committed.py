"""The last block that a home's node has committed; the node itself may be running or not."""

from contextlib import closing

from config.file import Home
from node.app.application import Application
from node.app.state import Committed
from node.app.store import MemoryStateStore
from node.store.state import SqliteStateStore
from node.validator.start import read_genesis


def read_committed(home: Home) -> Committed:
    """The state of a home, genesis if its node never ran. Raises GenesisError, GenesisUnreadable, StoreError."""
    genesis, path = read_genesis(home), home.locate(home.config.paths.state_db)
    if not path.exists():
        return Application(genesis, MemoryStateStore()).committed
    with closing(SqliteStateStore(path, read_only=True)) as store:
        return Application(genesis, store).committed
