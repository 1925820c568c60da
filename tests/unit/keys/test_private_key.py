"""Private keys stay private, and the gas key signs what it is for."""

import copy
import pickle

import pytest

from bridge.codec.errors import SignatureError
from bridge.codec.hexadecimal import checksum_address
from bridge.codec.transaction import DynamicFeeTransaction, decode_raw
from bridge.codec.types import Address, ChainId, Wei
from node.keys.errors import KeyNotHeld
from node.keys.private_key import PrivateKey
from node.keys.ring import KeyRing
from node.keys.submission import SubmissionKey
from tests.unit.keys.helpers import ALICE, BOB


@pytest.mark.parametrize("holder", [ALICE, KeyRing((ALICE, BOB)), SubmissionKey(ALICE)])
def test_repr__of_anything_with_a_key__shows_the_address_only(holder: object) -> None:
    shown = f"{holder!r} {holder}"

    assert checksum_address(ALICE.address) in shown
    assert ALICE.reveal().hex() not in shown


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_private_key__pickled_or_copied__refused(duplicate: object) -> None:
    with pytest.raises(TypeError, match="not pickled or copied"):
        duplicate(ALICE)  # type: ignore[operator]  # each of the three takes any object


@pytest.mark.parametrize("secret", [b"", b"\x01", bytes(32), b"\xff" * 32])
def test_private_key__not_a_key__refused_without_showing_it(secret: bytes) -> None:
    with pytest.raises(SignatureError) as refusal:
        PrivateKey(secret)

    assert "ff" not in str(refusal.value).split()


def test_key_ring__address_not_held__says_what_to_configure() -> None:
    with pytest.raises(KeyNotHeld, match=r"keys\.signers"):
        KeyRing((ALICE,)).public_key(BOB.address)


def test_submission_key__signs_a_transaction__the_chain_sees_its_sender() -> None:
    transaction = DynamicFeeTransaction(
        ChainId(11), 3, Wei(1), Wei(2), 21_000, Address(b"\x22" * 20), Wei(5), b"\x01\x02"
    )

    signed = decode_raw(SubmissionKey(BOB).sign(transaction))

    assert (signed.transaction, signed.sender) == (transaction, BOB.address)
