"""What a database keeps over power cuts and kills, at every moment at which something becomes durable."""

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from node.simulation.disk.disk import ProcessDisk, SimulatedDisk
from node.store.sqlite import Database, Schema
from tests.unit.simulation.killing import Killed, Killer, end

PATH = Path("/home/x.db")
SCRIPT = "CREATE TABLE note (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"
SCHEMAS = {
    "WAL": Schema(version=1, remedy="Keep it", script=SCRIPT),
    "TRUNCATE": Schema(version=1, remedy="Keep it", script=SCRIPT, exclusive=True),
}
Notes = dict[int, str]


class Failed(Exception):
    """A transaction's body gives up."""


class Writer:
    """Makes random transactions and knows what must be in the database: `sure`, or what is under way as well."""

    def __init__(self, schema: Schema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self.sure: Notes = {}
        self.under_way: Notes = {}

    def run(self, disk: ProcessDisk, transactions: int) -> None:
        """Open the database, see that all that is sure is in it, and write more."""
        database = Database(PATH, self._schema, disk=disk)
        found: Notes = dict(database.rows("SELECT number, text FROM note"))
        assert found in (self.sure, self.under_way)
        assert database.row("PRAGMA integrity_check") == ("ok",)
        self.sure = self.under_way = found
        for _ in range(transactions):
            with suppress(Failed):
                self._write(database)
        if self._random.random() < 0.5:
            database.close()

    def _write(self, database: Database) -> None:
        random = self._random
        after = dict(self.sure)
        fails = random.random() < 0.2
        with database.transaction():
            for number in random.sample(range(60), random.randint(1, 8)):
                if number in after:
                    del after[number]
                    database.execute("DELETE FROM note WHERE number = ?", (number,))
                else:
                    after[number] = str(random.random()) * random.randint(1, 400)
                    database.execute("INSERT INTO note VALUES (?, ?)", (number, after[number]))
            if fails:
                raise Failed
            self.under_way = after
        self.sure = after


@pytest.mark.parametrize("mode", SCHEMAS)
def test_database__killed_at_every_moment__holds_what_was_committed_and_nothing_half(mode: str) -> None:
    moments = 0
    for kills_at in range(1, 1_000):
        seed = f"{mode} {kills_at}"
        print(seed)
        random = Random(seed)
        disk, writer = SimulatedDisk(random), Writer(SCHEMAS[mode], random)
        killer = Killer(kills_at)
        with suppress(Killed):
            writer.run(disk.attach(killer), transactions=6)
        end(disk, random)
        writer.run(disk.attach(), transactions=3)
        moments = len(killer.moments)
        if moments < kills_at:
            break
    assert moments < kills_at


@pytest.mark.parametrize("mode", SCHEMAS)
@pytest.mark.parametrize("seed", range(150))
def test_database__killed_again_and_again__holds_what_was_committed_or_seen(mode: str, seed: int) -> None:
    random = Random(f"{mode} {seed}")
    disk, writer = SimulatedDisk(random), Writer(SCHEMAS[mode], random)
    for _ in range(10):
        with suppress(Killed):
            writer.run(disk.attach(Killer(random.randint(1, 40))), transactions=random.randrange(4))
        end(disk, random)


@pytest.mark.parametrize("mode", SCHEMAS)
@pytest.mark.parametrize("seed", range(5))
def test_database__opened_after_a_kill__what_it_shows_outlives_a_power_cut(mode: str, seed: int) -> None:
    def write(database: Database) -> None:
        for number in range(3):
            database.execute("INSERT INTO note VALUES (?, 'text')", (number,))

    for kills_at in range(1, 1_000):
        random = Random(f"{mode} {seed} {kills_at}")
        disk, killer = SimulatedDisk(random), Killer(kills_at)
        with suppress(Killed):
            write(Database(PATH, SCHEMAS[mode], disk=disk.attach(killer)))
        disk.kill()
        shown = Database(PATH, SCHEMAS[mode], disk=disk.attach()).rows("SELECT number FROM note")
        disk.crash(random)

        assert Database(PATH, SCHEMAS[mode], disk=disk.attach()).rows("SELECT number FROM note") == shown
        if len(killer.moments) < kills_at:
            break
    assert shown == [(0,), (1,), (2,)]
