"""Keccak-256 against its other implementation, and the back end that other libraries get."""

import os

from Crypto.Hash import keccak
from eth_hash.auto import keccak as eth_hash_keccak
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.hash import keccak256
from tests.unit.codec.strategies import law


@law
@given(st.binary(max_size=300))
def test_keccak256__any_bytes__agrees_with_pycryptodome(data: bytes) -> None:
    assert keccak256(data) == keccak.new(data=data, digest_bits=256).digest()


def test_eth_hash__after_our_import__uses_the_fast_back_end() -> None:
    assert os.environ["ETH_HASH_BACKEND"] == "pysha3"
    assert eth_hash_keccak(b"") == keccak256(b"")
