"""Queries of the committed state, and the proofs that a light client takes to the app hash.

    /app                                    the app hash
    /section/<name>                         a section's bytes; with `prove` the siblings up to the app hash
    /<log>/<index>                          an entry of logs/checkpoints, logs/evidence or logs/records, as a LogProof
    /checkpoint/<root chain>/<header id>    the entry of a checkpoint, or of the `last` one, as a LogProof

A LogProof's own section has its siblings as the proof of the answer. Format: `bridge.codec.state_proof`.
"""

import re
from collections.abc import Iterator

from bridge.codec import mmr
from bridge.codec.mmr import MountainRange
from bridge.codec.state_proof import LogProof, encode_log_proof
from bridge.codec.types import Hash32
from node.app.abci import QueryRequest, QueryResponse
from node.app.apphash import HashedState, log_range
from node.app.errors import QueryError, QueryUnready
from node.app.history import CHECKPOINT_LOG, LOG_NAMES, CheckpointEntry, ResetEntry, decode_entry
from node.app.snapshots import CHUNK_ENTRIES
from node.app.state import Committed
from node.app.store import StateStore

BLOCK_ENTRIES = CHUNK_ENTRIES
"""Entries that each proof reads again: of a complete block of so many only the root is kept."""
SCAN_ENTRIES_MAX = 2_000
"""Entries read for one query while the roots are not complete: some tens of milliseconds."""

_BLOCK_HEIGHT = BLOCK_ENTRIES.bit_length() - 1
_ENTRY_PATH = re.compile(r"/(logs/[a-z]+)/(0|[1-9][0-9]{0,18})", re.ASCII)
_CHECKPOINT_PATH = re.compile(r"/checkpoint/(0|[1-9][0-9]{0,2})/(last|0|[1-9][0-9]{0,18})", re.ASCII)


class StateProofs:
    """Answers queries of the last committed state. What the logs' proofs need is read at the first query for one."""

    def __init__(self, store: StateStore) -> None:
        self._logs = {log: _LogProofs(log, store) for log in LOG_NAMES}

    def answer(self, request: QueryRequest, committed: Committed, hashed: HashedState) -> QueryResponse:
        """The answer to a query; with `code` 1 and the reason where there is none, 2 to ask again."""
        height = committed.height
        if request.height not in (0, height):
            return QueryResponse(1, log=f"only height {height} is held", height=height)
        if request.path == "/app":
            return QueryResponse(0, value=committed.app_hash, height=height)
        try:
            if request.path.startswith("/section/"):
                return _section(request, height, hashed)
            return self._entry(request.path, committed, hashed)
        except QueryError as error:
            return QueryResponse(error.response_code, log=str(error), height=height)

    def _entry(self, path: str, committed: Committed, hashed: HashedState) -> QueryResponse:
        if (match := _ENTRY_PATH.fullmatch(path)) and match[1] in self._logs:
            log, index = match[1], int(match[2])
        elif match := _CHECKPOINT_PATH.fullmatch(path):
            log = CHECKPOINT_LOG
            header_id = None if match[2] == "last" else int(match[2])
            index = self._logs[log].checkpoint(log_range(committed.state, log).count, int(match[1]), header_id)
        else:
            raise QueryError(f"no path {path}")
        section = hashed.section(log)
        if section is None:
            raise AssertionError(f"a state has a section {log}")
        entry, siblings = self._logs[log].entry(log_range(committed.state, log).count, index)
        value = encode_log_proof(LogProof(index, entry, section.contents, siblings))
        return QueryResponse(0, key=log.encode(), value=value, height=committed.height, proof=hashed.proof(log))


