"""What the signer signs, what it refuses, and when it stops altogether."""

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import BlockNumber, ChainId, Signature
from node.keys.entries import AttestId, SignedEnd
from node.keys.errors import (
    KeyNotHeld,
    NotCaughtUp,
    RecordMissing,
    SideBlockNotConfirmed,
    SideReorgBelowSigned,
    SignedEndsUnchecked,
    SigningRefused,
    SlotTaken,
    StaleRecord,
    TwinNode,
)
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import ExecutedTransaction, LastNonce, OwnTraces, Signer, TurnCheckpoint
from tests.unit.keys.helpers import (
    ALICE,
    BOB,
    CHAIN_ID,
    GENESIS,
    SIDE_CHAIN,
    MemoryFacts,
    SideChain,
    block_hash,
    new_record,
    new_signer,
    proposed,
)

TO_SIGN = keccak256(b"transaction")
OTHER = keccak256(b"another transaction")


@pytest.fixture
def facts() -> MemoryFacts:
    return MemoryFacts()


@pytest.fixture
def record(tmp_path: Path, facts: MemoryFacts) -> SigningRecord:
    return new_record(tmp_path / "signing.db", facts)


@pytest.fixture
def signer(record: SigningRecord) -> Signer:
    return new_signer(record)


def sign(
    signer: Signer, wanted: TurnCheckpoint, chain: SideChain | None = None, acknowledged: int | None = None
) -> Signature:
    chain = chain or SideChain(head=1_000)
    end_hash = chain(wanted.checkpoint.end) or block_hash(wanted.checkpoint.end)
    acknowledged_end = None if acknowledged is None else BlockNumber(acknowledged)
    return signer.sign_checkpoint(wanted, ALICE.address, end_hash, acknowledged_end, chain)


@pytest.mark.parametrize("bound", [True, False])
def test_checkpoint__confirmed_range__signed_and_recorded(signer: Signer, bound: bool) -> None:
    wanted = proposed(1, 0, 7, bound=bound)

    signature = sign(signer, wanted)

    assert recover_address(wanted.digest, signature) == ALICE.address
    assert signer.signed_ends(SIDE_CHAIN) == (SignedEnd(BlockNumber(7), block_hash(7)),)


def test_checkpoint__same_turn_and_digest__signed_again_with_the_new_key(signer: Signer) -> None:
    wanted = proposed(1, 0, 7)
    sign(signer, wanted)

    signature = signer.sign_checkpoint(wanted, BOB.address, block_hash(7), None, SideChain(10))

    assert recover_address(wanted.digest, signature) == BOB.address


def test_checkpoint__same_turn_other_root__refused(signer: Signer) -> None:
    sign(signer, proposed(1, 0, 7))

    with pytest.raises(SlotTaken, match="checkpoint 0/1 of bound/"):
        sign(signer, proposed(1, 0, 7, root=b"other"))


def test_checkpoint__polygon_form_in_another_network__same_slot(record: SigningRecord) -> None:
    sign(new_signer(record), proposed(1, 0, 7, bound=False))
    elsewhere = Signer(KeyRing((ALICE,)), record, keccak256(b"another genesis"), CHAIN_ID)
    elsewhere.caught_up(OwnTraces((), ()))

    with pytest.raises(SlotTaken, match="polygon/15001"):
        sign(elsewhere, proposed(1, 0, 7, root=b"other", bound=False))
    sign(elsewhere, proposed(1, 0, 7, root=b"other", bound=True))


def test_checkpoint__same_turn_of_a_contract_with_the_same_address_on_another_chain__is_another_slot(
    signer: Signer,
) -> None:
    wanted = proposed(1, 0, 7)
    assert wanted.binding is not None
    elsewhere = replace(wanted, root_chain=1, binding=replace(wanted.binding, root_chain_id=ChainId(56)))
    sign(signer, wanted)

    assert recover_address(elsewhere.digest, sign(signer, elsewhere)) == ALICE.address


@pytest.mark.parametrize(("start", "end"), [(0, 3), (0, 7), (0, 15), (8, 20)])
def test_checkpoint__next_turn_any_range_of_the_same_chain__signed(signer: Signer, start: int, end: int) -> None:
    sign(signer, proposed(1, 0, 7))

    sign(signer, proposed(2, start, end))


