"""Messages and states as bytes: one encoding each, and everything else refused at decode."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec import rlp
from bridge.codec.feed import FeedLog, Step
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, Hash32, Signature, UnixSeconds
from node.app import canonical
from node.app.errors import EncodingError, InvalidReason, MessageError
from node.app.messages import (
    DIGESTS_MAX,
    STATEMENTS_MAX,
    TRANSACTION_BYTES_MAX,
    Attest,
    Conflict,
    Head,
    Invalid,
    MessageKind,
    ProposeCheckpoint,
    Quiet,
    Reanchor,
    ReanchoredStep,
    ReanchorList,
    Statement,
    Steps,
    Transaction,
    Upgrade,
    Valid,
    decode_body,
    decode_transaction,
    encode_body,
    encode_transaction,
    statement_order,
    subject_of,
    transaction_digest,
)
from tests.unit.app.network import Network

hashes = st.binary(min_size=32, max_size=32).map(Hash32)
chains = st.integers(0, 9)
uint64 = st.integers(0, 2**64 - 1)
block_numbers = uint64.map(BlockNumber)
seconds = uint64.map(UnixSeconds)
signatures = st.binary(min_size=65, max_size=65).map(Signature)

statements: st.SearchStrategy[Statement] = st.one_of(
    st.builds(Valid, chains, uint64, signatures),
    st.builds(Invalid, chains, uint64, st.sampled_from(InvalidReason)),
    st.builds(Steps, chains, uint64, uint64, st.lists(hashes, min_size=1, max_size=DIGESTS_MAX).map(tuple)),
    st.builds(Quiet, chains, uint64, uint64, seconds, seconds),
    st.builds(Head, block_numbers, hashes),
    st.builds(Conflict, chains, uint64, hashes),
    st.builds(Reanchor, chains, uint64, uint64, hashes),
    st.builds(Upgrade, st.integers(0, 255), uint64, hashes),
)


def canonical_order(given_statements: list[Statement]) -> tuple[Statement, ...]:
    """Sorted, one for each subject."""
    by_subject = {subject_of(statement): statement for statement in given_statements}
    return tuple(sorted(by_subject.values(), key=statement_order))


steps = st.builds(
    Step,
    st.just(0),
    uint64,
    st.integers(0, 2**32),
    block_numbers,
    hashes,
    seconds,
    st.just(True),
    st.just((FeedLog(0, 0, Address(bytes(20)), (Hash32(bytes(32)),), b"data"),)),
)
reanchorings = st.builds(
    ReanchorList,
    chains,
    uint64,
    st.lists(st.builds(ReanchoredStep, block_numbers, hashes, seconds, uint64, hashes), min_size=1, max_size=3).map(
        tuple
    ),
)
attests = st.builds(
    Attest,
    st.binary(min_size=8, max_size=8),
    uint64,
    st.lists(statements, max_size=12).map(canonical_order),
    st.one_of(st.just(()), steps.map(lambda step: (step,)), steps.map(lambda s: (s, replace(s, number=s.number + 1)))),
    st.one_of(st.none(), reanchorings),
)
proposals = st.builds(ProposeCheckpoint, chains, uint64, block_numbers, block_numbers, hashes, hashes)


def transaction(message: ProposeCheckpoint | Attest, body: bytes | None = None) -> Transaction:
    """An envelope around a message, or around other bytes in its place."""
    kind = MessageKind.ATTEST if isinstance(message, Attest) else MessageKind.PROPOSE_CHECKPOINT
    contents = encode_body(message) if body is None else body
    return Transaction(1, kind, 1, Address(bytes(20)), contents, Signature(bytes(65)))


@settings(max_examples=150, deadline=None)
@given(message=st.one_of(attests, proposals))
def test_message__round_trip__is_the_same_value_and_the_same_bytes(message: ProposeCheckpoint | Attest) -> None:
    sent = transaction(message)
    data = encode_transaction(sent)
    received = decode_transaction(data)
    assert received == sent
    assert encode_transaction(received) == data
    assert decode_body(received) == message


@settings(max_examples=150, deadline=None)
@given(message=attests, place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_body__any_bit_flipped__refused_or_another_message_with_that_one_encoding(
    message: Attest, place: int, bit: int
) -> None:
    body = bytearray(encode_body(message))
    body[place % len(body)] ^= 1 << bit
    try:
        received = decode_body(transaction(message, bytes(body)))
    except MessageError:
        return
    assert received != message
    assert encode_body(received) == bytes(body)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_transaction__random_bytes__refused_with_our_error(data: bytes) -> None:
    with pytest.raises(MessageError):
        decode_transaction(data)


def test_attest__two_statements_of_one_subject__refused_at_decode() -> None:
    digest = keccak256(b"d")
    for pair in (
        (Steps(0, 1, 1, (digest,)), Steps(0, 1, 2, (digest,))),
        (Valid(0, 1, Signature(bytes(65))), Invalid(0, 1, InvalidReason.ROOT_MISMATCH)),
        (Conflict(0, 1, digest), Conflict(0, 2, digest)),
    ):
        message = Attest(bytes(8), 1, pair)
        with pytest.raises(MessageError, match="same subject"):
            decode_body(transaction(message))


def test_attest__statements_out_of_order__refused_at_decode() -> None:
    digest = keccak256(b"d")
    message = Attest(bytes(8), 1, (Head(BlockNumber(1), digest), Steps(0, 1, 1, (digest,))))
    with pytest.raises(MessageError, match="ascend"):
        decode_body(transaction(message))


def test_attest__limits__taken_at_the_limit_and_refused_beyond() -> None:
    digest = keccak256(b"d")
    for count, fits in ((STATEMENTS_MAX, True), (STATEMENTS_MAX + 1, False)):
        message = Attest(bytes(8), 1, tuple(Valid(0, turn, Signature(bytes(65))) for turn in range(count)))
        if fits:
            assert decode_body(transaction(message)) == message
        else:
            with pytest.raises(MessageError, match="at most 64 statements"):
                decode_body(transaction(message))
    for count, fits in ((1, True), (DIGESTS_MAX, True), (DIGESTS_MAX + 1, False), (0, False)):
        message = Attest(bytes(8), 1, (Steps(0, 1, 1, (digest,) * count),))
        if fits:
            assert decode_body(transaction(message)) == message
        else:
            with pytest.raises(MessageError, match="digests"):
                decode_body(transaction(message))


def empty_step(number: int, data: bytes = b"") -> Step:
    """A step with at most one log."""
    logs = (FeedLog(0, 0, Address(bytes(20)), (Hash32(bytes(32)),), data),) if data else ()
    return Step(0, 1, number, BlockNumber(number), keccak256(b"b"), UnixSeconds(1), True, logs)


def test_attest__bodies_beyond_their_number_or_size_or_not_consecutive__refused() -> None:
    decode_body(transaction(Attest(bytes(8), 1, (), tuple(empty_step(n) for n in range(32)))))
    with pytest.raises(MessageError, match="32 bodies"):
        decode_body(transaction(Attest(bytes(8), 1, (), tuple(empty_step(n) for n in range(33)))))
    with pytest.raises(MessageError, match="65536 bytes"):
        decode_body(transaction(Attest(bytes(8), 1, (), tuple(empty_step(n, bytes(29_000)) for n in range(3)))))
    with pytest.raises(MessageError, match="consecutive"):
        decode_body(transaction(Attest(bytes(8), 1, (), (empty_step(1), empty_step(3)))))


def test_statement__unknown_kind_or_missing_fields__refused() -> None:
    for item in ((rlp.uint(9), b"\x01"), (), (rlp.uint(5),), (rlp.uint(5), b"\x01", bytes(31)), (b"\x00",)):
        body = rlp.encode((bytes(8), b"", (item,), ()))
        with pytest.raises(MessageError):
            decode_body(transaction(Attest(bytes(8), 0, ()), body))


@pytest.mark.parametrize("field", [0, 1])
def test_transaction__unknown_version_or_kind__refused(field: int) -> None:
    good = rlp.as_list(rlp.decode(encode_transaction(transaction(Attest(bytes(8), 1, ())))))
    for value in (0, 3, 128, 200):
        items = [*good[:field], rlp.uint(value), *good[field + 1 :]]
        with pytest.raises(MessageError, match="unknown transaction"):
            decode_transaction(rlp.encode(items))


def test_transaction__over_its_limit__refused_before_anything_else() -> None:
    with pytest.raises(MessageError, match="at most"):
        decode_transaction(bytes(TRANSACTION_BYTES_MAX + 1))


def test_digest__differs_by_network_kind_nonce_sender_and_body() -> None:
    base = (keccak256(b"genesis"), MessageKind.ATTEST, 1, Address(bytes(20)), b"body")
    others = [
        (keccak256(b"another"), *base[1:]),
        (base[0], MessageKind.PROPOSE_CHECKPOINT, *base[2:]),
        (*base[:2], 2, *base[3:]),
        (*base[:3], Address(b"\x01" * 20), base[4]),
        (*base[:4], b"bodx"),
    ]
    digests = {transaction_digest(*arguments) for arguments in (base, *others)}
    assert len(digests) == 6


def test_state__every_section__round_trips() -> None:
    network = Network()
    network.checkpoint()
    network.make_due(30)
    network.propose(8, 15)
    network.sign(network.validators[0])
    state = network.state
    assert canonical.decode(type(state), canonical.encode(state)) == state


@pytest.mark.parametrize("item", [b"", (b"\x01",), (b"", b"", b"", b"", b"")])
def test_decode__wrong_shape__refused_with_our_error(item: rlp.RlpItem) -> None:
    with pytest.raises(EncodingError):
        canonical.from_item(ProposeCheckpoint, item)


@given(value=st.integers(-(2**63), 2**63 - 1))
def test_priority__signed_64_bits__round_trips(value: int) -> None:
    codec = canonical.codec_of(canonical.Priority)
    assert codec.decode(rlp.decode(codec.encode(value))) == value
