"""Snapshots: a restored node goes on as the others do, whatever came before, and nothing false is taken for true."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.hash import keccak256
from bridge.codec.mmr import MountainRange
from bridge.codec.types import Address
from node.app import canonical
from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResult,
    LoadSnapshotChunkRequest,
    OfferSnapshotRequest,
    OfferSnapshotResult,
)
from node.app.apphash import SECTION_NAMES, hash_state
from node.app.application import Application
from node.app.genesis_state import genesis_state
from node.app.history import CHECKPOINT_LOG
from node.app.snapshots import (
    CHUNK_ENTRIES,
    HISTORY_BYTES_MAX,
    HISTORY_ENTRIES_MIN,
    METADATA_BYTES_MAX,
    PIECE_BYTES,
    LogPart,
    Manifest,
    next_log_part,
)
from node.app.state import Sender
from node.app.state_sync import SnapshotPolicy
from node.app.store import MemoryStateStore
from tests.unit.app import logs
from tests.unit.app.network import ROOT, Network, make_genesis
from tests.unit.app.state_sync import EACH_BLOCK, Offered, apply, follower, offer, offered, restore
from tests.unit.app.test_anything import Chaos
from tests.unit.app.test_application import story


def giver_of(network: Network, policy: SnapshotPolicy = EACH_BLOCK) -> Application:
    """An application that has executed all of the network's blocks and takes snapshots."""
    giver = follower(network.genesis, policy=policy)
    for request in network.blocks:
        giver.finalize_block(request)
        giver.commit()
    return giver


@given(st.integers(0, 2**32), st.integers(1, 30))
@settings(max_examples=15, deadline=None)
def test_restore__after_any_history__same_app_hash_and_same_results_ever_after(seed: int, blocks: int) -> None:
    chaos = Chaos(seed)
    for _ in range(blocks):
        chaos.l1_event()
        chaos.block()
    joiner = follower(chaos.network.genesis)
    restore(joiner, offered(giver_of(chaos.network)))
    assert joiner.committed.state == chaos.network.state
    chaos.network.twins = [joiner]
    for _ in range(10):
        chaos.l1_event()
        chaos.block()
    again = follower(chaos.network.genesis)
    restore(again, offered(joiner))
    assert again.committed.state == chaos.network.state


def test_restore__a_long_story__info_says_where_it_stands_and_a_restart_knows_it() -> None:
    network = story()
    giver, store = giver_of(network), MemoryStateStore()
    joiner = follower(network.genesis, store)
    restore(joiner, offered(giver))
    assert joiner.info() == network.app.info()
    assert store.log_entries(CHECKPOINT_LOG, 0, 100) == network.store.log_entries(CHECKPOINT_LOG, 0, 100)
    assert follower(network.genesis, store).committed == joiner.committed
    network.twins = [joiner, follower(network.genesis, store)]
    network.make_due(40)
    network.propose(16, 23)


def test_restore__while_a_view_is_contested__counts_the_same_time_though_nothing_proves_the_last_block_s() -> None:
    network = Network()
    network.l1_block(logs.unknown())
    network.see_l1(*network.validators[:2])
    network.block(seconds=20)
    joiner = follower(network.genesis)
    restore(joiner, offered(giver_of(network)))
    assert joiner.committed.time_ns < network.app.committed.time_ns
    network.twins = [joiner]
    network.block(seconds=7)
    contested = joiner.committed.state.feeds[0].contested
    assert contested is not None
    assert contested.elapsed_ms == 27_000


# --- what is given ----------------------------------------------------------------------------------------------------


def test_policy__each_third_block_two_kept__older_ones_go_and_the_engine_keeps_blocks_from_the_oldest_on() -> None:
    network = Network()
    giver = follower(network.genesis, policy=SnapshotPolicy(interval_blocks=3, kept=2, retain_blocks=4))
    heights, retained = [], []
    for _ in range(14):
        network.block()
        giver.finalize_block(network.blocks[-1])
        retained.append(giver.commit().retain_height)
        heights.append([snapshot.height for snapshot in giver.list_snapshots().snapshots])
    assert heights[1:12:3] == [[], [3], [6, 3], [9, 6]]
    assert retained == [0, 0, 0, 0, 1, 2, 3, 3, 5, 6, 6, 8, 9, 9]
    assert giver.load_snapshot_chunk(LoadSnapshotChunkRequest(6, 1, 0)).chunk == b""
    assert giver.load_snapshot_chunk(LoadSnapshotChunkRequest(12, 1, 99)).chunk == b""
    assert giver.load_snapshot_chunk(LoadSnapshotChunkRequest(12, 2, 0)).chunk == b""


@pytest.mark.parametrize(
    ("policy", "retained"),
    [
        (SnapshotPolicy(), 0),
        (SnapshotPolicy(interval_blocks=2), 0),
        (SnapshotPolicy(retain_blocks=3), 2),
        (SnapshotPolicy(interval_blocks=100, retain_blocks=3), 0),
    ],
)
def test_policy__without_one_of_its_parts__keeps_what_it_must(policy: SnapshotPolicy, retained: int) -> None:
    network = Network()
    giver = follower(network.genesis, policy=policy)
    for _ in range(5):
        network.block()
        giver.finalize_block(network.blocks[-1])
        response = giver.commit()
    assert response.retain_height == retained


