"""Killed, or failing, at every durable step: no signature is ever out that the record does not hold."""

import resource
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import Signature
from node.keys.errors import RecordUnusable, SlotTaken
from node.keys.record import SigningRecord
from node.keys.slots import transaction_slot
from node.simulation.disk.disk import SimulatedDisk
from tests.unit.keys.helpers import ALICE, GENESIS, MemoryFacts, counting_bytes, new_record, new_signer, open_record

_SIGN_FOR_EVER = """
import itertools, sys
from pathlib import Path
from bridge.codec.hash import keccak256
from node.keys.record import SigningRecord
from tests.unit.keys.helpers import ALICE, MemoryFacts, new_signer
signer = new_signer(SigningRecord.open(Path(sys.argv[1]), MemoryFacts()))
for nonce in itertools.count(int(sys.argv[2])):
    signature = signer.sign_transaction(ALICE.address, nonce, keccak256(f"{sys.argv[2]} {nonce}".encode()))
    print(nonce, signature.hex(), flush=True)
"""


class PowerCut(Exception):
    """The machine stops here."""


class FailingFacts(MemoryFacts):
    """Facts whose n-th save never happens."""

    def __init__(self, fails_at: int) -> None:
        super().__init__()
        self.saves_left = fails_at

    def save_fact(self, name: str, value: bytes) -> None:
        if self.saves_left == 0:
            raise PowerCut
        self.saves_left -= 1
        super().save_fact(name, value)


@pytest.mark.parametrize("kills_after", [1, 2, 7, 25])
def test_sign__process_killed_at_any_moment__the_record_holds_all_that_is_out(tmp_path: Path, kills_after: int) -> None:
    path = tmp_path / "signing.db"
    SigningRecord.create(path, counting_bytes)
    for first_nonce in (0, 5):
        with subprocess.Popen(
            [sys.executable, "-c", _SIGN_FOR_EVER, str(path), str(100 * first_nonce)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            out = [process.stdout.readline() for _ in range(kills_after)]
            process.send_signal(signal.SIGKILL)
            out += [line for line in process.stdout if line.endswith(b"\n")]

        record = open_record(path)
        for line in out:
            nonce, signature = line.decode().split()
            signed = record.digest(transaction_slot(GENESIS, ALICE.address, int(nonce)))
            assert signed is not None
            assert recover_address(signed, Signature(bytes.fromhex(signature))) == ALICE.address
        record.close()


@pytest.mark.parametrize("seed", range(10))
def test_sign__power_fails_right_after__the_record_is_there_and_holds_it(seed: int) -> None:
    random, path = Random(seed), Path("/home/signing.db")
    disk = SimulatedDisk(random)
    SigningRecord.create(path, counting_bytes, disk=disk.attach())
    disk.crash(random)
    for nonce in range(1, 6):
        record = SigningRecord.open(path, MemoryFacts(), disk=disk.attach())
        new_signer(record).sign_transaction(ALICE.address, nonce, keccak256(b"first"))
        disk.crash(random)

    signer = new_signer(SigningRecord.open(path, MemoryFacts(), disk=disk.attach()))
    for nonce in range(1, 6):
        with pytest.raises(SlotTaken):
            signer.sign_transaction(ALICE.address, nonce, keccak256(b"second"))


def test_sign__cut_after_the_entry_and_before_the_mark__slot_stays_taken(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", FailingFacts(fails_at=1)
    SigningRecord.create(path, counting_bytes)
    record = open_record(path, facts)
    with pytest.raises(PowerCut):
        new_signer(record).sign_transaction(ALICE.address, 1, keccak256(b"first"))
    record.close()

    facts.saves_left = 10
    signer = new_signer(open_record(path, facts))

    with pytest.raises(SlotTaken):
        signer.sign_transaction(ALICE.address, 1, keccak256(b"second"))
    assert signer.sign_transaction(ALICE.address, 1, keccak256(b"first"))


def test_sign__disk_refuses_the_write__no_signature_and_a_clear_reason(tmp_path: Path) -> None:
    path = tmp_path / "signing.db"
    record = new_record(path)
    signer = new_signer(record)
    size_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, size_limit[1]))
    try:
        with pytest.raises(RecordUnusable, match="Check the disk's space"):
            signer.sign_transaction(ALICE.address, 1, keccak256(b"first"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, size_limit)
        signal.signal(signal.SIGXFSZ, previous)

    assert record.digest(transaction_slot(GENESIS, ALICE.address, 1)) is None
    signer.sign_transaction(ALICE.address, 1, keccak256(b"second"))
