"""What CometBFT's validators sign: the canonical bytes of votes and proposals, and the form of their signatures.

The signed digest is keccak256 of the length-delimited message (key type secp256k1eth). What is not in the bytes (a
vote's validator, its extension) is not signed. Formats: CanonicalVote and CanonicalProposal of CometBFT v0.40.0.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NewType

from bridge.codec import secp256k1
from bridge.codec.errors import ConsensusError, SignatureError
from bridge.codec.hash import keccak256
from bridge.codec.protobuf import (
    bytes_field,
    delimited,
    message_field,
    sfixed64_field,
    string_field,
    timestamp,
    varint_field,
)
from bridge.codec.types import Address, Hash32, Signature

EngineSignature = NewType("EngineSignature", bytes)
"""65 bytes r ‖ s ‖ v with low s and v 0 or 1, as the engine has them; a contract wants v 27 or 28."""

_V_OFFSET = 27


class VoteType(IntEnum):
    """What is signed (SignedMsgType)."""

    PREVOTE = 1
    PRECOMMIT = 2
    PROPOSAL = 32


class BlockIdFlag(IntEnum):
    """What a validator's entry in a commit says."""

    ABSENT = 1
    COMMIT = 2
    """It signed for the block."""
    NIL = 3
    """It signed for no block."""


@dataclass(frozen=True, slots=True)
class BlockId:
    """A block: its header's hash, and the root over the parts in which it is sent."""

    hash: Hash32
    parts_total: int
    parts_hash: Hash32

    def __post_init__(self) -> None:
        """Refuse what is no block: there is no half of a BlockId, and nil is None. Raises ConsensusError."""
        if len(self.hash) != 32 or len(self.parts_hash) != 32 or not 0 < self.parts_total < 1 << 32:
            raise ConsensusError("a block id is two hashes of 32 bytes and a number of parts from 1")


@dataclass(frozen=True, slots=True)
class Vote:
    """A prevote or precommit for a block, or for none (nil)."""

    type: VoteType
    height: int
    round: int
    block_id: BlockId | None
    time_ns: int
    """Nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposer's block for a round; `pol_round` is the round that locked it, or -1."""

    height: int
    round: int
    pol_round: int
    block_id: BlockId
    time_ns: int
    """Nanoseconds since 1970."""


def vote_sign_bytes(vote: Vote, chain_id: str) -> bytes:
    """What is hashed and signed for a vote, for some 100 bytes; two of a validator differ in their time at most."""
    return delimited(
        varint_field(1, vote.type)
        + sfixed64_field(2, vote.height)
        + sfixed64_field(3, vote.round)
        + (b"" if vote.block_id is None else message_field(4, block_id_bytes(vote.block_id)))
        + message_field(5, timestamp(vote.time_ns))
        + string_field(6, chain_id)
    )


def proposal_sign_bytes(proposal: Proposal, chain_id: str) -> bytes:
    """What is hashed and signed for a proposal."""
    return delimited(
        varint_field(1, VoteType.PROPOSAL)
        + sfixed64_field(2, proposal.height)
        + sfixed64_field(3, proposal.round)
        + varint_field(4, proposal.pol_round)
        + message_field(5, block_id_bytes(proposal.block_id))
        + message_field(6, timestamp(proposal.time_ns))
        + string_field(7, chain_id)
    )


def block_id_bytes(block_id: BlockId | None) -> bytes:
    """A BlockID message: hash, and the parts' number and hash; of nil only the empty parts are written."""
    if block_id is None:
        return message_field(2, b"")
    parts = varint_field(1, block_id.parts_total) + bytes_field(2, block_id.parts_hash)
    return bytes_field(1, block_id.hash) + message_field(2, parts)


def sign_digest(sign_bytes: bytes) -> Hash32:
    """The digest that a validator's key signs."""
    return keccak256(sign_bytes)


def to_engine(signature: Signature) -> EngineSignature:
    """The engine's form of a signature."""
    return EngineSignature(signature[:64] + bytes((signature[64] - _V_OFFSET,)))


def recover_signer(sign_bytes: bytes, signature: bytes) -> Address:
    """The address whose key signed these bytes. Raises SignatureError if the signature is not in the engine's form."""
    if len(signature) != 65 or signature[64] > 1:
        raise SignatureError("an engine's signature is 65 bytes r ‖ s ‖ v with low s and v 0 or 1")
    ethereum_form = Signature(signature[:64] + bytes((signature[64] + _V_OFFSET,)))
    return secp256k1.recover_address(sign_digest(sign_bytes), ethereum_form)
