"""Every kind of burn is found and read; nothing else is; and logs are counted as matic.js counts them."""

from collections.abc import Sequence
from itertools import count

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from bridge.burns.kinds import ACCEPTED, IDS_MAX, BurnKind, FoundBurn, burns_in, log_at, matching_logs
from bridge.codec.abi import decode_values
from bridge.codec.errors import AbiError
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.exit_payload import decode_payload
from bridge.codec.hash import keccak256
from bridge.codec.receipts import SUCCESS, Log, Receipt, decode_receipt
from bridge.codec.types import ZERO_HASH, Address, Hash32
from tests.unit.burns.world import BURNER, ROOT_TOKEN, STRANGER, TOKEN, topic, transfer_log
from tests.unit.codec.strategies import addresses, hashes, law
from tests.unit.codec.vectors import real_payloads

UINTS = st.integers(0, 2**256 - 1)
TOPICS = {
    BurnKind.ERC20: "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    BurnKind.ERC721: "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    BurnKind.ERC721_METADATA: "f94915c6d1fd521cee85359239227480c7e8776d7caf1fc3bacad5c269b66a14",
    BurnKind.ERC721_BATCH: "f871896b17e9cb7a64941c62c188a4f5c621b86800e3d15452ece01ce56073df",
    BurnKind.ERC1155: "c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62",
    BurnKind.ERC1155_BATCH: "4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb",
    BurnKind.CHAIN_EXIT: "c7b80b68f1c661da97dbd7e6e143a0c7c587dfc522cb2ac508b9084fecc492bc",
    BurnKind.MESSAGE: "8c5261668696ce22758910d05bab8f186d6eb247ceac2af2e82c7dc17669b036",
    BurnKind.PLASMA_ERC20: "ebff2602b3f468259e1e99f613fed6691f3a6526effe6ef3e768ba7ae7a36c4f",
    BurnKind.PLASMA_ERC721: "9b1bfa7fa9ee420a16e124f794c35ac9f90472acc99140eb2f6447c714cad8eb",
}
"""As published, not computed by us."""
DYNAMIC = {
    BurnKind.ERC721_METADATA: ("bytes",),
    BurnKind.ERC721_BATCH: ("uint256[]",),
    BurnKind.ERC1155_BATCH: ("uint256[]", "uint256[]"),
    BurnKind.CHAIN_EXIT: ("uint256[]", "uint256[]", "bytes"),
    BurnKind.MESSAGE: ("bytes",),
}

PLASMA = (BurnKind.PLASMA_ERC20, BurnKind.PLASMA_ERC721)


def made(
    kind: BurnKind,
    ids: Sequence[int] = (),
    amounts: Sequence[int] = (),
    data: bytes = b"",
    *,
    token: Address = TOKEN,
    burner: Address = BURNER,
    hint: Address = ROOT_TOKEN,
) -> Log:
    """The log of a burn, its data written by eth-abi."""
    encoded = {
        BurnKind.ERC20: (("uint256",), amounts),
        BurnKind.ERC721: ((), ()),
        BurnKind.ERC721_METADATA: (("bytes",), (data,)),
        BurnKind.ERC721_BATCH: (("uint256[]",), (ids,)),
        BurnKind.ERC1155: (("uint256", "uint256"), (*ids, *amounts)),
        BurnKind.ERC1155_BATCH: (("uint256[]", "uint256[]"), (ids, amounts)),
        BurnKind.CHAIN_EXIT: (("uint256[]", "uint256[]", "bytes"), (ids, amounts, data)),
        BurnKind.MESSAGE: (("bytes",), (data,)),
        BurnKind.PLASMA_ERC20: (("uint256", "uint256", "uint256"), (*amounts, 7, 8)),
        BurnKind.PLASMA_ERC721: (("uint256",), ids),
    }[kind]
    nft = tuple(Hash32(one.to_bytes(32)) for one in ids[:1])
    indexed = {
        BurnKind.ERC20: (topic(burner), ZERO_HASH),
        BurnKind.ERC721: (topic(burner), ZERO_HASH, *nft),
        BurnKind.ERC721_METADATA: (topic(burner), ZERO_HASH, *nft),
        BurnKind.ERC721_BATCH: (topic(burner),),
        BurnKind.ERC1155: (topic(STRANGER), topic(burner), ZERO_HASH),
        BurnKind.ERC1155_BATCH: (topic(STRANGER), topic(burner), ZERO_HASH),
        BurnKind.CHAIN_EXIT: (topic(burner),),
        BurnKind.MESSAGE: (),
        BurnKind.PLASMA_ERC20: (topic(hint), topic(burner)),
        BurnKind.PLASMA_ERC721: (topic(hint), topic(burner)),
    }[kind]
    return Log(token, (_topic0(kind), *indexed), encode(*encoded))


