"""Snapshots over power cuts and kills: a half one is never offered, and a half restore leaves nothing."""

from contextlib import suppress
from pathlib import Path
from random import Random

from node.app.abci import ApplySnapshotChunkResult, OfferSnapshotResult
from node.app.application import Application
from node.app.state_sync import SnapshotPolicy
from node.simulation.disk.disk import ProcessDisk, SimulatedDisk
from node.store.state import SqliteStateStore
from tests.unit.app.network import Network
from tests.unit.app.state_sync import Offered, apply, follower, offer, offered, restore
from tests.unit.simulation.killing import Killed, Killer, end

PATH = Path("/home/state.db")
POLICY = SnapshotPolicy(interval_blocks=2, kept=2)


def a_network() -> Network:
    """A checkpoint, so that the logs have entries."""
    network = Network()
    network.checkpoint()
    network.empty_blocks(len(network.blocks) % 2)
    return network


def run(network: Network, hashes: dict[int, bytes], disk: ProcessDisk) -> Application:
    """A process that goes on from what its database holds to the network's last block; its snapshots are whole."""
    application = follower(network.genesis, SqliteStateStore(PATH, disk=disk), POLICY)
    for request in network.blocks[application.committed.height :]:
        check_snapshots(network, hashes, application)
        application.finalize_block(request)
        application.commit()
    check_snapshots(network, hashes, application)
    return application


def check_snapshots(network: Network, hashes: dict[int, bytes], application: Application) -> None:
    """The newest two of what was due are offered, and each leads another node to the state of its height."""
    snapshots = application.list_snapshots().snapshots
    due = range(application.committed.height // 2 * 2, 0, -2)
    assert [snapshot.height for snapshot in snapshots] == list(due[:2])
    for place, snapshot in enumerate(snapshots):
        what = offered(application, place)
        what.app_hash = hashes[snapshot.height]
        restore(follower(network.genesis), what)


def hashes_of(network: Network) -> dict[int, bytes]:
    """The app hash of each height."""
    application, hashes = follower(network.genesis), dict[int, bytes]()
    for request in network.blocks:
        application.finalize_block(request)
        application.commit()
        hashes[request.height] = application.committed.app_hash
    return hashes


def test_giver__killed_at_every_moment__offers_whole_snapshots_only() -> None:
    network = a_network()
    hashes = hashes_of(network)
    for kills_at in range(1, 1_000):
        random = Random(kills_at)
        disk, killer = SimulatedDisk(random), Killer(kills_at)
        with suppress(Killed):
            run(network, hashes, disk.attach(killer))
        end(disk, random)
        assert run(network, hashes, disk.attach()).committed == network.app.committed
        if len(killer.moments) < kills_at:
            break
    assert kills_at > 2 * len(network.blocks)


def sync(network: Network, what: Offered, disk: ProcessDisk) -> Application:
    """A process that starts from the snapshot, as far as it has not yet."""
    joiner = follower(network.genesis, SqliteStateStore(PATH, disk=disk))
    assert joiner.committed.height in (0, what.snapshot.height)
    if joiner.committed.height == 0:
        assert offer(joiner, what) is OfferSnapshotResult.ACCEPT
        for number, chunk in enumerate(what.chunks):
            assert apply(joiner, number, chunk) is ApplySnapshotChunkResult.ACCEPT
    return joiner


def test_joiner__killed_at_every_moment__is_empty_or_has_the_whole_snapshot() -> None:
    network = a_network()
    what = offered(run(network, hashes_of(network), SimulatedDisk(Random(0)).attach()))
    for kills_at in range(1, 1_000):
        random = Random(kills_at)
        disk, killer = SimulatedDisk(random), Killer(kills_at)
        with suppress(Killed):
            sync(network, what, disk.attach(killer))
        end(disk, random)
        assert sync(network, what, disk.attach()).committed.app_hash == network.app.committed.app_hash
        if len(killer.moments) < kills_at:
            break
    assert kills_at > 10
