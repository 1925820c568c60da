"""local.db: one node's own view of the chains. It can be rebuilt from them.

Headers of each chain, the outboxes, and a few named facts. An outbox entry that is lost with the file costs at most a
transaction that fails: the contract is read before anything is planned again.
"""

from pathlib import Path

from bridge.codec.types import Address, ChainId
from node.store.disk import REAL_DISK, Disk
from node.store.headers import HEADER_TABLES, SqliteHeaderStore
from node.store.outbox import OUTBOX_TABLES, SqliteOutboxStore
from node.store.sqlite import Database, Schema

FACT_BYTES_MAX = 65_536

_FACT_TABLE = """
    CREATE TABLE fact (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT
"""

_SCHEMA = Schema(
    version=1,
    remedy="Stop the node, delete it, and start again: it is rebuilt from the chains",
    script=";".join((HEADER_TABLES, OUTBOX_TABLES, _FACT_TABLE)),
)


class LocalStore:
    """The open local.db. Raises StoreError's leaves."""

    def __init__(self, path: Path, *, disk: Disk = REAL_DISK) -> None:
        self._database = Database(path, _SCHEMA, disk=disk)
        self._headers: dict[str, SqliteHeaderStore] = {}

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def headers(self, chain: str) -> SqliteHeaderStore:
        """The headers of the chain with this name ("side", or a root chain's); the same object for the same name."""
        if chain not in self._headers:
            self._headers[chain] = SqliteHeaderStore(self._database, chain)
        return self._headers[chain]

    def outbox(self, chain_id: ChainId, sender: Address) -> SqliteOutboxStore:
        """The outbox of a sender on a chain."""
        return SqliteOutboxStore(self._database, chain_id, sender)

    def fact(self, name: str) -> bytes | None:
        """The value saved last under a name, or None."""
        row = self._database.row("SELECT value FROM fact WHERE name = ?", (name,))
        if row is None:
            return None
        value: bytes = row[0]
        return value

    def save_fact(self, name: str, value: bytes) -> None:
        """Save a value of at most FACT_BYTES_MAX bytes under a name; durable on return."""
        if len(value) > FACT_BYTES_MAX:
            raise ValueError(f"fact {name} has {len(value)} bytes, over {FACT_BYTES_MAX}")
        self._database.execute("REPLACE INTO fact VALUES (?, ?)", (name, value))
