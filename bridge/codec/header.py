"""Block headers of every Ethereum fork up to Prague, hashed from their fields, and a block's leaf in a checkpoint.

A header is RLP of 15 fields, to which forks have appended: London the base fee (16), Shanghai the withdrawals root
(17), Cancun two blob fields and the parent beacon root (20), Prague the requests hash (21). Chains adopted some of
these without the others, and RPC endpoints report fields that the hash does not cover; so the set of fields is found
by trying which one gives the hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from struct import Struct

from bridge.codec import rlp
from bridge.codec.errors import HeaderError, HeaderFormatUnknownError, HexError
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex, from_quantity, to_hex
from bridge.codec.receipts import BLOOM_BYTES
from bridge.codec.types import Address, BlockNumber, Hash32, UnixSeconds, Wei

EXTRA_DATA_BYTES_MAX = 1024 * 1024
"""Bor writes its validator set and transaction dependencies into extraData, far beyond Ethereum's 32 bytes."""

_pack_leaf = Struct(">24xQ24xQ32s32s").pack
"""Two integers as 32 big-endian bytes each, then two hashes, in one call, because a follower hashes every block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A block header; `hash` is always the hash of these very fields.

    The last six are None where the header's form does not have them.
    """

    parent_hash: Hash32
    uncles_hash: Hash32
    beneficiary: Address
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    difficulty: int
    number: BlockNumber
    gas_limit: int
    gas_used: int
    timestamp: UnixSeconds
    extra_data: bytes
    mix_hash: Hash32
    nonce: bytes
    base_fee_per_gas_wei: Wei | None = None
    withdrawals_root: Hash32 | None = None
    blob_gas_used: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: Hash32 | None = None
    requests_hash: Hash32 | None = None
    hash: Hash32 = field(init=False)

    def __post_init__(self) -> None:
        """Compute the hash."""
        object.__setattr__(self, "hash", keccak256(encode_header(self)))


def encode_header(header: Header) -> bytes:
    """The header's RLP. A missing field before a present one is the empty string, as geth encodes optional fields."""
    items: list[rlp.RlpItem] = [
        header.parent_hash,
        header.uncles_hash,
        header.beneficiary,
        header.state_root,
        header.transactions_root,
        header.receipts_root,
        header.logs_bloom,
        rlp.uint(header.difficulty),
        rlp.uint(header.number),
        rlp.uint(header.gas_limit),
        rlp.uint(header.gas_used),
        rlp.uint(header.timestamp),
        header.extra_data,
        header.mix_hash,
        header.nonce,
    ]
    absent = 0
    for value in _tail(header):
        if value is None:
            absent += 1
            continue
        items.extend([b""] * absent)
        items.append(rlp.uint(value) if isinstance(value, int) else value)
        absent = 0
    return rlp.encode(items)


def header_hash(header: Header) -> Hash32:
    """The block hash: keccak256 of the header's RLP."""
    return header.hash


def header_from_rpc(fields: Mapping[str, object]) -> Header:
    """The header of an RPC's JSON block, whose `hash` its fields reproduce.

    Raises HeaderError for a field that is missing or of the wrong type, size or range, and HeaderFormatUnknownError if
    no set of fields known here gives the hash: a new fork, another kind of chain, or an endpoint that lies.
    """
    block_hash = _hash(fields, "hash")
    header: Header | None = _header_as_reported(fields)
    while header is not None:
        if header.hash == block_hash:
            return header
        header = _without_last_tail_field(header)
    raise HeaderFormatUnknownError(f"no known set of header fields reproduces block hash {to_hex(block_hash)}")


def leaf(number: int, timestamp: int, transactions_root: Hash32, receipts_root: Hash32) -> Hash32:
    """A block's leaf in the checkpoint tree: keccak256(number32 ‖ time32 ‖ transactionsRoot ‖ receiptsRoot)."""
    return keccak256(_pack_leaf(number, timestamp, transactions_root, receipts_root))


