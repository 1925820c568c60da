"""Members that lag, go away in the middle of a call, and come back on whatever their disk has kept."""

from pathlib import Path

import pytest

from node.app.abci import CommitResponse, FinalizeBlockRequest, FinalizeBlockResponse
from node.engine.errors import DivergenceError, MemberLostError, MemberPausedError
from node.engine.local.node import Member
from tests.unit.engine.network import Disk, FaultyNetwork, LocalNetwork, RecordingApplication, key

AWAY = 3


class DyingApplication(RecordingApplication):
    """Its process ends at one of two calls of the second block."""

    dies_in_commit = False

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        if request.height == 2 and not self.dies_in_commit:
            raise MemberLostError(self.name)
        return super().finalize_block(request)

    def commit(self) -> CommitResponse:
        if self.disk.height == 1 and self.dies_in_commit:
            raise MemberLostError(self.name)
        return super().commit()


class DyingInCommit(DyingApplication):
    dies_in_commit = True


def _fresh(network: LocalNetwork, disk: Disk) -> Member:
    application = RecordingApplication(f"v{AWAY}", network.journal, disk)
    return Member(application.name, (key(AWAY),), application, network.clock)


async def test_engine__a_member_behind__is_not_asked_to_judge_what_it_is_told_later(tmp_path: Path) -> None:
    faults = FaultyNetwork()
    network = LocalNetwork(tmp_path, network=faults).start()
    await network.block(b"a")
    faults.behind = frozenset({AWAY})
    await network.block(b"b")
    await network.block(b"c")
    assert network.disks[AWAY].height == 1
    network.journal.clear()
    faults.behind = frozenset()
    await network.engine.step()
    calls = [call for call in network.calls(f"v{AWAY}") if not call.startswith(("check", "recheck"))]
    assert calls == ["finalize(2)", "commit(2)", "finalize(3)", "commit(3)"]


@pytest.mark.parametrize("kind", [DyingApplication, DyingInCommit])
async def test_engine__a_member_lost_in_a_call__the_others_go_on(
    tmp_path: Path, kind: type[RecordingApplication]
) -> None:
    network = LocalNetwork(tmp_path, kinds={AWAY: kind}).start()
    await network.block(b"a")
    report = await network.block(b"b")
    network.engine.leave(AWAY)
    assert report.height == 2
    assert (await network.block(b"c")).height == 3
    assert [disk.height for disk in network.disks] == [3, 3, 3, 1]


@pytest.mark.parametrize("kept_height", [0, 1, 2])
async def test_join__on_what_the_disk_has_kept__catches_up_and_votes(tmp_path: Path, kept_height: int) -> None:
    network = LocalNetwork(tmp_path).start()
    kept = Disk()
    for count, transaction in enumerate((b"a", b"b", b"c"), start=1):
        await network.block(transaction)
        if count == kept_height:
            kept = Disk(network.disks[AWAY].height, network.disks[AWAY].executed)
    network.engine.leave(AWAY)
    with pytest.raises(MemberPausedError):
        network.engine.submit(AWAY, b"d")
    assert network.engine.power.present == 30
    network.engine.join(AWAY, _fresh(network, kept))
    assert not network.engine.is_caught_up(AWAY)
    await network.engine.step()
    assert network.engine.is_caught_up(AWAY)
    assert kept == network.disks[0]
    assert (await network.block(b"d", member=AWAY)).transactions == 1
    assert network.engine.power.present == 40


async def test_join__its_mempool_is_new__and_peers_offer_what_waits(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block()
    network.engine.leave(AWAY)
    network.engine.submit(0, b"waits")
    network.engine.join(AWAY, _fresh(network, network.disks[AWAY]))
    network.journal.clear()
    await network.engine.step()
    assert "check(waits)" in network.calls(f"v{AWAY}")


async def test_join__with_another_state__is_refused_and_stays_away(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.engine.leave(AWAY)
    with pytest.raises(DivergenceError, match=r"remove that validator's state\.db"):
        network.engine.join(AWAY, _fresh(network, Disk(1, (b"b",))))
    assert (await network.block(b"b")).height == 2
    assert network.engine.halted is None


async def test_deliver__what_a_peer_sent_late__is_checked_as_gossip(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, network=FaultyNetwork(drops_gossip=True)).start()
    await network.block()
    network.engine.deliver(1, b"late", 0)
    network.engine.deliver(1, b"late", 2)
    network.engine.pause(2)
    network.engine.deliver(2, b"late", 0)
    assert network.calls("v1").count("check(late)") == 1
    assert "check(late)" not in network.calls("v2")
