"""Signatures against eth-keys, and the one canonical form."""

import pytest
from eth_keys.datatypes import PrivateKey as OracleKey
from eth_keys.datatypes import Signature as OracleSignature
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import secp256k1
from bridge.codec.errors import SignatureError
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32, PublicKey, Signature
from tests.unit.codec.strategies import hashes, law, private_keys

KEY = bytes.fromhex("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
DIGEST = keccak256(b"checkpoint")


def mutated(signature: Signature, *, r: int | None = None, s: int | None = None, v: int | None = None) -> Signature:
    """The signature with parts replaced."""
    r_bytes = signature[:32] if r is None else r.to_bytes(32)
    s_bytes = signature[32:64] if s is None else s.to_bytes(32)
    return Signature(r_bytes + s_bytes + (signature[64:] if v is None else bytes((v,))))


def test_address_of__known_test_key__is_its_known_address() -> None:
    address = secp256k1.address_of(secp256k1.public_key_of(KEY))
    assert address.hex() == "71562b71999873db5b286df957af199ec94617f7"


@law
@given(private_keys, hashes)
def test_sign__any_key_and_digest__agrees_with_eth_keys(private_key: bytes, digest: Hash32) -> None:
    signature = secp256k1.sign(digest, private_key)
    oracle = OracleKey(private_key)
    expected = oracle.sign_msg_hash(digest).to_bytes()
    assert signature == expected[:64] + bytes((expected[64] + 27,))
    assert secp256k1.is_canonical(signature)
    assert secp256k1.recover_public_key(digest, signature) == oracle.public_key.to_bytes()
    assert secp256k1.recover_address(digest, signature) == oracle.public_key.to_canonical_address()
    assert secp256k1.public_key_of(private_key) == oracle.public_key.to_bytes()
    assert secp256k1.is_on_curve(secp256k1.public_key_of(private_key))


@law
@given(private_keys, hashes)
def test_recover__the_high_s_twin__recovers_elsewhere_but_is_refused_here(private_key: bytes, digest: Hash32) -> None:
    signature = secp256k1.sign(digest, private_key)
    high_s = secp256k1.ORDER - int.from_bytes(signature[32:64])
    twin = mutated(signature, s=high_s, v=55 - signature[64])
    oracle = OracleSignature(twin[:64] + bytes((twin[64] - 27,)))
    assert oracle.recover_public_key_from_msg_hash(digest) == OracleKey(private_key).public_key
    assert not secp256k1.is_canonical(twin)
    with pytest.raises(SignatureError):
        secp256k1.recover_address(digest, twin)


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_recover__v_outside_27_and_28__is_refused(v: int) -> None:
    with pytest.raises(SignatureError, match="not canonical"):
        secp256k1.recover_address(DIGEST, mutated(secp256k1.sign(DIGEST, KEY), v=v))


@pytest.mark.parametrize("part", [0, secp256k1.ORDER, 2**256 - 1])
def test_recover__r_or_s_out_of_range__is_refused(part: int) -> None:
    signature = secp256k1.sign(DIGEST, KEY)
    for bad in (mutated(signature, r=part), mutated(signature, s=part)):
        assert not secp256k1.is_canonical(bad)
        with pytest.raises(SignatureError):
            secp256k1.recover_address(DIGEST, bad)


def test_is_canonical__s_at_half_the_order__is_the_last_one_taken() -> None:
    signature = secp256k1.sign(DIGEST, KEY)
    assert secp256k1.is_canonical(mutated(signature, s=secp256k1.HALF_ORDER))
    assert not secp256k1.is_canonical(mutated(signature, s=secp256k1.HALF_ORDER + 1))


@pytest.mark.parametrize("length", [0, 64, 66])
def test_recover__wrong_length__is_refused(length: int) -> None:
    with pytest.raises(SignatureError):
        secp256k1.recover_address(DIGEST, Signature(bytes(range(length))))


def test_recover__r_that_is_no_point__is_a_signature_error() -> None:
    with pytest.raises(SignatureError, match="no public key"):
        secp256k1.recover_address(DIGEST, mutated(secp256k1.sign(DIGEST, KEY), r=5, s=1))


@pytest.mark.parametrize("key", [b"", bytes(32), secp256k1.ORDER.to_bytes(32), b"\x01" * 31, b"\x01" * 33])
def test_sign__not_a_private_key__is_refused_without_showing_it(key: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        secp256k1.sign(DIGEST, key)
    assert not key or key.hex() not in str(caught.value)


@law
@given(st.binary(min_size=64, max_size=64))
def test_is_on_curve__random_bytes__are_no_point_but_hash_to_an_address(data: bytes) -> None:
    assert not secp256k1.is_on_curve(PublicKey(data))
    assert secp256k1.address_of(PublicKey(data)) == keccak256(data)[12:]


@pytest.mark.parametrize("length", [0, 63, 65])
def test_public_key__wrong_length__is_off_curve_and_has_no_address(length: int) -> None:
    key = PublicKey(bytes(length))
    assert not secp256k1.is_on_curve(key)
    with pytest.raises(SignatureError):
        secp256k1.address_of(key)
