"""The engine as a whole: order of calls, turns, time, updates, pauses."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.chain.clock import ManualClock
from bridge.codec.types import Address
from node.app.abci import FinalizeBlockRequest, FinalizeBlockResponse, PrepareProposalRequest, PrepareProposalResponse
from node.engine.commits import CommittedBlock
from node.engine.errors import (
    ApplicationFaultError,
    DivergenceError,
    MemberPausedError,
    StoreMismatchError,
    ValidatorUpdateError,
)
from node.engine.local.block import BlockReport
from node.engine.local.block_store import BlockStore
from node.engine.local.engine import LOOK_AGAIN_S, LocalEngine
from node.engine.local.node import Member
from node.engine.local.round import BLOCK_BYTES_MAX
from node.engine.local.validators import PowerShare
from node.store.errors import DatabaseInUse
from tests.unit.engine.network import (
    BLOCK_INTERVAL_S,
    GENESIS_TIME_NS,
    PULSE_S,
    FaultyNetwork,
    LocalNetwork,
    RecordingApplication,
    address,
    app_hash,
    key,
)


def proposers(reports: Sequence[BlockReport]) -> list[Address]:
    return [report.proposer for report in reports]


# ------------------------------------------------------------------------------------------------- order of the calls


async def test_calls__of_a_first_block__come_in_abci_s_order(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, (12, 10, 10)).start()
    await network.block(b"a")
    decided = ["process(1)", "finalize(1)", "commit(1)"]
    assert network.calls("v0") == ["info", "init_chain", "check(a)", "prepare(1)", *decided]
    assert network.calls("v1") == ["info", "init_chain", "check(a)", *decided]


async def test_calls__around_a_block__never_commit_before_all_have_finalized(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    order = [entry.split(" ")[1] for entry in network.journal]
    assert max(index for index, call in enumerate(order) if call == "finalize(1)") < order.index("commit(1)")
    assert max(index for index, call in enumerate(order) if call == "process(1)") < order.index("finalize(1)")


async def test_calls__after_a_block__recheck_what_still_waits(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, network=FaultyNetwork(drops_gossip=True)).start()
    proposer = next(index for index in range(4) if address(index) == network.engine.validators.proposer)
    other = (proposer + 1) % 4
    for transaction in (b"stale", b"keeps"):
        network.engine.submit(other, transaction)
    await network.block(b"a", member=proposer)
    assert network.calls(f"v{other}")[-3:] == ["commit(1)", "recheck(stale)", "recheck(keeps)"]
    reports = [await network.block() for _ in range(4)]
    assert sum(report.transactions for report in reports) == 1
    assert network.disks[0].executed == (b"a", b"keeps")


async def test_run__after_a_restart__asks_info_and_not_init_chain(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.journal.clear()
    network.restart()
    assert network.calls("v0") == ["info"]
    report = await network.block(b"b")
    assert report.height == 2
    assert network.disks[3].executed == (b"a", b"b")


# --------------------------------------------------------------------------------------------------- when and by whom


async def test_idle__without_transactions__makes_one_block_and_then_only_the_pulse(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    assert (await network.block()).height == 1
    for _ in range(19):
        network.clock.advance(BLOCK_INTERVAL_S)
        assert await network.engine.step() is None
    network.clock.advance(BLOCK_INTERVAL_S)
    report = await network.engine.step()
    assert report is not None
    assert report.height == 2


async def test_transaction__in_a_block__is_followed_by_one_more_block_for_the_new_app_hash(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block()
    network.engine.submit(2, b"a")
    heights = []
    for _ in range(10):
        network.clock.advance(BLOCK_INTERVAL_S)
        report = await network.engine.step()
        if report is not None:
            heights.append((report.height, report.transactions))
    assert heights == [(2, 1), (3, 0)]


async def test_blocks__with_transactions_waiting__stand_an_interval_apart(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.engine.submit(0, b"b")
    network.clock.advance(BLOCK_INTERVAL_S - 0.1)
    assert await network.engine.step() is None
    network.clock.advance(0.1)
    assert await network.engine.step() is not None


async def test_turns__of_unequal_powers__go_by_the_weighted_round_robin(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, (3, 2, 2)).start()
    reports = [await network.block() for _ in range(7)]
    assert [sum(report.proposer == address(index) for report in reports) for index in range(3)] == [3, 2, 2]
    assert all(report.round == 0 for report in reports)


async def test_time__of_blocks__is_the_clock_of_the_precommits_before_and_rises_strictly(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    first = await network.block(b"a")
    assert first.time_ns == GENESIS_TIME_NS
    network.clock.advance(3)
    # The clock stood at genesis time when block 1 was decided, so 1 ms is all that its precommits could add.
    assert (await network.block(b"b")).time_ns == GENESIS_TIME_NS + 10**6
    network.clock.advance(3)
    assert (await network.block(b"c")).time_ns == GENESIS_TIME_NS + 3 * 10**9


async def test_time__with_one_clock_far_ahead__follows_the_majority_and_with_one_that_stands__still_rises(
    tmp_path: Path,
) -> None:
    ahead, standing = ManualClock(GENESIS_TIME_NS / 10**9 + 86_400), ManualClock(GENESIS_TIME_NS / 10**9 - 86_400)
    network = LocalNetwork(tmp_path, clocks=[ahead, standing, ManualClock(GENESIS_TIME_NS / 10**9), standing]).start()
    times = [(await network.block()).time_ns for _ in range(10)]
    assert all(later > earlier for earlier, later in pairwise(times))
    assert times[-1] < GENESIS_TIME_NS + 10**9


# ------------------------------------------------------------------------------------------------------ validator set


async def test_update__in_a_block__acts_two_heights_later(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    report = await network.block(b"power:0:25")
    assert [update.power for update in report.validator_updates] == [25]
    totals = [network.engine.validators.total_power]
    for _ in range(2):
        await network.block()
        totals.append(network.engine.validators.total_power)
    # The sets of heights 2, 3 and 4, after a block at height 1.
    assert totals == [40, 55, 55]


@pytest.mark.parametrize("update", [b"power:9:0", b"power:0:-1", b"power:0:1152921504606846975"])
async def test_update__that_cometbft_would_stop_at__stops_the_engine(tmp_path: Path, update: bytes) -> None:
    network = LocalNetwork(tmp_path).start()
    with pytest.raises(ValidatorUpdateError):
        await network.block(update)
    assert isinstance(network.engine.halted, ValidatorUpdateError)
    with pytest.raises(ValidatorUpdateError):
        await network.engine.step()
    assert network.disks[0].height == 0


async def test_update__that_removes_a_validator__takes_its_vote_two_heights_later(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, (10, 10, 10)).start()
    await network.block(b"power:2:0")
    network.engine.pause(2)
    # The set of height 2 still counts it: 20 of 30 is no quorum.
    assert not network.engine.quorum
    network.engine.resume(2)
    await network.block()
    network.engine.pause(2)
    assert network.engine.power == PowerShare(20, 20)
    assert (await network.block()).height == 3


async def test_update__that_brings_a_member_in__lets_it_propose(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, (10, 10, 10), members=4).start()
    await network.block(b"power:3:10")
    reports = [await network.block() for _ in range(12)]
    assert any(report.proposer == address(3) for report in reports)
    assert network.disks[3].height == 13


async def test_member__with_two_keys__votes_with_whichever_the_set_has(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, (10, 10, 10))
    members = [
        Member(application.name, (key(index), key(index + 4)), application, network.clock)
        for index, application in enumerate(network.applications)
    ]
    engine = LocalEngine(
        members, network.store, network.clock, genesis=network.genesis, block_interval_s=0.5, pulse_s=10
    )
    network.engine = engine
    engine.start()
    await network.block(b"power:0:0", b"power:4:10")
    reports = [await network.block() for _ in range(6)]
    assert all(report.round == 0 for report in reports)
    assert address(4) in proposers(reports)


# ------------------------------------------------------------------------------------------------- pauses and quorum


@pytest.mark.parametrize(
    ("powers", "paused", "quorum"),
    [((10, 10, 10), 1, False), ((11, 10, 10), 1, True), ((10, 10, 10, 10), 1, True), ((10, 10, 10, 10), 2, False)],
)
async def test_quorum__at_two_thirds__needs_more_than_exactly_that(
    tmp_path: Path, powers: tuple[int, ...], paused: int, quorum: bool
) -> None:
    network = LocalNetwork(tmp_path, powers).start()
    await network.block()
    for index in range(paused):
        network.engine.pause(len(powers) - 1 - index)
    assert network.engine.quorum is quorum
    assert network.engine.power == PowerShare(sum(powers[: len(powers) - paused]), sum(powers))
    network.engine.submit(0, b"a")
    network.clock.advance(PULSE_S)
    made = [await network.engine.step() for _ in range(5)]
    assert any(made) is quorum


async def test_pause__of_two_of_four__waits_and_goes_on_when_one_is_back(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block()
    network.engine.pause(2)
    network.engine.pause(3)
    network.engine.submit(0, b"a")
    network.clock.advance(3600)
    assert await network.engine.step() is None
    network.engine.resume(3)
    report = await network.block()
    assert report.transactions == 1
    assert report.height == 2


async def test_pause__of_the_proposer__costs_a_round(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block()
    turn = network.engine.validators
    paused = next(index for index in range(4) if address(index) == turn.proposer)
    network.engine.pause(paused)
    network.clock.advance(PULSE_S)
    assert await network.engine.step() is None
    assert await network.engine.step() is None, "a round lasts its time-out"
    network.clock.advance(0.5)
    report = await network.engine.step()
    assert report is not None
    assert report.round == 1
    assert report.proposer == turn.rotated().proposer


async def test_pause__of_a_member__stops_its_mempool_and_leaves_its_application_readable(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.engine.pause(1)
    assert network.engine.is_paused(1)
    with pytest.raises(MemberPausedError, match="resume"):
        network.engine.submit(1, b"b")
    network.journal.clear()
    await network.block(b"b")
    assert network.calls("v1") == []
    assert network.disks[1].executed == (b"a",)
    assert not network.engine.is_caught_up(1)


async def test_resume__after_missed_blocks__replays_them_without_asking_for_a_vote(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block()
    network.engine.pause(1)
    for transaction in (b"a", b"b"):
        await network.block(transaction)
    network.journal.clear()
    network.engine.resume(1)
    assert network.engine.power.present == 30, "it does not vote before it has caught up"
    await network.engine.step()
    assert network.calls("v1") == ["finalize(2)", "commit(2)", "finalize(3)", "commit(3)"]
    assert network.engine.is_caught_up(1)
    assert network.engine.power.present == 40
    await network.block()
    assert network.disks[1] == network.disks[0]


async def test_quorum__while_members_commit_one_after_another__does_not_flicker(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    seen: list[tuple[bool, bool]] = []
    for index in range(4):
        network.engine.subscribe(
            index, lambda block: seen.append((network.engine.quorum, network.engine.is_caught_up(3)))
        )
    await network.block(b"a")
    assert seen == [(True, True)] * 4


async def test_caught_up__after_a_start_with_a_block_left_to_execute__is_false_until_it_is(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    class Dying(RecordingApplication):
        def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
            raise Killed

    network = LocalNetwork(tmp_path, kinds={0: Dying}).start()
    with pytest.raises(Killed):
        await network.block(b"a")
    network.kinds = {}
    network.restart()
    assert not network.engine.is_caught_up(0)
    assert not network.engine.quorum
    await network.engine.step()
    await network.engine.step()
    assert network.engine.is_caught_up(0)
    assert network.engine.quorum


async def test_members__with_too_little_power_here__serve_but_make_no_block(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, (10, 10, 10), members=2).start()
    network.engine.submit(0, b"a")
    network.clock.advance(PULSE_S)
    assert await network.engine.step() is None
    assert not network.engine.quorum
    assert network.engine.height == 0


async def test_members__that_lack_a_validator__lose_the_rounds_of_its_turns(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, members=3).start()
    reports = [await network.block() for _ in range(8)]
    assert address(3) not in proposers(reports)
    assert sum(report.round for report in reports) == 2


# -------------------------------------------------------------------------------------------- votes and disagreement


async def test_proposal__that_a_third_rejects__is_not_decided(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, (10, 10, 10)).start()
    network.applications[2].accepts = False
    network.clock.advance(PULSE_S)
    assert await network.engine.step() is None
    assert network.engine.height == 0
    network.applications[2].accepts = True
    assert (await network.block()).round == 1


async def test_proposal__that_less_than_a_third_rejects__is_decided_and_executed_by_all(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    network.applications[2].accepts = False
    await network.block(b"a")
    assert [disk.executed for disk in network.disks] == [(b"a",)] * 4


async def test_proposal__that_one_member_does_not_hear__reaches_it_as_a_decided_block(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, network=FaultyNetwork(deaf=frozenset({3}))).start()
    await network.block(b"a")
    assert "process(1)" not in network.calls("v3")
    assert network.calls("v3")[-2:] == ["finalize(1)", "commit(1)"]
    assert len(network.store.block(1).commit.precommits) == 3


async def test_app_hash__of_one_that_differs__stops_the_engine_before_anyone_commits(
    tmp_path: Path,
) -> None:
    network = LocalNetwork(tmp_path).start()
    network.disks[2].executed = (b"something else",)
    with pytest.raises(DivergenceError, match="v0 and v2 disagree about block 1: app hash"):
        await network.block(b"a")
    assert [disk.height for disk in network.disks] == [0] * 4
    with pytest.raises(DivergenceError):
        await network.engine.step()


async def test_app_hash__of_one_that_differs_while_it_catches_up__stops_the_engine(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block()
    network.engine.pause(1)
    await network.block(b"a")
    network.disks[1].executed = (b"something else",)
    network.engine.resume(1)
    with pytest.raises(DivergenceError, match=r"engine\.db and v1"):
        await network.engine.step()


async def test_results__fewer_than_transactions__stop_the_engine(tmp_path: Path) -> None:
    class Forgetful(RecordingApplication):
        def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
            return replace(super().finalize_block(request), tx_results=())

    network = LocalNetwork(tmp_path, kinds={0: Forgetful}).start()
    with pytest.raises(ApplicationFaultError, match="v0 gave 0 results for 1"):
        await network.block(b"a")


@pytest.mark.parametrize("size", [BLOCK_BYTES_MAX - 5, BLOCK_BYTES_MAX - 4])
async def test_proposal__at_the_block_s_limit__is_the_last_that_fits(tmp_path: Path, size: int) -> None:
    class Stuffing(RecordingApplication):
        def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
            return PrepareProposalResponse((bytes(size),))

    network = LocalNetwork(tmp_path, kinds=dict.fromkeys(range(4), Stuffing)).start()
    if size + 5 <= BLOCK_BYTES_MAX:
        assert (await network.block()).transactions == 1
    else:
        with pytest.raises(ApplicationFaultError, match="a block holds"):
            await network.block()


# ------------------------------------------------------------------------------------ start, subscriptions, running


async def test_start__on_another_genesis__is_refused(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    network.engine.close()
    with pytest.raises(StoreMismatchError, match="another genesis"):
        LocalNetwork(tmp_path, (10, 10, 10, 11)).start()


async def test_start__with_an_application_ahead_of_the_engine__is_refused(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.disks[1].height = 2
    with pytest.raises(StoreMismatchError, match=r"engine\.db ends at height 1, v1 has committed 2"):
        network.restart()


async def test_start__with_a_new_engine_db_and_old_applications__is_refused(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.engine.close()
    network.path.unlink()
    network.open()
    with pytest.raises(StoreMismatchError, match=r"engine\.db ends at height 0"):
        network.engine.start()


async def test_start__with_another_state_than_the_engine_recorded__is_refused(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    await network.block(b"a")
    network.disks[1].executed = (b"b",)
    with pytest.raises(DivergenceError, match=r"v1 holds app hash .* at height 1"):
        network.restart()


async def test_start__with_a_lost_application__replays_all_blocks_to_it(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    for transaction in (b"a", b"b"):
        await network.block(transaction)
    network.disks[1].height, network.disks[1].executed = 0, ()
    network.journal.clear()
    network.restart()
    await network.engine.step()
    assert network.calls("v1")[:6] == ["info", "init_chain", "finalize(1)", "commit(1)", "finalize(2)", "commit(2)"]
    assert network.disks[1] == network.disks[0]


async def test_store__held_by_another__is_refused_and_names_the_holder(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path)
    with pytest.raises(DatabaseInUse, match=str(os.getpid())):
        BlockStore(network.path)
    network.engine.close()
    BlockStore(network.path).close()


async def test_subscription__of_one_member__hears_its_blocks_until_it_ends(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    heard: list[CommittedBlock] = []
    end = network.engine.subscribe(1, heard.append)
    await network.block(b"a")
    network.engine.pause(1)
    await network.block()
    assert [block.height for block in heard] == [1]
    assert heard[0].transactions == (b"a",)
    assert heard[0].response.app_hash == app_hash((b"a",))
    network.engine.resume(1)
    await network.block()
    assert [block.height for block in heard] == [1, 2, 3]
    end()
    await network.block()
    assert len(heard) == 3


async def test_submit__of_what_the_application_refuses__tells_and_keeps_nothing(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    assert network.engine.submit(0, b"refuse this").code == 1
    await network.block()
    assert network.disks[0].executed == ()


async def test_run__on_a_clock__makes_blocks_and_ends_by_cancellation_at_any_point(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path).start()
    running = asyncio.create_task(network.engine.run())
    for ticks in range(1, 120):
        network.clock.advance(LOOK_AGAIN_S)
        network.engine.submit(ticks % 4, b"%d" % ticks)
        # A different number of turns of the event loop each time, so that the cancellation falls anywhere in a step.
        for _ in range(ticks % 23):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        running = asyncio.create_task(network.engine.run())
    running.cancel()
    for _ in range(3):
        await network.block()
    assert all(disk == network.disks[0] for disk in network.disks)
    assert sorted(network.disks[0].executed, key=int) == [b"%d" % ticks for ticks in range(1, 120)]


class _SteppedEngine(LocalEngine):
    """Counts its steps."""

    steps = 0

    async def step(self) -> BlockReport | None:
        self.steps += 1
        return await super().step()


async def test_run__with_nothing_to_do__takes_no_step_before_the_pulse_or_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.engine.network.LocalEngine", _SteppedEngine)
    network = LocalNetwork(tmp_path).start()
    engine = network.engine
    assert isinstance(engine, _SteppedEngine)

    async def steps_after(seconds: float) -> int:
        before = engine.steps
        network.clock.advance(seconds)
        for _ in range(100):
            await asyncio.sleep(0)
        return engine.steps - before

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(engine.run())
        await steps_after(0)
        assert engine.height == 1
        assert await steps_after(PULSE_S / 2) == 0
        assert await steps_after(PULSE_S / 2) > 0
        assert engine.height == 2
        assert await steps_after(BLOCK_INTERVAL_S) == 0
        engine.submit(0, b"a")
        assert await steps_after(0) > 0
        assert engine.height == 3
        engine.pause(0)
        engine.pause(1)
        await steps_after(0)
        assert await steps_after(2 * PULSE_S) == 0  # without a quorum time alone changes nothing
        engine.resume(0)
        assert await steps_after(0) > 0
        assert engine.height == 4
        running.cancel()


async def test_run__while_the_network_holds_a_block_back__looks_again_soon(tmp_path: Path) -> None:
    faulty = FaultyNetwork(behind=frozenset({3}))
    network = LocalNetwork(tmp_path, network=faulty).start()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(network.engine.run())
        for is_late in (True, False):
            faulty.behind = frozenset({3}) if is_late else frozenset()
            network.clock.advance(LOOK_AGAIN_S)
            for _ in range(100):
                await asyncio.sleep(0)
            assert (network.disks[3].height == 0) is is_late
        running.cancel()
