"""Headers of every fork hashed as py-evm hashes them, from the JSON that RPCs give, and refused when that is wrong."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import rlp as oracle_rlp  # type: ignore[import-untyped]  # ships no type stubs
from eth.rlp.headers import BlockHeader
from eth.vm.forks.cancun.blocks import CancunBlockHeader
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.shanghai.blocks import ShanghaiBlockHeader

from bridge.codec.errors import HeaderError, HeaderFormatUnknownError
from bridge.codec.hash import keccak256
from bridge.codec.header import EXTRA_DATA_BYTES_MAX, encode_header, header_from_rpc, header_hash, leaf, leaf_of
from bridge.codec.hexadecimal import to_hex
from bridge.codec.trie import EMPTY_TRIE_ROOT

MAINNET_GENESIS: Mapping[str, object] = {
    "hash": "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    "parentHash": "0x" + "00" * 32,
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "miner": "0x" + "00" * 20,
    "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    "transactionsRoot": to_hex(EMPTY_TRIE_ROOT),
    "receiptsRoot": to_hex(EMPTY_TRIE_ROOT),
    "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x400000000",
    "number": "0x0",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x0",
    "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    "mixHash": "0x" + "00" * 32,
    "nonce": "0x0000000000000042",
}

TAIL: Mapping[str, object] = {
    "baseFeePerGas": hex(7 * 10**9),
    "withdrawalsRoot": to_hex(keccak256(b"withdrawals")),
    "blobGasUsed": "0x20000",
    "excessBlobGas": "0x0",
    "parentBeaconBlockRoot": to_hex(keccak256(b"beacon")),
    "requestsHash": to_hex(keccak256(b"requests")),
}
FORKS = [
    (BlockHeader, 0),
    (LondonBlockHeader, 1),
    (ShanghaiBlockHeader, 2),
    (CancunBlockHeader, 5),
    (PragueBlockHeader, 6),
]


def oracle_header(header_class: type, tail_length: int) -> object:
    """A header of that fork with a distinct value in every field."""
    tail_values = {
        "base_fee_per_gas": 7 * 10**9,
        "withdrawals_root": keccak256(b"withdrawals"),
        "blob_gas_used": 0x20000,
        "excess_blob_gas": 0,
        "parent_beacon_block_root": keccak256(b"beacon"),
        "requests_hash": keccak256(b"requests"),
    }
    tail = dict(list(tail_values.items())[:tail_length])
    return header_class(
        parent_hash=keccak256(b"parent"),
        uncles_hash=keccak256(b"uncles"),
        coinbase=b"\x11" * 20,
        state_root=keccak256(b"state"),
        transaction_root=keccak256(b"transactions"),
        receipt_root=keccak256(b"receipts"),
        bloom=2**2047 + 5,
        difficulty=17,
        block_number=1_000_000,
        gas_limit=30_000_000,
        gas_used=21_000,
        timestamp=1_700_000_000,
        extra_data=b"extra",
        mix_hash=keccak256(b"mix"),
        nonce=b"\x01" * 8,
        **tail,
    )


def rpc_json(block_hash: bytes, tail_length: int) -> dict[str, object]:
    """The same header as JSON."""
    return {
        "hash": to_hex(block_hash),
        "parentHash": to_hex(keccak256(b"parent")),
        "sha3Uncles": to_hex(keccak256(b"uncles")),
        "miner": "0x" + "11" * 20,
        "stateRoot": to_hex(keccak256(b"state")),
        "transactionsRoot": to_hex(keccak256(b"transactions")),
        "receiptsRoot": to_hex(keccak256(b"receipts")),
        "logsBloom": to_hex((2**2047 + 5).to_bytes(256)),
        "difficulty": "0x11",
        "number": hex(1_000_000),
        "gasLimit": hex(30_000_000),
        "gasUsed": hex(21_000),
        "timestamp": hex(1_700_000_000),
        "extraData": to_hex(b"extra"),
        "mixHash": to_hex(keccak256(b"mix")),
        "nonce": "0x" + "01" * 8,
        "transactions": [],
        "totalDifficulty": "0x1",
    } | dict(list(TAIL.items())[:tail_length])


def oracle_hash(header: object) -> bytes:
    found = getattr(header, "hash", None)
    assert isinstance(found, bytes)
    return found


def test_header_from_rpc__mainnet_genesis__has_its_known_hash() -> None:
    header = header_from_rpc(MAINNET_GENESIS)
    assert to_hex(header_hash(header)) == MAINNET_GENESIS["hash"]
    assert header.number == 0


@pytest.mark.parametrize(("header_class", "tail_length"), FORKS)
def test_header_from_rpc__each_fork__has_the_hash_that_py_evm_computes(header_class: type, tail_length: int) -> None:
    expected = oracle_hash(oracle_header(header_class, tail_length))
    header = header_from_rpc(rpc_json(expected, tail_length))
    assert header.hash == expected
    assert (header.requests_hash is None) == (tail_length < 6)


@pytest.mark.parametrize(("header_class", "tail_length"), FORKS)
def test_header_from_rpc__endpoint_reports_fields_beyond_the_fork__are_left_out(
    header_class: type, tail_length: int
) -> None:
    expected = oracle_hash(oracle_header(header_class, tail_length))
    assert header_from_rpc(rpc_json(expected, 6)).hash == expected
    with_nulls = rpc_json(expected, tail_length) | dict.fromkeys(list(TAIL)[tail_length:])
    assert header_from_rpc(with_nulls).hash == expected


def test_header_from_rpc__fields_that_do_not_give_the_hash__are_of_unknown_format() -> None:
    fields = dict(MAINNET_GENESIS) | {"gasUsed": "0x1"}
    with pytest.raises(HeaderFormatUnknownError, match="0xd4e56740") as caught:
        header_from_rpc(fields)
    assert caught.value.code == "HEADER_FORMAT_UNKNOWN"


@pytest.mark.parametrize("name", sorted(MAINNET_GENESIS))
@pytest.mark.parametrize("value", [None, 1, True, "", "0x", "0xzz", "zz", [], {}, "0x" + "f" * 600])
def test_header_from_rpc__wrong_type_size_or_range__names_the_field(name: str, value: object) -> None:
    if name == "extraData" and value in ("0x", "0x" + "f" * 600):
        return  # any length is possible there; the hash tells
    with pytest.raises(HeaderError, match=name):
        header_from_rpc(dict(MAINNET_GENESIS) | {name: value})


@pytest.mark.parametrize("name", sorted(TAIL))
@pytest.mark.parametrize("value", [1, True, "", "0xzz", [], {}, "0x" + "f" * 600])
def test_header_from_rpc__wrong_optional_field__names_the_field(name: str, value: object) -> None:
    with pytest.raises(HeaderError, match=name):
        header_from_rpc(dict(MAINNET_GENESIS) | {name: value})


@pytest.mark.parametrize("name", sorted(MAINNET_GENESIS))
def test_header_from_rpc__missing_field__names_it(name: str) -> None:
    fields = dict(MAINNET_GENESIS)
    del fields[name]
    with pytest.raises(HeaderError, match=f"{name} is missing"):
        header_from_rpc(fields)


@pytest.mark.parametrize("name", ["number", "timestamp", "gasLimit", "gasUsed", "blobGasUsed", "excessBlobGas"])
def test_header_from_rpc__quantity_over_64_bits__is_refused(name: str) -> None:
    with pytest.raises(HeaderError, match=f"{name}.*64 bits"):
        header_from_rpc(dict(MAINNET_GENESIS) | {name: hex(2**64)})


def test_header_from_rpc__extra_data_at_the_limit__only_one_byte_more_is_too_long() -> None:
    with pytest.raises(HeaderFormatUnknownError):
        header_from_rpc(dict(MAINNET_GENESIS) | {"extraData": "0x" + "00" * EXTRA_DATA_BYTES_MAX})
    with pytest.raises(HeaderError, match="extraData"):
        header_from_rpc(dict(MAINNET_GENESIS) | {"extraData": "0x" + "00" * (EXTRA_DATA_BYTES_MAX + 1)})


def test_header_hash__optional_field_missing_before_a_present_one__is_empty_as_geth_encodes_it() -> None:
    prague = header_from_rpc(rpc_json(oracle_hash(oracle_header(PragueBlockHeader, 6)), 6))
    without_base_fee = replace(prague, base_fee_per_gas_wei=None)
    items = oracle_rlp.decode(encode_header(prague))
    items[15] = b""
    assert header_hash(without_base_fee) == keccak256(oracle_rlp.encode(items))


def test_leaf_of__a_header__is_the_hash_of_its_four_words() -> None:
    header = header_from_rpc(rpc_json(oracle_hash(oracle_header(PragueBlockHeader, 6)), 6))
    words = (
        (1_000_000).to_bytes(32) + (1_700_000_000).to_bytes(32) + keccak256(b"transactions") + keccak256(b"receipts")
    )
    assert leaf_of(header) == keccak256(words)
    assert leaf_of(header) == leaf(header.number, header.timestamp, header.transactions_root, header.receipts_root)