def test_snapshots__at_other_intervals_and_over_restarts__are_equal_at_the_same_height() -> None:
    network, store, policy = story(), MemoryStateStore(), SnapshotPolicy(interval_blocks=5)
    network.empty_blocks(-len(network.blocks) % 5)
    giver = follower(network.genesis, store, policy)
    for request in network.blocks:
        giver.finalize_block(request)
        giver.commit()
        if request.height % 3 == 0:
            giver = follower(network.genesis, store, policy)
    assert offered(giver) == offered(giver_of(network))


class Entries:
    """A log of large entries, made when they are read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.read_bytes = 0

    def read(self, start: int, count: int) -> Sequence[bytes]:
        self.read_bytes += count * self.size
        return [number.to_bytes(self.size) for number in range(start, start + count)]


def test_log_part__more_than_the_limit__slides_by_whole_chunks_and_depends_on_the_log_alone() -> None:
    entries = Entries(size=25_000)
    start = LogPart(CHECKPOINT_LOG, MountainRange(), ())
    in_steps = start
    for count in (10, 700, 1_500, 1_501):
        in_steps = next_log_part(in_steps, count, entries.read)
    read_bytes = entries.read_bytes
    at_once = next_log_part(start, 1_501, entries.read)
    assert at_once == in_steps
    size = sum(chunk.size_bytes for chunk in at_once.chunks)
    assert HISTORY_BYTES_MAX - CHUNK_ENTRIES * 25_010 < size <= HISTORY_BYTES_MAX
    assert at_once.before.count % CHUNK_ENTRIES == 0
    assert at_once.whole == _range(entries.read(0, 1_501))
    assert read_bytes < 1_501 * 25_000 + 3 * CHUNK_ENTRIES * 25_000, "whole chunks are read once"


def test_log_part__entries_too_large_for_the_limit__the_last_thousand_are_given_all_the_same() -> None:
    part = next_log_part(LogPart(CHECKPOINT_LOG, MountainRange(), ()), 1_300, Entries(size=40_000).read)
    given = 1_300 - part.before.count
    assert HISTORY_ENTRIES_MIN <= given < HISTORY_ENTRIES_MIN + CHUNK_ENTRIES
    assert sum(chunk.size_bytes for chunk in part.chunks) > HISTORY_BYTES_MAX


def _range(entries: Sequence[bytes]) -> MountainRange:
    joined = MountainRange()
    for entry in entries:
        joined = joined.append(entry)
    return joined


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> Network:
    """A network with a story; its snapshot has entries of logs."""
    return story()


def flips(data: bytes) -> Iterator[bytes]:
    """The bytes, with each of them changed in turn."""
    for place in range(len(data)):
        yield data[:place] + bytes((data[place] ^ (1 << place % 8),)) + data[place + 1 :]


def test_offer__with_any_byte_of_the_manifest_changed__is_refused_though_its_hash_fits(network: Network) -> None:
    joiner, good = follower(network.genesis), offered(giver_of(network))
    for metadata in flips(good.snapshot.metadata):
        changed = replace(good.snapshot, metadata=metadata)
        assert offer(joiner, Offered(changed, good.app_hash)) is OfferSnapshotResult.REJECT_SENDER
        changed = replace(changed, hash=keccak256(metadata))
        result = offer(joiner, Offered(changed, good.app_hash))
        assert result in (OfferSnapshotResult.REJECT_SENDER, OfferSnapshotResult.ACCEPT)
        if result is OfferSnapshotResult.ACCEPT:
            assert without_sizes(metadata) == without_sizes(good.snapshot.metadata)
            results = {apply(joiner, number, chunk) for number, chunk in enumerate(good.chunks)}
            assert ApplySnapshotChunkResult.RETRY in results, "a size is all that can be a lie, and it is found"


def without_sizes(metadata: bytes) -> Manifest:
    """The manifest but for what each chunk's size is said to be."""
    manifest = canonical.decode(Manifest, metadata)
    return Manifest(
        tuple(replace(section, size_bytes=0) for section in manifest.sections),
        tuple(
            replace(log, chunks=tuple(replace(chunk, size_bytes=0) for chunk in log.chunks)) for log in manifest.logs
        ),
    )


def test_chunk__with_any_byte_changed__is_fetched_again_from_another_peer(network: Network) -> None:
    joiner, good = follower(network.genesis), offered(giver_of(network))
    offer(joiner, good)
    for number, chunk in enumerate(good.chunks):
        for wrong in (*flips(chunk), chunk + b"\x00", chunk[:-1], b""):
            answer = joiner.apply_snapshot_chunk(ApplySnapshotChunkRequest(number, wrong, "liar"))
            assert answer.result is ApplySnapshotChunkResult.RETRY
            assert (answer.refetch_chunks, answer.reject_senders) == ((number,), ("liar",))
        assert joiner.committed.height == 0
        assert apply(joiner, number, chunk) is ApplySnapshotChunkResult.ACCEPT
    assert joiner.committed.app_hash == network.app.committed.app_hash