def test_checkpoint__side_chain_replaced_a_signed_block__refused(signer: Signer) -> None:
    sign(signer, proposed(1, 0, 7))
    reorganised = SideChain(1_000, fork="b", forked_from=5)

    with pytest.raises(SideReorgBelowSigned, match="block 7"):
        sign(signer, proposed(2, 0, 15), reorganised)
    with pytest.raises(SideReorgBelowSigned):
        signer.require_signed_chain(SIDE_CHAIN, None, reorganised)


def test_checkpoint__side_chain_replaced_only_later_blocks__signed(signer: Signer) -> None:
    sign(signer, proposed(1, 0, 7))

    sign(signer, proposed(2, 0, 15), SideChain(1_000, fork="b", forked_from=8))


def test_checkpoint__highest_signed_block_not_confirmed_here__waits(signer: Signer) -> None:
    sign(signer, proposed(1, 0, 31))

    with pytest.raises(SideBlockNotConfirmed, match="signed block 31"):
        sign(signer, proposed(2, 0, 7), SideChain(head=20))
    sign(signer, proposed(2, 0, 7), SideChain(head=31))


def test_checkpoint__end_not_confirmed_or_another_block__waits(signer: Signer) -> None:
    with pytest.raises(SideBlockNotConfirmed):
        sign(signer, proposed(1, 0, 7), SideChain(head=6))
    with pytest.raises(SideBlockNotConfirmed):
        signer.sign_checkpoint(proposed(1, 0, 7), ALICE.address, block_hash(7, "b"), None, SideChain(7))
    assert signer.signed_ends(SIDE_CHAIN) == ()


def test_checkpoint__reorg_below_the_acknowledged_end__no_longer_looked_at(signer: Signer) -> None:
    sign(signer, proposed(1, 0, 7))

    sign(signer, proposed(2, 8, 15), SideChain(1_000, fork="b", forked_from=5), acknowledged=7)


def test_restart__acknowledged_ends_not_compared_yet__refused_until_they_are(
    signer: Signer, record: SigningRecord
) -> None:
    sign(signer, proposed(1, 0, 7))
    signer = new_signer(record)

    with pytest.raises(SignedEndsUnchecked):
        sign(signer, proposed(2, 8, 15), acknowledged=7)
    with pytest.raises(SignedEndsUnchecked, match="block 7"):
        signer.check_signed_ends(SIDE_CHAIN, ())
    with pytest.raises(SideReorgBelowSigned):
        signer.check_signed_ends(SIDE_CHAIN, (SignedEnd(BlockNumber(7), block_hash(7, "b")),))
    with pytest.raises(SignedEndsUnchecked):
        sign(signer, proposed(2, 8, 15), acknowledged=7)

    signer.check_signed_ends(SIDE_CHAIN, (SignedEnd(BlockNumber(7), block_hash(7)),))
    sign(signer, proposed(2, 8, 15), acknowledged=7)


def test_transaction__nonce_used__only_the_same_bytes_again(signer: Signer) -> None:
    first = signer.sign_transaction(ALICE.address, 1, TO_SIGN)

    assert recover_address(TO_SIGN, first) == ALICE.address
    assert signer.sign_transaction(ALICE.address, 1, TO_SIGN) == first
    with pytest.raises(SlotTaken):
        signer.sign_transaction(ALICE.address, 1, keccak256(b"other"))
    signer.sign_transaction(BOB.address, 1, keccak256(b"other"))
    signer.sign_transaction(ALICE.address, 2, keccak256(b"other"))


def test_transaction__same_nonce_in_another_network__is_another_slot(record: SigningRecord) -> None:
    new_signer(record).sign_transaction(ALICE.address, 1, TO_SIGN)
    elsewhere = Signer(KeyRing((ALICE,)), record, keccak256(b"another genesis"), CHAIN_ID)
    elsewhere.caught_up(OwnTraces((), ()))

    assert recover_address(OTHER, elsewhere.sign_transaction(ALICE.address, 1, OTHER)) == ALICE.address


def test_next_nonce__after_transactions_that_were_lost__is_beyond_them(signer: Signer) -> None:
    assert signer.next_nonce(ALICE.address, 1) == 1
    for nonce in (1, 255, 256, 3):
        signer.sign_transaction(ALICE.address, nonce, TO_SIGN)

    assert signer.next_nonce(ALICE.address, 2) == 257
    assert signer.next_nonce(ALICE.address, 999) == 999
    assert signer.next_nonce(BOB.address, 1) == 1


def test_any_signature__before_the_engine_has_caught_up__refused(record: SigningRecord) -> None:
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    with pytest.raises(NotCaughtUp):
        signer.sign_transaction(ALICE.address, 1, TO_SIGN)
    with pytest.raises(NotCaughtUp):
        sign(signer, proposed(1, 0, 7))
    assert signer.stop is None


