"""Disks that are full or fail, and files that are torn or old: named errors, and what was committed is not lost."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest

from node.simulation.disk.disk import SimulatedDisk
from node.simulation.disk.process import Moment
from node.simulation.disk.storage import Faults
from node.store.errors import DatabaseDamaged, DatabaseUnwritable, DatabaseVersionUnknown
from node.store.sqlite import Database, Schema
from tests.unit.simulation.killing import end
from tests.unit.simulation.writing import PATH, SCHEMAS, SCRIPT, Failed, Notes, Writer

NAME = str(PATH)


class Switch:
    """An `OnDurable` that switches faults on at the n-th moment."""

    def __init__(self, disk: SimulatedDisk, at: int, faults: Faults) -> None:
        self._disk, self._at, self._faults = disk, at, faults
        self.moments = 0

    def __call__(self, name: str, moment: Moment) -> None:
        self.moments += 1
        if self.moments == self._at:
            self._disk.faults = self._faults


@pytest.mark.parametrize("mode", SCHEMAS)
@pytest.mark.parametrize("faults", [Faults(is_full=True), Faults(fails_sync=True), Faults(fails_read=True)], ids=repr)
def test_database__disk_fails_from_any_moment_on__says_so_and_holds_what_was_committed(
    mode: str, faults: Faults
) -> None:
    failures = 0
    for fails_at in range(1, 1_000):
        random = Random(f"{mode} {fails_at}")
        disk, writer = SimulatedDisk(random), Writer(SCHEMAS[mode], random)
        switch = Switch(disk, fails_at, faults)
        try:
            writer.run(disk.attach(switch), transactions=6)
        except DatabaseUnwritable:
            failures += 1
        disk.faults = Faults()
        end(disk, random)
        writer.run(disk.attach(), transactions=3)
        if switch.moments < fails_at:
            break
    assert failures > 0 or faults.fails_read  # what was read once stays in SQLite's own cache
    assert fails_at > 20


@pytest.mark.parametrize("mode", SCHEMAS)
def test_database__disk_full_for_a_while__goes_on_afterwards(mode: str) -> None:
    disk = SimulatedDisk(Random(1))
    with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
        disk.faults = Faults(is_full=True)
        with pytest.raises(DatabaseUnwritable, match="database or disk is full"):
            database.execute("INSERT INTO note VALUES (1, ?)", ("long" * 10_000,))
        disk.faults = Faults()

        database.execute("INSERT INTO note VALUES (2, 'short')")
        assert database.rows("SELECT number FROM note") == [(2,)]


def test_database__disk_full_when_the_wal_is_moved_into_the_database__commits_all_the_same() -> None:
    disk = SimulatedDisk(Random(1))
    with closing(Database(PATH, SCHEMAS["WAL"], disk=disk.attach())) as database:
        with database.transaction():
            database.execute_many("INSERT INTO note VALUES (?, ?)", ((number, "text" * 900) for number in range(1_500)))
        wal_bytes, database_bytes = len(disk.take_copy(f"{NAME}-wal")), len(disk.take_copy(NAME))
        assert database_bytes > 4_000_000
        database.execute("DELETE FROM note WHERE number > 5")
        disk.faults = Faults(is_full=True)
        database.execute("UPDATE note SET text = 'new'")  # fits into the WAL, which starts again
        assert len(disk.take_copy(f"{NAME}-wal")) == wal_bytes
    disk.crash(Random(2))
    disk.faults = Faults()

    with closing(Database(PATH, SCHEMAS["WAL"], disk=disk.attach())) as database:
        assert database.rows("SELECT number, text FROM note") == [(number, "new") for number in range(6)]


def _write_for_ever(writer: Writer, database: Database) -> None:
    while True:
        with suppress(Failed):
            writer.write(database)


def test_database__a_sync_fails__settles_it_before_anything_else() -> None:
    for seed in range(40):
        random = Random(seed)
        disk, writer = SimulatedDisk(random), Writer(SCHEMAS["WAL"], random)
        database = writer.open(disk.attach(switch := Switch(disk, 1_000, Faults(fails_sync=True))))
        switch.moments = 1_000 - random.randint(1, 8)  # some sync of the next few transactions
        with suppress(DatabaseUnwritable):
            _write_for_ever(writer, database)
        with pytest.raises(DatabaseUnwritable, match="disk I/O error"):
            database.rows("SELECT number FROM note")
        disk.faults = Faults()

        shown: Notes = dict(database.rows("SELECT number, text FROM note"))
        disk.crash(random)

        assert shown == writer.sure
        writer.under_way = shown
        writer.open(disk.attach())


def test_database__exclusive_and_a_sync_fails__refuses_everything_until_it_is_opened_again() -> None:
    outcomes = set()
    for seed in range(40):
        random = Random(seed)
        disk, writer = SimulatedDisk(random), Writer(SCHEMAS["TRUNCATE"], random)
        database = writer.open(disk.attach(switch := Switch(disk, 1_000, Faults(fails_sync=True))))
        switch.moments = 1_000 - random.randint(1, 8)  # some sync of the next few transactions
        with suppress(DatabaseUnwritable):
            _write_for_ever(writer, database)
        disk.faults = Faults()
        with pytest.raises(DatabaseUnwritable, match=r"a sync failed.*start again"):
            database.rows("SELECT number FROM note")
        with pytest.raises(DatabaseUnwritable, match=r"a sync failed.*start again"):
            database.execute("DELETE FROM note")
        if random.random() < 0.5:
            database.close()
        else:
            disk.kill()

        before = writer.sure
        database = writer.open(disk.attach())
        outcomes.add(writer.sure == before)
        with suppress(Failed):
            writer.write(database)
        disk.crash(random)
        writer.open(disk.attach())
    assert outcomes == {True, False}  # the transaction whose sync failed: gone, or there after all


def test_database__in_no_directory__is_unwritable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnwritable, match=r"x\.db: No such file or directory\. Check"):
        Database(tmp_path / "missing" / "x.db", SCHEMAS["WAL"])


@pytest.mark.parametrize("mode", SCHEMAS)
def test_database__torn_anywhere__is_damaged_or_holds_rows_of_its_own(mode: str) -> None:
    damaged = 0
    for seed in range(40):
        random = Random(f"{mode} {seed}")
        disk = SimulatedDisk(random)
        with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database, database.transaction():
            database.execute_many("INSERT INTO note VALUES (?, ?)", ((number, "text" * 90) for number in range(100)))
        disk.tear(NAME, random)
        try:
            with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
                assert len(database.rows("SELECT number FROM note")) == 100
        except (DatabaseDamaged, DatabaseVersionUnknown):
            damaged += 1
    assert damaged > 10


@pytest.mark.parametrize("mode", SCHEMAS)
def test_database__old_copy_put_back__opens_with_what_it_had(mode: str) -> None:
    disk = SimulatedDisk(Random(1))
    with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
        database.execute("INSERT INTO note VALUES (1, 'old')")
    copy = disk.take_copy(NAME)
    with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
        database.execute("INSERT INTO note VALUES (2, 'new')")

    disk.put_back(NAME, copy)

    with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
        assert database.rows("SELECT number FROM note") == [(1,)]
    disk.crash(Random(2))
    with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
        assert database.rows("SELECT number FROM note") == [(1,)]


def test_database__copied_from_the_simulated_disk__is_read_by_the_standard_library(tmp_path: Path) -> None:
    disk = SimulatedDisk(Random(1))
    with closing(Database(PATH, Schema(3, SCRIPT, "Keep it"), disk=disk.attach())) as database:
        database.execute("INSERT INTO note VALUES (1, 'text')")
    (tmp_path / "x.db").write_bytes(disk.take_copy(NAME))

    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        assert connection.execute("SELECT * FROM note").fetchall() == [(1, "text")]
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
