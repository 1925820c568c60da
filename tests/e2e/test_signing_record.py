"""A validator whose signing record is not the one that it signed with says so and signs nothing; the others go on."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from node.app.messages import Transaction
from node.duties.status import Reason
from node.keys import errors
from tests.e2e.harness import Network, running_network

VICTIM = 2
"""Not the proposer of the first turns, and without it the others are a quorum."""

Damage = Callable[[Path], None]
"""What happens to a validator's home while it is stopped; `old.db` is its signing record of some time ago."""


def old_copy(home: Path) -> None:
    shutil.copy(home / "old.db", home / "signing.db")


def old_copy_and_local_db_lost(home: Path) -> None:
    """Not even the mark of the newest entry is left: only the chain knows what was signed."""
    old_copy(home)
    (home / "local.db").unlink()


def missing(home: Path) -> None:
    (home / "signing.db").unlink()


def empty(home: Path) -> None:
    (home / "signing.db").write_bytes(b"")


def one_entry_changed(home: Path) -> None:
    with closing(sqlite3.connect(home / "signing.db", isolation_level=None)) as database:
        database.execute("UPDATE signed SET digest = zeroblob(32) WHERE sequence = 2")


def cut_off(home: Path) -> None:
    data = (home / "signing.db").read_bytes()
    (home / "signing.db").write_bytes(data[: len(data) // 2])


def of_another_validator(home: Path) -> None:
    shutil.copy(home.parent / "0" / "signing.db", home / "signing.db")


def open_to_others(home: Path) -> None:
    (home / "signing.db").chmod(0o644)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (old_copy, errors.StaleRecord),
        (old_copy_and_local_db_lost, errors.StaleRecord),
        (missing, errors.RecordMissing),
        (empty, errors.RecordDamaged),
        (one_entry_changed, errors.RecordDamaged),
        (cut_off, errors.RecordDamaged),
        (of_another_validator, errors.RecordForeign),
        (open_to_others, errors.RecordUnusable),
    ],
)
async def test_record__that_cannot_guard__stops_that_validator_and_no_other(
    damage: Damage, expected: type[errors.RecordError]
) -> None:
    async with running_network() as network:
        home = network.devnet.files.validator(VICTIM)
        await network.rounds(6)
        await network.close()
        shutil.copy(home / "signing.db", home / "old.db")
        await network.start()
        await network.until_acks(1)

        await network.close()
        damage(home)
        await network.start()
        restarted_at = network.devnet.local_engine.height
        await network.until_acks(2)

        status = network.status(VICTIM)
        assert isinstance(network.validators[VICTIM].opened.signer.stop, expected)
        assert status.stopped_signing is not None
        assert status.stopped_signing.reason is Reason.STALE_RECORD
        assert "signing.db" in status.stopped_signing.text or "signing record" in status.stopped_signing.text
        assert "put its newest copy back" in status.stopped_signing.text or expected is errors.RecordUnusable
        assert sent_by(network, VICTIM, restarted_at) == [], "it signed nothing"
        others = [index for index in range(4) if index != VICTIM]
        assert all(sent_by(network, index, restarted_at) for index in others)
        assert all(network.status(index).stopped_signing is None for index in others)
        assert (await network.get("/sidewarden/v1/status", VICTIM)).status == 200
        assert (await network.get("/ready", VICTIM)).status == 503


async def test_record__that_was_put_back__lets_the_validator_sign_again() -> None:
    async with running_network() as network:
        home = network.devnet.files.validator(VICTIM)
        await network.until_acks(1)
        await network.close()
        shutil.move(home / "signing.db", home / "elsewhere.db")
        await network.start()
        await network.rounds(4)
        assert network.status(VICTIM).stopped_signing is not None

        await network.close()
        shutil.move(home / "elsewhere.db", home / "signing.db")
        await network.start()
        restarted_at = network.devnet.local_engine.height
        await network.until_acks(2)

        assert network.status(VICTIM).stopped_signing is None
        assert sent_by(network, VICTIM, restarted_at)


def sent_by(network: Network, index: int, after: int) -> list[Transaction]:
    """A validator's transactions in blocks after a height."""
    signer = network.devnet.accounts.signers[index].address
    return [one.transaction for one in network.executed if one.transaction.sender == signer and one.height > after]
