"""A fork of a home's network: `sidewarden genesis fork`."""

import tomllib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.file import Home
from node.app.apphash import HashedState, hash_state, state_of
from node.app.errors import GenesisError
from node.app.fork import exported_genesis, forked_genesis
from node.app.fork_changes import Change, apply_changes
from node.app.genesis import Genesis
from node.app.state_sync import kept_state
from node.store.state import SqliteStateStore
from node.validator.errors import HeightNotHeld
from node.validator.start import read_genesis

CHANGES_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fork:
    """A new genesis, and the list of what it changes beside going on."""

    genesis: Genesis
    changes: tuple[Change, ...]


def fork_network(home: Home, height: int, changes: Path) -> Fork:
    """The fork of a home's network at a height that its state.db has.

    Raises HeightNotHeld, GenesisError, StoreError.
    """
    genesis = read_genesis(home)
    hashed = _state_at(home, height)
    exported = exported_genesis(genesis, hashed.state)
    wanted, made = apply_changes(exported, _read_changes(changes))
    return Fork(forked_genesis(genesis, hashed.state, hashed.app_hash, wanted), made)


def _state_at(home: Home, height: int) -> HashedState:
    path = home.locate(home.config.paths.state_db)
    with closing(SqliteStateStore(path, read_only=True)) as store:
        stored = store.load()
        if stored is not None and stored.height == height:
            return hash_state(state_of(stored.sections))
        kept = kept_state(store, height)
        held = [snapshot.height for snapshot in store.snapshots()]
    if kept is None:
        last = 0 if stored is None else stored.height
        raise HeightNotHeld(
            f"{path} has the state at {', '.join(map(str, sorted({last, *held})))}, not at {height}: "
            "agree on a height that all nodes have, the last block of a network that stands still or a snapshot's"
        )
    return kept


def _read_changes(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(CHANGES_BYTES_MAX + 1)
        if len(text) > CHANGES_BYTES_MAX:
            raise GenesisError(f"{path} has over {CHANGES_BYTES_MAX} bytes")
        return tomllib.loads(text.decode())
    except OSError as error:
        raise GenesisError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise GenesisError(f"{path} is no TOML: {error}") from error