def receipt_of(*logs: Log) -> Receipt:
    """A receipt; nothing here looks at its bloom."""
    return Receipt(2, SUCCESS, 21_000, bytes(256), logs)


def burns_of(*logs: Log) -> tuple[FoundBurn, ...]:
    """The burns of a receipt with these logs."""
    return burns_in(receipt_of(*logs))


def _topic0(kind: BurnKind) -> Hash32:
    return Hash32(bytes.fromhex(TOPICS[kind]))


@st.composite
def burns(draw: st.DrawFn, kind: BurnKind | None = None) -> tuple[FoundBurn, Log]:
    """A burn with its log, at index 0 and without twins."""
    kind = draw(st.sampled_from(BurnKind)) if kind is None else kind
    is_single = kind in (BurnKind.ERC721, BurnKind.ERC721_METADATA, BurnKind.ERC1155, BurnKind.PLASMA_ERC721)
    has_ids = is_single or "uint256[]" in DYNAMIC.get(kind, ())
    ids = draw(st.lists(UINTS, min_size=1, max_size=1 if is_single else 5)) if has_ids else []
    pairs = (BurnKind.ERC1155, BurnKind.ERC1155_BATCH, BurnKind.CHAIN_EXIT)
    amounts_count = len(ids) if kind in pairs else int(kind in (BurnKind.ERC20, BurnKind.PLASMA_ERC20))
    amounts = draw(st.lists(UINTS, min_size=amounts_count, max_size=amounts_count))
    data = draw(st.binary(max_size=100)) if "bytes" in DYNAMIC.get(kind, ()) else b""
    token, burner, hint = draw(addresses), draw(addresses), draw(addresses)
    found = FoundBurn(
        kind=kind,
        log_index=0,
        token_index=0,
        token=token,
        burner=None if kind is BurnKind.MESSAGE else burner,
        ids=tuple(ids),
        amounts=tuple(amounts),
        root_token_hint=hint if kind in PLASMA else None,
        data=data,
        signature=_topic0(kind),
        twins=(),
    )
    return found, made(kind, ids, amounts, data, token=token, burner=burner, hint=hint)


@pytest.mark.parametrize("kind", BurnKind)
def test_burns_in__each_kind__is_read_back(kind: BurnKind) -> None:
    @law
    @given(burns(kind))
    def holds(burn: tuple[FoundBurn, Log]) -> None:
        found, log = burn
        assert burns_of(log) == (found,)

    holds()


@pytest.mark.parametrize("kind", BurnKind)
def test_burns_in__another_number_of_topics__is_no_burn(kind: BurnKind) -> None:
    right = made(kind, (1,), (2,), b"x")
    for topics in (right.topics[:-1], (*right.topics, ZERO_HASH)):
        # One topic more or less makes a Transfer the other standard's, whose data then does not fit.
        assert burns_of(Log(right.address, topics, right.data)) == ()


