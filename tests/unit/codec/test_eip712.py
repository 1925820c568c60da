"""EIP-712 against eth-account."""

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import eip712
from bridge.codec.errors import AbiError
from bridge.codec.types import Address, Hash32
from tests.unit.codec.strategies import addresses, hashes, law


@law
@given(st.integers(0, 2**256 - 1), addresses, hashes, st.binary(max_size=50), st.text(max_size=20))
def test_typed_digest__all_member_kinds__agrees_with_eth_account(
    chain_id: int, contract: Address, salt: Hash32, body: bytes, text: str
) -> None:
    message = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                    {"name": "salt", "type": "bytes32"},
                ],
                "Letter": [
                    {"name": "small", "type": "uint8"},
                    {"name": "to", "type": "address"},
                    {"name": "seal", "type": "bytes32"},
                    {"name": "body", "type": "bytes"},
                    {"name": "title", "type": "string"},
                ],
            },
            "primaryType": "Letter",
            "domain": {
                "name": "Sidewarden",
                "version": "1",
                "chainId": chain_id,
                "verifyingContract": contract,
                "salt": salt,
            },
            "message": {"small": 255, "to": contract, "seal": salt, "body": body, "title": text},
        }
    )
    domain = eip712.domain_separator(
        name="Sidewarden", version="1", chain_id=chain_id, verifying_contract=contract, salt=salt
    )
    letter_type = "Letter(uint8 small,address to,bytes32 seal,bytes body,string title)"
    letter = eip712.struct_hash(letter_type, (255, contract, salt, body, text))
    assert eip712.typed_digest(domain, letter) == bytes(_hash_eip191_message(message))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("uint8", 256),
        ("uint256", -1),
        ("uint256", b"1"),
        ("address", b"\x11" * 19),
        ("bytes32", b"short"),
        ("bytes", "text"),
        ("string", b"bytes"),
        ("Other", 1),
    ],
)
def test_struct_hash__value_that_does_not_fit__is_refused(member: str, value: int | bytes | str) -> None:
    with pytest.raises(AbiError, match=member):
        eip712.struct_hash(f"Thing({member} it)", (value,))


def test_struct_hash__wrong_number_of_values__is_refused() -> None:
    with pytest.raises(AbiError, match="1 members, got 2"):
        eip712.struct_hash("Thing(uint256 it)", (1, 2))
