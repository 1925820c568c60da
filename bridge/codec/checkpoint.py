"""What validators sign about a range of side-chain blocks, and the call that brings it to a RootChain contract.

Two forms of the signed data (docs/protocol.md P6):

- polygon: six ABI words; signed is keccak256(0x01 ‖ data). For contracts that we cannot change; it binds neither a
  contract nor a deadline.
- bound: eight ABI words; signed is an EIP-712 digest whose domain is the root chain's id and the RootChain's address.

Both go into `submitCheckpoint(bytes data, uint256[3][] signatures)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from bridge.codec import eip712
from bridge.codec.abi import selector
from bridge.codec.errors import CheckpointError
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, Signature, UnixSeconds

HEADER_ID_STEP = 10_000
"""Checkpoint n has the header id n × 10,000."""
POLYGON_DATA_BYTES = 192
BOUND_DATA_BYTES = 256
SIGNATURES_MAX = 1_024
"""Most signatures that a decoder takes; Polygon has some 105 validators."""

_YES_VOTE = b"\x01"
_BOUND_TYPE = (
    "Checkpoint(address proposer,uint256 start,uint256 end,bytes32 rootHash,bytes32 accountRootHash,"
    "uint256 sideChainId,uint256 headerId,uint256 validUntil)"
)
_SUBMIT_SELECTOR = selector("submitCheckpoint(bytes,uint256[3][])")


class DataForm(IntEnum):
    """Which of the two forms a RootChain takes, by the number that its constructor has for it."""

    POLYGON = 0
    BOUND = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A range of side-chain blocks, both ends included, and its root."""

    proposer: Address
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    account_root_hash: Hash32
    side_chain_id: ChainId


@dataclass(frozen=True, slots=True)
class CheckpointBinding:
    """What ties a bound checkpoint to one contract, one place in its list and one deadline."""

    root_chain_id: ChainId
    root_chain_address: Address
    header_id: int
    valid_until: UnixSeconds


@dataclass(frozen=True, slots=True)
class BoundData:
    """What 256 bytes of bound data say; the domain is not among them."""

    checkpoint: Checkpoint
    header_id: int
    valid_until: UnixSeconds


@dataclass(frozen=True, slots=True)
class SignedBy:
    """A signature and the signer that it is known to recover to."""

    signer: Address
    signature: Signature


@dataclass(frozen=True, slots=True)
class CheckpointSubmission:
    """The arguments of a submitCheckpoint call."""

    data: bytes
    signatures: tuple[Signature, ...]


def polygon_data(checkpoint: Checkpoint) -> bytes:
    """The 192 bytes of the polygon form: abi.encode of the six fields."""
    return b"".join(
        (
            checkpoint.proposer.rjust(32, b"\x00"),
            _word(checkpoint.start),
            _word(checkpoint.end),
            checkpoint.root_hash,
            checkpoint.account_root_hash,
            _word(checkpoint.side_chain_id),
        )
    )


def polygon_digest(checkpoint: Checkpoint) -> Hash32:
    """What is signed in the polygon form."""
    return keccak256(_YES_VOTE + polygon_data(checkpoint))


def bound_data(checkpoint: Checkpoint, binding: CheckpointBinding) -> bytes:
    """The 256 bytes of the bound form: the six words, header id and deadline."""
    return polygon_data(checkpoint) + _word(binding.header_id) + _word(binding.valid_until)


def bound_digest(checkpoint: Checkpoint, binding: CheckpointBinding) -> Hash32:
    """What is signed in the bound form."""
    domain = eip712.domain_separator(chain_id=binding.root_chain_id, verifying_contract=binding.root_chain_address)
    values = (
        checkpoint.proposer,
        checkpoint.start,
        checkpoint.end,
        checkpoint.root_hash,
        checkpoint.account_root_hash,
        checkpoint.side_chain_id,
        binding.header_id,
        binding.valid_until,
    )
    return eip712.typed_digest(domain, eip712.struct_hash(_BOUND_TYPE, values))


