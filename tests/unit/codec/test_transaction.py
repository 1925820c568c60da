"""EIP-1559 transactions against eth-account."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import rlp
from bridge.codec.errors import TransactionError
from bridge.codec.hexadecimal import checksum_address
from bridge.codec.secp256k1 import ORDER, address_of, public_key_of, sign
from bridge.codec.transaction import (
    RAW_BYTES_MAX,
    DynamicFeeTransaction,
    LegacyTransaction,
    decode_raw,
    transaction_hash,
)
from bridge.codec.types import Address, ChainId, Wei
from tests.unit.codec.strategies import addresses, law, private_keys

KEY = b"\x01" * 32
TRANSACTION = DynamicFeeTransaction(
    chain_id=ChainId(1337),
    nonce=7,
    max_priority_fee_per_gas_wei=Wei(10**9),
    max_fee_per_gas_wei=Wei(10**11),
    gas_limit=500_000,
    to=Address(b"\x11" * 20),
    value_wei=Wei(0),
    data=b"data",
)
RAW = TRANSACTION.raw(sign(TRANSACTION.signing_hash(), KEY))

transactions = st.builds(
    DynamicFeeTransaction,
    chain_id=st.integers(1, 2**63 - 1).map(ChainId),
    nonce=st.integers(0, 2**63 - 1),
    max_priority_fee_per_gas_wei=st.integers(0, 2**64).map(Wei),
    max_fee_per_gas_wei=st.integers(0, 2**64).map(Wei),
    gas_limit=st.integers(0, 2**63 - 1),
    to=addresses | st.none(),
    value_wei=st.integers(0, 2**128).map(Wei),
    data=st.binary(max_size=100),
)


@law
@given(transactions, private_keys)
def test_raw__any_transaction__agrees_with_eth_account_and_round_trips(
    transaction: DynamicFeeTransaction, private_key: bytes
) -> None:
    signature = sign(transaction.signing_hash(), private_key)
    raw = transaction.raw(signature)
    expected = Account.sign_transaction(
        {
            "type": 2,
            "chainId": transaction.chain_id,
            "nonce": transaction.nonce,
            "maxPriorityFeePerGas": transaction.max_priority_fee_per_gas_wei,
            "maxFeePerGas": transaction.max_fee_per_gas_wei,
            "gas": transaction.gas_limit,
            "to": checksum_address(transaction.to) if transaction.to else b"",
            "value": transaction.value_wei,
            "data": transaction.data,
        },
        private_key,
    )
    assert raw == bytes(expected.raw_transaction)
    assert transaction_hash(raw) == bytes(expected.hash)
    decoded = decode_raw(raw)
    assert decoded.transaction == transaction
    assert decoded.signature == signature
    assert decoded.sender == address_of(public_key_of(private_key))


def replaced(place: int, item: rlp.RlpItem) -> bytes:
    """The raw transaction with one of its twelve items replaced."""
    items = list(rlp.as_list(rlp.decode(RAW[1:])))
    items[place] = item
    return b"\x02" + rlp.encode(items)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x02",
        b"\x01" + RAW[1:],
        RAW[1:],
        RAW + b"\x00",
        RAW[:-1],
        replaced(0, b"\x00"),
        replaced(1, bytes(9)),
        replaced(4, b"\x01" * 9),
        replaced(5, b"\x11" * 19),
        replaced(8, ((b"\x11" * 20, ()),)),
        replaced(8, b""),
        replaced(9, b"\x02"),
        replaced(10, b""),
        replaced(11, ORDER.to_bytes(32)),
        b"\x02" + rlp.encode((b"",) * 11),
    ],
)
def test_decode_raw__not_ours__is_refused(raw: bytes) -> None:
    with pytest.raises(TransactionError):
        decode_raw(raw)


def test_decode_raw__over_the_size_limit__is_refused_unread() -> None:
    with pytest.raises(TransactionError, match="over the limit"):
        decode_raw(b"\x02" + bytes(RAW_BYTES_MAX))


@pytest.mark.parametrize("to", [Address(b"\x22" * 20), None])
def test_legacy_transaction__signed__is_what_eth_account_signs(to: Address | None) -> None:
    ours = LegacyTransaction(ChainId(71_002), 7, Wei(3 * 10**9), 90_000, to, Wei(5), b"\x01\x02")
    key = b"\x33" * 32
    fields = {"chainId": 71_002, "nonce": 7, "gasPrice": 3 * 10**9, "gas": 90_000, "value": 5, "data": b"\x01\x02"}
    theirs = Account.sign_transaction({**fields, "to": b"" if to is None else to}, key)
    assert ours.raw(sign(ours.signing_hash(), key)) == bytes(theirs.raw_transaction)
