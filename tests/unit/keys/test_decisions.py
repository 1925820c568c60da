"""What a person decides about a record: moved away, taken back, rebased; all of it kept, and seen when it is lost."""

import shutil
from pathlib import Path

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber
from node.keys.entries import Anchor, AttestId, Contents, Decision, DecisionKind, Made, SignedEnd, TakenNonces
from node.keys.errors import (
    RecordForeign,
    RecordRetired,
    RecordUnusable,
    SideReorgBelowSigned,
    SlotTaken,
    StaleRecord,
)
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import ExecutedTransaction, LastNonce, OwnTraces, Signer
from node.keys.slots import transaction_slot
from tests.unit.keys.helpers import (
    ALICE,
    CHAIN_ID,
    GENESIS,
    SIDE_CHAIN,
    MemoryFacts,
    SideChain,
    block_hash,
    counting_bytes,
    new_record,
    new_signer,
    open_record,
    proposed,
)

MADE = Made(1_700_000_000, "me@here", "test")
SENDER = transaction_slot(GENESIS, ALICE.address, 0)
TO_SIGN = keccak256(b"transaction")


def anchor(number: int, fork: str = "") -> Anchor:
    return Anchor(SIDE_CHAIN, SignedEnd(BlockNumber(number), block_hash(number, fork)))


