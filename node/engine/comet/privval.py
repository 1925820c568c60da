"""What CometBFT asks of its remote signer, from and to the bytes inside the frames (proto/privval.proto).

Every field of what is to be signed is checked: what has no place in a vote of our networks raises WireError.
"""

from dataclasses import dataclass

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from bridge.codec.consensus import BlockId, Proposal, Vote, VoteType
from bridge.codec.errors import ConsensusError
from bridge.codec.types import Address, Hash32, PublicKey
from node.engine.errors import WireError
from node.engine.proto import privval_pb2 as pb
from node.engine.proto import types_pb2 as types
from node.engine.wire_values import key_message, time_ns_of, timestamp_message
from node.keys.signer import SignedVote

SECONDS_END = 1 << 33
"""Times of votes lie before it, in the year 2242, so that nanoseconds fit 63 bits."""
_VOTE_TYPES = {
    types.SIGNED_MSG_TYPE_PREVOTE: VoteType.PREVOTE,
    types.SIGNED_MSG_TYPE_PRECOMMIT: VoteType.PRECOMMIT,
}


def request_of(data: bytes) -> pb.Message:
    """A request. Raises WireError for bytes that are none."""
    try:
        message = pb.Message.FromString(data)
    except DecodeError as error:
        raise WireError(f"the node sends what is no message to a signer: {error}") from error
    kind = message.WhichOneof("sum")
    if kind is None or not kind.endswith("_request"):
        raise WireError(f"the node sends what is no request to a signer: {kind}")
    return message


@dataclass(frozen=True, slots=True)
class AskedVote:
    """A vote to sign, and the validator that it is of."""

    vote: Vote
    validator: Address


def vote_of(message: types.Vote) -> AskedVote:
    """The vote. Raises WireError."""
    if message.type not in _VOTE_TYPES:
        raise WireError(f"a vote has the type {message.type}")
    if message.extension or message.extension_signature:
        raise WireError("a vote has an extension, and our networks have none")
    if len(message.validator_address) != 20 or message.validator_index < 0:
        raise WireError("a vote names no validator")
    height, round_number = _place(message)
    block_id = message.block_id
    is_nil = not block_id.hash and not block_id.part_set_header.hash and not block_id.part_set_header.total
    vote = Vote(
        _VOTE_TYPES[message.type],
        height,
        round_number,
        None if is_nil else _block_id(block_id),
        _time_ns(message.timestamp),
    )
    return AskedVote(vote, Address(message.validator_address))


def proposal_of(message: types.Proposal) -> Proposal:
    """The proposal. Raises WireError."""
    if message.type != types.SIGNED_MSG_TYPE_PROPOSAL:
        raise WireError(f"a proposal has the type {message.type}")
    height, round_number = _place(message)
    if not -1 <= message.pol_round < round_number:
        raise WireError(f"a proposal of round {round_number} was locked in round {message.pol_round}")
    return Proposal(height, round_number, message.pol_round, _block_id(message.block_id), _time_ns(message.timestamp))


def key_answer(public_key: PublicKey) -> pb.Message:
    """Who votes from now on."""
    return pb.Message(pub_key_response=pb.PubKeyResponse(pub_key=key_message(public_key)))


def vote_answer(asked: types.Vote, signed: SignedVote) -> pb.Message:
    """The vote, signed."""
    answer = pb.Message()
    vote = answer.signed_vote_response.vote
    vote.CopyFrom(asked)
    vote.signature = signed.signature
    vote.timestamp.CopyFrom(timestamp_message(signed.time_ns))
    return answer


def proposal_answer(asked: types.Proposal, signed: SignedVote) -> pb.Message:
    """The proposal, signed."""
    answer = pb.Message()
    proposal = answer.signed_proposal_response.proposal
    proposal.CopyFrom(asked)
    proposal.signature = signed.signature
    proposal.timestamp.CopyFrom(timestamp_message(signed.time_ns))
    return answer


def refusal(request: pb.Message, text: str) -> pb.Message:
    """The answer of a signer that refuses; the node logs the text, and does not ask again."""
    error = pb.RemoteSignerError(description=text)
    match request.WhichOneof("sum"):
        case "pub_key_request":
            return pb.Message(pub_key_response=pb.PubKeyResponse(error=error))
        case "sign_vote_request":
            return pb.Message(signed_vote_response=pb.SignedVoteResponse(error=error))
        case _:
            return pb.Message(signed_proposal_response=pb.SignedProposalResponse(error=error))


def _place(message: types.Vote | types.Proposal) -> tuple[int, int]:
    if message.height < 1 or message.round < 0:
        raise WireError(f"nothing is signed at height {message.height}, round {message.round}")
    return message.height, message.round


def _block_id(message: types.BlockID) -> BlockId:
    parts = message.part_set_header
    try:
        return BlockId(Hash32(message.hash), parts.total, Hash32(parts.hash))
    except ConsensusError as error:
        raise WireError(str(error)) from error


def _time_ns(message: Timestamp) -> int:
    if not (0 <= message.seconds < SECONDS_END and 0 <= message.nanos < 1_000_000_000):
        raise WireError(f"{message.seconds} s and {message.nanos} ns are no time of a vote")
    return time_ns_of(message)