@pytest.mark.parametrize("kind", BurnKind)
def test_burns_in__data_longer_or_shorter__is_no_burn(kind: BurnKind) -> None:
    right = made(kind, (1,), (2,), b"x")
    for data in (right.data + b"\0", right.data + bytes(32), right.data[:-1], right.data[:-32]):
        if data != right.data:
            assert burns_of(Log(right.address, right.topics, data)) == ()


@pytest.mark.parametrize("kind", BurnKind)
def test_burns_in__an_address_with_something_before_it__is_no_burn(kind: BurnKind) -> None:
    right = made(kind, (1,), (2,), b"x")
    burner = 2 if kind in (BurnKind.ERC1155, BurnKind.ERC1155_BATCH, *PLASMA) else 1
    for at in () if kind is BurnKind.MESSAGE else (burner, 1) if kind in PLASMA else (burner,):
        topics = list(right.topics)
        topics[at] = Hash32(b"\x01" + topics[at][1:])
        assert burns_of(Log(right.address, tuple(topics), right.data)) == ()


@pytest.mark.parametrize(
    "kind",
    [
        *(BurnKind.ERC20, BurnKind.ERC721, BurnKind.ERC721_METADATA),
        *(BurnKind.ERC1155, BurnKind.ERC1155_BATCH),
    ],
)
def test_burns_in__to_another_address_than_zero__is_no_burn(kind: BurnKind) -> None:
    right = made(kind, (1,), (2,), b"x")
    receiver = 3 if kind in (BurnKind.ERC1155, BurnKind.ERC1155_BATCH) else 2
    topics = (*right.topics[:receiver], topic(STRANGER), *right.topics[receiver + 1 :])
    assert burns_of(Log(right.address, topics, right.data)) == ()


@pytest.mark.parametrize("kind", DYNAMIC)
def test_burns_in__dynamic_data_with_a_byte_changed__is_a_burn_only_in_canonical_form(kind: BurnKind) -> None:
    right = made(kind, (1, 2), (3, 4), b"metadata")

    def expected(data: bytes) -> tuple[object, ...] | None:
        try:
            values = decode_values(DYNAMIC[kind], data)
        except AbiError:
            return None
        arrays = [value for value in values if isinstance(value, tuple)]
        return values if all(arrays) and len({len(array) for array in arrays}) <= 1 else None

    for at in range(len(right.data)):
        for byte in {0, 1, 2, 3, 0x20, 0x40, 0x60, 0xFF, right.data[at] ^ 0x80}:
            data = right.data[:at] + bytes((byte,)) + right.data[at + 1 :]
            found = burns_of(Log(right.address, right.topics, data))
            values = expected(data)
            assert bool(found) == (values is not None)
            if values is not None:
                arrays = [found[0].ids, found[0].amounts] if DYNAMIC[kind].count("uint256[]") == 2 else [found[0].ids]
                shown = [*(arrays if "uint256[]" in DYNAMIC[kind] else []), found[0].data]
                assert tuple(shown[: len(values)] if "bytes" not in DYNAMIC[kind] else shown) == values


def test_burns_in__arrays_of_unequal_length__is_no_burn() -> None:
    for kind in (BurnKind.ERC1155_BATCH, BurnKind.CHAIN_EXIT):
        assert burns_of(made(kind, (1, 2), (3,))) == ()
        assert burns_of(made(kind, (1,), (3, 4))) == ()
        assert burns_of(made(kind, (), ())) == ()
    assert burns_of(made(BurnKind.ERC721_BATCH, ())) == ()


def test_burns_in__at_the_limit_of_ids__is_a_burn_and_beyond_is_none() -> None:
    for kind in (BurnKind.ERC721_BATCH, BurnKind.ERC1155_BATCH, BurnKind.CHAIN_EXIT):
        (found,) = burns_of(made(kind, range(IDS_MAX), range(IDS_MAX)))
        assert found.ids == tuple(range(IDS_MAX))
        assert burns_of(made(kind, range(IDS_MAX + 1), range(IDS_MAX + 1))) == ()