def decode_polygon_data(data: bytes) -> Checkpoint:
    """The checkpoint of exactly 192 bytes. Raises CheckpointError.

    Polygon's own RootChain takes longer data and ignores the tail; we do not.
    """
    if len(data) != POLYGON_DATA_BYTES:
        raise CheckpointError(f"checkpoint data has {len(data)} bytes, not {POLYGON_DATA_BYTES}")
    if any(data[:12]):
        raise CheckpointError("checkpoint data: the proposer's word is not an address")
    return Checkpoint(
        proposer=Address(data[12:32]),
        start=BlockNumber(_uint64(data[32:64], "start")),
        end=BlockNumber(_uint64(data[64:96], "end")),
        root_hash=Hash32(data[96:128]),
        account_root_hash=Hash32(data[128:160]),
        side_chain_id=ChainId(_uint64(data[160:192], "side chain id")),
    )


def decode_bound_data(data: bytes) -> BoundData:
    """The content of exactly 256 bytes. Raises CheckpointError."""
    if len(data) != BOUND_DATA_BYTES:
        raise CheckpointError(f"bound checkpoint data has {len(data)} bytes, not {BOUND_DATA_BYTES}")
    return BoundData(
        checkpoint=decode_polygon_data(data[:POLYGON_DATA_BYTES]),
        header_id=_uint64(data[192:224], "header id"),
        valid_until=UnixSeconds(_uint64(data[224:256], "deadline")),
    )


def submit_calldata(data: bytes, signatures: Sequence[SignedBy]) -> bytes:
    """Calldata of submitCheckpoint(data, signatures).

    Raises CheckpointError unless the signers ascend strictly: Polygon's contract stops counting at the first that does
    not.
    """
    signers = [signed.signer for signed in signatures]
    if any(later <= earlier for earlier, later in pairwise(signers)):
        raise CheckpointError("signatures must be in strictly ascending order of their signers")
    return _encode_submission(data, [signed.signature for signed in signatures])


def decode_submit_calldata(calldata: bytes) -> CheckpointSubmission:
    """Data and signatures of a submitCheckpoint call in its canonical encoding. Raises CheckpointError."""
    if calldata[:4] != _SUBMIT_SELECTOR or len(calldata) < 4 + 3 * 32:
        raise CheckpointError("not a call of submitCheckpoint(bytes,uint256[3][])")
    body = calldata[4:]
    signatures_at = _uint64(body[32:64], "offset of signatures")
    data = body[96 : 96 + _uint64(body[64:96], "length of data")]
    count = _uint64(body[signatures_at : signatures_at + 32], "number of signatures")
    if count > SIGNATURES_MAX:
        raise CheckpointError(f"{count} signatures are over the limit of {SIGNATURES_MAX}")
    first = signatures_at + 32
    triples = [body[at : at + 96] for at in range(first, first + 96 * count, 96)]
    signatures = tuple(Signature(triple[:64] + triple[95:]) for triple in triples)
    # Whatever was out of place, cut short, padded or too long above, does not encode to the same bytes again.
    if _encode_submission(data, signatures) != calldata:
        raise CheckpointError("submitCheckpoint calldata is not in its canonical encoding")
    return CheckpointSubmission(data, signatures)


def _encode_submission(data: bytes, signatures: Sequence[Signature]) -> bytes:
    padded = data + bytes(-len(data) % 32)
    parts = [_SUBMIT_SELECTOR, _word(64), _word(96 + len(padded)), _word(len(data)), padded, _word(len(signatures))]
    for signature in signatures:
        parts.append(signature[:64])
        parts.append(signature[64:].rjust(32, b"\x00"))
    return b"".join(parts)


def _word(value: int) -> bytes:
    return value.to_bytes(32)


def _uint64(word: bytes, name: str) -> int:
    value = int.from_bytes(word)
    if value >> 64:
        raise CheckpointError(f"checkpoint: {name} does not fit in 64 bits")
    return value
