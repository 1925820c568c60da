"""The outbox of one (chain id, sender) in a database: `bridge.chain.outbox_store.OutboxStore` over SQLite."""

from bridge.chain.outbox_store import OutboxEntry, decode_entry, encode_entry
from bridge.codec.errors import RlpError
from bridge.codec.types import Address, ChainId
from node.store.sqlite import Database

OUTBOX_TABLES = """
    CREATE TABLE outbox_entry (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        chain_id INTEGER NOT NULL,
        sender BLOB NOT NULL,
        key TEXT NOT NULL,
        contents BLOB NOT NULL,
        UNIQUE (chain_id, sender, key)
    ) STRICT
"""


class SqliteOutboxStore:
    """The entries of one sender on one chain; others may stand in the same table."""

    def __init__(self, database: Database, chain_id: ChainId, sender: Address) -> None:
        self._database = database
        self._owner = (chain_id, sender)

    def entries(self) -> tuple[OutboxEntry, ...]:
        """All entries, in the order in which their keys were first saved. Raises DatabaseDamaged."""
        rows = self._database.rows(
            "SELECT contents FROM outbox_entry WHERE chain_id = ? AND sender = ? ORDER BY sequence", self._owner
        )
        try:
            return tuple(decode_entry(contents) for (contents,) in rows)
        except (RlpError, ValueError) as error:
            raise self._database.damaged(f"an outbox entry does not decode ({error})") from error

    def save(self, entry: OutboxEntry) -> None:
        """Write the entry, in place of the one with the same key if there is one; durable on return."""
        self._database.execute(
            "INSERT INTO outbox_entry (chain_id, sender, key, contents) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (chain_id, sender, key) DO UPDATE SET contents = excluded.contents",
            (*self._owner, entry.intent.key, encode_entry(entry)),
        )

    def remove(self, key: str) -> None:
        """Forget a closed entry; no error if it is not there."""
        self._database.execute(
            "DELETE FROM outbox_entry WHERE chain_id = ? AND sender = ? AND key = ?", (*self._owner, key)
        )
