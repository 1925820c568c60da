"""Consensus votes: never two of one height, round and step, whatever is asked, and nothing before the last one."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.consensus import (
    BlockId,
    Proposal,
    Vote,
    VoteType,
    proposal_sign_bytes,
    recover_signer,
    vote_sign_bytes,
)
from bridge.codec.hash import keccak256
from node.keys.entries import Contents, LastVote, Made, VoteBytes
from node.keys.errors import ClockSkewed, DoubleSignRefused, KeyNotHeld, RecordDamaged, StaleRecord, TwinNode
from node.keys.merging import covers
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import LastNonce, OwnTraces, SignedVote, Signer
from node.keys.slots import VoteStep, step_of, vote_slot
from node.simulation.disk.disk import SimulatedDisk
from tests.unit.keys.helpers import (
    ALICE,
    BOB,
    CHAIN_ID,
    GENESIS,
    NOTHING_ON_CHAIN,
    MemoryFacts,
    counting_bytes,
    new_record,
    new_signer,
    open_record,
)
from tests.unit.keys.test_signing_crash import FailingFacts, PowerCut

MADE = Made(1_700_000_000, "me@here", "test")
NOW_NS = 1_700_000_000_123_456_789


def block(name: str = "block") -> BlockId:
    return BlockId(keccak256(name.encode()), 1, keccak256(b"parts"))


def vote(
    height: int,
    number: int = 0,
    kind: VoteType = VoteType.PREVOTE,
    block_id: BlockId | None = None,
    time_ns: int = NOW_NS,
) -> Vote:
    return Vote(kind, height, number, block_id, time_ns)


def precommit(height: int, number: int = 0, name: str = "block", time_ns: int = NOW_NS) -> Vote:
    return vote(height, number, VoteType.PRECOMMIT, block(name), time_ns)


def sign_bytes(asked: Vote | Proposal, signed: SignedVote) -> bytes:
    """What the signature stands for: what was asked, with the time that was given back."""
    if isinstance(asked, Proposal):
        return proposal_sign_bytes(replace(asked, time_ns=signed.time_ns), CHAIN_ID)
    return vote_sign_bytes(replace(asked, time_ns=signed.time_ns), CHAIN_ID)


@pytest.fixture
def record(tmp_path: Path) -> SigningRecord:
    return new_record(tmp_path / "signing.db")


@pytest.mark.parametrize(
    "asked", [Proposal(7, 2, -1, block(), NOW_NS), vote(7, block_id=block()), vote(7), precommit(7)]
)
def test_sign_vote__first_of_its_slot__recovers_to_the_signer(record: SigningRecord, asked: Vote | Proposal) -> None:
    signed = new_signer(record).sign_vote(asked, BOB.address)

    assert signed.time_ns == NOW_NS
    assert recover_signer(sign_bytes(asked, signed), signed.signature) == BOB.address


def test_sign_vote__before_the_engine_has_caught_up__is_signed(record: SigningRecord) -> None:
    """The engine cannot catch up without the votes of whoever is needed for a quorum."""
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    assert signer.sign_vote(vote(1), ALICE.address)


def test_sign_vote__same_content_at_another_time__gives_the_first_signature_and_time(record: SigningRecord) -> None:
    signer = new_signer(record)
    first = signer.sign_vote(precommit(7), ALICE.address)

    assert signer.sign_vote(precommit(7, time_ns=NOW_NS + 5), ALICE.address) == first


@pytest.mark.parametrize(
    "refused",
    [
        precommit(7, 1, "another block"),
        vote(7, 1, VoteType.PRECOMMIT),
        vote(7, 1, block_id=block()),
        Proposal(7, 1, -1, block(), NOW_NS),
        precommit(7, 0),
        precommit(6, 9),
    ],
)
def test_sign_vote__another_one_or_an_earlier_one__refused_also_after_a_restart(
    tmp_path: Path, refused: Vote | Proposal
) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    signer = new_signer(record)
    signer.sign_vote(precommit(7, 1), ALICE.address)
    with pytest.raises(DoubleSignRefused):
        signer.sign_vote(refused, ALICE.address)
    record.close()

    signer = new_signer(open_record(path, facts))

    with pytest.raises(DoubleSignRefused):
        signer.sign_vote(refused, ALICE.address)
    assert signer.sign_vote(refused, BOB.address), "another signer's votes are its own"


def test_sign_vote__ten_thousand_blocks__the_record_does_not_grow(tmp_path: Path) -> None:
    record = new_record(tmp_path / "signing.db")
    digests = VoteBytes(keccak256(b"digest"), NOW_NS, keccak256(b"timeless"))
    sizes = set()
    for height in range(1, 101):
        record.admit_vote(vote_slot(CHAIN_ID, ALICE.address, height * 100, 0, VoteStep.PRECOMMIT), digests)
        sizes.add((tmp_path / "signing.db").stat().st_size)

    assert len(sizes) == 1
    assert record.tables.tip.count == 0


def test_sign_vote__key_not_held__refused_and_nothing_is_taken(record: SigningRecord) -> None:
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    with pytest.raises(KeyNotHeld):
        signer.sign_vote(vote(1), BOB.address)

    assert record.tables.votes.all() == ()


def test_sign_vote__while_our_clock_is_wrong__everything_but_precommits(record: SigningRecord) -> None:
    signer = new_signer(record)
    signer.clock_skew = "600 s behind 3 NTP servers"
    assert signer.sign_vote(Proposal(7, 0, -1, block(), NOW_NS), ALICE.address)
    assert signer.sign_vote(vote(7, block_id=block()), ALICE.address)
    with pytest.raises(ClockSkewed, match="600 s behind"):
        signer.sign_vote(precommit(7), ALICE.address)

    signer.clock_skew = None

    assert signer.sign_vote(precommit(7), ALICE.address)


# A record that is retired, an older copy, or not alone


def test_sign_vote__record_retired__refused(record: SigningRecord) -> None:
    record.retire(MADE)

    with pytest.raises(Exception, match="moved away"):
        new_signer(record).sign_vote(vote(1), ALICE.address)


def test_open__copy_from_before_the_last_vote__is_stale(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    new_signer(record).sign_vote(vote(7), ALICE.address)
    record.close()
    shutil.copy(path, tmp_path / "old.db")
    record = open_record(path, facts)
    new_signer(record).sign_vote(precommit(7), ALICE.address)
    record.close()
    shutil.copy(tmp_path / "old.db", path)

    with pytest.raises(StaleRecord, match="7/0/3 of votes/test-network/0x"):
        SigningRecord.open(path, facts)

    with closing(SigningRecord.examine(path, facts)) as old:
        assert [slot.position for slot in old.marked_votes] == [(7, 0, VoteStep.PRECOMMIT)]
        old.merge(Contents(votes=tuple(LastVote(slot, None) for slot in old.marked_votes)), MADE, heals=True)
    signer = new_signer(open_record(path, facts))
    with pytest.raises(DoubleSignRefused, match="does not know with what"):
        signer.sign_vote(precommit(7), ALICE.address)
    assert signer.sign_vote(vote(7, 1), ALICE.address)


def test_open__vote_changed_by_another_hand__is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "signing.db"
    record = new_record(path)
    new_signer(record).sign_vote(vote(7), ALICE.address)
    record.close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE vote SET time_ns = 1")
        database.commit()

    with pytest.raises(RecordDamaged, match="not the one that was written"):
        open_record(path)


def test_observe_vote__that_the_record_holds__is_ours(record: SigningRecord) -> None:
    signer = new_signer(record)
    signer.sign_vote(precommit(7, 2), ALICE.address)

    signer.observe_vote(ALICE.address, 7, 2)
    signer.observe_vote(ALICE.address, 6, 9)

    assert signer.stop is None


@pytest.mark.parametrize(("height", "number"), [(8, 0), (7, 3)])
def test_observe_vote__beyond_the_record__is_a_twin_s(record: SigningRecord, height: int, number: int) -> None:
    signer = new_signer(record)
    signer.sign_vote(precommit(7, 2), ALICE.address)

    signer.observe_vote(ALICE.address, height, number)

    assert isinstance(signer.stop, TwinNode)
    with pytest.raises(TwinNode):
        signer.sign_vote(vote(9), ALICE.address)


def test_compare__with_a_state_that_knows_more__stops_before_the_first_vote(record: SigningRecord) -> None:
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)
    signer.compare(NOTHING_ON_CHAIN)
    assert signer.sign_vote(vote(1), ALICE.address)

    signer.compare(OwnTraces((LastNonce(ALICE.address, 5),), ()))

    with pytest.raises(StaleRecord):
        signer.sign_vote(vote(2), ALICE.address)


def test_observe_vote__beyond_the_record_while_catching_up__record_is_stale(record: SigningRecord) -> None:
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)
    signer.observe_vote(BOB.address, 7)  # it is not our key
    signer.sign_vote(vote(1), ALICE.address)

    signer.observe_vote(ALICE.address, 7)

    assert isinstance(signer.stop, StaleRecord)
    assert "signing import --from-chain" in str(signer.stop)
    signer.caught_up(NOTHING_ON_CHAIN)
    with pytest.raises(StaleRecord):
        signer.sign_vote(vote(8), ALICE.address)


# Moving the right to sign


def moved(source: SigningRecord, path: Path) -> SigningRecord:
    SigningRecord.create(path, counting_bytes, (source.contents(), MADE))
    return open_record(path)


def test_merge__into_a_new_record__takes_the_last_vote(record: SigningRecord, tmp_path: Path) -> None:
    first = new_signer(record).sign_vote(precommit(7), ALICE.address)

    signer = new_signer(moved(record, tmp_path / "moved.db"))

    assert signer.sign_vote(precommit(7, time_ns=1), ALICE.address) == first
    with pytest.raises(DoubleSignRefused):
        signer.sign_vote(precommit(7, name="another"), ALICE.address)


@pytest.mark.parametrize(("here", "there"), [(7, 9), (9, 7)])
def test_merge__of_two_last_votes__the_further_one_stands(tmp_path: Path, here: int, there: int) -> None:
    mine, other = new_record(tmp_path / "mine.db"), new_record(tmp_path / "other.db")
    new_signer(mine).sign_vote(precommit(here), ALICE.address)
    new_signer(other).sign_vote(precommit(there), ALICE.address)

    assert covers(mine.contents(), other.contents()) == (here > there)
    mine.merge(other.contents(), MADE)

    assert covers(mine.contents(), other.contents())
    with pytest.raises(DoubleSignRefused):
        new_signer(mine).sign_vote(precommit(8), ALICE.address)


def test_merge__of_two_votes_in_one_slot__neither_is_signed_again(tmp_path: Path) -> None:
    mine, other = new_record(tmp_path / "mine.db"), new_record(tmp_path / "other.db")
    new_signer(mine).sign_vote(precommit(7, name="a"), ALICE.address)
    new_signer(other).sign_vote(precommit(7, name="b"), ALICE.address)

    mine.merge(other.contents(), MADE)

    for name in "ab":
        with pytest.raises(DoubleSignRefused):
            new_signer(mine).sign_vote(precommit(7, name=name), ALICE.address)
    assert new_signer(mine).sign_vote(vote(8), ALICE.address)


# The law


steps = st.builds(
    lambda kind, height, number, name, late: (
        Proposal(height, number, -1, block(name), NOW_NS + late)
        if kind is VoteType.PROPOSAL
        else vote(height, number, kind, None if name == "nil" else block(name), NOW_NS + late)
    ),
    st.sampled_from(VoteType),
    st.integers(1, 3),
    st.integers(0, 2),
    st.sampled_from(["a", "b", "nil"]),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(asked=st.lists(steps | st.just("restart"), max_size=40))
def test_sign_vote__whatever_is_asked__one_content_a_slot_and_never_back(
    tmp_path_factory: pytest.TempPathFactory, asked: list[Vote | Proposal | str]
) -> None:
    path, facts = tmp_path_factory.mktemp("votes") / "signing.db", MemoryFacts()
    record = new_record(path, facts)
    signer = new_signer(record)
    given_out: dict[tuple[int, int, int], bytes] = {}
    for one in asked:
        if isinstance(one, str):
            record.close()
            record = open_record(path, facts)
            signer = new_signer(record)
            continue
        try:
            signed = signer.sign_vote(one, ALICE.address)
        except DoubleSignRefused:
            continue
        said = sign_bytes(one, signed)
        assert recover_signer(said, signed.signature) == ALICE.address
        place = (one.height, one.round, step_of(one))
        assert place >= max(given_out, default=place)
        assert given_out.setdefault(place, said) == said
    record.close()


_VOTE_FOR_EVER = """
import itertools, sys
from pathlib import Path
from node.keys.record import SigningRecord
from tests.unit.keys.helpers import ALICE, MemoryFacts, new_signer
from tests.unit.keys.test_votes import precommit
signer = new_signer(SigningRecord.open(Path(sys.argv[1]), MemoryFacts()))
for height in itertools.count(int(sys.argv[2])):
    signed = signer.sign_vote(precommit(height, 0, sys.argv[3]), ALICE.address)
    print(height, signed.signature.hex(), flush=True)
