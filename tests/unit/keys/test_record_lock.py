"""One slot has one winner, whoever races for it: threads of a process, and processes on one file."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32
from node.keys.errors import RecordInUse, SlotTaken
from node.keys.record import SigningRecord
from node.keys.slots import Purpose, Slot
from tests.unit.keys.helpers import MemoryFacts, counting_bytes, new_record, open_record

THREADS = 10
SLOTS = 30

_CONTEND = """
import sys
from pathlib import Path
from bridge.codec.hash import keccak256
from node.keys.errors import RecordError
from node.keys.record import SigningRecord
from node.keys.slots import Purpose, Slot
from tests.unit.keys.helpers import MemoryFacts
print("ready", flush=True)
while sys.stdin.readline():
    try:
        record = SigningRecord.open(Path(sys.argv[1]), MemoryFacts())
    except RecordError as error:
        print(error.code, error, flush=True)
        continue
    digest = keccak256(sys.argv[2].encode())
    record.admit(Slot(Purpose.TRANSACTION, "engine/test", (1,)), digest)
    print("won", digest.hex(), flush=True)
    sys.stdin.read()
"""


def slot(position: int) -> Slot:
    return Slot(Purpose.TRANSACTION, "engine/test", (position,))


def contender(path: Path, name: str) -> subprocess.Popen[str]:
    """A process that opens the record and signs, once it is told to."""
    return subprocess.Popen(
        [sys.executable, "-c", _CONTEND, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str], line: str = "go\n") -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


def test_admit__ten_threads_with_a_digest_each__one_wins_and_stays_after_a_restart(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record, together = new_record(path, facts), Barrier(THREADS)

    def race(thread: int) -> list[Hash32 | None]:
        """What this thread was allowed to sign, slot by slot."""
        signed: list[Hash32 | None] = []
        for position in range(SLOTS):
            digest = keccak256(f"{thread} {position}".encode())
            together.wait()
            try:
                signed.append(record.admit(slot(position), digest).digest)
            except SlotTaken:
                signed.append(None)
        return signed

    with ThreadPoolExecutor(THREADS) as threads:
        rounds = list(zip(*threads.map(race, range(THREADS)), strict=True))
    record.close()
    reopened = open_record(path, facts)

    for position, signed in enumerate(rounds):
        (winner,) = {digest for digest in signed if digest is not None}
        assert signed.count(winner) == 1
        assert reopened.digest(slot(position)) == winner


def test_admit__two_processes_on_one_file__one_wins_and_the_other_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "signing.db"
    SigningRecord.create(path, counting_bytes)
    with contender(path, "first") as first, contender(path, "second") as second:
        both = (first, second)
        assert [heard(process) for process in both] == ["ready", "ready"]
        # At the very same moment each may see the other, and both go away; then they try again.
        answers = dict.fromkeys(both, "")
        while not any(answer.startswith("won ") for answer in answers.values()):
            for process in both:
                tell(process)
            answers = {process: heard(process) for process in both}
        winner, loser = sorted(both, key=lambda process: not answers[process].startswith("won "))
        won, refused = answers[winner], answers[loser]
        for process in both:
            assert process.stdin is not None
            process.stdin.close()

    assert won.startswith("won ")
    # The loser may come between the winner's lock and its note of who it is.
    assert refused.startswith("RECORD_IN_USE ")
    assert f"in use by process {winner.pid}" in refused or "in use by another process" in refused
    assert open_record(path).digest(slot(1)) == Hash32(bytes.fromhex(won.removeprefix("won ")))


def test_open__after_the_holder_was_killed__the_next_process_has_it_and_its_slots(tmp_path: Path) -> None:
    path = tmp_path / "signing.db"
    SigningRecord.create(path, counting_bytes)
    with contender(path, "first") as first:
        assert heard(first) == "ready"
        tell(first)
        won = heard(first)
        with pytest.raises(RecordInUse, match=f"in use by process {first.pid}"):
            open_record(path)
        first.send_signal(signal.SIGKILL)
        first.wait()

    record = open_record(path)

    assert won == f"won {keccak256(b'first').hex()}"
    with pytest.raises(SlotTaken):
        record.admit(slot(1), keccak256(b"second"))
