"""The write-ahead log of a CometBFT node: every vote that it made or heard, also those that no block shows.

v0.40.0 writes files `cs.wal/wal`, `wal.000` and so on, of records: CRC-32C and length, each 4 bytes big-endian, then
`TimedWALMessage{2 msg: WALMessage{2 msg_info: MsgInfo{1 msg: Message{6 vote: Vote{1 vote}}}}}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from node.engine.proto.types_pb2 import Vote

_HEADER_BYTES = 8
_TO_VOTE = (2, 2, 1, 6, 1)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class VoteSlot:
    """Where a validator may sign one vote."""

    validator: bytes
    height: int
    round: int
    type: int


@dataclass(frozen=True, slots=True)
class VoteSeen:
    """A vote that came with a signature."""

    slot: VoteSlot
    block_hash: bytes
    signature: bytes


def votes_in(data_directory: Path) -> Iterator[VoteSeen]:
    """All votes in the logs of a node's data directory."""
    for path in sorted((data_directory / "cs.wal").glob("wal*")):
        log = path.read_bytes()
        at = 0
        while at + _HEADER_BYTES <= len(log):
            end = at + _HEADER_BYTES + int.from_bytes(log[at + 4 : at + _HEADER_BYTES])
            try:
                messages = tuple(_fields(log[at + _HEADER_BYTES : end], _TO_VOTE))
                votes = tuple(map(Vote.FromString, messages))
            except (IndexError, DecodeError):
                break  # where the disk was full; what follows was heard by others, too
            for vote in votes:
                slot = VoteSlot(vote.validator_address, vote.height, vote.round, vote.type)
                yield VoteSeen(slot, vote.block_id.hash, vote.signature)
            at = end


def _fields(message: bytes, path: tuple[int, ...]) -> Iterator[bytes]:
    """The bytes of the fields of that path of numbers."""
    if not path:
        yield message
        return
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
        if kind == _BYTES:
            length, at = _varint(message, at)
        if tag >> 3 == path[0] and kind == _BYTES:
            yield from _fields(message[at : at + length], path[1:])
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