def test_burns_in__a_length_beyond_all_memory__is_no_burn() -> None:
    for kind, types in DYNAMIC.items():
        right = made(kind, (1,), (2,), b"x")
        lengths_at = 32 * len(types)
        for length in (2**256 - 1, 2**255, 2**64, len(right.data)):
            data = right.data[:lengths_at] + length.to_bytes(32) + right.data[lengths_at + 32 :]
            assert burns_of(Log(right.address, right.topics, data)) == ()


def test_burns_in__ten_thousand_logs__are_all_found_in_their_order() -> None:
    found = burns_of(*(made(kind, (1,), (2,)) for kind in list(BurnKind) * 1_000))
    assert [burn.log_index for burn in found] == list(range(10_000))
    assert [burn.kind for burn in found] == list(BurnKind) * 1_000


def test_burns_in__receipts_of_real_chains__gives_the_burns_that_were_exited() -> None:
    for vector in real_payloads():
        receipt = decode_receipt(decode_payload(vector.payload).receipt)
        found = {burn.log_index: burn for burn in burns_in(receipt)}[vector.log_index]
        is_plasma = "plasma" in vector.name
        assert found.kind is (BurnKind.PLASMA_ERC20 if is_plasma else BurnKind.ERC20)
        assert found.token == vector.log_address
        assert found.amounts == (int.from_bytes(vector.log_data[:32]),)
        assert (found.root_token_hint is not None) == is_plasma
        assert found.token_index is not None
        assert log_at(receipt, found.signature, found.token_index) == vector.log_index


def test_twins__of_a_batch__are_its_transfers_and_the_other_way_round() -> None:
    found = burns_of(
        made(BurnKind.ERC721, (1,)),
        made(BurnKind.ERC721, (1,), token=STRANGER),
        made(BurnKind.ERC721, (2,)),
        made(BurnKind.ERC721_BATCH, (1, 2)),
        made(BurnKind.ERC721, (3,)),
    )
    assert [burn.twins for burn in found] == [(3,), (), (3,), (0, 2), ()]


def test_twins__with_metadata__stand_on_either_side() -> None:
    for logs in ((0, 1), (1, 0)):
        pair = (made(BurnKind.ERC721_METADATA, (9,), data=b"name"), made(BurnKind.ERC721, (9,)))
        assert [burn.twins for burn in burns_of(*(pair[at] for at in logs))] == [(1,), (0,)]


def test_twins__of_an_id_that_is_burnt_twice__are_paired_in_order() -> None:
    once = (made(BurnKind.ERC721, (9,)), made(BurnKind.ERC721_BATCH, (9,)))
    assert [burn.twins for burn in burns_of(*once, *once)] == [(1,), (0,), (3,), (2,)]


@law
@given(
    st.lists(
        st.tuples(
            st.sampled_from((BurnKind.ERC721, BurnKind.ERC721_BATCH, BurnKind.ERC721_METADATA)),
            st.lists(st.integers(0, 3), min_size=1, max_size=3),
        ),
        max_size=12,
    )
)
def test_twins__of_any_receipt__are_symmetrical_and_share_an_id(drawn: list[tuple[BurnKind, list[int]]]) -> None:
    found = burns_of(*(made(kind, ids[:1] if kind is not BurnKind.ERC721_BATCH else ids) for kind, ids in drawn))
    for burn in found:
        for twin in burn.twins:
            assert burn.log_index in found[twin].twins
            assert set(burn.ids) & set(found[twin].ids)
            assert (burn.kind is BurnKind.ERC721) != (found[twin].kind is BurnKind.ERC721)


