"""The file that moves a record: one form, strictly read, and merged without ever loosening what was signed."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, ChainId, Hash32, UnixSeconds
from node.keys import interchange, merging
from node.keys.entries import (
    Anchor,
    AttestId,
    Contents,
    LastVote,
    Made,
    SignedEnd,
    SignedEntry,
    SignedRange,
    TakenNonces,
    VoteBytes,
)
from node.keys.errors import ImportConflict, InterchangeTooLarge, InterchangeUnusable, SlotTaken
from node.keys.interchange import Interchange
from node.keys.record import SigningRecord
from node.keys.slots import Purpose, Slot, VoteStep
from tests.unit.keys.helpers import SIDE_CHAIN, MemoryFacts, block_hash, counting_bytes, new_record, open_record

NETWORK = keccak256(b"network")
MADE = Made(1_700_000_000, "me@here", "test")
SENDER = "engine/test"
DOMAINS = ("bound/test", "polygon/15001")


def transaction(nonce: int) -> Slot:
    return Slot(Purpose.TRANSACTION, SENDER, (nonce,))


def checkpoint(turn: int, domain: str = DOMAINS[0]) -> Slot:
    return Slot(Purpose.CHECKPOINT, domain, (0, turn))


def digest(value: object) -> Hash32:
    return keccak256(str(value).encode())


def blocks(end: int, fork: str = "") -> SignedRange:
    return SignedRange(SIDE_CHAIN, BlockNumber(0), BlockNumber(end), block_hash(end, fork), UnixSeconds(99))


def exported(record: SigningRecord, *, is_move: bool = True) -> Interchange:
    return Interchange(NETWORK, record.node_id, is_move, record.contents())


hashes = st.binary(min_size=32, max_size=32).map(Hash32)
numbers = st.integers(0, 2**63 - 1)
ranges = st.builds(
    SignedRange,
    side_chain_id=numbers.map(ChainId),
    start=numbers.map(BlockNumber),
    end=numbers.map(BlockNumber),
    end_hash=hashes,
    valid_until=st.none() | numbers.map(UnixSeconds),
)
slots = st.builds(Slot, st.just(Purpose.CHECKPOINT), st.sampled_from(DOMAINS), st.tuples(numbers, numbers)) | st.builds(
    transaction, numbers
)
anchors = st.builds(Anchor, numbers.map(ChainId), st.builds(SignedEnd, numbers.map(BlockNumber), hashes))
votes = st.builds(
    LastVote,
    st.builds(
        lambda domain, height, number, step: Slot(Purpose.VOTE, domain, (height, number, step)),
        st.text(min_size=1, max_size=9),
        numbers,
        numbers,
        st.sampled_from(VoteStep),
    ),
    st.none() | st.builds(VoteBytes, hashes, numbers, hashes),
)
all_contents = st.builds(
    Contents,
    signed=st.lists(
        st.builds(SignedEntry, slots, hashes, st.none() | ranges), max_size=5, unique_by=lambda entry: entry.slot
    ).map(lambda found: tuple(sorted(found, key=lambda e: (e.slot.purpose, e.slot.domain, e.slot.position)))),
    taken=st.lists(st.builds(TakenNonces, st.text(min_size=1, max_size=9), numbers), max_size=3).map(
        lambda found: tuple(sorted(found, key=lambda taken: (taken.domain, taken.nonce)))
    ),
    anchors=st.lists(anchors, max_size=3).map(
        lambda found: tuple(sorted(found, key=lambda a: (a.side_chain_id, a.block.number, a.block.hash)))
    ),
    issued=st.lists(st.builds(AttestId, st.binary(min_size=8, max_size=8), numbers), max_size=3).map(
        lambda found: tuple(sorted(found, key=lambda one: (one.node_id, one.counter)))
    ),
    votes=st.lists(votes, max_size=3, unique_by=lambda vote: vote.slot.domain).map(
        lambda found: tuple(sorted(found, key=lambda vote: vote.slot.domain))
    ),
)


@given(contents=all_contents, is_move=st.booleans())
def test_file__of_any_contents__reads_back_as_they_are(contents: Contents, is_move: bool) -> None:
    written = Interchange(NETWORK, bytes(8), is_move, contents)

    assert interchange.decode(interchange.encode(written)) == written


@pytest.fixture
def record(tmp_path: Path) -> SigningRecord:
    """A record with checkpoints, transactions, a rebase and ids."""
    record = new_record(tmp_path / "signing.db")
    for turn, end in ((1, 7), (2, 15)):
        record.admit(checkpoint(turn), digest(turn), blocks(end))
    record.admit(checkpoint(1, DOMAINS[1]), digest("polygon"), blocks(7))
    for nonce in (1, 2, 5):
        record.admit(transaction(nonce), digest(nonce))
    record.next_attest_id()
    record.rebase(Anchor(SIDE_CHAIN, SignedEnd(BlockNumber(15), block_hash(15, "b"))), MADE)
    return record


def test_file__of_a_record__is_the_same_bytes_each_time_and_private(record: SigningRecord, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    interchange.write(first, exported(record))
    interchange.write(second, exported(record))

    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_mode & 0o777 == 0o600
    assert interchange.read(first) == exported(record)


def test_file__any_byte_changed_or_cut__refused(record: SigningRecord) -> None:
    data = interchange.encode(exported(record))
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(InterchangeUnusable):
            interchange.decode(bytes(changed))
    for length in range(0, len(data), 101):
        with pytest.raises(InterchangeUnusable):
            interchange.decode(data[:length])


def _edited(data: bytes, name: str, value: object) -> bytes:
    """A file with one field changed by hand, digest and layout put right again."""
    file = msgspec.json.decode(data)
    file[name] = value
    file["digest"] = ""
    laid_out = msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"
    file["digest"] = "0x" + keccak256(laid_out).hex()
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("format", "EIP-3076", "is no export of a signing record"),
        ("version", 1, "it has version 1, this program knows 2"),
        ("note", "hello", "unknown field"),
        ("genesis_hash", "0x12", "is no export"),
        ("node_id", "0x12", "is no export"),
        ("taken", [{"domain": "", "nonce": 1}], "is no export"),
        ("taken", [{"domain": "b", "nonce": 1}, {"domain": "a", "nonce": 1}], "was changed"),
        ("issued", [{"node_id": "0x0000000000000000", "counter": -1}], "is no export"),
        ("signed", [{"purpose": "vote"}], "is no export"),
    ],
)
def test_file__with_a_field_that_no_export_has__refused(
    record: SigningRecord, name: str, value: object, words: str
) -> None:
    with pytest.raises(InterchangeUnusable, match=words):
        interchange.decode(_edited(interchange.encode(exported(record)), name, value))


def test_file__edited_helper__changes_nothing_else(record: SigningRecord) -> None:
    data = interchange.encode(exported(record))

    assert _edited(data, "version", 2) == data


def test_read__larger_than_the_limit_or_open_to_others_or_missing__refused(
    record: SigningRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "moved.json"
    interchange.write(path, exported(record))
    size_bytes = path.stat().st_size
    monkeypatch.setattr("node.keys.interchange.FILE_BYTES_MAX", size_bytes)
    interchange.check_size(exported(record))
    interchange.read(path)

    monkeypatch.setattr("node.keys.interchange.FILE_BYTES_MAX", size_bytes - 1)
    with pytest.raises(InterchangeTooLarge):
        interchange.check_size(exported(record))
    with pytest.raises(InterchangeUnusable, match="is larger than"):
        interchange.read(path)
    path.chmod(0o644)
    with pytest.raises(InterchangeUnusable, match="chmod 600"):
        interchange.read(path)
    with pytest.raises(InterchangeUnusable, match="cannot be read"):
        interchange.read(tmp_path / "nothing.json")
    with pytest.raises(InterchangeUnusable, match="cannot be written"):
        interchange.write(tmp_path / "no" / "such.json", exported(record))


def test_contents__more_checkpoints_than_a_file_takes__refused(
    record: SigningRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.keys.merging.CHECKPOINTS_MAX", 3)
    record.contents()
    monkeypatch.setattr("node.keys.merging.CHECKPOINTS_MAX", 2)

    with pytest.raises(InterchangeTooLarge, match="move the whole home"):
        record.contents()


def test_new_record__made_of_an_export__refuses_all_that_the_first_would(record: SigningRecord, tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    SigningRecord.create(path, lambda count: b"n" * count, (record.contents(), MADE))
    new = open_record(path)

    assert (
        new.signed_ends(SIDE_CHAIN)
        == record.signed_ends(SIDE_CHAIN)
        == (
            SignedEnd(BlockNumber(7), block_hash(7)),
            SignedEnd(BlockNumber(15), block_hash(15, "b")),
        )
    )
    for turn in (1, 2):
        new.admit(checkpoint(turn), digest(turn))
        with pytest.raises(SlotTaken):
            new.admit(checkpoint(turn), digest("other"))
    for nonce in (0, 3, 4, 5):
        with pytest.raises(SlotTaken):
            new.admit(transaction(nonce), digest("other"))
    assert new.newest_nonce(transaction(0)) == 5
    assert new.has_issued(AttestId(counting_bytes(8), 1))
    assert not new.has_issued(AttestId(counting_bytes(8), 2))
    assert new.next_attest_id() == AttestId(b"n" * 8, 1)
    assert new.contents().signed == record.contents().signed


def test_transactions__older_than_those_that_are_given_out__are_taken_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.keys.merging.TRANSACTIONS_GIVEN", 3)
    record = new_record(tmp_path / "signing.db")
    for nonce in range(10):
        record.admit(transaction(nonce), digest(nonce))
    contents = record.contents()
    assert [entry.slot.position for entry in contents.signed] == [(7,), (8,), (9,)]
    SigningRecord.create(tmp_path / "new.db", lambda count: b"n" * count, (contents, MADE))
    new = open_record(tmp_path / "new.db")

    for nonce in range(10):
        assert new.is_taken(transaction(nonce))
        with pytest.raises(SlotTaken):
            new.admit(transaction(nonce), digest("other"))
    new.admit(transaction(9), digest(9))
    new.admit(transaction(10), digest("other"))


@pytest.mark.parametrize("conflicting", [checkpoint(9), transaction(9)])
def test_merge__another_digest_for_one_slot__nothing_is_taken_in(
    record: SigningRecord, tmp_path: Path, conflicting: Slot
) -> None:
    record.admit(conflicting, digest("ours"))
    other = Contents(
        signed=(SignedEntry(checkpoint(8), digest(8), None), SignedEntry(conflicting, digest("theirs"), None)),
        taken=(TakenNonces(SENDER, 1_000),),
    )
    before = record.contents()

    with pytest.raises(ImportConflict, match=f"{conflicting} was signed twice"):
        record.merge(other, MADE)

    assert record.contents() == before
    record.admit(transaction(10), digest("still"))
    record.close()
    reopened = open_record(tmp_path / "signing.db")
    assert reopened.digest(checkpoint(8)) is None


def test_merge__nonce_conflicts_accepted__ours_stay_and_checkpoints_are_refused_still(record: SigningRecord) -> None:
    theirs = SignedEntry(transaction(5), digest("theirs"), None)

    record.merge(Contents((theirs,), (TakenNonces(SENDER, 9),)), MADE, accept_nonce_conflicts=True)

    assert record.digest(transaction(5)) == digest(5)
    assert record.newest_nonce(transaction(0)) == 9
    conflict = SignedEntry(checkpoint(1), digest("theirs"), None)
    with pytest.raises(ImportConflict, match="new signer key"):
        record.merge(Contents((conflict,)), MADE, accept_nonce_conflicts=True)


def test_merge__a_block_that_a_rebase_set_aside_here__is_asked_for_again(record: SigningRecord) -> None:
    """The other record still stands on it: stricter wins, and a person may rebase again."""
    theirs = SignedEntry(checkpoint(2), digest(2), blocks(15))

    record.merge(Contents((theirs,)), MADE)

    assert SignedEnd(BlockNumber(15), block_hash(15)) in record.signed_ends(SIDE_CHAIN)


steps = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=8)


def _filled(path: Path, node_id: bytes, wanted: list[tuple[int, int]]) -> SigningRecord:
    """A record that signed for the first of each slot that is wanted."""
    SigningRecord.create(path, lambda _: node_id)
    record = open_record(path, MemoryFacts())
    for position, value in wanted:
        for slot in (checkpoint(position), transaction(position)):
            if not record.is_taken(slot):
                record.admit(slot, digest(value), blocks(position, str(value)))
    record.next_attest_id()
    return record


@given(ours=steps, theirs=steps)
@settings(max_examples=25, deadline=None)
def test_merge__of_any_two_records__is_refused_whole_or_takes_all_that_either_takes(
    tmp_path_factory: pytest.TempPathFactory, ours: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    home = tmp_path_factory.mktemp("record")
    mine, other = _filled(home / "mine.db", b"m" * 8, ours), _filled(home / "other.db", b"o" * 8, theirs)
    before, given_out = mine.contents(), other.contents()
    conflicts = {
        entry.slot
        for entry in given_out.signed
        for held in before.signed
        if entry.slot == held.slot and entry.digest != held.digest
    }
    try:
        mine.merge(given_out, MADE)
    except ImportConflict:
        assert conflicts
        assert mine.contents() == before
    else:
        assert not conflicts
        merged = mine.contents()
        assert merging.covers(merged, before)
        assert merging.covers(merged, given_out)
        ends = {*mine.signed_ends(SIDE_CHAIN)}
        assert ends == {*(SignedEnd(BlockNumber(p), block_hash(p, str(v))) for p, v in _firsts([*ours, *theirs]))}
        mine.merge(given_out, MADE)
        assert mine.contents() == merged, "the second time changes nothing"
    mine.close()
    other.close()


def _firsts(wanted: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The first value of each position, as far as the two records agree."""
    found: dict[int, int] = {}
    for position, value in wanted:
        found.setdefault(position, value)
    return list(found.items())
