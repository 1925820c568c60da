"""Opening and using a database: private, versioned, all or nothing, with errors that say what to do."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from node.store.errors import DatabaseDamaged, DatabaseInUse, DatabaseVersionUnknown, FileTooOpen
from node.store.sqlite import Database, Schema

SCHEMA = Schema(
    version=3, remedy="Delete it", script="CREATE TABLE note (number INTEGER PRIMARY KEY, text TEXT) STRICT"
)
EXCLUSIVE = Schema(version=1, remedy="Keep it", script=SCHEMA.script, exclusive=True)


def test_database__new__is_private_durable_and_versioned(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCHEMA)

    assert (tmp_path / "x.db").stat().st_mode & 0o777 == 0o600
    assert database.row("PRAGMA journal_mode") == ("wal",)
    assert database.row("PRAGMA synchronous") == (2,)
    assert database.row("PRAGMA user_version") == (3,)
    database.execute("INSERT INTO note VALUES (1, 'a')")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    database.close()


def test_database__opened_again__holds_what_was_written(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "x.db", SCHEMA)) as database:
        database.execute("INSERT INTO note VALUES (1, 'a')")

    with closing(Database(tmp_path / "x.db", SCHEMA)) as database:
        assert database.rows("SELECT * FROM note") == [(1, "a")]


def test_transaction__error_inside__nothing_of_it_stays(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "x.db", SCHEMA)) as database:

        def fail_half_way() -> None:
            with database.transaction():
                database.execute("INSERT INTO note VALUES (1, 'a')")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail_half_way()

        assert database.rows("SELECT * FROM note") == []
        with database.transaction():
            database.execute("INSERT INTO note VALUES (2, 'b')")
        assert database.rows("SELECT number FROM note") == [(2,)]


def test_transaction__from_many_threads__one_at_a_time(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "x.db", SCHEMA)) as database:
        database.execute("INSERT INTO note VALUES (1, '0')")

        def increment(_: int) -> None:
            for _ in range(10):
                with database.transaction():
                    row = database.row("SELECT text FROM note")
                    assert row is not None
                    database.execute("UPDATE note SET text = ?", (str(int(row[0]) + 1),))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(increment, range(8)))

        assert database.row("SELECT text FROM note") == ("80",)


def test_database__of_another_version__refused(tmp_path: Path) -> None:
    Database(tmp_path / "x.db", SCHEMA).close()

    with pytest.raises(DatabaseVersionUnknown, match="schema version 3, this program knows 4"):
        Database(tmp_path / "x.db", Schema(4, SCHEMA.script, SCHEMA.remedy))


def test_database__with_other_tables__is_damaged(tmp_path: Path) -> None:
    Database(tmp_path / "x.db", SCHEMA).close()
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("ALTER TABLE note ADD COLUMN more TEXT")

    with pytest.raises(DatabaseDamaged, match="tables are not those"):
        Database(tmp_path / "x.db", SCHEMA)


@pytest.mark.parametrize("damage", ["junk", "cut short"])
def test_database__damaged__says_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.db"
    with closing(Database(path, SCHEMA)) as database:
        database.execute_many("INSERT INTO note VALUES (?, ?)", ((number, "x" * 100) for number in range(1_000)))
    content = path.read_bytes()
    path.write_bytes(b"junk" * 1_000 if damage == "junk" else content[: len(content) // 2])

    with pytest.raises(DatabaseDamaged, match=r"is damaged: .*\. Delete it"):
        Database(path, SCHEMA)


def test_database__open_to_others__refused(tmp_path: Path) -> None:
    Database(tmp_path / "x.db", SCHEMA).close()
    (tmp_path / "x.db").chmod(0o660)

    with pytest.raises(FileTooOpen, match="chmod 600"):
        Database(tmp_path / "x.db", SCHEMA)


def test_database__exclusive__one_opener_and_one_whole_file(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "x.db", EXCLUSIVE)) as database:
        database.execute("INSERT INTO note VALUES (1, 'a')")
        with pytest.raises(DatabaseInUse, match="in use by process"):
            Database(tmp_path / "x.db", EXCLUSIVE)
        assert not (tmp_path / "x.db-wal").exists()

    with closing(Database(tmp_path / "x.db", EXCLUSIVE)) as database:
        assert database.rows("SELECT * FROM note") == [(1, "a")]


def test_database__mistake_in_our_own_sql__is_a_bug_and_not_named(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "x.db", SCHEMA)) as database, pytest.raises(sqlite3.OperationalError):
        database.execute("SELECT * FROM nothing")