def test_accepted__by_the_predicate_of_each_type__is_as_polygon_has_it() -> None:
    assert ACCEPTED[keccak256(b"Ether")] == {BurnKind.ERC20}
    assert ACCEPTED[keccak256(b"ERC721")] == {BurnKind.ERC721}
    assert ACCEPTED[keccak256(b"MintableERC721")] == {
        *(BurnKind.ERC721, BurnKind.ERC721_BATCH, BurnKind.ERC721_METADATA)
    }
    assert ACCEPTED[keccak256(b"MintableERC1155")] == {BurnKind.ERC1155, BurnKind.ERC1155_BATCH}
    assert ACCEPTED[keccak256(b"ChainExitERC1155")] == {BurnKind.CHAIN_EXIT}
    by_messages = {BurnKind.MESSAGE, BurnKind.PLASMA_ERC20, BurnKind.PLASMA_ERC721}
    assert frozenset().union(*ACCEPTED.values()) == set(BurnKind) - by_messages
    assert len(ACCEPTED) == 8


@st.composite
def counted_logs(draw: st.DrawFn) -> list[Log]:
    """Burns, near misses and noise."""
    known = st.sampled_from([*(_topic0(kind) for kind in BurnKind), keccak256(b"other")])
    any_topic = st.one_of(st.just(ZERO_HASH), hashes)
    near = st.builds(lambda first, rest: Log(TOKEN, (first, *rest), b""), known, st.lists(any_topic, max_size=3))
    silent = st.just(Log(TOKEN, (), b""))
    one = st.one_of(burns().map(lambda burn: burn[1]), near, st.just(transfer_log()), silent)
    return draw(st.lists(one, max_size=15))


@law
@given(counted_logs())
def test_matching_logs__of_any_receipt__are_those_of_maticjs(logs: list[Log]) -> None:
    for signature in {*(_topic0(kind) for kind in BurnKind), keccak256(b"other")}:
        expected = _all_log_indices(signature, logs)
        assert list(matching_logs(receipt_of(*logs), signature)) == expected
        first = _log_index(signature, logs)
        assert log_at(receipt_of(*logs), signature, 0) == first
        for index in range(1, len(expected) + 1):
            wanted = expected[index] if index < len(expected) else None
            assert log_at(receipt_of(*logs), signature, index) == wanted


@law
@given(counted_logs())
def test_token_index__of_any_burn__leads_back_to_its_log(logs: list[Log]) -> None:
    receipt = receipt_of(*logs)
    seen_batches = count()
    for burn in burns_in(receipt):
        if burn.token_index is not None:
            assert log_at(receipt, burn.signature, burn.token_index) == burn.log_index
        else:
            assert burn.kind is BurnKind.ERC721_BATCH
            assert log_at(receipt, burn.signature, 0) != burn.log_index
        if burn.kind is BurnKind.ERC721_BATCH and next(seen_batches) > 0:
            assert burn.token_index is None


ZERO_TEXT = "0x" + "0" * 64


def _receiver_place(signature: str) -> int | None:
    two, three = (BurnKind.ERC20, BurnKind.ERC721_METADATA), (BurnKind.ERC1155, BurnKind.ERC1155_BATCH)
    if signature in {TOPICS[kind] for kind in two}:
        return 2
    return 3 if signature in {TOPICS[kind] for kind in three} else None


def _takes(log: Log, signature: str) -> bool:
    topics = [f"0x{one.hex()}" for one in log.topics] + [""] * 4
    place = _receiver_place(signature)
    return topics[0] == f"0x{signature}" and (place is None or topics[place] == ZERO_TEXT)


def _log_index(signature: Hash32, logs: list[Log]) -> int | None:
    """matic.js' getLogIndex_, for index 0; where that one crashes on a missing topic, the log is passed over."""
    return next((at for at, log in enumerate(logs) if _takes(log, signature.hex())), None)


def _all_log_indices(signature: Hash32, logs: list[Log]) -> list[int]:
    """matic.js' getAllLogIndices_, for index > 0 and for all."""
    wanted = signature.hex()
    if wanted == TOPICS[BurnKind.ERC721_BATCH]:
        wanted = TRANSFER_TOPIC.hex()
    return [at for at, log in enumerate(logs) if _takes(log, wanted)]
