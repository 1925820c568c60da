"""The simulated disk itself: what SQLite does on it, who is locked out, what dies with a process or with the power."""

import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from node.simulation.disk.disk import ProcessDisk, SimulatedDisk
from node.simulation.disk.file import SECTOR_BYTES, StoredFile
from node.simulation.disk.process import Moment, ProcessDied
from node.store.errors import DatabaseDamaged, DatabaseInUse
from node.store.sqlite import Database
from tests.unit.simulation.killing import Killed, Killer
from tests.unit.simulation.writing import PATH, SCHEMAS, Writer

NAME = str(PATH)


def test_file__synced__outlives_the_power() -> None:
    for seed in range(50):
        file = StoredFile()
        file.write(3, b"abc")
        file.sync()

        file.lose_power(Random(seed))

        assert file.seen == b"\0\0\0abc"


def test_file__not_synced__any_of_its_sectors_may_be_lost() -> None:
    old, new = b"o" * SECTOR_BYTES, b"n" * SECTOR_BYTES
    outcomes = set()
    for seed in range(200):
        file = StoredFile(old * 3)
        file.write(0, new * 2)
        file.write(2 * SECTOR_BYTES, new)
        file.lose_power(Random(seed))
        outcomes.add(bytes(file.seen))

    assert outcomes == {a + b + c for a in (old, new) for b in (old, new) for c in (old, new)}


def test_file__cut_and_not_synced__nothing_after_the_cut_is_kept_without_it() -> None:
    outcomes = set()
    for seed in range(100):
        file = StoredFile(b"old")
        file.resize(0)
        file.write(0, b"x")
        file.lose_power(Random(seed))
        outcomes.add(bytes(file.seen))

    assert outcomes == {b"old", b"", b"\0", b"x"}


def test_file__sync_fails__it_is_seen_and_may_never_be_on_disk() -> None:
    outcomes = set()
    for seed in range(20):
        file = StoredFile(b"old")
        file.write(0, b"new")
        file.fail_sync(Random(seed))
        assert file.seen == b"new"
        file.sync()
        file.lose_power(Random(seed))
        outcomes.add(bytes(file.seen))

    assert outcomes == {b"old", b"new"}


def test_names__without_a_sync_of_their_directory__are_kept_up_to_some_moment() -> None:
    outcomes = set()
    for seed in range(60):
        disk = SimulatedDisk(Random(seed))
        process = disk.attach()
        process.create_private(Path("/a/kept"))
        process.sync_directory(Path("/a"))
        process.create_private(Path("/a/one"))
        process.rename(Path("/a/one"), Path("/a/two"))
        process.remove(Path("/a/kept"))
        process.sync_directory(Path("/b"))
        disk.crash(Random(seed))
        outcomes.add(disk.names)

    assert outcomes == {("/a/kept",), ("/a/kept", "/a/one"), ("/a/kept", "/a/two"), ("/a/two",)}


@pytest.mark.parametrize(("mode", "journal"), [("WAL", "-wal"), ("TRUNCATE", "-journal")])
def test_database__on_a_simulated_disk__has_the_journal_of_production(mode: str, journal: str) -> None:
    disk, killer = SimulatedDisk(Random(1)), Killer()
    database = Database(PATH, SCHEMAS[mode], disk=disk.attach(killer))

    assert database.row("PRAGMA journal_mode") == (mode.lower(),)
    assert database.row("PRAGMA synchronous") == (2,)
    assert f"{NAME}{journal}" in disk.names
    killer.moments.clear()
    database.execute("INSERT INTO note VALUES (1, 'a')")
    synced = [name.removeprefix(NAME) for name, moment in killer.moments if moment is Moment.AFTER]
    assert synced == (["-wal"] if mode == "WAL" else ["-journal", "-journal", "", "-journal"])


def _lost_commits(mode: str, synchronous: str) -> int:
    lost = 0
    for seed in range(40):
        disk = SimulatedDisk(Random(seed))
        database = Database(PATH, SCHEMAS[mode], disk=disk.attach())
        database.execute(f"PRAGMA synchronous={synchronous}")
        database.execute("INSERT INTO note VALUES (1, 'a')")
        disk.crash(Random(seed))
        try:
            with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
                lost += database.rows("SELECT number FROM note") == []
        except DatabaseDamaged:
            lost += 1
    return lost