def test_retire__over_a_restart__refuses_every_signature_until_it_is_reinstated(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    signer = new_signer(record)
    signer.sign_transaction(ALICE.address, 1, TO_SIGN)

    record.retire(MADE)

    with pytest.raises(RecordRetired, match="signing reinstate"):
        signer.sign_transaction(ALICE.address, 2, TO_SIGN)
    with pytest.raises(RecordRetired):
        signer.sign_transaction(ALICE.address, 1, TO_SIGN)
    with pytest.raises(RecordRetired):
        signer.next_attest_id()
    record.retire(MADE)
    record.close()
    with pytest.raises(RecordRetired):
        open_record(path, facts)
    record = SigningRecord.examine(path, facts)
    record.reinstate(MADE)
    record.reinstate(MADE)
    record.close()
    new_signer(open_record(path, facts)).sign_transaction(ALICE.address, 2, TO_SIGN)
    assert [decision.kind for decision in open_decisions(path)] == [
        DecisionKind.RETIRED,
        DecisionKind.REINSTATED,
    ]


def open_decisions(path: Path) -> tuple[Decision, ...]:
    """What stands in the record; another has it open, so a copy is read."""
    shutil.copy(path, path.with_name("copy.db"))
    return open_record(path.with_name("copy.db"), MemoryFacts()).decisions


def test_retire__older_copy_put_back__is_stale_and_not_a_way_around_it(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    new_record(path, facts).close()
    shutil.copy(path, tmp_path / "copy.db")
    record = open_record(path, facts)
    record.retire(MADE)
    record.close()
    shutil.copy(tmp_path / "copy.db", path)

    with pytest.raises(StaleRecord):
        open_record(path, facts)


def test_rebase__ends_at_and_beyond_the_block__are_set_aside_and_the_new_chain_is_asked_for(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")
    signer = new_signer(record)
    old, new = SideChain(1_000), SideChain(1_000, fork="b", forked_from=10)
    for turn, end in ((1, 7), (2, 15), (3, 23)):
        signer.sign_checkpoint(proposed(turn, 0, end), ALICE.address, block_hash(end), None, old)
    with pytest.raises(SideReorgBelowSigned, match="block 15"):
        signer.require_signed_chain(SIDE_CHAIN, None, new)

    record.rebase(anchor(15, "b"), MADE)

    signer.require_signed_chain(SIDE_CHAIN, None, new)
    with pytest.raises(SideReorgBelowSigned):
        signer.require_signed_chain(SIDE_CHAIN, None, old)
    with pytest.raises(SideReorgBelowSigned, match="block 7"):
        signer.require_signed_chain(SIDE_CHAIN, None, SideChain(1_000, fork="b", forked_from=5))
    with pytest.raises(SlotTaken):  # what was signed stays signed
        signer.sign_checkpoint(proposed(3, 0, 23, root=b"b"), ALICE.address, block_hash(23, "b"), None, new)
    signer.sign_checkpoint(proposed(4, 0, 23, root=b"b"), ALICE.address, block_hash(23, "b"), None, new)


def test_rebase__back_to_the_first_chain__asks_for_that_one_again(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")
    signer = new_signer(record)
    old, new = SideChain(1_000), SideChain(1_000, fork="b", forked_from=5)
    signer.sign_checkpoint(proposed(1, 0, 7), ALICE.address, block_hash(7), None, old)
    record.rebase(anchor(7, "b"), MADE)
    signer.sign_checkpoint(proposed(2, 0, 15, root=b"b"), ALICE.address, block_hash(15, "b"), None, new)

    record.rebase(anchor(7), MADE)

    signer.require_signed_chain(SIDE_CHAIN, None, old)
    with pytest.raises(SideReorgBelowSigned):
        signer.require_signed_chain(SIDE_CHAIN, None, new)
    signer.sign_checkpoint(proposed(3, 0, 15), ALICE.address, block_hash(15), None, old)
    assert record.signed_ends(SIDE_CHAIN) == (anchor(7).block, anchor(15).block)


def test_taken_nonces__of_an_older_copy__are_no_stale_record_and_no_twin(tmp_path: Path) -> None:
    """Of what the newer copy sent only the nonces are known: it may still be executed, also after the catch-up."""
    record = new_record(tmp_path / "signing.db")
    record.merge(Contents((), (TakenNonces(SENDER.domain, 100),), (), (AttestId(record.node_id, 50),)), MADE)
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    signer.observe(ExecutedTransaction(ALICE.address, 90, TO_SIGN, AttestId(record.node_id, 40)))
    signer.caught_up(OwnTraces((LastNonce(ALICE.address, 95, AttestId(record.node_id, 45)),), ()))
    signer.observe(ExecutedTransaction(ALICE.address, 96, TO_SIGN, AttestId(record.node_id, 46)))

    assert signer.stop is None
    assert signer.next_nonce(ALICE.address, 97) == 101
    with pytest.raises(SlotTaken, match="nothing is signed at or below"):
        signer.sign_transaction(ALICE.address, 100, TO_SIGN)
    signer.sign_transaction(ALICE.address, 101, TO_SIGN)


def test_caught_up__last_attestation_is_another_node_s__stops_although_the_nonce_is_known(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")
    new_signer(record).sign_transaction(ALICE.address, 5, TO_SIGN)
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    signer.caught_up(OwnTraces((LastNonce(ALICE.address, 5, AttestId(b"a twin's", 1)),), ()))

    assert isinstance(signer.stop, StaleRecord)


def test_merge__that_heals__ends_staleness_for_good(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    shutil.copy(path, tmp_path / "old.db")
    new_signer(record).sign_transaction(ALICE.address, 1, TO_SIGN)
    record.close()
    shutil.copy(tmp_path / "old.db", path)
    record = SigningRecord.examine(path, facts)
    record.merge(Contents(), MADE)
    with pytest.raises(StaleRecord):  # a file alone does not say that nothing is missing
        record.next_attest_id()

    record.merge(Contents((), (TakenNonces(SENDER.domain, 10),)), MADE, heals=True)

    record.next_attest_id()
    record.close()
    new_signer(open_record(path, facts)).sign_transaction(ALICE.address, 11, TO_SIGN)


def test_new_record__made_of_an_export_where_another_signed_before__is_stale_or_foreign(tmp_path: Path) -> None:
    """The home's own record is lost: a backup of it may lack what it signed since, and a stranger's export does."""
    facts = MemoryFacts()
    lost = new_record(tmp_path / "lost.db", facts)
    new_signer(lost).next_attest_id()
    backup = lost.contents()
    SigningRecord.create(tmp_path / "backup.db", lambda count: b"n" * count, (backup, MADE))
    SigningRecord.create(tmp_path / "stranger.db", lambda count: b"s" * count)

    with pytest.raises(StaleRecord, match="may hold more than was imported"):
        open_record(tmp_path / "backup.db", facts)
    with pytest.raises(RecordForeign):
        open_record(tmp_path / "stranger.db", facts)


def test_decisions__as_many_as_a_record_takes__the_next_is_refused_and_it_still_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.keys.tables.DECISIONS_MAX", 3)
    record = new_record(tmp_path / "signing.db")
    for number in range(3):
        record.rebase(anchor(number), MADE)

    with pytest.raises(RecordUnusable, match="the most that it takes"):
        record.rebase(anchor(3), MADE)

    record.close()
    assert len(open_record(tmp_path / "signing.db").decisions) == 3


def test_create__killed_while_an_export_is_merged__leaves_no_record(tmp_path: Path) -> None:
    def power_cut(_: int) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SigningRecord.create(tmp_path / "signing.db", power_cut, (Contents(), MADE))

    assert not (tmp_path / "signing.db").exists()
    SigningRecord.create(tmp_path / "signing.db", counting_bytes, (Contents(), MADE))
