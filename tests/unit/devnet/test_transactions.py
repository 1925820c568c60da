"""Raw transactions of each type, as other libraries sign and read them."""

import pytest
from eth.vm.forks.prague import PragueVM
from eth_account import Account as EthAccount
from hypothesis import given, settings
from hypothesis import strategies as st

from node.devnet.chain import TransactionRefused
from node.devnet.chain.transactions import decode_transaction
from tests.unit.devnet.world import ALICE, BOB, CHAIN_ID, GWEI, signed

Fields = dict[str, object]

COMMON = st.fixed_dictionaries(
    {
        "nonce": st.integers(0, 2**40),
        "gas": st.integers(21_000, 10**7),
        "value": st.integers(0, 2**90),
        "data": st.binary(max_size=80),
        "chainId": st.just(CHAIN_ID),
    },
    optional={"to": st.just(BOB.address)},
)
ACCESS_LISTS = st.lists(
    st.fixed_dictionaries(
        {
            "address": st.binary(min_size=20, max_size=20).map(lambda address: "0x" + address.hex()),
            "storageKeys": st.lists(st.binary(min_size=32, max_size=32).map(lambda key: "0x" + key.hex()), max_size=3),
        }
    ),
    max_size=3,
)
LEGACY = st.fixed_dictionaries({"gasPrice": st.integers(0, 2**70)})
WITH_ACCESS_LIST = st.fixed_dictionaries(
    {"type": st.just(1), "gasPrice": st.integers(0, 2**70), "accessList": ACCESS_LISTS}
)
WITH_DYNAMIC_FEE = st.fixed_dictionaries(
    {
        "type": st.just(2),
        "maxFeePerGas": st.integers(2**40, 2**70),
        "maxPriorityFeePerGas": st.integers(0, 2**40),
        "accessList": ACCESS_LISTS,
    }
)


@settings(max_examples=60, deadline=None)
@given(COMMON, st.one_of(LEGACY, WITH_ACCESS_LIST, WITH_DYNAMIC_FEE))
def test_decode__signed_by_another_library__is_what_the_evm_reads(common: Fields, of_type: Fields) -> None:
    fields = {**common, **of_type}
    raw = bytes(EthAccount.sign_transaction(fields, ALICE.private_key).raw_transaction)
    ours, theirs = decode_transaction(raw), PragueVM.get_transaction_builder().decode(raw)
    assert bytes(theirs.sender) == ours.sender == ALICE.address
    assert bytes(theirs.hash) == ours.hash
    assert (ours.chain_id, ours.nonce, ours.gas_limit) == (CHAIN_ID, theirs.nonce, theirs.gas)
    assert (ours.to or b"", ours.value_wei, ours.data) == (theirs.to, theirs.value, theirs.data)
    assert ours.max_fee_per_gas_wei == theirs.max_fee_per_gas
    assert ours.max_priority_fee_per_gas_wei == theirs.max_priority_fee_per_gas
    words = 0 if ours.to else -(-len(ours.data) // 32)
    assert ours.intrinsic_gas == theirs.intrinsic_gas + 2 * words  # py-evm adds the words of creation code elsewhere
    ours_listed = [
        (bytes(entry.address), tuple(int.from_bytes(key) for key in entry.storage_keys)) for entry in ours.access_list
    ]
    assert ours_listed == [(address, tuple(keys)) for address, keys in theirs.access_list]


def test_decode__high_s__is_nobodys() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = signed(ALICE, 0, fee_cap_wei=10 * GWEI)
    s = decode_transaction(raw).s
    with pytest.raises(TransactionRefused, match="invalid sender: invalid transaction v, r, s values"):
        decode_transaction(raw[:-32] + (order - s).to_bytes(32))
