"""`verify_exit_payload` with and without the checkpoint's range."""

import random
from dataclasses import replace

import pytest

from bridge import verify_exit_payload
from bridge.codec import merkle
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import ExitPayload, branch_mask, encode_payload
from bridge.codec.header import leaf_of
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import encode_receipt
from bridge.codec.trie import ordered_trie_proof
from bridge.codec.types import BlockNumber, Hash32
from tests.unit.burns.world import burn_log, transfer_log
from tests.unit.chain.tiny_chain import TinyChain

START, BURN_BLOCK, END = 5, 9, 17


def checkpoint_and_payload() -> tuple[Hash32, ExitPayload]:
    """The root over blocks 5 … 17, and the proof of the second log of the only transaction of block 9."""
    chain = TinyChain()
    chain.mine(count=BURN_BLOCK - 1)
    header = chain.mine((transfer_log(), burn_log(7)))
    chain.mine(count=END - BURN_BLOCK)
    leaves = [leaf_of(block.header) for block in chain.blocks[START : END + 1]]
    values = [encode_receipt(receipt) for receipt in chain.blocks[BURN_BLOCK].receipts]
    payload = ExitPayload(
        header_id=10_000,
        block_proof=merkle.proof(leaves, BURN_BLOCK - START),
        block_number=header.number,
        timestamp=header.timestamp,
        transactions_root=header.transactions_root,
        receipts_root=header.receipts_root,
        receipt=values[0],
        receipt_proof=ordered_trie_proof(values, 0),
        branch_mask=branch_mask(0),
        log_index=1,
    )
    return merkle.root(leaves), payload


def test_verify_exit_payload__as_bytes_or_as_text__gives_the_log() -> None:
    root, payload = checkpoint_and_payload()
    data = encode_payload(payload)

    assert verify_exit_payload(data, root, start=START, end=END) == burn_log(7)
    assert verify_exit_payload(to_hex(data), to_hex(root), start=START, end=END) == burn_log(7)
    assert verify_exit_payload(data, root) == burn_log(7)


def test_verify_exit_payload__with_any_byte_changed__is_refused_with_and_without_the_range() -> None:
    root, payload = checkpoint_and_payload()
    data = encode_payload(payload)
    draw = random.Random(6)
    header_id = range(1, 8)
    for at in draw.sample(range(len(data)), 150):
        if at in header_id:
            continue  # only the root chain can tell which id the root has
        changed = data[:at] + bytes((data[at] ^ draw.randrange(1, 256),)) + data[at + 1 :]
        for bounds in ({}, {"start": START, "end": END}):
            with pytest.raises(PayloadError):
                verify_exit_payload(changed, root, **bounds)


def test_verify_exit_payload__of_another_place_than_the_contract_s__is_only_noticed_with_the_range() -> None:
    root, payload = checkpoint_and_payload()
    data = encode_payload(payload)

    assert verify_exit_payload(data, root) == burn_log(7)
    with pytest.raises(PayloadError, match="block proof does not lead"):
        verify_exit_payload(data, root, start=START + 1, end=END + 1)
    with pytest.raises(PayloadError, match="not in the checkpoint"):
        verify_exit_payload(data, root, start=START, end=BURN_BLOCK - 1)
    with pytest.raises(PayloadError, match="does not lead to the root from any place"):
        verify_exit_payload(data, bytes(32))


def test_verify_exit_payload__with_a_proof_deeper_than_any_checkpoint__is_refused_before_it_is_hashed() -> None:
    root, payload = checkpoint_and_payload()
    deepest = replace(payload, block_proof=(root,) * 15, block_number=BlockNumber(2**20))
    with pytest.raises(PayloadError, match="from any place"):
        verify_exit_payload(encode_payload(deepest), root)
    with pytest.raises(PayloadError, match="no checkpoint needs more than 15"):
        verify_exit_payload(encode_payload(replace(deepest, block_proof=(root,) * 16)), root)


def test_verify_exit_payload__with_half_a_range_or_no_hash__refuses_the_argument() -> None:
    root, payload = checkpoint_and_payload()
    data = encode_payload(payload)
    with pytest.raises(ValueError, match="both start and end"):
        verify_exit_payload(data, root, start=START)
    with pytest.raises(ValueError, match="root: 31 bytes"):
        verify_exit_payload(data, root[1:])
    with pytest.raises(ValueError, match="payload: "):
        verify_exit_payload("payload", root)