def leaf_of(header: Header) -> Hash32:
    """The header's leaf in the checkpoint tree."""
    return leaf(header.number, header.timestamp, header.transactions_root, header.receipts_root)


def _tail(header: Header) -> tuple[int | bytes | None, ...]:
    return (
        header.base_fee_per_gas_wei,
        header.withdrawals_root,
        header.blob_gas_used,
        header.excess_blob_gas,
        header.parent_beacon_block_root,
        header.requests_hash,
    )


def _without_last_tail_field(header: Header) -> Header | None:
    """The header one field shorter, or None when only the first 15 are left."""
    if header.requests_hash is not None:
        return replace(header, requests_hash=None)
    if header.parent_beacon_block_root is not None:
        return replace(header, parent_beacon_block_root=None)
    if header.excess_blob_gas is not None:
        return replace(header, excess_blob_gas=None)
    if header.blob_gas_used is not None:
        return replace(header, blob_gas_used=None)
    if header.withdrawals_root is not None:
        return replace(header, withdrawals_root=None)
    if header.base_fee_per_gas_wei is not None:
        return replace(header, base_fee_per_gas_wei=None)
    return None


def _header_as_reported(fields: Mapping[str, object]) -> Header:
    extra_data = _bytes(fields, "extraData")
    if len(extra_data) > EXTRA_DATA_BYTES_MAX:
        raise HeaderError(f"block header: extraData of {len(extra_data)} bytes is over {EXTRA_DATA_BYTES_MAX}")
    base_fee = _optional_uint(fields, "baseFeePerGas", 256)
    return Header(
        parent_hash=_hash(fields, "parentHash"),
        uncles_hash=_hash(fields, "sha3Uncles"),
        beneficiary=Address(_bytes(fields, "miner", 20)),
        state_root=_hash(fields, "stateRoot"),
        transactions_root=_hash(fields, "transactionsRoot"),
        receipts_root=_hash(fields, "receiptsRoot"),
        logs_bloom=_bytes(fields, "logsBloom", BLOOM_BYTES),
        difficulty=_uint(fields, "difficulty", 256),
        number=BlockNumber(_uint(fields, "number")),
        gas_limit=_uint(fields, "gasLimit"),
        gas_used=_uint(fields, "gasUsed"),
        timestamp=UnixSeconds(_uint(fields, "timestamp")),
        extra_data=extra_data,
        mix_hash=_hash(fields, "mixHash"),
        nonce=_bytes(fields, "nonce", 8),
        base_fee_per_gas_wei=None if base_fee is None else Wei(base_fee),
        withdrawals_root=_optional_hash(fields, "withdrawalsRoot"),
        blob_gas_used=_optional_uint(fields, "blobGasUsed"),
        excess_blob_gas=_optional_uint(fields, "excessBlobGas"),
        parent_beacon_block_root=_optional_hash(fields, "parentBeaconBlockRoot"),
        requests_hash=_optional_hash(fields, "requestsHash"),
    )


def _bytes(fields: Mapping[str, object], name: str, length: int | None = None) -> bytes:
    try:
        return from_hex(fields[name], length)
    except KeyError:
        raise HeaderError(f"block header: field {name} is missing") from None
    except HexError as error:
        raise HeaderError(f"block header: {name}: {error}") from error


def _hash(fields: Mapping[str, object], name: str) -> Hash32:
    return Hash32(_bytes(fields, name, 32))


def _uint(fields: Mapping[str, object], name: str, limit_bits: int = 64) -> int:
    try:
        return from_quantity(fields[name], limit_bits)
    except KeyError:
        raise HeaderError(f"block header: field {name} is missing") from None
    except HexError as error:
        raise HeaderError(f"block header: {name}: {error}") from error


def _optional_hash(fields: Mapping[str, object], name: str) -> Hash32 | None:
    return None if fields.get(name) is None else _hash(fields, name)


def _optional_uint(fields: Mapping[str, object], name: str, limit_bits: int = 64) -> int | None:
    return None if fields.get(name) is None else _uint(fields, name, limit_bits)
