"""state.db keeps what the application saves, all or nothing, and answers like the store in memory."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.hash import keccak256
from bridge.codec.mmr import MountainRange
from node.app.store import (
    LOG_PAGE_MAX,
    LogEntry,
    MemoryStateStore,
    NewSnapshot,
    RestoredLog,
    StateStore,
    StoredSection,
    StoredState,
)
from node.store.errors import DatabaseUnwritable
from node.store.state import SqliteStateStore
from tests.unit.closing import opened

HASH = keccak256(b"app hash")


def test_state_store__new__has_nothing(tmp_path: Path) -> None:
    store: StateStore = opened(SqliteStateStore(tmp_path / "state.db"))

    assert store.load() is None
    assert store.log_entries("logs/records", 0, 10) == ()


@given(
    blocks=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["feeds", "params", "logs/records", "turns"]), st.binary(max_size=20)),
            st.lists(
                st.tuples(st.sampled_from(["logs/records", "logs/checkpoints"]), st.binary(max_size=9)), max_size=4
            ),
        ),
        max_size=6,
    ),
    page=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
@settings(max_examples=20, deadline=None)
def test_state_store__any_blocks_and_a_restart__equals_the_store_in_memory(
    tmp_path_factory: pytest.TempPathFactory,
    blocks: list[tuple[dict[str, bytes], list[tuple[str, bytes]]]],
    page: tuple[int, int],
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.db"
    store, oracle, counts = opened(SqliteStateStore(path)), MemoryStateStore(), dict[str, int]()
    for height, (sections, appended) in enumerate(blocks, 1):
        entries = []
        for log, contents in appended:
            entries.append(LogEntry(log, counts.get(log, 0), contents))
            counts[log] = counts.get(log, 0) + 1
        stored = [StoredSection(name, height, contents) for name, contents in sections.items()]
        for each in (store, oracle):
            each.save(height, height * 10**9, HASH, stored, entries)
    store.close()
    store = opened(SqliteStateStore(path))

    assert store.load() == oracle.load()
    for log in ("logs/records", "logs/checkpoints"):
        assert store.log_entries(log, *page) == oracle.log_entries(log, *page)
    store.close()


@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("save"), st.integers(0, 3)),
            st.tuples(st.just("snapshot"), st.integers(1, 3)),
            st.tuples(st.just("restore"), st.integers(0, 5)),
        ),
        max_size=8,
    )
)
@settings(max_examples=30, deadline=None)
def test_state_store__any_snapshots_and_restores__equals_the_store_in_memory(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int]]
) -> None:
    store: StateStore = opened(SqliteStateStore(tmp_path_factory.mktemp("state") / "state.db"))
    oracle, count = MemoryStateStore(), 0
    for height, (action, number) in enumerate(actions, 1):
        section = StoredSection("turns", 1, b"%d" % height)
        for each in (store, oracle):
            if action == "restore":
                log = RestoredLog("logs/records", range_of(number), (b"first held", b"second"))
                each.restore(StoredState(height, 7, HASH, (section,)), (log,))
                continue
            snapshot = NewSnapshot(b"metadata %d" % height, (b"a", b"%d" % height), number)
            entries = [LogEntry("logs/records", count, b"%d" % height)]
            each.save(height, 7, HASH, [section], entries, snapshot if action == "snapshot" else None)
        count = number + 2 if action == "restore" else count + 1

    assert store.load() == oracle.load()
    assert store.snapshots() == oracle.snapshots()
    for height in range(len(actions) + 2):
        for piece in range(3):
            assert store.snapshot_chunk(height, piece) == oracle.snapshot_chunk(height, piece)
    for name in ("logs/records", "logs/checkpoints"):
        assert store.log_start(name) == oracle.log_start(name)
        for start in range(count + 1):
            assert store.log_entries(name, start, 3) == oracle.log_entries(name, start, 3)


def range_of(count: int) -> MountainRange:
    """Over so many entries."""
    mountains = MountainRange()
    for number in range(count):
        mountains = mountains.append(b"%d" % number)
    return mountains


def test_state_store__entry_index_taken__nothing_of_the_block_is_saved(tmp_path: Path) -> None:
    store = opened(SqliteStateStore(tmp_path / "state.db"))
    store.save(1, 1, HASH, [StoredSection("turns", 1, b"1")], [LogEntry("logs/records", 0, b"a")])
    saved = store.load()

    with pytest.raises(sqlite3.IntegrityError):
        store.save(2, 2, HASH, [StoredSection("turns", 1, b"2")], [LogEntry("logs/records", 0, b"b")])

    assert store.load() == saved


def test_log_entries__more_than_a_page__cut_at_the_limit(tmp_path: Path) -> None:
    store = opened(SqliteStateStore(tmp_path / "state.db"))
    count = LOG_PAGE_MAX + 5
    store.save(1, 1, HASH, [], [LogEntry("logs/records", index, str(index).encode()) for index in range(count)])

    assert len(store.log_entries("logs/records", 0, count)) == LOG_PAGE_MAX
    assert store.log_entries("logs/records", count - 2, 10) == (str(count - 2).encode(), str(count - 1).encode())


def test_state_store__read_only_while_another_writes__sees_the_last_block_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    writer = opened(SqliteStateStore(path))
    reader = opened(SqliteStateStore(path, read_only=True))
    writer.save(1, 5, HASH, [StoredSection("turns", 1, b"first")], [])

    seen = reader.load()

    assert seen is not None
    assert (seen.height, seen.sections) == (1, (StoredSection("turns", 1, b"first"),))
    with pytest.raises(DatabaseUnwritable):
        reader.save(2, 6, HASH, [], [])


def test_state_store__read_only_and_missing__is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SqliteStateStore(tmp_path / "state.db", read_only=True)

    assert list(tmp_path.iterdir()) == []