@pytest.mark.parametrize("mode", SCHEMAS)
def test_commit__not_synced_by_sqlite__is_lost_in_some_power_cuts(mode: str) -> None:
    assert _lost_commits(mode, "FULL") == 0
    assert _lost_commits(mode, "OFF") > 0
    if mode == "WAL":
        assert _lost_commits(mode, "NORMAL") > 0


@pytest.mark.parametrize("mode", SCHEMAS)
def test_database__opened_by_a_second_process__is_in_use_until_the_first_dies(mode: str) -> None:
    disk = SimulatedDisk(Random(1))
    database = Database(PATH, SCHEMAS[mode], disk=disk.attach())
    database.execute("INSERT INTO note VALUES (1, 'a')")
    holder = "process 1" if mode == "TRUNCATE" else "another process"

    for read_only in (False, True):
        with pytest.raises(DatabaseInUse, match=f"in use by {holder}"):
            Database(PATH, SCHEMAS[mode], read_only=read_only, disk=disk.attach())
    disk.kill()

    with closing(Database(PATH, SCHEMAS[mode], disk=disk.attach())) as database:
        assert database.rows("SELECT number FROM note") == [(1,)]
    with closing(Database(PATH, SCHEMAS[mode], read_only=True, disk=disk.attach())) as database:
        assert database.rows("SELECT number FROM note") == [(1,)]


@pytest.mark.parametrize(("mode", "moments"), [("WAL", 2), ("TRUNCATE", 8)])
def test_process__killed_while_it_commits__gets_that_exception_and_does_no_more(mode: str, moments: int) -> None:
    for kills_in in range(1, moments + 1):
        disk, killer = SimulatedDisk(Random(1)), Killer()
        process = disk.attach(killer)
        database = Database(PATH, SCHEMAS[mode], disk=process)
        killer.kill_in(kills_in)

        with pytest.raises(Killed):
            database.execute("INSERT INTO note VALUES (1, 'a')")

        left = [disk.take_copy(name) for name in disk.names]
        assert process.is_dead
        with pytest.raises(ProcessDied):
            database.execute("DELETE FROM note")
        with pytest.raises(ProcessDied):
            process.exists(PATH)
        database.close()
        process.remove(PATH)
        assert [disk.take_copy(name) for name in disk.names] == left


def test_process__when_the_power_fails__is_dead_and_its_small_files_may_be_torn() -> None:
    outcomes = set()
    for seed in range(30):
        disk = SimulatedDisk(Random(seed))
        process = disk.attach()
        process.write_text(Path("/a/holder"), "12\n")
        process.sync_directory(Path("/a"))
        disk.crash(Random(seed))
        with pytest.raises(ProcessDied):
            process.write_text(Path("/a/holder"), "no")
        outcomes.add(disk.attach().read_text(Path("/a/holder")))

    assert outcomes == {"", "\0\0\0", "12\n"}


def test_files__that_are_not_there__are_errors_as_on_a_real_disk() -> None:
    process: ProcessDisk = SimulatedDisk(Random(1)).attach()

    for use in (process.size_bytes, process.require_private, process.read_text):
        with pytest.raises(FileNotFoundError):
            use(PATH)
    process.create_private(PATH)
    with pytest.raises(FileExistsError):
        process.create_private(PATH)


def scripted_digest() -> str:
    """What is on the disk, and when it got there, after a scripted use of both kinds of database."""
    digest = sha256()
    for mode, schema in SCHEMAS.items():
        random = Random(7)
        disk, writer, killer = SimulatedDisk(Random(8)), Writer(schema, random), Killer()
        for _ in range(5):
            writer.run(disk.attach(killer), transactions=5)
            disk.crash(random)
            for name in disk.names:
                digest.update(f"{mode} {name} {killer.moments}".encode() + disk.take_copy(name))
    return digest.hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "1", "77"])
def test_bytes__under_any_hash_seed_and_after_anything__are_the_same(hash_seed: str) -> None:
    script = "from tests.unit.simulation.test_disk import scripted_digest; print(scripted_digest())"
    other = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
        capture_output=True,
        check=True,
    )

    assert other.stdout.decode().strip() == scripted_digest() == scripted_digest()