"""


@pytest.mark.parametrize("kills_after", [1, 2, 7, 25])
def test_sign_vote__process_killed_at_any_moment__no_vote_that_is_out_is_contradicted(
    tmp_path: Path, kills_after: int
) -> None:
    path = tmp_path / "signing.db"
    SigningRecord.create(path, counting_bytes)
    command = [sys.executable, "-c", _VOTE_FOR_EVER, str(path), "1", "first"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        out = [process.stdout.readline() for _ in range(kills_after)]
        process.kill()
        out += [line for line in process.stdout if line.endswith(b"\n")]

    signer = new_signer(open_record(path))
    last = int(out[-1].split()[0])
    for height in range(1, last + 1):
        with pytest.raises(DoubleSignRefused):
            signer.sign_vote(precommit(height, name="second"), ALICE.address)
    assert signer.sign_vote(precommit(last + 2), ALICE.address)


@pytest.mark.parametrize("seed", range(10))
def test_sign_vote__power_fails_right_after__the_record_holds_it(seed: int) -> None:
    random, path = Random(seed), Path("/home/signing.db")
    disk = SimulatedDisk(random)
    SigningRecord.create(path, counting_bytes, disk=disk.attach())
    disk.crash(random)
    for height in range(1, 6):
        record = SigningRecord.open(path, MemoryFacts(), disk=disk.attach())
        new_signer(record).sign_vote(precommit(height), ALICE.address)
        disk.crash(random)

        signer = new_signer(SigningRecord.open(path, MemoryFacts(), disk=disk.attach()))
        with pytest.raises(DoubleSignRefused):
            signer.sign_vote(precommit(height, name="second"), ALICE.address)
        assert signer.sign_vote(precommit(height, time_ns=1), ALICE.address).time_ns == NOW_NS
        disk.crash(random)


def test_sign_vote__cut_after_the_vote_and_before_the_mark__goes_on(tmp_path: Path) -> None:
    path, facts = tmp_path / "signing.db", FailingFacts(fails_at=1)
    SigningRecord.create(path, counting_bytes)
    record = open_record(path, facts)
    with pytest.raises(PowerCut):
        new_signer(record).sign_vote(precommit(7), ALICE.address)
    record.close()

    facts.saves_left = 10
    signer = new_signer(open_record(path, facts))

    with pytest.raises(DoubleSignRefused):
        signer.sign_vote(precommit(7, name="second"), ALICE.address)
    assert signer.sign_vote(precommit(7), ALICE.address)