class _LogProofs:
    """One log's proofs. The log is read once, a bounded piece per query; then a proof costs one read of a block.

    It keeps a few bytes per entry, and a number per checkpoint. A node that started from a snapshot knows the roots of
    what came before, so it proves every entry that it holds.
    """

    def __init__(self, log: str, store: StateStore) -> None:
        self._log = log
        self._store = store
        before = store.log_start(log)
        self._start = self._read = before.count
        self._open: list[Hash32] = []
        """Leaf hashes of the entries after the last complete block."""
        self._roots: dict[tuple[int, int], Hash32] = dict(_roots_of(before))
        """Roots of complete subtrees: of a block at level 0, of two at level 1, and so on; by level and place."""
        self._checkpoints: dict[int, dict[int, int]] = {}
        """By root chain: the place in the log of each header id that was not reset, ascending."""

    def entry(self, count: int, index: int) -> tuple[bytes, tuple[Hash32, ...]]:
        """The entry at `index` of `count`, and the siblings up to the peak of its mountain. Raises QueryError."""
        if index >= count:
            raise QueryError(f"{self._log} has {count} entries: there is none at {index}")
        self._catch_up(count)
        height, _ = mmr.mountain(count, index)
        size = 1 << min(height, _BLOCK_HEIGHT)
        first = index - index % size
        block = self._entries(first, size)
        below = mmr.prove([mmr.leaf_hash(entry) for entry in block], index - first)
        place = index >> _BLOCK_HEIGHT
        above = (self._roots[level, place >> level ^ 1] for level in range(height - _BLOCK_HEIGHT))
        return block[index - first], (*below, *above)

    def checkpoint(self, count: int, root_chain: int, header_id: int | None) -> int:
        """Where a checkpoint stands in the log, or the last one. Raises QueryError."""
        self._catch_up(count)
        places = self._checkpoints.get(root_chain, {})
        wanted = next(reversed(places), None) if header_id is None else header_id
        if wanted is None or wanted not in places:
            if self._start:
                raise self._not_held(f"checkpoint {wanted or ''}")
            raise QueryError(f"no checkpoint {wanted or ''} of root chain {root_chain} has been acknowledged")
        return places[wanted]

    def _catch_up(self, count: int) -> None:
        stop = min(count, self._read + SCAN_ENTRIES_MAX)
        while self._read < stop:
            for entry in self._entries(self._read, min(BLOCK_ENTRIES, stop - self._read)):
                self._add(entry)
        if self._read < count:
            raise QueryUnready(f"{count - self._read} entries of {self._log} are still to be read: ask again")

    def _add(self, entry: bytes) -> None:
        if self._log == CHECKPOINT_LOG:
            self._note_checkpoint(entry)
        self._read += 1
        self._open.append(mmr.leaf_hash(entry))
        if len(self._open) < BLOCK_ENTRIES:
            return
        nodes = self._open
        while len(nodes) > 1:
            nodes = [mmr.node_hash(nodes[left], nodes[left + 1]) for left in range(0, len(nodes), 2)]
        self._open = []
        self._add_root(nodes[0], 0, (self._read >> _BLOCK_HEIGHT) - 1)

    def _add_root(self, root: Hash32, level: int, place: int) -> None:
        self._roots[level, place] = root
        if place % 2:
            self._add_root(mmr.node_hash(self._roots[level, place - 1], root), level + 1, place >> 1)

    def _note_checkpoint(self, data: bytes) -> None:
        entry = decode_entry(data)
        places = self._checkpoints.setdefault(entry.root_chain, {})
        if isinstance(entry, CheckpointEntry):
            places[entry.header_id] = self._read
        elif isinstance(entry, ResetEntry):
            while places and next(reversed(places)) >= entry.header_id:
                places.popitem()

    def _entries(self, first: int, count: int) -> tuple[bytes, ...]:
        entries = self._store.log_entries(self._log, first, count)
        if len(entries) < count:
            raise self._not_held(f"entry {first + len(entries)}")
        return entries

    def _not_held(self, what: str) -> QueryError:
        return QueryError(f"this node does not hold {what} of {self._log}: ask another")


def _roots_of(before: MountainRange) -> Iterator[tuple[tuple[int, int], Hash32]]:
    """The peaks of a range of whole blocks, by level and place."""
    start = 0
    for peak in before.peaks:
        height, _ = mmr.mountain(before.count, start)
        yield (height - _BLOCK_HEIGHT, start >> height), peak
        start += 1 << height


def _section(request: QueryRequest, height: int, hashed: HashedState) -> QueryResponse:
    name = request.path.removeprefix("/section/")
    section = hashed.section(name)
    if section is None:
        raise QueryError(f"no section {name}")
    proof = hashed.proof(name) if request.prove else ()
    return QueryResponse(0, key=name.encode(), value=section.contents, height=height, proof=proof)
