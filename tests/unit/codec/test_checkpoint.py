"""Checkpoint data, digests and calldata, against eth-abi and eth-account."""

import eth_abi.abi
import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import checkpoint as codec
from bridge.codec.checkpoint import Checkpoint, CheckpointBinding, SignedBy
from bridge.codec.errors import CheckpointError
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import address_of, public_key_of, sign
from bridge.codec.types import Address, BlockNumber, ChainId, Signature, UnixSeconds
from tests.unit.codec.strategies import addresses, hashes, law

uint64 = st.integers(0, 2**64 - 1)
checkpoints = st.builds(
    Checkpoint,
    proposer=addresses,
    start=uint64.map(BlockNumber),
    end=uint64.map(BlockNumber),
    root_hash=hashes,
    account_root_hash=hashes,
    side_chain_id=uint64.map(ChainId),
)
bindings = st.builds(
    CheckpointBinding,
    root_chain_id=uint64.map(ChainId),
    root_chain_address=addresses,
    header_id=uint64,
    valid_until=uint64.map(UnixSeconds),
)

SIX_WORDS = ("address", "uint256", "uint256", "bytes32", "bytes32", "uint256")
SUBMIT_TYPES = ("bytes", "uint256[3][]")


def six_values(checkpoint: Checkpoint) -> tuple[object, ...]:
    return (
        checkpoint.proposer,
        checkpoint.start,
        checkpoint.end,
        checkpoint.root_hash,
        checkpoint.account_root_hash,
        checkpoint.side_chain_id,
    )


def signatures_by(count: int) -> list[SignedBy]:
    """Real signatures in ascending order of their signers."""
    keys = [number.to_bytes(32) for number in range(1, count + 1)]
    signed = [SignedBy(address_of(public_key_of(key)), sign(keccak256(b"digest"), key)) for key in keys]
    return sorted(signed, key=lambda one: one.signer)


@law
@given(checkpoints)
def test_polygon_data__any_checkpoint__is_the_abi_encoding_and_round_trips(checkpoint: Checkpoint) -> None:
    data = codec.polygon_data(checkpoint)
    assert data == eth_abi.abi.encode(SIX_WORDS, six_values(checkpoint))
    assert codec.decode_polygon_data(data) == checkpoint
    assert codec.polygon_digest(checkpoint) == keccak256(b"\x01" + data)


@law
@given(checkpoints, bindings)
def test_bound_data__any_checkpoint__is_the_abi_encoding_and_round_trips(
    checkpoint: Checkpoint, binding: CheckpointBinding
) -> None:
    data = codec.bound_data(checkpoint, binding)
    values = (*six_values(checkpoint), binding.header_id, binding.valid_until)
    assert data == eth_abi.abi.encode((*SIX_WORDS, "uint256", "uint256"), values)
    decoded = codec.decode_bound_data(data)
    assert decoded == codec.BoundData(checkpoint, binding.header_id, binding.valid_until)


@law
@given(checkpoints, bindings)
def test_bound_digest__any_checkpoint__is_the_wallets_eip712_digest(
    checkpoint: Checkpoint, binding: CheckpointBinding
) -> None:
    names = ("proposer", "start", "end", "rootHash", "accountRootHash", "sideChainId", "headerId", "validUntil")
    kinds = (*SIX_WORDS, "uint256", "uint256")
    values = (*six_values(checkpoint), binding.header_id, binding.valid_until)
    message = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Checkpoint": [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)],
            },
            "primaryType": "Checkpoint",
            "domain": {"chainId": binding.root_chain_id, "verifyingContract": binding.root_chain_address},
            "message": dict(zip(names, values, strict=True)),
        }
    )
    assert codec.bound_digest(checkpoint, binding) == bytes(_hash_eip191_message(message))


@pytest.mark.parametrize("length", [0, 191, 193, 224, 256])
def test_decode_polygon_data__any_other_length__is_refused(length: int) -> None:
    with pytest.raises(CheckpointError, match="not 192"):
        codec.decode_polygon_data(bytes(length))


@pytest.mark.parametrize("length", [0, 192, 224, 255, 257])
def test_decode_bound_data__any_other_length__is_refused(length: int) -> None:
    with pytest.raises(CheckpointError, match="not 256"):
        codec.decode_bound_data(bytes(length))


@pytest.mark.parametrize("place", [0, 11, 32, 55, 64, 160, 192, 224])
def test_decode_data__dirty_high_bytes__are_refused(place: int) -> None:
    data = bytearray(256)
    data[place] = 1
    with pytest.raises(CheckpointError):
        codec.decode_bound_data(bytes(data))


@pytest.mark.parametrize("count", [0, 1, 4, 100])
@pytest.mark.parametrize("data_length", [0, 31, 32, 192, 256])
def test_submit_calldata__any_size__is_the_abi_encoding_and_round_trips(count: int, data_length: int) -> None:
    data = bytes(range(1, 256))[:data_length].ljust(data_length, b"\x01")
    signed = signatures_by(count)
    calldata = codec.submit_calldata(data, signed)
    triples = [
        (int.from_bytes(one.signature[:32]), int.from_bytes(one.signature[32:64]), one.signature[64]) for one in signed
    ]
    assert calldata[:4].hex() == "4e43e495"
    assert calldata[4:] == eth_abi.abi.encode(SUBMIT_TYPES, (data, triples))
    submission = codec.decode_submit_calldata(calldata)
    assert submission.data == data
    assert submission.signatures == tuple(one.signature for one in signed)


def test_submit_calldata__signers_not_strictly_ascending__are_refused() -> None:
    first, second = signatures_by(2)
    for disorder in ([second, first], [first, first]):
        with pytest.raises(CheckpointError, match="ascending"):
            codec.submit_calldata(b"", disorder)


@law
@given(st.data())
def test_decode_submit_calldata__changed_or_cut_anywhere__is_refused_or_canonical(data: st.DataObject) -> None:
    calldata = bytearray(codec.submit_calldata(bytes(192), signatures_by(2)))
    calldata[data.draw(st.integers(0, len(calldata) - 1))] ^= data.draw(st.integers(1, 255))
    changed = bytes(calldata)
    cut = changed[: data.draw(st.integers(0, len(changed) - 1))]
    with pytest.raises(CheckpointError):
        codec.decode_submit_calldata(cut)
    try:
        submission = codec.decode_submit_calldata(changed)
    except CheckpointError:
        return
    unchecked = [SignedBy(Address(bytes((place,)) * 20), one) for place, one in enumerate(submission.signatures)]
    assert codec.submit_calldata(submission.data, unchecked) == changed


def test_decode_submit_calldata__garbage_in_the_high_bytes_of_v__is_refused() -> None:
    calldata = bytearray(codec.submit_calldata(bytes(192), signatures_by(1)))
    calldata[-32] = 1
    with pytest.raises(CheckpointError, match="canonical"):
        codec.decode_submit_calldata(bytes(calldata))


def test_decode_submit_calldata__count_at_the_limit__only_one_more_is_refused_unread() -> None:
    one = SignedBy(Address(b""), Signature(bytes(65)))
    most = [SignedBy(Address(place.to_bytes(20)), one.signature) for place in range(codec.SIGNATURES_MAX + 1)]
    assert len(codec.decode_submit_calldata(codec.submit_calldata(b"", most[:-1])).signatures) == codec.SIGNATURES_MAX
    with pytest.raises(CheckpointError, match="over the limit"):
        codec.decode_submit_calldata(codec.submit_calldata(b"", most))
