"""The parts that ABCI messages share, from and to protobuf: `…_message` makes a message, `…_of` reads one.

All that can be malformed raises WireError.
"""

from enum import IntEnum
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from bridge.codec.consensus import BlockIdFlag
from bridge.codec.errors import SignatureError
from bridge.codec.secp256k1 import compressed, decompressed, is_on_curve
from bridge.codec.types import Address, Hash32, PublicKey
from node.app.abci import (
    CommitVote,
    Event,
    EventAttribute,
    ExecTxResult,
    Misbehavior,
    MisbehaviorType,
    Snapshot,
    ValidatorUpdate,
)
from node.engine.errors import WireError
from node.engine.proto import abci_pb2 as pb
from node.engine.proto.crypto_pb2 import ProofOp, ProofOps
from node.engine.proto.crypto_pb2 import PublicKey as WireKey
from node.engine.proto.types_pb2 import BlockIDFlag as WireFlag

PROOF_TYPE = "sidewarden:section"
"""Names our proof of a section under the app hash: the siblings' hashes, one after another."""

_NANOSECONDS = 1_000_000_000


def timestamp_message(time_ns: int) -> Timestamp:
    """Nanoseconds since 1970 as seconds and nanoseconds."""
    return Timestamp(seconds=time_ns // _NANOSECONDS, nanos=time_ns % _NANOSECONDS)


def time_ns_of(message: Timestamp) -> int:
    """Nanoseconds since 1970."""
    return message.seconds * _NANOSECONDS + message.nanos


def update_message(update: ValidatorUpdate) -> pb.ValidatorUpdate:
    """The update with its key compressed."""
    return pb.ValidatorUpdate(pub_key=key_message(update.public_key), power=update.power)


def key_message(public_key: PublicKey) -> WireKey:
    """A public key, compressed."""
    if not is_on_curve(public_key):
        raise WireError(f"the public key {public_key.hex()} is no point of the curve")
    return WireKey(secp256k1eth=compressed(public_key))


def update_of(message: pb.ValidatorUpdate) -> ValidatorUpdate:
    """The update with its key as X ‖ Y; keys of other kinds are refused."""
    try:
        public_key = decompressed(message.pub_key.secp256k1eth)
    except SignatureError as error:
        raise WireError(f"a validator's public key is no secp256k1eth key: {error}") from error
    return ValidatorUpdate(public_key, message.power)


def result_message(result: ExecTxResult) -> pb.ExecTxResult:
    """What became of a transaction."""
    return pb.ExecTxResult(
        code=result.code, codespace=result.codespace, log=result.log, events=map(event_message, result.events)
    )


def result_of(message: pb.ExecTxResult) -> ExecTxResult:
    """What became of a transaction."""
    return ExecTxResult(message.code, message.codespace, message.log, tuple(map(event_of, message.events)))


def event_message(event: Event) -> pb.Event:
    """The event, with every attribute marked for CometBFT's index."""
    attributes = (pb.EventAttribute(key=item.key, value=item.value, index=True) for item in event.attributes)
    return pb.Event(type=event.type, attributes=attributes)


def event_of(message: pb.Event) -> Event:
    """The event."""
    return Event(message.type, tuple(EventAttribute(item.key, item.value) for item in message.attributes))


def vote_message(vote: CommitVote) -> pb.VoteInfo:
    """A validator's entry in a commit."""
    validator = pb.Validator(address=vote.address, power=vote.power)
    return pb.VoteInfo(validator=validator, block_id_flag=WireFlag.Name(vote.flag))


def vote_of(message: pb.VoteInfo) -> CommitVote:
    """A validator's entry in a commit."""
    validator = message.validator
    flag = enum_member(BlockIdFlag, message.block_id_flag)
    return CommitVote(validator_address_of(validator.address), validator.power, flag)


def misbehavior_message(evidence: Misbehavior) -> pb.Misbehavior:
    """What a validator did wrong."""
    return pb.Misbehavior(
        type=pb.MisbehaviorType.Name(evidence.type),
        validator=pb.Validator(address=evidence.address, power=evidence.power),
        height=evidence.height,
        time=timestamp_message(evidence.time_ns),
        total_voting_power=evidence.total_power,
    )


def misbehavior_of(message: pb.Misbehavior) -> Misbehavior:
    """What a validator did wrong."""
    return Misbehavior(
        enum_member(MisbehaviorType, message.type),
        validator_address_of(message.validator.address),
        message.validator.power,
        message.height,
        time_ns_of(message.time),
        message.total_voting_power,
    )


def snapshot_message(snapshot: Snapshot) -> pb.Snapshot:
    """The snapshot's description."""
    return pb.Snapshot(
        height=snapshot.height,
        format=snapshot.format,
        chunks=snapshot.chunks,
        hash=snapshot.hash,
        metadata=snapshot.metadata,
    )


def snapshot_of(message: pb.Snapshot) -> Snapshot:
    """The snapshot's description."""
    return Snapshot(message.height, message.format, message.chunks, message.hash, message.metadata)


def proof_message(key: bytes, siblings: tuple[Hash32, ...]) -> ProofOps:
    """The proof of the section `key` as one operation; no siblings, no operation."""
    return ProofOps(ops=[ProofOp(type=PROOF_TYPE, key=key, data=b"".join(siblings))] if siblings else [])


def proof_of(message: ProofOps) -> tuple[Hash32, ...]:
    """The siblings of a proof."""
    data = b"".join(op.data for op in message.ops)
    if len(data) % 32:
        raise WireError(f"a proof of {len(data)} bytes is no list of hashes")
    return tuple(Hash32(data[start : start + 32]) for start in range(0, len(data), 32))


def validator_address_of(data: bytes) -> Address:
    """An engine validator's address."""
    if len(data) != 20:
        raise WireError(f"an address has 20 bytes, not {len(data)}")
    return Address(data)


def app_hash_of(data: bytes) -> Hash32:
    """The app hash in an answer of our application."""
    if len(data) != 32:
        raise WireError(f"an app hash of ours has 32 bytes, not {len(data)}")
    return Hash32(data)


_Enum = TypeVar("_Enum", bound=IntEnum)


def enum_member(kind: type[_Enum], value: int) -> _Enum:
    """The member with that number; protobuf lets any number through."""
    try:
        return kind(value)
    except ValueError as error:
        raise WireError(f"{value} is no {kind.__name__}") from error
