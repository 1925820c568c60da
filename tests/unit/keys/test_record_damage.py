"""Every file that is not the whole, newest record of this home is refused by name, with what to do."""

import logging
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.engine.local.block_store import BlockStore
from node.keys.entries import Anchor, Made, SignedEnd, SignedRange
from node.keys.errors import RecordDamaged, RecordError, RecordForeign, RecordUnusable, SlotTaken, StaleRecord
from node.keys.record import SigningRecord
from node.keys.slots import Purpose, Slot
from node.store.disk import RealDisk
from node.store.files import write_private
from tests.unit.keys.helpers import SIDE_CHAIN, MemoryFacts, block_hash, new_record, open_record

log = logging.getLogger(__name__)

ENTRIES = 60
PAGE_BYTES = 4_096
FLIPS = 250
REMEDIES = ("put its newest copy back", "chmod 600", "Check the disk's space", "import --from-chain")


def slot(position: int) -> Slot:
    return Slot(Purpose.TRANSACTION, "engine/test", (position,))


def digest(position: int) -> Hash32:
    return keccak256(str(position).encode())


def refused(path: Path, facts: MemoryFacts | None = None) -> RecordError:
    """The error of a record that must not open."""
    with pytest.raises(RecordError) as caught:
        open_record(path, facts)
    assert type(caught.value) is not RecordError, "a leaf"
    assert any(remedy in str(caught.value) for remedy in REMEDIES), caught.value
    return caught.value


def answers(record: SigningRecord) -> tuple[object, ...]:
    """All that signing asks of a record."""
    return (
        [record.digest(slot(position)) for position in range(ENTRIES + 1)],
        record.signed_ends(SIDE_CHAIN),
        record.newest_nonce(slot(0)),
        record.unfit,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a record that holds signatures and decisions, over several pages."""
    path = tmp_path_factory.mktemp("record") / "signing.db"
    record = new_record(path)
    for position in range(ENTRIES):
        blocks = SignedRange(SIDE_CHAIN, BlockNumber(0), BlockNumber(position), block_hash(position), UnixSeconds(99))
        record.admit(slot(position), digest(position), blocks)
    record.rebase(Anchor(SIDE_CHAIN, SignedEnd(BlockNumber(50), block_hash(50, "b"))), Made(1, "me", "agreed"))
    record.close()
    return path.read_bytes()


def test_open__cut_at_each_page_and_inside__refused(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "signing.db"
    assert len(written) > 5 * PAGE_BYTES
    for length in (*range(0, len(written), PAGE_BYTES), *range(1, len(written), 3_001)):
        write_private(path, written[:length])
        assert isinstance(refused(path), RecordDamaged), length


def test_open__one_bit_flipped_in_many_places__refused_or_the_same_answers(tmp_path: Path, written: bytes) -> None:
    path, seed = tmp_path / "signing.db", random.SystemRandom().randrange(2**32)
    log.warning("seed %d", seed)
    write_private(path, written)
    sound, survived = answers(open_record(path)), 0
    source, told = random.Random(seed), set[str]()
    used = [at for at, byte in enumerate(written) if byte]
    for at in (*range(100), *source.sample(used, FLIPS)):
        content = bytearray(written)
        content[at] ^= 1 << source.randrange(8)
        write_private(path, bytes(content))
        try:
            record = SigningRecord.open(path, MemoryFacts())
        except RecordError as error:
            told.add(str(error))
            continue
        assert answers(record) == sound, at
        record.close()
        survived += 1
    assert all(any(remedy in text for remedy in REMEDIES) for text in told)
    assert survived < FLIPS // 2, "most flips are seen"


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")


def of_another_program_of_our_version(path: Path) -> None:
    of_another_program(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 3")


def engine_db(path: Path) -> None:
    BlockStore(path).close()


def empty_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("VACUUM")


def directory(path: Path) -> None:
    path.mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (of_another_program, RecordForeign),
        (of_another_program_of_our_version, RecordDamaged),
        (engine_db, RecordForeign),
        (empty_database, RecordDamaged),
        (directory, RecordUnusable),
    ],
)
def test_open__something_else_under_its_name__refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], expected: type[RecordError]
) -> None:
    path = tmp_path / "signing.db"
    make(path)
    if path.is_file():
        path.chmod(0o600)

    assert isinstance(refused(path), expected)
    assert isinstance(refused(path), expected), "also the second time"


@pytest.mark.parametrize("version", [2, 4])
def test_open__schema_of_another_version__refused_naming_both(tmp_path: Path, written: bytes, version: int) -> None:
    path = tmp_path / "signing.db"
    write_private(path, written)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {version}")

    error = refused(path)

    assert isinstance(error, RecordForeign)
    assert f"has schema version {version}, this program knows 3" in str(error)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_open__mode_that_others_may_use__refused(tmp_path: Path, written: bytes, mode: int) -> None:
    path = tmp_path / "signing.db"
    write_private(path, written)
    path.chmod(mode)

    assert isinstance(refused(path), RecordUnusable)


class ForbiddenDisk(RealDisk):
    """A disk on which the record belongs to somebody else."""

    def require_private(self, path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))


def test_open__not_readable__refused(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "signing.db"
    write_private(path, written)

    with pytest.raises(RecordUnusable, match=r"Permission denied.*file's owner"):
        SigningRecord.open(path, MemoryFacts(), disk=ForbiddenDisk())


_CRASH_WITH_A_HOT_JOURNAL = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA locking_mode = EXCLUSIVE")
database.execute("PRAGMA journal_mode = TRUNCATE")
database.execute("PRAGMA cache_size = 1")  # changed pages go to the file before the commit
database.execute("BEGIN EXCLUSIVE")
database.execute("UPDATE signed SET digest = zeroblob(32)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def crash_in_the_middle_of_a_write(path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", _CRASH_WITH_A_HOT_JOURNAL, str(path)], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert path.with_name(f"{path.name}-journal").stat().st_size > 0


def test_open__journal_of_a_crash_beside_it__recovers_what_was_signed(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "signing.db"
    write_private(path, written)
    sound = answers(open_record(path))
    path.with_name("signing.db.holder").unlink(missing_ok=True)
    write_private(path, written)
    crash_in_the_middle_of_a_write(path)
    assert path.read_bytes() != written, "the file itself is half written"

    record = open_record(path)

    assert answers(record) == sound
    with pytest.raises(SlotTaken):
        record.admit(slot(1), digest(2))


def test_open__journal_of_a_crash_lost__refused(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "signing.db"
    write_private(path, written)
    crash_in_the_middle_of_a_write(path)
    path.with_name("signing.db-journal").unlink()

    assert isinstance(refused(path), RecordDamaged)


def test_open__older_copy_beside_the_newer_mark__stale_and_signs_nothing_even_when_examined(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    record.admit(slot(1), digest(1))
    record.close()
    shutil.copy(path, tmp_path / "old.db")
    record = open_record(path, facts)
    record.rebase(Anchor(SIDE_CHAIN, SignedEnd(BlockNumber(50), block_hash(50))), Made(1, "me", "agreed"))
    record.close()
    shutil.copy(tmp_path / "old.db", path)

    assert isinstance(refused(path, facts), StaleRecord), "a decision that is missing is seen as a signature is"
    with closing(SigningRecord.examine(path, facts)) as examined:
        with pytest.raises(StaleRecord):
            examined.admit(slot(2), digest(2))
        with pytest.raises(StaleRecord):
            examined.next_attest_id()
    assert isinstance(refused(path, facts), StaleRecord), "looking at it has not moved the mark"
