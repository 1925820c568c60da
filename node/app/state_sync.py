"""Giving snapshots to other nodes, and starting from the one of another node."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32
from node.app import canonical
from node.app.abci import ListSnapshotsResponse, LoadSnapshotChunkRequest, OfferSnapshotRequest, Snapshot
from node.app.apphash import HashedState, hash_state, log_range, state_of
from node.app.errors import StoreError
from node.app.history import LOG_NAMES
from node.app.snapshots import (
    FORMAT,
    LogPart,
    Manifest,
    check_offer,
    decode_log_chunk,
    encode_log_chunk,
    is_chunk,
    next_log_part,
    section_parts,
    split,
)
from node.app.store import LogEntry, NewSnapshot, RestoredLog, StateStore, StoredSection


@dataclass(frozen=True, slots=True)
class SnapshotPolicy:
    """When snapshots are taken, and how many blocks the engine keeps."""

    interval_blocks: int = 0
    """A snapshot at each multiple of this height; 0: none are taken, and none are given."""
    kept: int = 2
    """How many of them, the newest; at least 1."""
    retain_blocks: int = 0
    """The engine may forget blocks older than that, but for those from the oldest kept snapshot on; 0: it keeps all."""


class SnapshotKeeper:
    """The snapshots that this node takes and gives to others."""

    def __init__(self, store: StateStore, policy: SnapshotPolicy) -> None:
        self._store = store
        self._policy = policy
        kept = store.snapshots() if policy.interval_blocks else ()
        self._manifests = {stored.height: canonical.decode(Manifest, stored.metadata) for stored in kept}

    def list(self) -> ListSnapshotsResponse:
        """What may be fetched from this node, the newest first."""
        return ListSnapshotsResponse(
            tuple(_description(height, self._manifests[height]) for height in sorted(self._manifests, reverse=True))
        )

    def load(self, request: LoadSnapshotChunkRequest) -> bytes:
        """A chunk; empty if there is no such snapshot or chunk any more."""
        manifest = self._manifests.get(request.height)
        if manifest is None or request.format != FORMAT or request.chunk >= manifest.chunk_count:
            return b""
        if request.chunk < manifest.piece_count:
            return self._store.snapshot_chunk(request.height, request.chunk)
        log, place = manifest.log_chunk(request.chunk)
        start = log.before.count + sum(chunk.range.count for chunk in log.chunks[:place])
        return encode_log_chunk(self._store.log_entries(log.log, start, log.chunks[place].range.count))

    def take(self, height: int, hashed: HashedState, appended: Sequence[LogEntry]) -> NewSnapshot | None:
        """The snapshot to save with this block, which appends these entries; None if none is due."""
        policy = self._policy
        if not policy.interval_blocks or height % policy.interval_blocks:
            return None
        last = self._manifests[max(self._manifests)] if self._manifests else None
        logs = tuple(self._log_part(log, last, hashed, appended) for log in LOG_NAMES)
        manifest = Manifest(section_parts(hashed), logs)
        pieces = tuple(piece for section in hashed.sections for piece in split(section.contents))
        return NewSnapshot(canonical.encode(manifest), pieces, max(1, policy.kept))

    def saved(self, height: int, snapshot: NewSnapshot) -> None:
        """The snapshot is in the store, and the oldest are not any more."""
        self._manifests[height] = canonical.decode(Manifest, snapshot.metadata)
        for old in sorted(self._manifests)[: -snapshot.kept]:
            del self._manifests[old]

    def forget(self) -> None:
        """The store started from another node's snapshot, so those of this one are gone."""
        self._manifests.clear()

    def retain_height(self, height: int) -> int:
        """The lowest block that the engine must keep, for laggards and for who starts from a snapshot; 0: all."""
        policy = self._policy
        if not policy.retain_blocks:
            return 0
        lowest = height - policy.retain_blocks
        if policy.interval_blocks:
            lowest = min(lowest, min(self._manifests, default=0))
        return max(0, lowest)

    def _log_part(self, log: str, last: Manifest | None, hashed: HashedState, appended: Sequence[LogEntry]) -> LogPart:
        new = tuple(entry.contents for entry in appended if entry.log == log)
        count = log_range(hashed.state, log).count
        stored = count - len(new)

        def read(start: int, wanted: int) -> Sequence[bytes]:
            old = self._store.log_entries(log, start, min(wanted, stored - start)) if start < stored else ()
            return (*old, *new[max(0, start - stored) : start + wanted - stored])

        if last is not None:
            previous = next(part for part in last.logs if part.log == log)
        else:
            previous = LogPart(log, self._store.log_start(log), ())
        return next_log_part(previous, count, read)


def kept_state(store: StateStore, height: int) -> HashedState | None:
    """The state at the height of a snapshot that a store keeps; None if it keeps none. Raises StoreError."""
    kept = next((stored for stored in store.snapshots() if stored.height == height), None)
    if kept is None:
        return None
    sections: list[StoredSection] = []
    first = 0
    for part in canonical.decode(Manifest, kept.metadata).sections:
        pieces = (store.snapshot_chunk(height, first + place) for place in range(len(part.pieces)))
        sections.append(StoredSection(part.name, part.version, b"".join(pieces)))
        first += len(part.pieces)
    return hash_state(state_of(sections))


class Restoration:
    """A snapshot of another node, while its chunks come in."""

    def __init__(self, offer: OfferSnapshotRequest) -> None:
        """Raises SnapshotRefused."""
        self._manifest = check_offer(offer)
        self._chunks: dict[int, bytes] = {}
        self.height = offer.snapshot.height
        self._app_hash = Hash32(offer.app_hash)

    @property
    def is_complete(self) -> bool:
        """Whether all chunks are there."""
        return len(self._chunks) == self._manifest.chunk_count

    def add(self, number: int, contents: bytes) -> bool:
        """Keep a chunk; False if it is not the one of that number."""
        if number >= self._manifest.chunk_count or not is_chunk(self._manifest, number, contents):
            return False
        self._chunks[number] = contents
        return True

    def state(self) -> HashedState:
        """The state of the sections. Raises StoreError if the pieces are not what the leaves say."""
        sections: list[StoredSection] = []
        first = 0
        for part in self._manifest.sections:
            contents = b"".join(self._chunks[first + place] for place in range(len(part.pieces)))
            first += len(part.pieces)
            if keccak256(contents) != part.contents_hash:
                raise StoreError(f"the pieces of {part.name} are not the section")
            sections.append(StoredSection(part.name, part.version, contents))
        hashed = hash_state(state_of(sections))
        if hashed.app_hash != self._app_hash:
            raise StoreError("the state does not have the app hash")
        return hashed

    def logs(self) -> tuple[RestoredLog, ...]:
        """The logs' ends."""
        number = self._manifest.piece_count
        logs: list[RestoredLog] = []
        for part in self._manifest.logs:
            chunks = [self._chunks[number + place] for place in range(len(part.chunks))]
            number += len(chunks)
            entries = tuple(entry for chunk in chunks for entry in decode_log_chunk(chunk))
            logs.append(RestoredLog(part.log, part.before, entries))
        return tuple(logs)


def _description(height: int, manifest: Manifest) -> Snapshot:
    metadata = canonical.encode(manifest)
    return Snapshot(height, FORMAT, manifest.chunk_count, keccak256(metadata), metadata)
