"""The signing record: one digest per slot, over restarts, threads, processes, damage and old copies."""

import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, ChainId, Hash32, UnixSeconds
from node.keys.entries import AttestId, SignedEnd, SignedRange
from node.keys.errors import (
    RecordDamaged,
    RecordError,
    RecordForeign,
    RecordInUse,
    RecordMissing,
    RecordUnusable,
    SlotTaken,
    StaleRecord,
)
from node.keys.record import SigningRecord
from node.keys.slots import Purpose, Slot
from node.store.files import write_private
from tests.unit.keys.helpers import SIDE_CHAIN, MemoryFacts, block_hash, counting_bytes, new_record, open_record


def slot(position: int) -> Slot:
    return Slot(Purpose.TRANSACTION, "engine/test", (position,))


def digest(value: int) -> Hash32:
    return keccak256(str(value).encode())


def signed_range(end: int, fork: str = "") -> SignedRange:
    return SignedRange(SIDE_CHAIN, BlockNumber(0), BlockNumber(end), block_hash(end, fork), UnixSeconds(99))


def test_record__same_digest_again__is_admitted(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")

    assert record.admit(slot(1), digest(1)) == record.admit(slot(1), digest(1))


def test_record__other_digest__refused_also_after_a_restart(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    record.admit(slot(1), digest(1))
    with pytest.raises(SlotTaken, match="transaction 1 of engine/test"):
        record.admit(slot(1), digest(2))
    record.close()

    record = open_record(path, facts)

    with pytest.raises(SlotTaken):
        record.admit(slot(1), digest(2))
    assert record.digest(slot(1)) == digest(1)


def test_record__purpose_domain_or_position_differs__is_another_slot(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")
    slots = [
        Slot(purpose, domain, position)
        for purpose in (Purpose.CHECKPOINT, Purpose.TRANSACTION)
        for domain in ("a", "b")
        for position in ((1, 2), (2, 1), (2**64 - 1, 0))
    ]

    for number, each in enumerate(slots):
        record.admit(each, digest(number))

    assert [record.digest(each) for each in slots] == [digest(number) for number in range(len(slots))]


@given(wanted=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30), data=st.data())
@settings(max_examples=15, deadline=None)
def test_record__any_requests_with_restarts__agrees_with_a_dict(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[tuple[int, int]], data: st.DataObject
) -> None:
    path, facts = tmp_path_factory.mktemp("record") / "signing.db", MemoryFacts()
    record, oracle = new_record(path, facts), dict[int, int]()
    for position, value in wanted:
        if data.draw(st.booleans()):
            record.close()
            record = open_record(path, facts)
        if oracle.setdefault(position, value) == value:
            record.admit(slot(position), digest(value))
        else:
            with pytest.raises(SlotTaken):
                record.admit(slot(position), digest(value))
    record.close()


def test_record__ten_threads_on_each_slot__exactly_one_digest_wins(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")

    def attempt(value: int) -> list[int]:
        won = []
        for position in range(20):
            try:
                record.admit(slot(position), digest(value))
            except SlotTaken:
                continue
            won.append(position)
        return won

    with ThreadPoolExecutor(10) as threads:
        wins = [position for won in threads.map(attempt, range(10)) for position in won]

    assert sorted(wins) == list(range(20))


def test_record__signed_ends__are_per_side_chain_distinct_and_ascending(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")
    record.admit(slot(1), digest(1), signed_range(63))
    record.admit(slot(2), digest(2), signed_range(15))
    record.admit(slot(3), digest(3), signed_range(63))
    record.admit(slot(4), digest(4))

    assert record.signed_ends(SIDE_CHAIN) == (
        SignedEnd(BlockNumber(15), block_hash(15)),
        SignedEnd(BlockNumber(63), block_hash(63)),
    )
    assert record.signed_ends(SIDE_CHAIN, above=15) == (SignedEnd(BlockNumber(63), block_hash(63)),)
    assert record.signed_ends(SIDE_CHAIN, above=63) == record.signed_ends(ChainId(1)) == ()

    assert record.signed_ends(SIDE_CHAIN, above=63) == ()
    record.admit(slot(5), digest(5), signed_range(80))
    assert record.signed_ends(SIDE_CHAIN, above=63) == (SignedEnd(BlockNumber(80), block_hash(80)),)


def test_attest_ids__over_a_restart__never_repeat(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    given_out = [record.next_attest_id() for _ in range(3)]
    record.close()
    record = open_record(path, facts)
    given_out.append(record.next_attest_id())

    assert given_out == [AttestId(counting_bytes(8), counter) for counter in (1, 2, 3, 4)]
    assert all(record.has_issued(attest_id) for attest_id in given_out)
    assert not record.has_issued(AttestId(counting_bytes(8), 5))
    assert not record.has_issued(AttestId(bytes(8), 1))


def test_create__over_an_existing_record__refused(tmp_path: Path) -> None:
    new_record(tmp_path / "signing.db").close()

    with pytest.raises(RecordUnusable, match="never overwritten"):
        SigningRecord.create(tmp_path / "signing.db", counting_bytes)


def test_create__after_a_crash_in_the_middle__makes_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "signing.db.new").write_bytes(b"half of something")

    record = new_record(tmp_path / "signing.db")

    assert (tmp_path / "signing.db").stat().st_mode & 0o777 == 0o600
    record.admit(slot(1), digest(1))


def test_open__held_by_this_process__refused(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")

    with pytest.raises(RecordInUse):
        open_record(tmp_path / "signing.db")
    record.admit(slot(1), digest(1))


def test_open__held_by_another_process__refused_naming_it(tmp_path: Path) -> None:
    path = tmp_path / "signing.db"
    SigningRecord.create(path, counting_bytes)
    holding = (
        "import sys; from pathlib import Path; from node.keys.record import SigningRecord\n"
        "from tests.unit.keys.helpers import MemoryFacts\n"
        "record = SigningRecord.open(Path(sys.argv[1]), MemoryFacts()); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RecordInUse, match=f"in use by process {holder.pid}"):
            open_record(path)
        holder.stdin.close()
    open_record(path).close()


def test_open__missing__refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(RecordMissing, match="put its newest copy back"):
        open_record(tmp_path / "signing.db")
    assert not (tmp_path / "signing.db").exists()


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_open__not_a_database__refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signing.db"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(RecordDamaged, match="put its newest copy back"):
        open_record(path)


def test_open__readable_by_others__refused(tmp_path: Path) -> None:
    new_record(tmp_path / "signing.db").close()
    (tmp_path / "signing.db").chmod(0o644)

    with pytest.raises(RecordUnusable, match="chmod 600"):
        open_record(tmp_path / "signing.db")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a record with 20 entries."""
    path = tmp_path_factory.mktemp("record") / "signing.db"
    record = new_record(path)
    for position in range(20):
        record.admit(slot(position), digest(position), signed_range(position))
    record.close()
    return path.read_bytes()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_open__any_byte_changed__refused_or_the_same_answers(
    tmp_path_factory: pytest.TempPathFactory, written: bytes, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("record") / "signing.db"
    content = bytearray(written)
    used = [at for at, byte in enumerate(content) if byte]
    content[data.draw(st.sampled_from(used))] ^= data.draw(st.integers(1, 255))
    write_private(path, bytes(content))

    try:
        record = open_record(path)
    except RecordError:
        return
    assert [record.digest(slot(position)) for position in range(20)] == [digest(position) for position in range(20)]
    assert len(record.signed_ends(SIDE_CHAIN)) == 20


@pytest.mark.parametrize(("sequence", "seen"), [(16, True), (15, False)])
def test_open__many_entries__the_newest_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bytes, sequence: int, seen: bool
) -> None:
    path = tmp_path / "signing.db"
    write_private(path, written)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE signed SET digest = zeroblob(32) WHERE sequence = ?", (sequence,))
    monkeypatch.setattr("node.keys.tables.CHECKED_ENTRIES_MAX", 5)

    if seen:
        with pytest.raises(RecordDamaged, match="entry 16 does not follow"):
            open_record(path)
    else:
        open_record(path)


def test_open__an_entry_removed__refused(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "signing.db"
    write_private(path, written)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM signed WHERE sequence = 3")

    with pytest.raises(RecordDamaged, match="entries are missing"):
        open_record(path)


def test_open__older_copy__refused_as_stale(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    record.admit(slot(1), digest(1))
    record.close()
    shutil.copy(path, tmp_path / "copy")
    record = open_record(path, facts)
    record.admit(slot(2), digest(2))
    record.close()
    shutil.copy(tmp_path / "copy", path)

    with pytest.raises(StaleRecord, match="1 entries, and 2 were made here"):
        open_record(path, facts)


def test_open__older_copy_that_went_on_elsewhere__refused_as_stale(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    new_record(path, facts).close()
    shutil.copy(path, tmp_path / "twin.db")
    record = open_record(path, facts)
    record.admit(slot(1), digest(1))
    record.close()
    twin = open_record(tmp_path / "twin.db")
    twin.admit(slot(1), digest(7))
    twin.admit(slot(2), digest(2))
    twin.close()

    with pytest.raises(StaleRecord, match="entry 1 is not the one"):
        open_record(tmp_path / "twin.db", facts)


def test_open__record_of_another_home__refused(tmp_path: Path) -> None:
    facts = MemoryFacts()
    new_record(tmp_path / "mine.db", facts).close()
    SigningRecord.create(tmp_path / "other.db", lambda count: b"\xff" * count)

    with pytest.raises(RecordForeign, match="another home's"):
        open_record(tmp_path / "other.db", facts)


def test_open__mark_lags_behind_after_a_crash__accepted_and_caught_up(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    record.admit(slot(1), digest(1))
    lagging = dict(facts.values)
    record.admit(slot(2), digest(2))
    record.close()
    newest, facts.values = facts.values, lagging

    open_record(path, facts).close()

    assert facts.values == newest


def test_open__local_db_was_rebuilt__accepted(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")
    record.admit(slot(1), digest(1))
    record.close()

    record = open_record(tmp_path / "signing.db")

    assert record.digest(slot(1)) == digest(1)