def test_any_signature__key_not_held__refused_and_not_recorded(record: SigningRecord) -> None:
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)
    signer.caught_up(OwnTraces((), ()))

    with pytest.raises(KeyNotHeld):
        signer.sign_transaction(BOB.address, 1, TO_SIGN)
    with pytest.raises(KeyNotHeld):
        signer.sign_checkpoint(proposed(1, 0, 7), BOB.address, block_hash(7), None, SideChain(10))
    assert signer.signed_ends(SIDE_CHAIN) == ()


def test_any_signature__no_record__refused_with_the_reason() -> None:
    reason = RecordMissing("signing.db is missing: put it back")
    signer = Signer(KeyRing((ALICE,)), reason, GENESIS, CHAIN_ID)
    signer.caught_up(OwnTraces((), ()))
    signer.observe(ExecutedTransaction(ALICE.address, 1, TO_SIGN, None))

    assert signer.stop is reason
    with pytest.raises(RecordMissing):
        signer.sign_transaction(ALICE.address, 1, TO_SIGN)
    with pytest.raises(RecordMissing):
        signer.next_attest_id()


def test_caught_up__state_holds_what_the_record_holds__signs(signer: Signer, record: SigningRecord) -> None:
    signer.sign_transaction(ALICE.address, 5, TO_SIGN)
    sign(signer, proposed(1, 0, 7))
    restarted = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    restarted.caught_up(OwnTraces((LastNonce(ALICE.address, 5),), (proposed(1, 0, 7),)))

    assert restarted.stop is None
    restarted.sign_transaction(ALICE.address, 6, TO_SIGN)


@pytest.mark.parametrize(
    "traces",
    [
        OwnTraces((LastNonce(ALICE.address, 1),), ()),
        OwnTraces((), (proposed(1, 0, 7),)),
        OwnTraces((), (proposed(2, 0, 7, root=b"other"),)),
    ],
)
def test_caught_up__state_holds_what_the_record_lacks__stops(record: SigningRecord, traces: OwnTraces) -> None:
    sign(new_signer(record), proposed(2, 0, 7))
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    signer.caught_up(traces)

    assert isinstance(signer.stop, StaleRecord)
    assert "put its newest copy back" in str(signer.stop)
    with pytest.raises(StaleRecord):
        signer.sign_transaction(ALICE.address, 9, TO_SIGN)


def test_observe__own_transactions__go_on(signer: Signer) -> None:
    attest_id = signer.next_attest_id()
    signer.sign_transaction(ALICE.address, 1, TO_SIGN)

    signer.observe(ExecutedTransaction(ALICE.address, 1, TO_SIGN, attest_id))
    signer.observe(ExecutedTransaction(b"\x99" * 20, 1, TO_SIGN, None))  # type: ignore[arg-type]  # a stranger

    assert signer.stop is None


@pytest.mark.parametrize(
    ("digest", "attest_id"),
    [
        (TO_SIGN, AttestId(b"a twin's", 1)),
        (TO_SIGN, AttestId(bytes(range(8)), 2)),
        (keccak256(b"other"), AttestId(bytes(range(8)), 1)),
        (keccak256(b"other"), None),
    ],
)
def test_observe__foreign_transaction_under_our_key__twin_stops(
    signer: Signer, digest: object, attest_id: AttestId | None
) -> None:
    signer.next_attest_id()
    signer.sign_transaction(ALICE.address, 1, TO_SIGN)

    signer.observe(ExecutedTransaction(ALICE.address, 1, digest, attest_id))  # type: ignore[arg-type]  # a Hash32

    assert isinstance(signer.stop, TwinNode)
    with pytest.raises(TwinNode):
        signer.sign_transaction(ALICE.address, 2, TO_SIGN)


def test_observe__unknown_transaction_while_catching_up__the_record_is_stale(record: SigningRecord) -> None:
    signer = Signer(KeyRing((ALICE,)), record, GENESIS, CHAIN_ID)

    signer.observe(ExecutedTransaction(ALICE.address, 3, TO_SIGN, None))
    signer.caught_up(OwnTraces((), ()))

    assert isinstance(signer.stop, StaleRecord)


def test_refusals__every_kind__has_its_own_code() -> None:
    leaves = SigningRefused.__subclasses__()

    assert len({leaf.code for leaf in leaves}) == len(leaves) == 8
