"""What a database keeps over power cuts and kills, at every moment at which something becomes durable."""

from contextlib import suppress
from random import Random

import pytest

from node.simulation.disk.disk import SimulatedDisk
from node.store.sqlite import Database
from tests.unit.simulation.killing import Killed, Killer, end
from tests.unit.simulation.writing import PATH, SCHEMAS, Writer


@pytest.mark.parametrize("mode", SCHEMAS)
def test_database__killed_at_every_moment__holds_what_was_committed_and_nothing_half(mode: str) -> None:
    for kills_at in range(1, 1_000):
        random = Random(f"{mode} {kills_at}")
        disk, writer = SimulatedDisk(random), Writer(SCHEMAS[mode], random)
        killer = Killer(kills_at)
        with suppress(Killed):
            writer.run(disk.attach(killer), transactions=6)
        end(disk, random)
        writer.run(disk.attach(), transactions=3)
        if len(killer.moments) < kills_at:
            break
    assert kills_at > 20


@pytest.mark.parametrize("mode", SCHEMAS)
@pytest.mark.parametrize("seed", range(60))
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
