"""Exit payloads: real ones byte for byte, our own against our own tree, and everything that must not pass."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import exit_payload as codec
from bridge.codec import merkle, rlp
from bridge.codec.bloom import bloom_of
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import ExitPayload
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf
from bridge.codec.receipts import SUCCESS, Log, Receipt, encode_receipt
from bridge.codec.trie import EMPTY_TRIE_ROOT, ordered_trie_proof, ordered_trie_root, verify_trie_proof
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds
from tests.unit.codec.strategies import law
from tests.unit.codec.vectors import RealPayload, real_payloads

real = pytest.mark.parametrize("vector", real_payloads(), ids=lambda vector: vector.name)


@real
def test_decode_payload__real_payload__has_its_known_fields_and_encodes_back(vector: RealPayload) -> None:
    payload = codec.decode_payload(vector.payload)
    assert payload.header_id == vector.header_id
    assert len(payload.block_proof) == vector.proof_length
    assert payload.block_number == vector.block_number
    assert payload.timestamp == vector.timestamp
    assert codec.transaction_index_of(payload.branch_mask) == vector.transaction_index
    assert payload.log_index == vector.log_index
    assert codec.encode_payload(payload) == vector.payload
    block_leaf = leaf(payload.block_number, payload.timestamp, payload.transactions_root, payload.receipts_root)
    assert block_leaf == vector.leaf
    assert codec.exit_hash(payload.block_number, payload.branch_mask, payload.log_index) == vector.exit_hash


@real
def test_verify_payload__real_receipt_under_the_root_its_proof_gives__is_the_known_log(vector: RealPayload) -> None:
    payload = codec.decode_payload(vector.payload)
    # The checkpoint itself is not in a payload: take a range of fitting size in which the block is the first.
    node = Hash32(vector.leaf)
    for sibling in payload.block_proof:
        node = keccak256(node + sibling)
    end = BlockNumber(payload.block_number + (1 << len(payload.block_proof)) - 1)
    log = codec.verify_payload(payload, node, payload.block_number, end)
    assert (log.address, log.data) == (vector.log_address, vector.log_data)
    assert verify_trie_proof(payload.receipts_root, payload.branch_mask[1:], payload.receipt_proof) == payload.receipt


@dataclass(frozen=True)
class Built:
    """A checkpoint of our own, and a payload for one log in it."""

    payload: ExitPayload
    root: Hash32
    start: BlockNumber
    end: BlockNumber
    log: Log

    def verify(self, payload: ExitPayload) -> Log:
        return codec.verify_payload(payload, self.root, self.start, self.end)


def build(block_count: int = 6, place: int = 3, transaction_count: int = 5, transaction: int = 2) -> Built:
    """A checkpoint from block 1000 on, whose blocks are empty but one."""
    start = BlockNumber(1000)
    block_logs = tuple(Log(Address(bytes((n,)) * 20), (keccak256(bytes((n,))),), b"d") for n in range(3))
    receipts = [
        encode_receipt(Receipt(2, SUCCESS, 21_000 * (n + 1), bloom_of(block_logs), block_logs))
        for n in range(transaction_count)
    ]
    receipts_root = ordered_trie_root(receipts)
    transactions_root = keccak256(b"transactions")
    leaves = [
        leaf(
            start + n,
            1_700_000_000 + n,
            transactions_root if n == place else EMPTY_TRIE_ROOT,
            receipts_root if n == place else EMPTY_TRIE_ROOT,
        )
        for n in range(block_count)
    ]
    payload = ExitPayload(
        header_id=30_000,
        block_proof=merkle.proof(leaves, place),
        block_number=BlockNumber(start + place),
        timestamp=UnixSeconds(1_700_000_000 + place),
        transactions_root=transactions_root,
        receipts_root=receipts_root,
        receipt=receipts[transaction],
        receipt_proof=ordered_trie_proof(receipts, transaction),
        branch_mask=codec.branch_mask(transaction),
        log_index=1,
    )
    return Built(payload, merkle.root(leaves), start, BlockNumber(start + block_count - 1), block_logs[1])


BUILT = build()


@law
@given(st.integers(1, 20), st.integers(1, 300), st.data())
def test_verify_payload__any_block_and_transaction__gives_its_log(
    block_count: int, transaction_count: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, block_count - 1))
    transaction = data.draw(st.integers(0, transaction_count - 1))
    built = build(block_count, place, transaction_count, transaction)
    encoded = codec.encode_payload(built.payload)
    decoded = codec.decode_payload(encoded)
    assert decoded == built.payload
    assert built.verify(decoded) == built.log


@law
@given(st.data())
def test_payload__one_changed_byte__is_refused(data: st.DataObject) -> None:
    encoded = bytearray(codec.encode_payload(BUILT.payload))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        payload = codec.decode_payload(bytes(encoded))
        log = BUILT.verify(payload)
    except PayloadError:
        return
    # Only what the proof does not cover may differ: which header it is under, and which log of the receipt is meant.
    assert replace(payload, header_id=30_000, log_index=1) == BUILT.payload
    assert payload.log_index != 1 or log == BUILT.log


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (replace(BUILT.payload, header_id=30_001), "multiple of 10000"),
        (replace(BUILT.payload, header_id=0), "multiple of 10000"),
        (replace(BUILT.payload, block_number=BlockNumber(999)), "not in the checkpoint"),
        (replace(BUILT.payload, block_number=BlockNumber(1006)), "not in the checkpoint"),
        (replace(BUILT.payload, block_number=BlockNumber(1004)), "does not lead"),
        (replace(BUILT.payload, timestamp=UnixSeconds(1)), "does not lead"),
        (replace(BUILT.payload, transactions_root=EMPTY_TRIE_ROOT), "does not lead"),
        (replace(BUILT.payload, receipts_root=EMPTY_TRIE_ROOT), "does not lead"),
        (replace(BUILT.payload, block_proof=BUILT.payload.block_proof[:-1]), "2 hashes, not 3"),
        (replace(BUILT.payload, block_proof=(*BUILT.payload.block_proof, EMPTY_TRIE_ROOT)), "4 hashes, not 3"),
        (replace(BUILT.payload, block_proof=BUILT.payload.block_proof[::-1]), "does not lead"),
        (replace(BUILT.payload, branch_mask=codec.branch_mask(3)), "receipt"),
        (replace(BUILT.payload, branch_mask=b"\x20\x02"), "0x00"),
        (replace(BUILT.payload, branch_mask=b"\x12"), "0x00"),
        (replace(BUILT.payload, receipt=BUILT.payload.receipt + b"\x00"), "not the one"),
        (replace(BUILT.payload, receipt_proof=()), "end before"),
        (replace(BUILT.payload, receipt_proof=BUILT.payload.receipt_proof[1:]), "does not have the hash"),
        (replace(BUILT.payload, log_index=3), "not among the receipt's 3 logs"),
    ],
)
def test_verify_payload__one_part_wrong__says_which(payload: ExitPayload, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        BUILT.verify(payload)


def test_verify_payload__block_in_the_padding_of_the_tree__is_refused_by_the_end() -> None:
    built = build(block_count=5, place=4)
    assert built.verify(built.payload) == built.log
    with pytest.raises(PayloadError, match=r"not in the checkpoint 1000\.\.1003"):
        codec.verify_payload(built.payload, built.root, built.start, BlockNumber(1003))


def test_verify_payload__checkpoint_of_one_block__has_an_empty_proof() -> None:
    built = build(block_count=1, place=0)
    assert built.payload.block_proof == ()
    assert built.verify(codec.decode_payload(codec.encode_payload(built.payload))) == built.log


def with_item(place: int, item: rlp.RlpItem) -> bytes:
    items = list(rlp.as_list(rlp.decode(codec.encode_payload(BUILT.payload))))
    items[place] = item
    return rlp.encode(items)


ENCODED = codec.encode_payload(BUILT.payload)
ITEMS = rlp.as_list(rlp.decode(ENCODED))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc0",
        ENCODED + b"\x00",
        ENCODED[:-1],
        rlp.encode(ITEMS[:9]),
        rlp.encode((*ITEMS, b"")),
        with_item(0, b"\x00\x75\x30"),
        with_item(1, bytes(33)),
        with_item(2, bytes(9)),
        with_item(4, bytes(31)),
        with_item(5, bytes(33)),
        with_item(6, ()),
        with_item(7, b""),
        with_item(7, rlp.encode(b"no list")),
        with_item(7, rlp.encode(()) + b"\x00"),
        with_item(8, b""),
        with_item(8, b"\x00"),
        with_item(8, b"\x00\x02\x00"),
        with_item(8, b"\x00\x81\x02"),
        with_item(8, b"\x00\x00"),
        with_item(8, b"\x20\x02"),
        with_item(8, b"\x12\x00"),
        with_item(8, b"\x00\x84\x01\x00\x00\x00"),
        with_item(9, b"\x00"),
        with_item(9, (2**32).to_bytes(5)),
    ],
)
def test_decode_payload__not_the_canonical_encoding__is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        codec.decode_payload(data)


def test_decode_payload__over_the_size_limit__is_refused_unread() -> None:
    with pytest.raises(PayloadError, match="over the limit"):
        codec.decode_payload(bytes(codec.PAYLOAD_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("index", "mask"), [(0, "0080"), (3, "0003"), (127, "007f"), (128, "008180"), (212, "0081d4"), (256, "00820100")]
)
def test_branch_mask__known_indices__are_as_matic_js_writes_them(index: int, mask: str) -> None:
    assert codec.branch_mask(index).hex() == mask
    assert codec.transaction_index_of(bytes.fromhex(mask)) == index
