"""Files that may be lost: one that cannot be used is thrown away and begun anew."""

import logging
from pathlib import Path

from node.store.disk import Disk
from node.store.errors import DatabaseDamaged, DatabaseVersionUnknown
from node.store.sqlite import Database, Schema

log = logging.getLogger(__name__)


def open_cache(path: Path, schema: Schema, disk: Disk) -> Database:
    """Open a cache, anew if it is damaged or another version's. Raises StoreError where that does not help."""
    try:
        return Database(path, schema, disk=disk)
    except (DatabaseDamaged, DatabaseVersionUnknown) as error:
        log.warning("a cache is begun anew", extra={"path": str(path), "reason": error.code, "text": str(error)})
    for suffix in ("", "-wal", "-shm"):
        disk.remove(path.with_name(path.name + suffix))
    return Database(path, schema, disk=disk)
