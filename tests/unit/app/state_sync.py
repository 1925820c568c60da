"""The engine's part of a state sync, between two applications."""

from dataclasses import dataclass, field

from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResult,
    LoadSnapshotChunkRequest,
    OfferSnapshotRequest,
    OfferSnapshotResult,
    Snapshot,
)
from node.app.application import Application
from node.app.genesis import Genesis
from node.app.state_sync import SnapshotPolicy
from node.app.store import MemoryStateStore, StateStore

EACH_BLOCK = SnapshotPolicy(interval_blocks=1, kept=1)


@dataclass
class Offered:
    """A snapshot with its chunks, as it came over the network."""

    snapshot: Snapshot
    app_hash: bytes
    chunks: list[bytes] = field(default_factory=list)


def offered(giver: Application, place: int = 0) -> Offered:
    """The giver's newest snapshot but `place`, read whole; the app hash is that of the giver's last block."""
    snapshot = giver.list_snapshots().snapshots[place]
    requests = [LoadSnapshotChunkRequest(snapshot.height, 1, number) for number in range(snapshot.chunks)]
    chunks = [giver.load_snapshot_chunk(request).chunk for request in requests]
    return Offered(snapshot, giver.committed.app_hash, chunks)


def offer(joiner: Application, what: Offered) -> OfferSnapshotResult:
    """Offer the snapshot."""
    return joiner.offer_snapshot(OfferSnapshotRequest(what.snapshot, what.app_hash)).result


def apply(joiner: Application, number: int, chunk: bytes, sender: str = "peer") -> ApplySnapshotChunkResult:
    """Give one chunk."""
    return joiner.apply_snapshot_chunk(ApplySnapshotChunkRequest(number, chunk, sender)).result


def restore(joiner: Application, what: Offered) -> None:
    """Have the joiner start from the snapshot."""
    assert offer(joiner, what) is OfferSnapshotResult.ACCEPT
    for number, chunk in enumerate(what.chunks):
        assert apply(joiner, number, chunk) is ApplySnapshotChunkResult.ACCEPT


def follower(genesis: Genesis, store: StateStore | None = None, policy: SnapshotPolicy = EACH_BLOCK) -> Application:
    """An application of the network that has executed nothing yet."""
    return Application(genesis, store or MemoryStateStore(), snapshots=policy)