def test_offer__of_another_format_or_under_another_app_hash__is_refused(network: Network) -> None:
    joiner, good = follower(network.genesis), offered(giver_of(network))
    other = replace(good, snapshot=replace(good.snapshot, format=2))
    assert offer(joiner, other) is OfferSnapshotResult.REJECT_FORMAT
    assert offer(joiner, replace(good, app_hash=keccak256(b"other"))) is OfferSnapshotResult.REJECT_SENDER
    fewer = replace(good, snapshot=replace(good.snapshot, chunks=good.snapshot.chunks - 1))
    assert offer(joiner, fewer) is OfferSnapshotResult.REJECT_SENDER
    large = bytes(METADATA_BYTES_MAX + 1)
    too_large = replace(good, snapshot=replace(good.snapshot, metadata=large, hash=keccak256(large)))
    assert offer(joiner, too_large) is OfferSnapshotResult.REJECT_SENDER
    assert apply(joiner, 0, good.chunks[0]) is ApplySnapshotChunkResult.ABORT, "nothing was accepted"


def test_offer__that_leaves_out_entries__is_refused(network: Network) -> None:
    joiner, good = follower(network.genesis), offered(giver_of(network))
    manifest = canonical.decode(Manifest, good.snapshot.metadata)
    without = tuple(LogPart(log.log, log.whole, ()) for log in manifest.logs)
    metadata = canonical.encode(Manifest(manifest.sections, without))
    snapshot = replace(good.snapshot, metadata=metadata, hash=keccak256(metadata), chunks=manifest.piece_count)
    assert offer(joiner, Offered(snapshot, good.app_hash)) is OfferSnapshotResult.REJECT_SENDER


def test_offer__to_a_node_that_has_executed_blocks__is_refused_and_says_what_to_do(network: Network) -> None:
    good = offered(giver_of(network))
    answer = giver_of(network).offer_snapshot(OfferSnapshotRequest(good.snapshot, good.app_hash))
    assert answer.result is OfferSnapshotResult.ABORT
    assert "delete state.db" in answer.reason


def test_offer__after_a_restore_that_the_engine_did_not_survive__starts_anew(network: Network) -> None:
    store, good = MemoryStateStore(), offered(giver_of(network))
    restore(follower(network.genesis, store), good)
    joiner = follower(network.genesis, store)
    restore(joiner, good)
    assert joiner.committed.app_hash == network.app.committed.app_hash


def test_restore__of_a_network_with_another_genesis__stops_before_anything_is_written(network: Network) -> None:
    store, good = MemoryStateStore(), offered(giver_of(network))
    joiner = follower(make_genesis((7, 7, 7, 7), (ROOT,)), store)
    offer(joiner, good)
    results = [apply(joiner, number, chunk) for number, chunk in enumerate(good.chunks)]
    assert results[-1] is ApplySnapshotChunkResult.ABORT
    assert store.load() is None


# --- a section in pieces ----------------------------------------------------------------------------------------------


def large_giver() -> Application:
    """An application whose section `senders` has several pieces."""
    genesis, store = make_genesis((100, 90, 80, 70), (ROOT,)), MemoryStateStore()
    state = genesis_state(genesis)
    more = (Sender(Address(number.to_bytes(20)), 1, b"", 0) for number in range(1, 2 * PIECE_BYTES // 20))
    senders = tuple(sorted((*state.senders, *more), key=lambda sender: sender.address))
    hashed = hash_state(replace(state, senders=senders))
    store.save(6, genesis.time_s * 10**9, hashed.app_hash, hashed.sections, ())
    giver = follower(genesis, store)
    network = Network()
    network.empty_blocks(7)
    giver.finalize_block(network.blocks[-1])
    giver.commit()
    return giver


def test_restore__section_of_several_pieces__is_joined_and_a_false_piece_rejects_the_snapshot() -> None:
    giver = large_giver()
    good = offered(giver)
    manifest = canonical.decode(Manifest, good.snapshot.metadata)
    place = SECTION_NAMES.index("senders")
    pieces = manifest.sections[place].pieces
    assert len(pieces) > 2
    joiner = follower(giver.genesis)
    restore(joiner, good)
    assert joiner.committed.state == giver.committed.state

    first = sum(len(section.pieces) for section in manifest.sections[:place])
    false = bytes(PIECE_BYTES)
    lying = replace(manifest.sections[place], pieces=(keccak256(false), *pieces[1:]))
    metadata = canonical.encode(
        replace(manifest, sections=(*manifest.sections[:place], lying, *manifest.sections[place + 1 :]))
    )
    snapshot = replace(good.snapshot, metadata=metadata, hash=keccak256(metadata))
    good.chunks[first] = false
    victim = follower(giver.genesis)
    assert offer(victim, Offered(snapshot, good.app_hash)) is OfferSnapshotResult.ACCEPT
    results = [apply(victim, number, chunk) for number, chunk in enumerate(good.chunks)]
    assert results[-1] is ApplySnapshotChunkResult.REJECT_SNAPSHOT
    assert victim.committed.height == 0
